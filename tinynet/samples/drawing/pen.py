"""A pen that draws in local coordinates on a Pillow canvas, and the light that falls on the picture."""
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE = 256          # pixels, width and height of a finished picture
CANVAS = 2 * SIZE   # it is drawn twice as large and averaged over 2 x 2 pixels, which smooths the edges
POINTS = 25         # along a curve


@dataclass(frozen=True)
class Pen:
    """A place to draw at: points p (n, 2), x right and y down, land on the pixels ``p @ matrix + origin``.

    Colours are (r, g, b) or, to let what is below shine through, (r, g, b, alpha), all 0..255.
    """

    inks: dict          # number of channels of a colour -> ImageDraw that takes it
    matrix: np.ndarray  # (2, 2)
    origin: np.ndarray  # (2,)

    def at(self, x, y, rx=1.0, ry=None, turn=0.0):
        """A pen with its centre at (x, y), units rx and ry long, turned clockwise by `turn` radians."""
        ry = rx if ry is None else ry
        cos, sin = np.cos(turn), np.sin(turn)
        local = np.array([[rx * cos, rx * sin], [-ry * sin, ry * cos]])
        return Pen(self.inks, local @ self.matrix, np.array([x, y]) @ self.matrix + self.origin)

    def polygon(self, points, colour):
        """Fill the polygon with these corners (n, 2)."""
        corners = np.asarray(points) @ self.matrix + self.origin
        self.inks[len(colour)].polygon(corners.ravel().tolist(), fill=colour)

    def box(self, left, top, right, bottom, colour):
        """Fill a box."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def disc(self, colour, radius=1.0):
        """Fill a disc around the centre, an ellipse on the picture where rx and ry differ."""
        self.polygon(radius * circle(40), colour)

    def tufts(self, colour, length, rng, radius=1.0):
        """Fill a disc with a ragged edge: tufts of hair up to `length` over the radius, hanging a little."""
        points = radius * circle(90)
        hair = length * rng.uniform(0.2, 1.0, (30, 1))
        points[::3] = points[::3] * (1 + hair) + hair * (0.0, 0.4)
        self.polygon(points, colour)

    def ribbon(self, path, widths, colour, ragged=0.0):
        """Fill a band along a curve, the Bezier curve with control points `path` (k, 2).

        Half its width runs through `widths`; `ragged` is how much of it every other point stands out.
        """
        middle = bernstein(len(path)) @ path                                # (POINTS, 2)
        along = bernstein_slope(len(path)) @ path
        across = along[:, ::-1] * (-1, 1) / (np.hypot(*along.T)[:, None] + 1e-9)
        places = np.linspace(0, POINTS - 1, len(widths))
        across *= np.interp(np.arange(POINTS), places, widths)[:, None]
        across[1::2] *= 1 + ragged
        self.polygon(np.concatenate([middle + across, (middle - across)[::-1]]), colour)

    def strokes(self, starts, steps, colours, width=2):
        """Draw strokes `width` pixels wide from `starts` by `steps`, both (n, 2), colours in turn."""
        starts, steps = np.broadcast_arrays(starts, steps)
        ends = np.stack([starts, starts + steps], axis=1) @ self.matrix + self.origin   # (n, 2, 2)
        for k, line in enumerate(ends.reshape(-1, 4).tolist()):
            self.inks[3].line(line, fill=colours[k % len(colours)], width=width)


def blank():
    """A new canvas, and a pen whose unit square is the whole of it: (Image, Pen)."""
    image = Image.new("RGB", (CANVAS, CANVAS))
    inks = {3: ImageDraw.Draw(image, "RGB"), 4: ImageDraw.Draw(image, "RGBA")}
    return image, Pen(inks, CANVAS * np.eye(2), np.zeros(2))


@cache
def circle(n):
    """n points around the unit circle, (n, 2)."""
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


@cache
def bernstein(k):
    """The matrix (POINTS, k) that takes the k control points of a Bezier curve to points along it."""
    t = np.linspace(0, 1, POINTS)[:, None]
    basis = np.ones((POINTS, 1))
    for _ in range(k - 1):      # de Casteljau: a curve of degree d is a blend of two of degree d - 1
        left, right = np.pad(basis, [(0, 0), (0, 1)]), np.pad(basis, [(0, 0), (1, 0)])
        basis = (1 - t) * left + t * right
    return basis


@cache
def bernstein_slope(k):
    """The matrix (POINTS, k) that takes the k control points to the curve's direction at those points."""
    return np.gradient(bernstein(k), axis=0)


def scattered(rng, n):
    """n points spread evenly over the unit disc, (n, 2)."""
    angle, radius = rng.uniform(0, 2 * np.pi, n), np.sqrt(rng.random(n))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def shade(colour, factor):
    """`colour` made darker (factor < 1) or lighter (factor > 1)."""
    return tuple(min(255, int(c * factor)) for c in colour)


def vary(colour, rng, amount=18):
    """`colour` with each channel moved at random by up to `amount`."""
    return tuple(int(min(255, max(0, c))) for c in np.add(colour, rng.uniform(-amount, amount, 3)))


@cache
def position():
    """Horizontal and vertical position of every pixel of a picture, -1 .. 1: two of (SIZE, SIZE)."""
    across = np.linspace(-1, 1, SIZE, dtype=np.float32)
    return np.meshgrid(across, across)


def develop(image, rng):
    """Turn a canvas into a photograph: shrunk, blurred, lit, tinted and grainy, uint8 (SIZE, SIZE, 3)."""
    image = image.reduce(CANVAS // SIZE)
    if rng.random() < 0.4:
        image = image.filter(ImageFilter.BoxBlur(rng.uniform(0.2, 0.7)))
    x, y = position()
    slope_x, slope_y, vignette = rng.uniform((-0.2, -0.2, 0.0), (0.2, 0.2, 0.2)).astype(np.float32)
    light = 1 + slope_x * x + slope_y * y - vignette * (x * x + y * y)                # (SIZE, SIZE)
    tint = (rng.uniform(0.8, 1.15) * rng.uniform(0.9, 1.1, 3)).astype(np.float32)  # red, green, blue
    picture = np.asarray(image) * (light[:, :, None] * tint)
    picture += rng.integers(-6, 7, (SIZE, SIZE, 1), dtype=np.int8)
    return np.clip(picture, 0, 255, out=picture).astype(np.uint8)
