"""From an image file to pixels, upright and in red, green and blue."""
import io
import threading
import warnings

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from ..errors import InputError
from .file import open_regular, read_file
from .metadata import png_chunks, without_metadata

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
MAX_ASPECT = 100  # long side / short side; a thinner picture would grow huge when its short side is scaled up

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

_warning_filters = threading.Lock()  # Python's warning filters are the process's; images are read on threads


def read_image(path):
    """Read an image file as RGB pixels, upright.

    The contents decide the format, not the file's suffix.

    * EXIF orientation is applied; of an animation the first frame is taken.
    * Greyscale becomes three equal channels; of 16 bits a channel the high byte is kept.
    * Transparency (alpha, or a transparent colour) is composited on white; an alpha channel of a BMP that is 0
      everywhere was never meant.
    * CMYK is converted by formula; colour profiles are not applied.
    * Damage outside the pixels (EXIF, XMP, texts) is left out, and said in a warning.

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
        89 million) or than there is memory for, or is 100 times as long as wide.
    """
    rgb, damage = read_file(path, decode_image)
    if damage:
        warnings.warn(f"{path}: {damage}", stacklevel=2)
    return rgb


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
    damage : str
        What was left out because it was damaged, for a warning; empty as a rule.

    Raises
    ------
    InputError
        As `read_image`; the message holds the reason and the remedy alone.
    OSError
        If the file system fails.
    """
    try:
        data = file.read()
        try:
            return _decode(data)
        except (_Damaged, InputError) as error:
            first = error
        bare = without_metadata(data)
        try:
            if bare != data:
                return _decode(bare)[0], (f"its metadata are damaged ({first}) and left out, the way it was held too; "
                                          "turn it yourself if need be")
        except (_Damaged, InputError):
            pass
    except MemoryError:
        raise InputError("needs more memory than there is; save a smaller copy") from None
    if isinstance(first, InputError):
        raise first
    raise InputError(f"is damaged or cut short ({first}); fetch it again or delete it")


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
        with open_regular(path) as file:
            try:
                _open(file)
            except (_Damaged, InputError):
                file.seek(0)
                _open(io.BytesIO(without_metadata(file.read())))
    except (OSError, InputError, _Damaged):
        return False
    return True


def check_rgb(who, image):
    """Check that an image is what `read_image` returns: an array of uint8 (H, W, 3).

    Parameters
    ----------
    who : str
        Who asks, for the message.
    image : ndarray

    Raises
    ------
    InputError
        If it is not.
    """
    dtype, shape = getattr(image, "dtype", type(image).__name__), np.shape(image)
    if dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
        raise InputError(f"{who}: got {dtype} {shape}, expected uint8 (H, W, 3), as read_image returns it")


class _Damaged(Exception):
    """A decoder stumbled; another try without metadata may help."""


def _decode(data):
    """Return the pixels of a file's bytes, and what is damaged beside them."""
    said = []                                       # Pillow warns of damaged EXIF, without the file's name
    image = _open(io.BytesIO(data), said)
    width, height = image.size
    if max(width, height) >= MAX_ASPECT * min(width, height):
        raise InputError(f"is {width} x {height} pixels, too thin (the limit is 1 : {MAX_ASPECT}); crop it")
    try:
        with _warning_filters, warnings.catch_warnings(record=True) as more:
            warnings.simplefilter("always")
            orientation = image.getexif().get(ExifTags.Base.Orientation)
        transparent = _transparent_png(data) if image.format == "PNG" else None
        if transparent is not None:
            image.info.pop("transparency", None)    # Pillow compares it with numbers it has scaled or cut
        image.load()
        image = _to_rgb(image)
    except MemoryError:
        raise
    except Exception as error:  # a decoder fed broken bytes raises whatever it stumbles over
        raise _Damaged(_one_line(error)) from None
    rgb = np.array(image)       # a copy: the caller may write to it
    if transparent is not None:
        rgb[transparent] = 255
    if orientation in UPRIGHT:
        rgb = np.array(Image.fromarray(rgb).transpose(UPRIGHT[orientation]))
    said += more
    return rgb, f"a part of its EXIF is damaged ({_one_line(said[0].message)}) and left out" if said else ""


def _open(file, said=None):
    """Read the header and return a Pillow image whose pixels are not decoded yet; warnings go to the list `said`."""
    if not file.read(1):
        raise InputError("is empty (0 bytes); fetch it again or delete it")
    file.seek(0)
    try:
        with _warning_filters, warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(file, formats=FORMATS)
        if said is not None:
            said += found
        return image
    except UnidentifiedImageError:
        raise InputError("is not a JPEG, PNG, WebP, BMP or GIF image, or its first bytes are damaged; "
                         "convert it (to JPEG, say, a sound to WAV) or move it elsewhere") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise InputError(f"has more than {Image.MAX_IMAGE_PIXELS:,} pixels, as a decompression bomb has; "
                         "save a smaller copy") from None
    except MemoryError:
        raise
    except Exception as error:
        raise _Damaged(_one_line(error)) from None


def _to_rgb(image):
    """Convert a decoded image of any Pillow mode to mode RGB."""
    if image.mode.startswith("I"):  # 16-bit grey, 0..65535: Pillow's own conversion would clip at 255
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.format == "BMP" and image.mode == "RGBA" and image.getextrema()[3] == (0, 0):
        return image.convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _transparent_png(data):
    """Return where a grey or RGB picture has its transparent colour, bool (H, W); None where it has none."""
    chunks = dict(reversed([(kind, whole[8:-4]) for kind, whole in png_chunks(data) if kind in (b"IHDR", b"tRNS")]))
    depth, colour = chunks[b"IHDR"][8:10]
    if b"tRNS" not in chunks or colour not in (0, 2):
        return None
    wanted = np.frombuffer(chunks[b"tRNS"][:2 if colour == 0 else 6], ">u2") & (2 ** depth - 1)
    samples = _samples(data, depth, colour).astype(np.int64)                        # (H, W, channels)
    if depth in (2, 4):
        wanted = wanted * (255 // (2 ** depth - 1))                                 # as Pillow scales the samples
    elif depth == 1:
        wanted = wanted * 255
    return (samples == wanted).all(axis=2)


def _samples(data, depth, colour):
    """Return the samples of a grey or RGB PNG in full depth, (H, W, 1 or 3); Pillow keeps the high byte of RGB alone."""
    image = Image.open(io.BytesIO(data), formats=["PNG"])
    if depth == 16 and colour == 2:
        image.load()
        high = np.asarray(image).astype(np.uint16)
        image = Image.open(io.BytesIO(data), formats=["PNG"])
        image.tile = [tile._replace(args="RGB;16L") for tile in image.tile]         # read the other way round
        image.load()
        return high * 256 + np.asarray(image)
    samples = np.asarray(image.convert("L") if image.mode == "1" else image)
    return samples.reshape(*samples.shape[:2], -1)


def _one_line(error):
    return " ".join(str(error).split()) or type(error).__name__
