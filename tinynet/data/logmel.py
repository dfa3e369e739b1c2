"""Sound as a picture: which pitches are in it, and when. Taught in lesson 18.

T frames, B = FFT / 2 + 1 frequencies, M mel bands. A frame is 25 ms, a new one begins every 10 ms.
"""
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from ..errors import InputError
from .audio import resample

RATE = 16_000                       # samples a second; what follows is for this rate
WINDOW, HOP, FFT = 400, 160, 512    # samples
N_MELS, LOWEST, HIGHEST = 64, 125, 7500     # bands, Hz
FLOOR, RANGE = -100, 80             # dB: the least that is told from silence; between black and white
SIDE = 128                          # of the picture, pixels
MAX_SECONDS = 10                    # a longer recording is no clip of one word


def frames(samples, length=WINDOW, hop=HOP):
    """Cut a sound into overlapping pieces, (n,) -> (T, length); what is left at the end is dropped.

    Parameters
    ----------
    samples : ndarray, float (n,)
    length, hop : int
        Samples in a frame, and from the start of one to the start of the next.

    Returns
    -------
    pieces : ndarray, float (T, length)
        T = (n - length) // hop + 1; a view, not to be written to.

    Raises
    ------
    InputError
        If there is less than one frame.
    """
    if np.ndim(samples) != 1 or len(samples) < length:
        raise InputError(f"frames: the sound has shape {np.shape(samples)}; give at least {length} samples of one channel")
    return sliding_window_view(samples, length)[::hop]


def stft(samples):
    """Short-time Fourier transform: the frequencies in each frame, (n,) -> complex (T, B).

    A frame is faded in and out by a Hann window, w[t] = sin²(pi t / WINDOW), lest its sharp ends sound too, and filled up
    with zeros to FFT samples. Bin b stands for b * RATE / FFT Hz.

    Parameters
    ----------
    samples : ndarray, float (n,)
        At RATE.

    Returns
    -------
    spectrum : ndarray, complex (T, B)
        Of single precision if the samples are.

    Raises
    ------
    InputError
        If the samples are no floats, or fewer than one frame.
    """
    if np.asarray(samples).dtype.kind != "f":
        raise InputError(f"stft: the samples are {np.asarray(samples).dtype}; divide them by their range, as read_wav does")
    hann = np.sin(np.pi * np.arange(WINDOW) / WINDOW) ** 2
    return np.fft.rfft(frames(samples) * hann.astype(samples.dtype), FFT)   # (T, WINDOW) -> (T, B)


def hz_to_mel(hz):
    """Return how high a frequency sounds: 2595 log10(1 + hz / 700), the formula of HTK.

    Parameters
    ----------
    hz : array_like of float

    Returns
    -------
    mel : ndarray, float
    """
    return 2595 * np.log10(1 + np.asarray(hz) / 700)


def mel_to_hz(mel):
    """Return the frequency of a pitch.

    Parameters
    ----------
    mel : array_like of float

    Returns
    -------
    hz : ndarray, float
    """
    return 700 * (10 ** (np.asarray(mel) / 2595) - 1)


def mel_filters(n_mels=N_MELS):
    """Return the weights of the mel bands: triangles that overlap by half, evenly spaced in mel, with peaks of 1.

    Parameters
    ----------
    n_mels : int

    Returns
    -------
    filters : ndarray, float64 (M, B)
        Band m rises from the peak of the band below and falls to the peak of the band above.
    """
    edges = mel_to_hz(np.linspace(hz_to_mel(LOWEST), hz_to_mel(HIGHEST), n_mels + 2))[:, None]     # (M + 2, 1)
    low, peak, high = edges[:-2], edges[1:-1], edges[2:]
    hz = np.arange(FFT // 2 + 1) * RATE / FFT                                                       # (B,)
    return np.clip(np.minimum((hz - low) / (peak - low), (high - hz) / (high - peak)), 0, None)


def log_mel(samples, n_mels=N_MELS):
    """Log-mel spectrogram: the power in each band and frame, in decibels, (n,) -> (M, T).

    Parameters
    ----------
    samples : ndarray, float (n,)
        At RATE, in [-1, 1].
    n_mels : int

    Returns
    -------
    decibels : ndarray, float (M, T)
        10 log10(power), the lowest band first, -100 at least.
    """
    power = np.abs(stft(samples)) ** 2                                  # (T, B)
    filters = mel_filters(n_mels).astype(power.dtype)
    return 10 * np.log10(np.maximum(filters @ power.T, 10 ** (FLOOR / 10)))      # (M, B) @ (B, T) -> (M, T)


def loudest(samples, n=RATE):
    """Return the n samples on end with the most energy; a shorter sound is put in the middle of silence.

    Parameters
    ----------
    samples : ndarray, float (m,)
    n : int

    Returns
    -------
    part : ndarray, float (n,)
    """
    missing = n - len(samples)
    if missing >= 0:
        return np.pad(samples, (missing // 2, missing - missing // 2))
    energy = np.concatenate([[0], np.cumsum(np.square(samples, dtype=np.float64))])
    start = int(np.argmax(energy[n:] - energy[:-n]))
    return samples[start:start + n]


def picture(samples, rate=RATE):
    """Draw a sound: time from left to right, pitch from below to above, white where it is loudest.

    It shows one second, the loudest. Loudness counts relative to the loudest spot, so that the distance to the microphone
    does not matter, and what is 80 dB below is black.

    Parameters
    ----------
    samples : ndarray, float (n,)
    rate : int
        Samples a second.

    Returns
    -------
    rgb : ndarray, uint8 (SIDE, SIDE, 3)
        Grey, as three equal channels.

    Raises
    ------
    InputError
        If it is longer than MAX_SECONDS: then it is no clip of one word, and most of it would not be seen.
    """
    if len(samples) > MAX_SECONDS * rate:
        raise InputError(f"lasts {len(samples) / rate:.0f} s, and a second of it is looked at; cut it into clips of one word, "
                         f"{MAX_SECONDS} s at most")
    decibels = log_mel(loudest(resample(samples, rate, RATE)))                          # (M, T)
    top = max(decibels.max(), FLOOR + RANGE)                                            # silence stays black
    grey = np.clip(255 * (1 + (decibels - top) / RANGE), 0, 255)[::-1]                  # the lowest band below
    grey = Image.fromarray(grey.round().astype(np.uint8)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.array(grey)[:, :, None].repeat(3, axis=2)
