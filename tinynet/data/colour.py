"""Distortions of the light that things are seen in. Taught in lesson 14."""
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..errors import InputError
from .distortion import Distortion, mean_colour
from .image import check_rgb

LEVELS = np.arange(256.0)[:, None]          # what a channel can say


@dataclass(frozen=True)
class Light(Distortion):
    """Brighter or darker, with more or less contrast: v becomes b (m + c (v - m)), with m the picture's mean level.

    Attributes
    ----------
    brightness : float
        b is drawn evenly from 1 - brightness to 1 + brightness; 0 to 0.9.
    contrast : float
        c likewise.
    """

    brightness: float = 0.3
    contrast: float = 0.3
    ranges = {"brightness": (0, 0.9), "contrast": (0, 0.9)}

    def distort(self, image, rng):
        """Return a distorted copy."""
        b, c = 1 + rng.uniform(-self.brightness, self.brightness), 1 + rng.uniform(-self.contrast, self.contrast)
        mean = sum(mean_colour(Image.fromarray(image))) / 3
        return _levels(image, b * (mean + c * (LEVELS - mean)))


@dataclass(frozen=True)
class ColourShift(Distortion):
    """Red, green and blue each get a number added, as another lamp would.

    Attributes
    ----------
    deviation : float
        The three numbers are drawn from a normal distribution with mean 0 and this deviation; levels, 0 to 100.
    """

    deviation: float = 20.0
    ranges = {"deviation": (0, 100)}

    def distort(self, image, rng):
        """Return a distorted copy."""
        return _levels(image, LEVELS + self.deviation * rng.standard_normal(3))


@dataclass(frozen=True)
class PCAColour(Distortion):
    """A shift of colour along the principal axes of the training pixels: as they vary among themselves, so does it.

    Photos differ most in brightness, next in blue against yellow; so does the shift. Built by `PCAColour.measure`.

    Attributes
    ----------
    axes : tuple of 3 tuples of 3 floats
        The axes in red, green and blue, each as long as the pixels' deviation along it; levels.
    strength : float
        The shift along each axis is a normal number with mean 0 and this deviation, times the axis; 0 to 1.

    References
    ----------
    A. Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012, section 4.1, with
    strength 0.1. There the axes are as long as the variance; what that does depends on the unit of a pixel.
    """

    axes: tuple
    strength: float = 0.1
    ranges = {"strength": (0, 1)}

    def __post_init__(self):
        super().__post_init__()
        if np.shape(self.axes) != (3, 3) or not np.isfinite(self.axes).all():
            raise InputError(f"PCAColour: axes have shape {np.shape(self.axes)}, or not all are finite; give three axes of three numbers, "
                             "as PCAColour.measure(images) finds them")
        object.__setattr__(self, "axes", tuple(tuple(map(float, axis)) for axis in self.axes))

    @classmethod
    def measure(cls, images, strength=0.1):
        """Return the distortion with the axes of these images' pixels; each image counts alike, whatever its size.

        Parameters
        ----------
        images : iterable of ndarray, uint8 (H, W, 3)
            The training images, one at a time. Not those of validation and test.
        strength : float

        Returns
        -------
        augment : PCAColour

        Raises
        ------
        InputError
            If there are no images.
        """
        n, mean, square = 0, np.zeros(3), np.zeros((3, 3))
        for n, image in enumerate(images, start=1):
            check_rgb("PCAColour", image)
            pixels = image.reshape(-1, 3).astype(float)                     # (H W, 3)
            mean += (pixels.mean(axis=0) - mean) / n
            square += (pixels.T @ pixels / len(pixels) - square) / n
        if n == 0:
            raise InputError("PCAColour: no images to measure; give the training images")
        variances, columns = np.linalg.eigh(square - np.outer(mean, mean))  # rising, (3,) and (3, 3)
        axes = (columns * np.sqrt(np.maximum(variances, 0))).T[::-1]        # rows, the longest first
        flip = np.sign(axes[range(3), np.abs(axes).argmax(axis=1)])[:, None]        # both directions are right: take one
        return cls(tuple(map(tuple, np.round(flip * axes, 2).tolist())), strength)

    def distort(self, image, rng):
        """Return a distorted copy."""
        return _levels(image, LEVELS + self.strength * rng.standard_normal(3) @ np.array(self.axes))


def _levels(image, levels):
    """Return the image with level v of channel c replaced by levels[v, c], rounded and clipped; levels (256, 3 or 1)."""
    table = np.clip(np.rint(np.broadcast_to(levels, (256, 3))), 0, 255).astype(np.uint8)
    return np.stack([table[image[:, :, c], c] for c in range(3)], axis=2)
