"""What every set of labelled images offers, wherever its images come from."""
from typing import Protocol

import numpy as np


class Dataset(Protocol):
    """Labelled images, numbered 0 to len() - 1.

    `ImageFolder` (files), `DrawnCats`, `PhantomXRays` and `SynthesisedWords` (made by code) are datasets; so is any object
    with these members.
    Images are made when asked for, on several threads at once, and the same number gives the same image.

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
