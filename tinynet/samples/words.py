"""Synthesised words: a voice, a throat and a room made of formulas say them, so that lesson 18 runs offline.

They are no recordings of people. They share what the lesson is about with those: words are told apart by how resonances move,
and everybody's pitch, throat, speed, accent, microphone and room are different.
"""
from functools import cache
from hashlib import sha256

import numpy as np

from ..data.logmel import RATE, picture
from ..errors import InputError
from .drawing.voice import say, speaker
from .drawn import Drawn

VERSION = 1     # of the synthesis: raise it when a sound changes, so that no cache serves the old one
VOCABULARY = {  # new words at the end: their numbers are seeds
    "misty": "m ih s t iy", "yes": "y eh s", "no": "n ow", "up": "ah p", "down": "d aw n", "left": "l eh f t", "right": "r ay t",
    "on": "aa n", "off": "ao f", "stop": "s t aa p", "go": "g ow", "zero": "z iy r ow", "one": "w ah n", "two": "t uw",
    "three": "th r iy", "four": "f ao r", "five": "f ay v", "six": "s ih k s", "seven": "s eh v ah n", "eight": "ey t",
    "nine": "n ay n", "tigger": "t ih g er", "kitten": "k ih t ah n", "mister": "m ih s t er", "missing": "m ih s ih n",
    "dusty": "d ah s t iy", "twenty": "t w eh n t iy", "music": "m y uw z ih k", "mouse": "m aw s", "please": "p l iy z",
    "water": "w ao t er", "house": "h aw s", "dog": "d ao g", "bird": "b er d", "happy": "h ae p iy", "window": "w ih n d ow",
    "sister": "s ih s t er", "mustard": "m ah s t er d", "misses": "m ih s ih z", "mystic": "m ih s t ih k", "mist": "m ih s t",
    "tea": "t iy", "minute": "m ih n ih t", "sixty": "s ih k s t iy", "empty": "eh m t iy", "story": "s t ao r iy",
    "city": "s ih t iy", "pretty": "p r ih t iy", "hello": "h eh l ow", "table": "t ey b uh l", "garden": "g aa r d ah n",
    "yellow": "y eh l ow", "paper": "p ey p er", "river": "r ih v er", "coffee": "k ao f iy", "money": "m ah n iy",
    "people": "p iy p uh l", "morning": "m ao r n ih n", "evening": "iy v n ih n", "candy": "k ae n d iy",
    "butter": "b ah t er", "winter": "w ih n t er", "summer": "s ah m er", "doctor": "d aa k t er", "baby": "b ey b iy",
    "kitchen": "k ih t sh ih n", "fish": "f ih sh", "shop": "sh aa p", "shoe": "sh uw", "milk": "m ih l k", "best": "b eh s t",
    "fast": "f ae s t", "test": "t eh s t", "must": "m ah s t", "seat": "s iy t", "street": "s t r iy t", "mother": "m ah v er",
    "light": "l ay t", "moon": "m uw n", "sun": "s ah n", "book": "b uh k", "tree": "t r iy", "blue": "b l uw", "green": "g r iy n",
    "black": "b l ae k", "white": "w ay t", "cat": "k ae t", "mat": "m ae t", "home": "h ow m", "name": "n ey m", "time": "t ay m",
}
WAKE_WORD = "misty"


class SynthesisedWords(Drawn):
    """A data set of spoken words, made when asked for. A word's image is its spectrogram, uint8 (128, 128, 3).

    Parameters
    ----------
    words : sequence of str
        Of VOCABULARY; each is a class.
    n_per_word : int
        Utterances of each word. The first ones are the same whatever their number.
    n_speakers : int
        Who says them: utterance j of a word is speaker j % n_speakers's.
    seed : int
        Another seed, at least 0, gives other utterances by other speakers.

    Attributes
    ----------
    name : str
        "synthesised-words".
    classes : list of str
        The words.
    labels : ndarray, int64 (N,)
        The word of every utterance, as an index into `classes`: first all of the first word.
    speakers : ndarray, int64 (N,)
        Who says it, 0 to n_speakers - 1.

    Raises
    ------
    InputError
        If a word is not in VOCABULARY or named twice, or a number is not whole or too small.
    """

    name = "synthesised-words"
    version = VERSION

    def __init__(self, words=tuple(VOCABULARY), n_per_word=20, n_speakers=20, seed=0):
        strange = [word for word in words if word not in VOCABULARY]
        if strange or len(set(words)) < len(words) or isinstance(words, str) or not words:
            raise InputError(f"synthesised words: {strange or words!r} cannot be said; give a list of different words out of "
                             f"{', '.join(VOCABULARY)}")
        self.classes = words
        super().__init__(self._whole("n_per_word", n_per_word, low=1), seed)
        self.n_speakers = self._whole("n_speakers", n_speakers, low=1)
        self.speakers = np.tile(np.arange(self.n_per_class, dtype=np.int64) % self.n_speakers, len(words))

    def samples(self, i):
        """Say utterance i, somewhere in a second of the room's noise.

        Parameters
        ----------
        i : int

        Returns
        -------
        samples : ndarray, float32 (16000,)
            In (-1, 1), 16,000 a second.

        Raises
        ------
        InputError
            If there is no utterance i.
        """
        return self._say(*self._start(i))

    def key(self, i):
        """Return the SHA-256 of utterance i's recipe; for parameters and errors see `Drawn`."""
        return sha256(f"{super().key(i)} {self.speakers[i]}".encode()).hexdigest()

    def title(self, i):
        """Return utterance i's word, number and speaker, such as "misty 07 by 3"; see `Drawn`."""
        return f"{super().title(i)} by {self.speakers[i]}"

    def _start(self, i):
        label, number = self._place(i)
        return label, number, np.random.default_rng([VERSION, self.seed, 1 + list(VOCABULARY).index(self._drawn[label]), number])

    def _say(self, label, number, rng):
        who = _speaker(self.seed, number % self.n_speakers)
        sound = say(VOCABULARY[self._drawn[label]].split(), who, rng)[:RATE]
        room = rng.normal(size=RATE + 1)
        second = who.noise * (room[1:] + 0.9 * room[:-1]) / 4               # more below than above
        start = rng.integers(RATE - len(sound) + 1)
        second[start:start + len(sound)] += sound
        return (second * rng.uniform(0.05, 0.5)).astype(np.float32)

    def _draw(self, label, number, rng):
        return picture(self._say(label, number, rng))


@cache
def _speaker(seed, number):
    return speaker(np.random.default_rng([VERSION, seed, 0, number]))
