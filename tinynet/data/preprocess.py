"""From pixels to the array that one network takes: resize, crop, normalise. Taught in lesson 05."""
import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..errors import InputError
from .image import check_rgb

RESAMPLE = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
CHANNELS = ("RGB", "BGR", "L")


@dataclass(frozen=True)
class Preprocessing:
    """What one network expects of its input; calling it prepares one image.

    The short side is scaled to `resize` (up or down), the middle `crop` x `crop` pixels are cut out, the
    channels are put in order, `mean` is subtracted and the result multiplied by `scale`. A pretrained network
    must be given what it was trained on: RGB in place of BGR can cost a third of its answers.

    Attributes
    ----------
    resize : int
        Length of the short side after scaling, pixels; the long side is rounded to a whole pixel.
    crop : int
        Side of the square that is kept, pixels, at most `resize`; an odd pixel of margin goes right or below.
    resample : {"bicubic", "bilinear"}
        Pillow's filter (its width grows with the shrinking, so it also smooths).
    channels : {"RGB", "BGR", "L"}
        Order of the three channels, or one channel of luminance.
    mean : tuple of float
        Subtracted from 0..255, in the order of `channels`.
    scale : float or tuple of float
        Multiplies what is left, all channels or each by its own.

    Raises
    ------
    InputError
        If a value is of the wrong kind or out of range.
    """

    resize: int
    crop: int
    resample: str
    channels: str
    mean: tuple
    scale: float | tuple

    def __post_init__(self):
        for name in ("resize", "crop"):
            _require(type(getattr(self, name)) is int, name, getattr(self, name), "a whole number")
        _require(self.resize >= self.crop >= 1, "crop", self.crop, f"between 1 and resize ({self.resize})")
        _require(self.resample in tuple(RESAMPLE), "resample", self.resample, f"one of {', '.join(RESAMPLE)}")
        _require(self.channels in CHANNELS, "channels", self.channels, f"one of {', '.join(CHANNELS)}")
        n = self.n_channels
        scales = self.scale if isinstance(self.scale, (tuple, list)) else [self.scale] * n
        _require(isinstance(self.mean, (tuple, list)) and len(self.mean) == n and all(map(_is_number, self.mean)), "mean",
                 self.mean, f"{n} numbers, one per channel of {self.channels}")
        _require(len(scales) == n and all(_is_number(scale) and scale > 0 for scale in scales), "scale", self.scale,
                 f"a positive number, or {n}, one per channel of {self.channels}")
        object.__setattr__(self, "mean", tuple(map(float, self.mean)))  # so that 104 and 104.0 save alike
        object.__setattr__(self, "scale", tuple(map(float, scales)) if scales is self.scale else float(self.scale))

    @property
    def n_channels(self):
        """Number of channels C that come out."""
        return 1 if self.channels == "L" else 3

    def with_size(self, resize, crop):
        """Return the same for another size, in pixels."""
        return dataclasses.replace(self, resize=resize, crop=crop)

    def crop_pixels(self, rgb):
        """Scale and crop an image: what of it the network sees.

        Parameters
        ----------
        rgb : ndarray, uint8 (H, W, 3)
            Pixels as `read_image` returns them.

        Returns
        -------
        pixels : ndarray, uint8 (crop, crop, 3)
            Red, green, blue in 0..255.

        Raises
        ------
        InputError
            If `rgb` has another shape or dtype.
        """
        rgb = np.asarray(rgb)
        check_rgb("preprocessing", rgb)
        height, width = rgb.shape[:2]
        size = [round(side * self.resize / min(height, width)) for side in (width, height)]
        left, top = [(side - self.crop) // 2 for side in size]
        resized = Image.fromarray(rgb).resize(size, RESAMPLE[self.resample])
        return np.array(resized.crop((left, top, left + self.crop, top + self.crop)))

    def __call__(self, rgb):
        """Prepare an image for the network.

        Parameters
        ----------
        rgb : ndarray, uint8 (H, W, 3)
            Pixels as `read_image` returns them.

        Returns
        -------
        x : ndarray, float32 (C, crop, crop)
            (channel - mean) * scale.

        Raises
        ------
        InputError
            If `rgb` has another shape or dtype.
        """
        pixels = self.crop_pixels(rgb)  # (crop, crop, 3)
        if self.channels == "BGR":
            pixels = pixels[:, :, ::-1]
        elif self.channels == "L":
            pixels = np.asarray(Image.fromarray(pixels).convert("L"))[:, :, None]
        x = pixels.transpose(2, 0, 1).astype(np.float32, order="C")  # (C, crop, crop)
        x -= np.array(self.mean, np.float32)[:, None, None]
        x *= np.array(self.scale, np.float32).reshape(-1, 1, 1)
        return x

    def to_dict(self):
        """Return the settings as a dict that JSON keeps exactly.

        Returns
        -------
        settings : dict
            One entry per attribute; tuples are lists.
        """
        settings = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}

    @classmethod
    def from_dict(cls, settings):
        """Rebuild a Preprocessing from `to_dict`'s result.

        Parameters
        ----------
        settings : dict
            One entry per attribute.

        Returns
        -------
        preprocessing : Preprocessing

        Raises
        ------
        InputError
            If an entry is missing, unknown or out of range.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        missing = [name for name in names if name not in settings]
        unknown = [name for name in settings if name not in names]
        if missing or unknown:
            raise InputError(f"preprocessing: missing {missing}, unknown {unknown}; "
                             f"the entries are {', '.join(names)}")
        return cls(**settings)


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _require(condition, name, value, rule):
    if not condition:
        raise InputError(f"preprocessing: {name} is {value!r}, it must be {rule}")
