"""What every set of labelled images offers, wherever its images come from."""
from functools import partial
from typing import Protocol

import numpy as np


class Dataset(Protocol):
    """Labelled images, numbered 0 to len() - 1.

    `ImageFolder` (files), `DrawnCats`, `PhantomXRays` and `SynthesisedWords` (made by code) are datasets; so is any object
    with these members.
    Images are made when asked for, on several threads at once, and the same number gives the same image.

    A data set whose images other processes can make, such as files, may also have ``reader(i)``: a small callable without
    arguments that is sent to a worker in place of the pixels and returns image i there.

    Attributes
    ----------
    name : str
        A short name, fit for a folder.
    classes : list of str
        The class names; a label is an index into this list.
    labels : ndarray, int64 (N,)
        The label of every image.
    """

    name: str
    classes: list[str]
    labels: np.ndarray

    def __len__(self) -> int:
        """Return N, the number of images."""

    def image(self, i: int) -> np.ndarray:
        """Return image i: uint8 (H, W, 3), red, green, blue in 0..255."""

    def key(self, i: int) -> str:
        """Return 64 hexadecimal digits that name image i's contents: equal keys mean equal images."""

    def title(self, i: int) -> str:
        """Return a short name of image i, for people."""


def reader(dataset, i):
    """Return a callable that makes image i of a data set also in another process: its own, or one that holds the pixels."""
    return dataset.reader(i) if hasattr(dataset, "reader") else partial(np.asarray, dataset.image(i))
