"""What the data sets made by our own code share: each image is drawn anew from a seed, its class and its number."""
import operator
from functools import partial
from hashlib import sha256

import numpy as np

from ..errors import InputError


class Drawn:
    """A data set whose images are drawn when asked for: the same number gives the same image, whatever came before.

    A subclass says what it is called, which classes it has, and how an image of one is drawn.

    Parameters
    ----------
    n_per_class : int
        Images of each class. The first images of a class are the same whatever their number.
    seed : int
        Another seed, at least 0, gives other pictures.

    Attributes
    ----------
    name : str
        Such as "drawn-cats".
    version : int
        Of the drawing code: it is raised when a picture changes, so that no cache serves the old one.
    classes : list of str
    labels : ndarray, int64 (N,)
        The class of every image, as an index into `classes`: first all of the first class, then of the second.

    Raises
    ------
    InputError
        If `n_per_class` is not a whole number above 0, or `seed` not one of at least 0.
    """

    name, version, classes = "", 1, []

    def __init__(self, n_per_class=60, seed=0):
        self.n_per_class = self._whole("n_per_class", n_per_class, low=1)
        self.seed = self._whole("seed", seed, low=0)
        self.classes = list(self.classes)
        self._drawn = tuple(self.classes)           # what is drawn, and its key, do not change with the names
        self.labels = np.repeat(np.arange(len(self.classes), dtype=np.int64), self.n_per_class)

    def _draw(self, label, number, rng):
        """Draw the `number`-th image of class `label` with random numbers from rng: uint8 (H, W, 3)."""
        raise NotImplementedError(f"{type(self).__name__}: write _draw(self, label, number, rng)")

    def __len__(self):
        """Return the number of images, n_per_class for each class."""
        return len(self.labels)

    def image(self, i):
        """Draw image i.

        Parameters
        ----------
        i : int

        Returns
        -------
        rgb : ndarray, uint8 (H, W, 3)

        Raises
        ------
        InputError
            If there is no image i.
        """
        return self._draw(*self._start(i))

    def reader(self, i):
        """Return a callable that draws image i, also in another process."""
        return partial(self.image, i)

    def key(self, i):
        """Return the SHA-256 of image i's recipe: the version of the drawing code, seed, class and number.

        Parameters
        ----------
        i : int

        Returns
        -------
        key : str
            64 hexadecimal digits.

        Raises
        ------
        InputError
            If there is no image i.
        """
        label, number = self._place(i)
        return sha256(f"{self.name} {self.version} {self.seed} {self._drawn[label]} {number}".encode()).hexdigest()

    def title(self, i):
        """Return image i's class and number, such as "tigger 07".

        Parameters
        ----------
        i : int

        Returns
        -------
        title : str

        Raises
        ------
        InputError
            If there is no image i.
        """
        label, number = self._place(i)
        return f"{self._drawn[label]} {number:02d}"

    def _place(self, i):
        """Return image i's label and its number within the class."""
        i = operator.index(i)
        if not 0 <= i < len(self):
            raise InputError(f"{self._words()}: there is no image {i}; they are numbered 0 to {len(self) - 1}")
        return divmod(i, self.n_per_class)

    def _start(self, i):
        """Return image i's label, its number within the class, and the random numbers that draw it."""
        label, number = self._place(i)
        return label, number, np.random.default_rng([self.version, self.seed, label, number])

    def _whole(self, name, value, low):
        """Return an argument as an int, at least `low`."""
        try:
            whole = operator.index(value)
        except TypeError:
            whole = low - 1
        if whole < low:
            raise InputError(f"{self._words()}: {name} is {value!r}; give a whole number, at least {low}")
        return whole

    def _words(self):
        return self.name.replace("-", " ")
