"""Distorted copies of the training photos that stay the same, so that they can be cached. Taught in lesson 14."""
import hashlib
import json
import re
from functools import partial

import numpy as np

from ..errors import InputError
from .dataset import reader
from .loader import check_augment, distorted, row_numbers


class Copies:
    """A dataset with distorted copies of its training images after its own images.

    Image i of the dataset is image i here, so the rows of validation and test stay what they were, and undistorted. A copy
    is always the same picture, and has a key: a cache keeps what a frozen network makes of it, and finds it again.

    Parameters
    ----------
    dataset : Dataset
    rows : array_like of int, shape (n,)
        The images to copy: the training rows.
    augment : callable
        ``augment(image, rng)`` distorts an image, see `data.augment`. Its repr must say all its settings.
    copies : int
        How many of each image, at least 0.
    seed : int
        Another seed gives other copies.

    Attributes
    ----------
    name, classes
        The dataset's.
    labels : ndarray, int64 (N + n copies,)
        A copy has its image's label.
    rows : ndarray, int64 (n + n copies,)
        The rows to train on: those given, then the first copy of each, then the second, ...
    augmented : bool
        False, unless the dataset varies its images itself.

    Raises
    ------
    InputError
        If `copies` is below 0, the repr of `augment` is the one Python makes up, which no later run can know again, or it
        draws numbers from elsewhere.
    """

    def __init__(self, dataset, rows, augment, copies, seed=0):
        if copies < 0:
            raise InputError(f"Copies: {copies} copies of each image; give a number from 0")
        if re.search(r" at 0x[0-9A-Fa-f]+>", repr(augment)):
            raise InputError(f"Copies: {augment!r} does not say its settings, by which its copies are known again; give its "
                             "class a __repr__ that does, or make it a dataclass")
        self.dataset, self.augment, self.seed = dataset, augment, seed
        self.name, self.classes = dataset.name, dataset.classes
        self.augmented = getattr(dataset, "augmented", False)
        rows = row_numbers("Copies", rows)
        if copies and len(rows):
            check_augment("Copies", augment, dataset.image(rows[0]))
        self._of = np.concatenate([np.arange(len(dataset)), np.tile(rows, copies)])     # the image each is made from
        self._copy = np.concatenate([np.full(len(dataset), -1), np.repeat(np.arange(copies), len(rows))])   # -1: none
        self.labels = np.asarray(dataset.labels)[self._of]
        self.rows = np.concatenate([rows, np.arange(len(dataset), len(self))])

    def __len__(self):
        """Return the number of images, copies included."""
        return len(self._of)

    def image(self, i):
        """Return image i, or make the copy i: uint8 (H, W, 3)."""
        return self._made(i, partial(self.dataset.image, self._of[i]))()

    def reader(self, i):
        """Return a callable that makes image i in another process."""
        return self._made(i, reader(self.dataset, self._of[i]))

    def _made(self, i, read):
        return read if self._copy[i] < 0 else partial(_copy, read, self.augment, int(self.key(i)[:32], 16))

    def key(self, i):
        """Return 64 hexadecimal digits: for a copy the SHA-256 of its image's key, the distortion, the seed and its number."""
        key = self.dataset.key(self._of[i])
        if self._copy[i] < 0:
            return key
        return hashlib.sha256(json.dumps([key, repr(self.augment), self.seed, int(self._copy[i])]).encode()).hexdigest()

    def title(self, i):
        """Return the image's title, for a copy with its number."""
        title = self.dataset.title(self._of[i])
        return title if self._copy[i] < 0 else f"{title}, copy {self._copy[i] + 1}"


def _copy(read, augment, seed):
    return distorted(read(), augment, seed)
