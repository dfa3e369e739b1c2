"""A trained classifier: what it answers, how sure it may be of it, and what it does not know. Taught in lesson 20."""
from dataclasses import dataclass

import numpy as np

from ..backend import to_device, to_numpy
from ..compute import parallel
from ..data import Preprocessing
from ..data.loader import batches
from ..layers import Sequential
from ..ops import softmax
from ..tensor import Tensor
from .ensemble import ViewEnsemble
from .trust import Familiar

K_NEIGHBOURS = 3            # which training photo's distance tells how strange a photo is


@dataclass(frozen=True)
class Answers:
    """What a classifier says of N photos.

    Attributes
    ----------
    probabilities : ndarray, float32 (N, K)
        Of the classes, as sure as the validation photos allow.
    distances : ndarray, float32 (N,)
        How strange each photo is, see `Familiar`.
    known : ndarray of bool, (N,)
        False for a photo unlike all training photos: it may be none of the classes.
    codes : ndarray, float32 (N, D)
        What the last layer saw of each.

    Of a network that has not learned from photos of one's own only the probabilities are known; the others are None.
    """

    probabilities: np.ndarray
    distances: np.ndarray | None = None
    known: np.ndarray | None = None
    codes: np.ndarray | None = None


@dataclass(frozen=True)
class Classifier:
    """What `transfer` leaves in a run's folder and `load_run` finds there.

    Attributes
    ----------
    net : Sequential
        In evaluation mode: images (N, 3, crop, crop) to scores (N, K); its last stage is "head".
    classes : list of str
        The K names.
    preprocessing : Preprocessing
        How to make an image fit for the network.
    views : list of View
        How to look at each image; the first is the plain one. With several the answer is their mean.
    temperature : float
        What scores are divided by, see `trust.temperature`.
    familiar : Familiar
        Of the training photos.
    training_keys : list of str
        ``dataset.key(i)`` of these photos, in the order of ``familiar.codes``.

    Examples
    --------
    A photo is named, or found to be none of the classes::

        classifier = load_run("runs/photos")
        answers = classifier([read_image("new.jpg")])
        name = classifier.classes[answers.probabilities[0].argmax()] if answers.known[0] else "none of these"
    """

    net: Sequential
    classes: list
    preprocessing: Preprocessing
    views: list
    temperature: float
    familiar: Familiar
    training_keys: list

    def __call__(self, images):
        """Answer for images, a list of ndarray, uint8 (H, W, 3) each.

        Returns
        -------
        answers : Answers
        """
        x = np.stack([self.preprocessing(view(image)) for image in images for view in self.views])     # (N V, 3, crop, crop)
        codes = to_numpy(parallel.run(self.net[:"head"], to_device(x, self.net.device)))
        codes = codes.reshape(len(images), len(self.views), -1)                                        # (N, V, D)
        scores = ViewEnsemble(self.net["head"])(Tensor(to_device(codes, self.net.device))).numpy()
        p = softmax(Tensor(scores / np.float32(self.temperature))).numpy()
        plain = codes[:, 0]
        return Answers(p, self.familiar.distance(plain), self.familiar.knows(plain), plain)


def features(stages, x, rows, workers=None, batch_size=64):
    """Return the codes of some rows of activations: what stages before "head" make of them.

    Parameters
    ----------
    stages : Sequential
        Those from the cut on; its last is "head".
    x : ndarray or Activations, (M, ...)
        Activations at the cut.
    rows : ndarray of int, (N,)
    workers : int, optional
        Threads, see `parallel.run`.
    batch_size : int
        Rows in memory at a time.

    Returns
    -------
    codes : ndarray, float32 (N, D)
    """
    before = stages[:"head"].eval()
    return np.concatenate([to_numpy(parallel.run(before, to_device(x[rows[part]], stages.device), workers))
                           for part in batches(len(rows), batch_size)]).reshape(len(rows), -1)


def familiar_with(codes, train, val, group=None):
    """Return what knows the training photos, its limit chosen.

    Parameters
    ----------
    codes : callable
        Rows, ndarray of int (N,), to codes, float (N, D).
    train, val : ndarray of int
        Rows of the training and of the validation photos.
    group : ndarray of int, optional
        Photos of one moment have the same number, for all rows.

    Returns
    -------
    familiar : Familiar
        As it will be read again from a file of half precision.
    """
    familiar = Familiar(codes(train).astype(np.float16), K_NEIGHBOURS)
    familiar.choose_limit(codes(val), group=None if group is None else group[train])
    return familiar


def log_probabilities(probabilities):
    """Return scores that give some probabilities.

    Parameters
    ----------
    probabilities : ndarray, float32 (N, K)

    Returns
    -------
    scores : ndarray, float32 (N, K)
        None is -inf.
    """
    return np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))


def tempered(probabilities, t):
    """Return the probabilities that the scores behind some give when they are divided by a temperature.

    Parameters
    ----------
    probabilities : ndarray, float32 (N, K)
    t : float

    Returns
    -------
    probabilities : ndarray, float32 (N, K)
    """
    return softmax(Tensor(log_probabilities(probabilities) / np.float32(t))).numpy()
