"""More photos out of few: a distortion changes a picture and leaves its label as it is, as a rule. Taught in lesson 14.

It is called as ``augment(image, rng)``, with uint8 (H, W, 3) in red, green, blue; a new image of the same shape comes
back, and the one given stays as it is. Every number it draws comes from `rng`. What it prints, its repr, says all its
settings: caches know distorted copies by it. A function or class of your own that keeps to this is as good.
"""
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from PIL import Image

from ..errors import InputError
from .image import check_rgb


@dataclass(frozen=True)
class Distortion:
    """The base class of those that ship: settings in their ranges, and `distort`, which changes the picture.

    Raises
    ------
    InputError
        If a setting lies outside its range, or the image is not uint8 (H, W, 3).
    """

    ranges: ClassVar[dict] = {}         # setting: (lowest, highest)

    def __post_init__(self):
        for name, (low, high) in self.ranges.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not low <= value <= high:
                raise InputError(f"{type(self).__name__}: {name} is {value!r}; it must be a number from {low} to {high}")
            object.__setattr__(self, name, float(value))        # so that 15 and 15.0 print alike

    def __call__(self, image, rng):
        """Return a distorted copy."""
        check_rgb(type(self).__name__, image)
        return self.distort(image, rng)


def mean_colour(picture):
    """Return the mean red, green and blue of a Pillow picture: what comes in from outside it.

    Parameters
    ----------
    picture : PIL.Image.Image

    Returns
    -------
    colour : tuple of 3 ints
    """
    return picture.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
