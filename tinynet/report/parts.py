"""A page that needs no other file, and its parts: tables, pictures, bars."""
import base64
import io
from html import escape
from pathlib import Path
from string import Template

from PIL import Image

from ..plots import small_jpeg

FRAME = Path(__file__).with_name("frame.html")


class Html(str):
    """Text that is HTML already."""


def page(title, body):
    """Return a page, with the looks of every page here: UTF-8, what cannot be written in it replaced.

    Parameters
    ----------
    title : str
    body : str
        HTML.

    Returns
    -------
    contents : bytes
    """
    html = Template(FRAME.read_text(encoding="utf-8")).substitute(title=escape(title), body=body)
    return html.encode("utf-8", "replace")


def table(head, rows):
    """Return an HTML table. The first cell of a row is its heading; texts are escaped.

    Parameters
    ----------
    head : list of str
    rows : iterable of sequence
        Cells: text or numbers, `Html`, or None for what is not set.

    Returns
    -------
    html : str
    """
    html = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    html = f"<thead><tr>{html}</tr></thead><tbody>"
    for first, *rest in rows:
        cells = "".join(f"<td>{_cell(value)}</td>" for value in rest)
        html += f'<tr><th scope="row">{_cell(first)}</th>{cells}</tr>'
    return f'<div class="scroll"><table>{html}</tbody></table></div>'


def _cell(value):
    return value if isinstance(value, Html) else escape("not set" if value is None else str(value))


def percent(share):
    """Return a share of 1, or None, as text.

    Parameters
    ----------
    share : float or None

    Returns
    -------
    text : str
    """
    return "–" if share is None else f"{share:.1%}"


def bar(share):
    """Return a bar that is filled to a share of 1.

    Parameters
    ----------
    share : float

    Returns
    -------
    html : Html
    """
    return Html(f'<span class="bar"><span style="width:{share:.1%}"></span></span>')


def photo(image, title):
    """Return a picture, shrunk to at most 240 pixels a side.

    Parameters
    ----------
    image : ndarray, uint8 (H, W, 3)
    title : str

    Returns
    -------
    html : str
    """
    return f'<img src="{_data_url("jpeg", small_jpeg(image))}" alt="{escape(title)}" title="{escape(title)}">'


def plot(png, description):
    """Return a figure that shrinks with the window while it can be read; below that, its box scrolls.

    Parameters
    ----------
    png : bytes
    description : str
        For who cannot see it.

    Returns
    -------
    html : str
    """
    width = Image.open(io.BytesIO(png)).width
    size = f"width:{0.8 * width:.0f}px;min-width:{0.55 * width:.0f}px"
    return (f'<div class="scroll"><img class="plot" style="{size}" src="{_data_url("png", png)}" '
            f'alt="{escape(description)}"></div>')


def _data_url(kind, contents):
    return f"data:image/{kind};base64,{base64.b64encode(contents).decode()}"
