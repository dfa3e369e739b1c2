"""Text from outside in a figure: any script, dollar signs, and names longer than their place."""
import functools
from bisect import bisect_right

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.textpath import text_to_path

# Which of these a system has depends on it; they draw what DejaVu Sans, which comes with matplotlib, cannot.
ASIAN_FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo",
               "Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "Arial Unicode MS")


@functools.cache
def _families():
    """Return the installed font families to draw names with, in order of preference."""
    installed = {font.name for font in fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in ASIAN_FONTS if name in installed)]


@functools.cache
def _drawable():
    """Return the code points that these families can draw."""
    return frozenset().union(*(get_font(findfont(name)).get_charmap() for name in _families()))


def text_font(size, weight="normal"):
    """Return how to draw text that came from outside, which may hold dollar signs and any script.

    Parameters
    ----------
    size : float
        In points.
    weight : {"normal", "bold"}

    Returns
    -------
    style : dict
        Keyword arguments of matplotlib's text functions.
    """
    return {"fontfamily": _families(), "fontsize": size, "fontweight": weight, "parse_math": False}


def text_width(text, size, weight="normal"):
    """Return the width of a line of text.

    Parameters
    ----------
    text : str
    size : float
        In points.
    weight : {"normal", "bold"}

    Returns
    -------
    width : float
        In points.
    """
    font = FontProperties(family=_families(), size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]


def fit_text(text, width, size, weight="normal"):
    """Return text on one line, shortened in its middle until it fits.

    Parameters
    ----------
    text : object
        Its ``str``. What no font here can draw becomes a box.
    width : float
        The most it may take, in points.
    size : float
        In points.
    weight : {"normal", "bold"}

    Returns
    -------
    line : str
    """
    text = "".join(c if ord(c) in _drawable() else "\u25a1" for c in " ".join(str(text).split()))

    def shortened(n):
        return text[:n - n // 2] + "\u2026" + text[len(text) - n // 2:]

    def width_of(n):
        return text_width(shortened(n), size, weight)

    if text_width(text, size, weight) <= width:
        return text
    return shortened(bisect_right(range(1, len(text)), width, key=width_of))
