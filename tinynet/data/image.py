"""From an image file to the array a network takes: read, resize, crop, normalise."""
import dataclasses
import math
import os
import threading
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from ..errors import InputError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
MAX_ASPECT = 100  # long side / short side; a thinner picture would grow huge when its short side is scaled up
THREADS = min(4, os.cpu_count() or 1)  # for reading many images; each thread holds one photo, up to 300 MB

# EXIF orientation -> what turns the stored pixels upright. ImageOps.exif_transpose does the same but also
# rewrites every other tag, and fails on photos whose camera wrote a malformed one.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
RESAMPLE = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
CHANNELS = ("RGB", "BGR")

_warning_filters = threading.Lock()  # Python's warning filters are the process's; images are read on threads


def read_image(path):
    """Read an image file as RGB pixels, upright.

    The contents decide the format, not the file's suffix.

    * EXIF orientation is applied; of an animation the first frame is taken.
    * Greyscale becomes three equal channels; of 16 bits a channel the high byte is kept.
    * Transparency (alpha, or a transparent palette colour) is composited on white.
    * CMYK is converted by formula; colour profiles are not applied.

    Parameters
    ----------
    path : str or Path
        A JPEG, PNG, WebP, BMP or GIF file.

    Returns
    -------
    rgb : ndarray, uint8 (H, W, 3)
        Red, green, blue in 0..255.

    Raises
    ------
    InputError
        If the file cannot be opened, is empty, is not an image of these formats, is damaged or cut short,
        has more pixels than Pillow's guard against decompression bombs allows (`PIL.Image.MAX_IMAGE_PIXELS`,
        89 million), or is 100 times as long as wide.
    """
    try:
        with open(path, "rb") as file:
            return decode_image(file)
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error}); check the name and the permissions"
        raise InputError(f"{path}: {reason}") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def decode_image(file):
    """Decode an open image file; `read_image` without the file's name.

    Parameters
    ----------
    file : binary file object
        Positioned at the start of the image.

    Returns
    -------
    rgb : ndarray, uint8 (H, W, 3)
        As `read_image` returns it.

    Raises
    ------
    InputError
        As `read_image`; the message holds the reason and the remedy alone.
    OSError
        If the file system fails.
    """
    image = _open(file)
    width, height = image.size
    if max(width, height) >= MAX_ASPECT * min(width, height):
        raise InputError(f"is {width} x {height} pixels, too thin (the limit is 1 : {MAX_ASPECT}); crop it")
    try:
        image.load()
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        image = _to_rgb(image)
    except Exception as error:  # a decoder fed broken bytes raises whatever it stumbles over
        reason = f"is damaged or cut short ({_one_line(error)}); fetch it again or delete it"
        raise InputError(reason) from None
    if orientation in UPRIGHT:
        image = image.transpose(UPRIGHT[orientation])
    return np.array(image)  # a copy: the caller may write to it


def is_image(path):
    """Tell whether a file starts like an image of a known format; its pixels are not decoded.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    answer : bool
        False also for a file that cannot be opened.
    """
    try:
        with open(path, "rb") as file:
            _open(file)
    except (OSError, InputError):
        return False
    return True


def _open(file):
    """Read the header and return a Pillow image whose pixels are not decoded yet."""
    if not file.read(1):
        raise InputError("is empty (0 bytes); fetch it again or delete it")
    file.seek(0)
    try:
        with _warning_filters, warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(file, formats=FORMATS)
    except UnidentifiedImageError:
        raise InputError("is not a JPEG, PNG, WebP, BMP or GIF image, or its first bytes are damaged; "
                         "convert it (to JPEG, say) or move it elsewhere") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise InputError(f"has more than {Image.MAX_IMAGE_PIXELS:,} pixels, as a decompression bomb has; "
                         "save a smaller copy") from None
    except Exception as error:
        raise InputError(f"has a damaged header ({_one_line(error)}); fetch it again or delete it") from None


def _to_rgb(image):
    """Convert a decoded image of any Pillow mode to mode RGB."""
    if image.mode.startswith("I"):  # 16-bit grey, 0..65535: Pillow's own conversion would clip at 255
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _one_line(error):
    return " ".join(str(error).split()) or type(error).__name__


@dataclass(frozen=True)
class Preprocessing:
    """What one network expects of its input; calling it prepares one image.

    The short side is scaled to `resize` (up or down), the middle `crop` x `crop` pixels are cut out, the
    channels are put in order, `mean` is subtracted and the result multiplied by `scale`. A pretrained network
    must be given what it was trained on: with RGB instead of BGR, SqueezeNet loses a third of its answers.

    Attributes
    ----------
    resize : int
        Length of the short side after scaling, pixels; the long side is rounded to a whole pixel.
    crop : int
        Side of the square that is kept, pixels, at most `resize`; an odd pixel of margin goes right or below.
    resample : {"bicubic", "bilinear"}
        Pillow's filter (its width grows with the shrinking, so it also smooths).
    channels : {"RGB", "BGR"}
        Order of the three channels.
    mean : tuple of three float
        Subtracted from 0..255, in the order of `channels`.
    scale : float
        Multiplies what is left.

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
    scale: float

    def __post_init__(self):
        for name in ("resize", "crop"):
            _require(type(getattr(self, name)) is int, name, getattr(self, name), "a whole number")
        _require(self.resize >= self.crop >= 1, "crop", self.crop, f"between 1 and resize ({self.resize})")
        _require(self.resample in tuple(RESAMPLE), "resample", self.resample, f"one of {', '.join(RESAMPLE)}")
        _require(self.channels in CHANNELS, "channels", self.channels, f"one of {', '.join(CHANNELS)}")
        three = isinstance(self.mean, (tuple, list)) and len(self.mean) == 3
        _require(three and all(map(_is_number, self.mean)), "mean", self.mean, "three numbers")
        _require(_is_number(self.scale) and self.scale > 0, "scale", self.scale, "a positive number")
        object.__setattr__(self, "mean", tuple(map(float, self.mean)))  # so that 104 and 104.0 save alike
        object.__setattr__(self, "scale", float(self.scale))

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
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
            raise InputError(f"preprocessing: got {rgb.dtype} {rgb.shape}, expected uint8 (H, W, 3), "
                             "as read_image returns it")
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
        x : ndarray, float32 (3, crop, crop)
            (channel - mean) * scale.

        Raises
        ------
        InputError
            If `rgb` has another shape or dtype.
        """
        pixels = self.crop_pixels(rgb)  # (crop, crop, 3)
        if self.channels == "BGR":
            pixels = pixels[:, :, ::-1]
        x = pixels.transpose(2, 0, 1).astype(np.float32, order="C")  # (3, crop, crop)
        x -= np.array(self.mean, np.float32)[:, None, None]
        x *= np.float32(self.scale)
        return x

    def to_dict(self):
        """Return the settings as a dict that JSON keeps exactly.

        Returns
        -------
        settings : dict
            One entry per attribute; `mean` is a list.
        """
        return {**dataclasses.asdict(self), "mean": list(self.mean)}

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
