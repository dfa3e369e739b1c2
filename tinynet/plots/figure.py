"""What every figure shares: the sheet it is drawn on, its file, and colours that all can tell apart."""
import io

from matplotlib import figure as mpl
from PIL import Image

# M. Okabe and K. Ito, "Color Universal Design", 2008: colours that every kind of colour vision tells apart.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
GREY = "#595959"

LINES = (           # (colour, line style, marker) of the first, second ... line in a plot
    (BLUE, "-", "o"), (VERMILLION, "--", "s"), (GREEN, "-.", "^"), (BLACK, ":", "D"),
    (PURPLE, (0, (5, 1, 1, 1, 1, 1)), "v"), (ORANGE, (0, (8, 2)), "P"), (SKY, (0, (3, 3)), "X"),
)


class Figure(mpl.Figure):
    """A matplotlib figure that a notebook shows as the last line of a cell, without pyplot.

    ``figure.savefig(path)`` writes it to a file; `png` gives the bytes of that file.
    """

    def _repr_png_(self):
        return png(self)


def png(figure):
    """Return a figure as a PNG file, the same bytes for the same figure.

    Parameters
    ----------
    figure : Figure
        Any matplotlib figure.

    Returns
    -------
    data : bytes
        The file's contents.
    """
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})     # would name matplotlib's version
    return file.getvalue()


def small_jpeg(image, side=240):
    """Return a picture as a JPEG file, shrunk.

    Parameters
    ----------
    image : ndarray, uint8 (H, W, 3)
    side : int
        The longer side at most, in pixels.

    Returns
    -------
    data : bytes
        The file's contents.
    """
    small, file = Image.fromarray(image), io.BytesIO()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    small.save(file, "JPEG", quality=82)
    return file.getvalue()


def tidy(axes):
    """Leave of the frame what the eye needs.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Changed in place.
    """
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e0e0e0", lw=0.6)
    axes.set_axisbelow(True)
