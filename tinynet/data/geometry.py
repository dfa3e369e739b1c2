"""Distortions of where things are. Pillow reads between the pixels. Taught in lesson 14."""
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from .distortion import Distortion, mean_colour

BILINEAR = Image.Resampling.BILINEAR
CELLS, WAVES = 16, 3        # of Warp: cells of its mesh across a side, and half waves


@dataclass(frozen=True)
class Mirror(Distortion):
    """Left becomes right. Text and road signs change their meaning.

    Attributes
    ----------
    p : float
        How often, 0 to 1.
    """

    p: float = 0.5
    ranges = {"p": (0, 1)}

    def distort(self, image, rng):
        """Return a distorted copy."""
        return image[:, ::-1].copy() if rng.random() < self.p else image.copy()


@dataclass(frozen=True)
class Crop(Distortion):
    """A part of the picture, anywhere in it, scaled to the size of the whole: what is seen is larger and stretched.

    Attributes
    ----------
    area : float
        The smallest share of the picture's area, 0.05 to 1; the share is drawn evenly from there to 1. Small
        parts may show nothing of what the label says.
    aspect : float
        Objects get up to so many times as wide for their height, or as high for their width, 1 to 2. It gives way where
        the part would not fit into the picture.
    """

    area: float = 0.5
    aspect: float = 4 / 3
    ranges = {"area": (0.05, 1), "aspect": (1, 2)}

    def distort(self, image, rng):
        """Return a distorted copy."""
        height, width = image.shape[:2]
        share, stretch = rng.uniform(self.area, 1), self.aspect ** rng.uniform(-1, 1)
        w, h = width * min(1, math.sqrt(share / stretch)), height * min(1, math.sqrt(share * stretch))
        left, top = rng.uniform(0, width - w), rng.uniform(0, height - h)
        box = (left, top, min(left + w, width), min(top + h, height))       # Pillow reads fractions of pixels
        return np.array(Image.fromarray(image).resize((width, height), BILINEAR, box))


@dataclass(frozen=True)
class Rotate(Distortion):
    """Turned about the middle. The corners that come in are of the mean colour. A 6 that turns far enough is a 9.

    Attributes
    ----------
    degrees : float
        At most so far to either side, 0 to 180.
    """

    degrees: float = 15.0
    ranges = {"degrees": (0, 180)}

    def distort(self, image, rng):
        """Return a distorted copy."""
        picture, angle = Image.fromarray(image), rng.uniform(-self.degrees, self.degrees)
        return np.array(picture.rotate(angle, BILINEAR, fillcolor=mean_colour(picture)))


@dataclass(frozen=True)
class Shear(Distortion):
    """Upright lines lean: each row is shifted in proportion to its distance from the middle one.

    Attributes
    ----------
    degrees : float
        They lean at most so far to either side, 0 to 45.
    """

    degrees: float = 15.0
    ranges = {"degrees": (0, 45)}

    def distort(self, image, rng):
        """Return a distorted copy."""
        picture, slope = Image.fromarray(image), math.tan(math.radians(rng.uniform(-self.degrees, self.degrees)))
        rows = (1, slope, -slope * picture.height / 2, 0, 1, 0)         # out (x, y) shows in (x + slope (y - H / 2), y)
        return np.array(picture.transform(picture.size, Image.Transform.AFFINE, rows, BILINEAR,
                                          fillcolor=mean_colour(picture)))


@dataclass(frozen=True)
class Warp(Distortion):
    """Bent here and there, smoothly, as if printed on rubber; the border stays where it is.

    Out (x, y) shows in (x + dx, y + dy). Here dx is a sum of 3 x 3 waves, u width / (i j) sin(i π x / width)
    sin(j π y / height) with i and j from 1 to 3, and dy likewise. The finer a wave, the lower: so all of them together
    do not reach out of the picture.

    Attributes
    ----------
    bend : float
        u is drawn evenly from -bend to bend for each wave, 0 to 0.05.
    """

    bend: float = 0.03
    ranges = {"bend": (0, 0.05)}

    def distort(self, image, rng):
        """Return a distorted copy."""
        height, width = image.shape[:2]
        x, y = (np.unique(np.linspace(0, side, min(side, CELLS) + 1).astype(int)) for side in (width, height))
        i = np.arange(1, WAVES + 1)
        waves_x, waves_y = (np.sin(np.pi * np.outer(t, i)) / i for t in (x / width, y / height))    # (X, 3), (Y, 3)
        ux, uy = rng.uniform(-self.bend, self.bend, (2, WAVES, WAVES))
        at = np.stack([x + width * (waves_y @ ux @ waves_x.T),
                       y[:, None] + height * (waves_y @ uy @ waves_x.T)], axis=2)                   # (Y, X, 2)
        corners = np.concatenate([at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:]], axis=2)  # nw, sw, se, ne
        mesh = [((x[c], y[r], x[c + 1], y[r + 1]), quad)
                for r, row in enumerate(corners.tolist()) for c, quad in enumerate(row)]
        return np.array(Image.fromarray(image).transform((width, height), Image.Transform.MESH, mesh, BILINEAR))
