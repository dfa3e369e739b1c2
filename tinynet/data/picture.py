"""From a file to a picture, whether it holds an image or a sound."""
import warnings

from .audio import decode_wav, is_wav, starts_like_wav
from .file import read_file
from .image import decode_image, is_image
from .logmel import picture


def read_picture(path):
    """Read an image file as `read_image` does, or a WAV file as the picture of its sound.

    Parameters
    ----------
    path : str or Path
        A JPEG, PNG, WebP, BMP or GIF file, or a WAV file of at most 10 s.

    Returns
    -------
    rgb : ndarray, uint8 (H, W, 3)
        Red, green, blue in 0..255; of a sound see `logmel.picture`.

    Raises
    ------
    InputError
        As `read_image` and `read_wav` do, and if a sound is too long.
    """
    rgb, damage = read_file(path, decode_picture)
    if damage:
        warnings.warn(f"{path}: {damage}", stacklevel=2)
    return rgb


def decode_picture(file):
    """Decode an open file; `read_picture` without the file's name.

    Parameters
    ----------
    file : binary file object
        Positioned at its start.

    Returns
    -------
    rgb : ndarray, uint8 (H, W, 3)
    damage : str
        What was left out because it was damaged; empty as a rule.

    Raises
    ------
    InputError
        As `read_picture`; the message holds the reason and the remedy alone.
    """
    head = file.read(12)
    file.seek(0)
    if starts_like_wav(head):
        return picture(*decode_wav(file)), ""
    return decode_image(file)


def is_picture(path):
    """Tell whether a file starts like an image of a known format or like a WAV file.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    answer : bool
        False also for a file that cannot be opened.
    """
    return is_wav(path) or is_image(path)
