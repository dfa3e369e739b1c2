"""How far an answer can be trusted: probabilities that keep their word, and photos unlike all training photos. Taught in lesson 20."""
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..ops import cross_entropy
from ..tensor import Tensor


def temperature(scores, labels, spread=0.25):
    """Return the number by which scores are to be divided for their softmax to say how often it is right.

    Of few photos, all named right by chance, none speaks against the highest sureness. So the temperature is held to 1, as
    by a normal prior of log t around 0; with many photos it no longer matters.

    Parameters
    ----------
    scores : ndarray, float (N, K)
        What the network says of photos that it was not trained on.
    labels : ndarray of int, (N,)
        Their classes.
    spread : float
        Deviation of the prior, above 0; infinity is none.

    Returns
    -------
    t : float
        Between 1/20 and 20: the one with the least cross-entropy, prior included. Above 1 the network was too sure.

    References
    ----------
    C. Guo et al., "On calibration of modern neural networks", 2017, where there is no prior.
    """
    def loss(log_t):
        return len(labels) * cross_entropy(Tensor(np.asarray(scores, float) / np.exp(log_t)), labels).item() + (log_t / spread) ** 2 / 2

    low, high = -np.log(20), np.log(20)
    while high - low > 1e-4:                                # one minimum
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return float(np.exp((low + high) / 2))


@dataclass(frozen=True)
class Calibration:
    """How sure a network was, against how often it was right: one entry per bin that holds photos.

    Attributes
    ----------
    sure, right : ndarray, float (B,)
        Mean probability of the answers in the bin, and the share of them that are right.
    count : ndarray of int, (B,)
        Answers in the bin.
    """

    sure: np.ndarray
    right: np.ndarray
    count: np.ndarray

    @property
    def error(self):
        """The expected calibration error: the mean over all answers of their bin's abs(sure - right), 0 .. 1."""
        return float((np.abs(self.sure - self.right) * self.count).sum() / self.count.sum())


def calibration(probabilities, labels, bins=10):
    """Compare probabilities with what was true.

    Parameters
    ----------
    probabilities : ndarray, float (N, K)
    labels : ndarray of int, (N,)
    bins : int
        Equal parts of 0 .. 1 among which the answers are dealt out, by their probability.

    Returns
    -------
    calibration : Calibration
    """
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    part = np.minimum((sure * bins).astype(int), bins - 1)
    count = np.bincount(part, minlength=bins)
    held = count > 0
    mean = [np.bincount(part, values, minlength=bins)[held] / count[held] for values in (sure, right)]
    return Calibration(*mean, count[held])


class Familiar:
    """Tells photos that resemble the training photos from those that resemble none of them.

    How strange a photo is, is its distance to the `k`-th nearest training photo: 1 - the cosine of the angle between
    their codes. The codes must be as they leave a ReLU and pool, not standardised: among numbers of at least 0 the
    angle tells which maps answer at all.

    Parameters
    ----------
    codes : ndarray, float (M, D)
        Of the training photos.
    k : int
        Which neighbour counts, at most M - 1: of one near neighbour alone, chance may be the reason.
    limit : float, optional
        The distance above which a photo is strange; `choose_limit` finds one.

    Raises
    ------
    InputError
        If there are fewer than 2 training photos.
    """

    def __init__(self, codes, k=5, limit=None):
        if len(codes) < 2:
            raise InputError(f"Familiar: {len(codes)} training photos; at least 2 are needed to compare with")
        self.codes, self.k, self.limit = _unit(codes), min(k, len(codes) - 1), limit

    def distance(self, codes):
        """Return how strange photos are.

        Parameters
        ----------
        codes : ndarray, float (N, D)

        Returns
        -------
        distance : ndarray, float (N,)
            0 for one like the training photos, 1 for one that shares no map with them.
        """
        return _kth_smallest(1 - _unit(codes) @ self.codes.T, self.k)

    def choose_limit(self, codes, kept=0.95, group=None):
        """Set the limit so that this share of photos like the training photos is below it.

        Parameters
        ----------
        codes : ndarray, float (N, D)
            Of photos that were kept back, such as those for validation. As they may be few, each training photo is
            asked too, as if it had been left out itself.
        kept : float
            The share, 0 .. 1.
        group : ndarray of int, (M,), optional
            Training photos of one moment have the same number, see `near_duplicates`; they are left out together, for a new
            photo has no other shot of its burst there.

        Returns
        -------
        limit : float
        """
        own = 1 - self.codes @ self.codes.T
        group = np.arange(len(own)) if group is None else np.asarray(group)
        own[group[:, None] == group] = np.inf
        known = np.concatenate([self.distance(codes), _kth_smallest(own, self.k)])
        self.limit = float(np.quantile(known[np.isfinite(known)], kept))            # infinite: no moments but its own
        return self.limit

    def knows(self, codes):
        """Return, for each photo, whether its distance is at most the limit: an ndarray of bool, (N,)."""
        return self.distance(codes) <= self.limit


def _unit(codes):
    codes = np.asarray(codes, np.float32)
    return codes / np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), np.finfo(np.float32).tiny)


def _kth_smallest(distances, k):
    return np.partition(distances, k - 1, axis=1)[:, k - 1]
