"""From a WAV file to samples, and from one sampling rate to another. Taught in lesson 18."""
import math
import re
import wave

import numpy as np

from ..errors import InputError
from .file import open_regular, read_file

FORMATS = {2: "ADPCM", 3: "floating point", 6: "A-law", 7: "mu-law", 17: "ADPCM", 85: "MP3", 65534: "an extended header"}
RATES = 4000, 192_000               # samples a second, the lowest and the highest that are read


def read_wav(path):
    """Read a WAV file.

    Parameters
    ----------
    path : str or Path
        A WAV file of 8, 16, 24 or 32 bit integers (PCM), of any number of channels.

    Returns
    -------
    samples : ndarray, float32 (n,)
        In [-1, 1): the mean of the channels.
    rate : int
        Samples a second.

    Raises
    ------
    InputError
        If the file cannot be opened, is no WAV file, is empty or cut short, or holds floats or compressed sound.
    """
    return read_file(path, decode_wav)


def decode_wav(file):
    """Decode an open WAV file; `read_wav` without the file's name.

    Parameters
    ----------
    file : binary file object
        Positioned at the start.

    Returns
    -------
    samples : ndarray, float32 (n,)
    rate : int

    Raises
    ------
    InputError
        As `read_wav`; the message holds the reason and the remedy alone.
    """
    try:
        with wave.open(file) as sound:
            channels, width, rate, n = sound.getparams()[:4]
            data = sound.readframes(n)
    except (wave.Error, EOFError, RuntimeError) as error:       # RuntimeError: a chunk that ends behind the file
        found = re.search(r"unknown format: (\d+)", str(error))
        if found:
            kind = FORMATS.get(int(found[1]), "another coding")
            raise InputError(f"holds sound as format {found[1]} ({kind}); convert it to a plain WAV file, 16 bit PCM") from None
        raise InputError(f"is no WAV file, or its header is damaged ({error or 'it ends too early'}); convert it to WAV or "
                         "fetch it again") from None
    if not n:
        raise InputError("holds no sound (0 samples); record it again or delete it")
    if len(data) != n * channels * width:
        raise InputError(f"is cut short: {len(data):,} of {n * channels * width:,} bytes of sound are there; fetch it again or "
                         "delete it")
    if width > 4 or not RATES[0] <= rate <= RATES[1]:
        raise InputError(f"has {8 * width} bits a sample and {rate} samples a second; convert it to 16 bit and 16000")
    return _integers(data, width).reshape(n, channels).mean(axis=1), rate


def _integers(data, width):
    """Return bytes of little-endian integers as float32 in [-1, 1)."""
    if width == 1:                                              # the only unsigned one: silence is 128
        return (np.frombuffer(data, np.uint8).astype(np.float32) - 128) / 128
    whole = np.zeros((len(data) // width, 4), np.uint8)
    whole[:, 4 - width:] = np.frombuffer(data, np.uint8).reshape(-1, width)     # the high bytes of 32 bit
    return (whole.view("<i4")[:, 0] / 2.0 ** 31).astype(np.float32)


def is_wav(path):
    """Tell whether a file starts like a WAV file.

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
            return starts_like_wav(file.read(12))
    except (OSError, InputError):
        return False


def starts_like_wav(head):
    """Tell whether a file with these first 12 bytes is a WAV file.

    Parameters
    ----------
    head : bytes

    Returns
    -------
    answer : bool
    """
    return head[:4] == b"RIFF" and head[8:12] == b"WAVE"


def resample(samples, rate, new_rate):
    """Change the number of samples a second.

    Whatever would not fit below half of the new rate is filtered out first: it would come back at a wrong pitch.

    Parameters
    ----------
    samples : ndarray, float (n,)
    rate, new_rate : int
        Samples a second.

    Returns
    -------
    samples : ndarray, float32 (ceil(n * new_rate / rate),)

    Raises
    ------
    InputError
        If the rates differ and SciPy is not installed.
    """
    if rate == new_rate:
        return np.asarray(samples, np.float32)
    try:
        from scipy.signal import resample_poly
    except ImportError:
        raise InputError(f"has {rate} samples a second, and making that {new_rate} needs SciPy; pip install scipy") from None
    common = math.gcd(rate, new_rate)
    return resample_poly(np.asarray(samples, np.float32), new_rate // common, rate // common)
