"""A voice: a buzz or a hiss (the source), coloured by the resonances of a throat and a mouth (the filter).

The filter changes with time, so it is applied to short pieces that overlap: each is taken to its frequencies, multiplied by
the answer of the resonances there, taken back and added up. Time goes in steps of HOP samples.
"""
from dataclasses import dataclass

import numpy as np

RATE, WINDOW, HOP = 16_000, 256, 128
BANDWIDTHS = 80, 100, 160, 250                  # of the four resonances (formants), Hz
HANN = np.sin(np.pi * np.arange(WINDOW) / WINDOW) ** 2
HZ = np.arange(WINDOW // 2 + 1) * RATE / WINDOW

# The first three formants of a man's vowels, Hz, after Peterson and Barney, 1952, table II; and sounds made like vowels.
FORMANTS = {
    "iy": (270, 2290, 3010), "ih": (390, 1990, 2550), "eh": (530, 1840, 2480), "ae": (660, 1720, 2410), "aa": (730, 1090, 2440),
    "ao": (570, 840, 2410), "uh": (440, 1020, 2240), "uw": (300, 870, 2240), "ah": (640, 1190, 2390), "er": (490, 1350, 1690),
    "w": (290, 610, 2150), "y": (260, 2200, 3000), "l": (360, 1050, 2600), "r": (350, 1100, 1500),
    "m": (250, 1050, 2200), "n": (250, 1600, 2500),
}
GLIDES = {"ey": ("eh", "iy"), "ow": ("ao", "uw"), "ay": ("aa", "ih"), "aw": ("aa", "uh")}
# What hisses: where, Hz, how wide, Hz, and how loud
HISS = {"s": (6200, 1500, 0.5), "z": (6200, 1500, 0.35), "sh": (3600, 1300, 0.5), "f": (5000, 4000, 0.1), "v": (5000, 4000, 0.06),
        "th": (5500, 3500, 0.08), "p": (1000, 900, 0.35), "b": (900, 800, 0.3), "t": (4800, 1600, 0.5), "d": (4200, 1600, 0.4),
        "k": (2200, 900, 0.5), "g": (2000, 900, 0.4)}


SOUNDS = (*FORMANTS, *HISS, "h")


@dataclass
class Speaker:
    """Who speaks.

    Attributes
    ----------
    pitch : float
        Of the voice, Hz.
    tract : float
        Factor on all formants: 1 is a man's throat, above 1 a shorter one.
    speed : float
        Factor on the speed of speaking.
    breath : float
        How much hiss is in the vowels.
    tilt : float
        dB an octave that the microphone adds to high tones.
    noise : float
        Of the room, relative to the voice.
    accent : dict of str to ndarray (4,)
        Factors on the three formants and on the length of each sound; of what hisses, the first is of its loudness.
    """

    pitch: float
    tract: float
    speed: float
    breath: float
    tilt: float
    noise: float
    accent: dict


def speaker(rng):
    """Draw a speaker by chance."""
    size = rng.uniform(-1, 1)                   # a large one has a low voice and a long throat, as a rule
    return Speaker(pitch=150 * 2 ** (0.7 * size + rng.normal(0, 0.15)), tract=1.12 ** (size + 0.4) * rng.normal(1, 0.03),
                   speed=rng.uniform(0.75, 1.3), breath=rng.uniform(0.01, 0.15), tilt=rng.uniform(-3, 3),
                   noise=10 ** rng.uniform(-1.5, -0.2),
                   accent={sound: np.exp(rng.normal(0, (0.1, 0.08, 0.05, 0.25))) for sound in SOUNDS})


def segments(sounds, who):
    """Return what is done one after the other for a list of sounds: (ms, whose formants, voice, hiss, breath)."""
    parts = []
    for sound, following in zip(sounds, [*sounds[1:], ""]):
        if sound in GLIDES:
            some = [(90, GLIDES[sound][0], 1, None, 0), (90, GLIDES[sound][1], 0.8, None, 0)]
        elif sound in ("m", "n"):
            some = [(75, sound, 0.25, None, 0)]
        elif sound in ("w", "y", "l", "r"):
            some = [(65, sound, 0.6, None, 0)]
        elif sound in FORMANTS:
            some = [(140, sound, 1, None, 0)]
        elif sound == "h":
            some = [(70, None, 0, None, 0.25)]
        elif sound in ("p", "t", "k"):
            some = [(60, None, 0, None, 0), (16, None, 0, sound, 0), *[(30, None, 0, None, 0.15)] * bool(following)]
        elif sound in ("b", "d", "g"):
            some = [(50, None, 0.06, None, 0), (12, None, 0.2, sound, 0)]
        else:
            some = [(110, None, 0.2 if sound in ("z", "v") else 0, sound, 0)]
        longer = who.accent[GLIDES.get(sound, [sound])[0]][3] / who.speed
        parts += [(ms * longer, *rest) for ms, *rest in some]
    return parts


def say(sounds, who, rng):
    """Speak a word.

    Parameters
    ----------
    sounds : list of str
        Keys of FORMANTS, GLIDES and HISS, and "h".
    who : Speaker
    rng : numpy.random.Generator
        No two utterances of a speaker are the same.

    Returns
    -------
    samples : ndarray, float64 (n,)
        The loudest is 1.
    """
    parts = segments(sounds, who)
    steps = np.array([ms for ms, *_ in parts]) / 1000 * rng.uniform(0.92, 1.09, len(parts)) * RATE / HOP
    ends = np.cumsum(steps) + 2
    n = int(ends[-1]) + 6                       # T steps of time, with a little silence around
    t = np.arange(n)
    formants = _formants(parts, ends - steps / 2, t, who, rng)                              # (T, 4)
    which = np.searchsorted(ends, t, side="right")                                          # the part at each step
    inside = (which < len(parts)) & (t >= 2)
    which = np.minimum(which, len(parts) - 1)
    loud = np.array([(voice, breath + voice * who.breath) for _, _, voice, _, breath in parts])[which] * inside[:, None]
    fade = 1 - 0.7 * np.clip((t - 2) / (ends[-1] - 2), 0, 1)[:, None] ** 2                  # towards the end of a word
    loud = _smooth(loud * fade)                                                             # (T, 2)
    hiss = _smooth(np.array([_hiss(name, who) for *_, name, _ in parts])[which] * inside[:, None])     # (T, B)
    tract = _resonances(formants)                                                           # (T, B)
    buzz = _spectrum(_pulses(n, who, rng)) / (1 + HZ / 400)                                 # falls with the frequency
    noise = _spectrum(rng.normal(size=n * HOP + WINDOW))
    sound = buzz * tract * loud[:, :1] * 12 + noise * (tract * loud[:, 1:] + hiss)
    sound *= np.maximum(HZ, 50) ** (who.tilt / 6.02) / 1000 ** (who.tilt / 6.02)            # the microphone
    samples = np.zeros(n * HOP + WINDOW)
    for piece, start in zip(np.fft.irfft(sound, WINDOW), range(0, n * HOP, HOP)):
        samples[start:start + WINDOW] += piece
    return samples / np.abs(samples).max()


def _formants(parts, middles, t, who, rng):
    """Return the resonances at each step: at the middle of a sound its own, between two a way from one to the other."""
    known = [i for i, part in enumerate(parts) if part[1]]
    own = np.array([np.array(FORMANTS[parts[i][1]]) * who.accent[parts[i][1]][:3] for i in known])
    own = own * who.tract * rng.normal(1, 0.01, own.shape)
    three = [np.interp(t, middles[known], own[:, f]) for f in range(3)]
    return np.minimum(np.stack([*three, np.full(len(t), 3600.0 * who.tract)], axis=1), 7000)


def _hiss(name, who):
    if name is None:
        return np.zeros(len(HZ))
    centre, width, loud = HISS[name]
    return who.accent[name][0] ** 3 * loud * np.exp(-0.5 * ((HZ - centre * who.tract ** 0.5) / width) ** 2)


def _resonances(formants):
    """Return the answer of the throat: 1 / ((1 - p/z)(1 - p*/z)) for each formant, p its pole; 1 at 0 Hz."""
    z = np.exp(-2j * np.pi * HZ / RATE)                                                     # 1 / z, (B,)
    answer = np.ones((len(formants), len(HZ)), complex)
    for f, bandwidth in enumerate(BANDWIDTHS):
        r = np.exp(-np.pi * bandwidth / RATE)
        c = 2 * r * np.cos(2 * np.pi * formants[:, f:f + 1] / RATE)                         # (T, 1)
        answer *= (1 - c + r * r) / (1 - c * z + r * r * z * z)
    return answer


def _pulses(n, who, rng):
    """Return the source of the voice: a pulse at each closing of the vocal folds; the pitch falls and trembles."""
    length = n * HOP + WINDOW
    bend = np.interp(np.arange(length), np.linspace(0, length, 5), rng.normal(0, 0.04, 5) + np.linspace(0.08, -0.12, 5))
    turns = np.cumsum(who.pitch * rng.normal(1, 0.05) * (1 + bend) / RATE)
    return np.diff(np.floor(turns), prepend=0) * np.sqrt(RATE / who.pitch)                 # as strong at each pitch


def _spectrum(samples):
    pieces = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[:-1:HOP]
    return np.fft.rfft(pieces * HANN)


def _smooth(track):
    """Return a track whose jumps take three steps."""
    padded = np.concatenate([track[:1], track, track[-1:]])
    return (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
