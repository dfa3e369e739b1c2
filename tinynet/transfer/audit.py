"""What may be wrong with photos: two of the same moment, and labels that the other photos speak against. Taught in lesson 20."""
from dataclasses import dataclass

import numpy as np

from ..data import Preprocessing, stratified_split
from ..errors import InputError
from ..ops import softmax
from ..tensor import Tensor, no_grad
from .layer_curve import linear_classifier

SMALL = Preprocessing(resize=17, crop=17, channels="L", mean=(0.0,), scale=1 / 255, resample="bilinear")
SURPRISE = 7.5          # how many deviations nearer than most pairs, by hash and by code together, two of one moment are
SAME_BITS = 0.04        # share of a hash that may differ when the same photo is saved again, however alike all photos are
CHAINED = 0.1           # share of the pairs of a moment that are alike; with fewer it is a chain through pictures that all are
FEW = 8                 # photos: among fewer, nobody knows how far apart two of them are as a rule


def perceptual_hashes(small):
    """Return hashes that stay nearly the same when a photo is saved again, scaled, lit or coloured in another way.

    A bit says whether a small grey version of the photo gets brighter from one pixel to the next on its right.

    Parameters
    ----------
    small : ndarray, float (N, 1, 17, 17)
        The photos, prepared by `SMALL`.

    Returns
    -------
    hashes : ndarray of bool, (N, 2, 272)
        Of each photo and of its mirror image.
    """
    both = np.stack([small[:, 0], small[:, 0, :, ::-1]], axis=1)            # (N, 2, 17, 17)
    return (both[..., 1:] > both[..., :-1]).reshape(len(small), 2, -1)


def near_duplicates(hashes, codes):
    """Find photos of one moment: one saved twice, scaled, mirrored, framed or lit in another way, slightly cropped, or a burst.

    Two distances are measured, between hashes and between codes, each in deviations below that of most pairs of these
    photos; what counts is their sum, or hashes that are nearly the same. So photos that are all alike, as X-rays are, are
    no duplicates unless they were only saved, mirrored or lit anew. What is like one photo of a moment belongs to it, as in a
    long burst; but where such chains run through pictures that are all somewhat alike, as spectra of short words are, hardly
    two of which are, each is its own.

    Parameters
    ----------
    hashes : ndarray of bool, (N, 2, B)
        As `perceptual_hashes` returns them.
    codes : ndarray, float (N, D)
        What the frozen network makes of the photos.

    Returns
    -------
    group : ndarray of int, (N,)
        Photos of one moment have the same number: the first of their rows. Each its own where there are fewer than 8.

    Notes
    -----
    Time grows with N²: 3,000 photos take about a second.
    """
    n = len(hashes)
    group = np.arange(n)
    if n < FEW:
        return group
    bits = hashes.astype(np.float32) * 2 - 1                                # a product of two counts equal bits
    unit = (codes - codes.mean(axis=0)) / np.maximum(codes.std(axis=0), 1e-6)
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-6)
    some = np.random.default_rng(0).permutation(n)[:1000]
    by_hash, by_code = _usual(_hash_distance(bits[some], bits[some])), _usual(1 - unit[some] @ unit[some].T)
    alike = np.zeros(n, int)                                                # with how many others
    for start in range(0, n, 256):                                          # (256, N) distances at a time
        rows = slice(start, start + 256)
        hash_distance, code_distance = _hash_distance(bits[rows], bits), 1 - unit[rows] @ unit.T
        nearer = (by_hash[0] - hash_distance) / by_hash[1] + (by_code[0] - code_distance) / by_code[1]
        near = (nearer > SURPRISE) | (hash_distance < SAME_BITS)
        alike[rows] = near.sum(axis=1) - 1                                  # not with itself
        for i, j in zip(*np.nonzero(np.triu(near, start + 1))):
            _join(group, start + i, j)
    group = np.array([_first(group, i) for i in range(n)])
    size = np.bincount(group)[group]
    chained = np.bincount(group, alike)[group] < CHAINED * size * (size - 1)
    return np.where(chained, np.arange(n), group)


@dataclass(frozen=True)
class Doubt:
    """A label that the other photos speak against.

    Attributes
    ----------
    row : int
        Of the photo.
    label, other : int
        The class it was given, and the one it looks like.
    p_label, p_other : float
        How probable a classifier that never saw it finds either.
    """

    row: int
    label: int
    other: int
    p_label: float
    p_other: float


def held_out(codes, labels, folds=5, seed=0, group=None):
    """Name each photo by a linear classifier that was trained without it.

    Parameters
    ----------
    codes : ndarray, float (N, D)
        What the frozen network makes of the photos.
    labels : ndarray of int, (N,)
        0 .. K - 1.
    folds : int
        Into how many parts the photos are dealt out; each class needs as many.
    seed : int
        Of the dealing out.
    group : ndarray of int, (N,), optional
        From `near_duplicates`: photos of one moment are named together, or one would vouch for the other.

    Returns
    -------
    probabilities : ndarray, float (N, K)

    Raises
    ------
    InputError
        If a class has too few photos.
    """
    labels = np.asarray(labels)
    p = np.empty((len(labels), labels.max() + 1))
    keys = [str(moment) for moment in (range(len(labels)) if group is None else group)]
    for rows in _deal(labels, keys, folds, seed):
        others = np.setdiff1d(np.arange(len(labels)), rows)
        net = linear_classifier(codes[others], labels[others], p.shape[1])
        with no_grad():
            p[rows] = softmax(net(Tensor(np.asarray(codes[rows])))).numpy()
    return p


def doubtful_labels(codes, labels, folds=5, seed=0, group=None):
    """Find labels that are probably wrong: confident learning.

    Each photo is named by a classifier that was trained without it. A class has its own bar, the mean probability that
    it gets from its own photos; a photo is in doubt if another class passes its bar and is more probable than the label.

    Parameters
    ----------
    codes, labels, folds, seed, group
        As for `held_out`.

    Returns
    -------
    doubts : list of Doubt
        The surest first.

    Raises
    ------
    InputError
        If a class has too few photos.

    References
    ----------
    C. G. Northcutt et al., "Confident learning: estimating uncertainty in dataset labels", 2021.
    """
    labels, p = np.asarray(labels), held_out(codes, labels, folds, seed, group)
    own = p[np.arange(len(labels)), labels]
    bar = np.array([own[labels == k].mean() for k in range(p.shape[1])])
    passed = np.where(p >= bar, p, 0)
    passed[np.arange(len(labels)), labels] = 0
    other = passed.argmax(axis=1)
    margin = passed.max(axis=1) - own
    return [Doubt(row, int(labels[row]), int(other[row]), float(own[row]), float(p[row, other[row]]))
            for row in np.argsort(-margin, kind="stable").tolist() if margin[row] > 0]


def leak(codes, labels, group):
    """Compare what photos promise that are dealt out one by one with what moments do.

    Parameters
    ----------
    codes, labels, group
        As for `held_out`.

    Returns
    -------
    singly, kept : float or None
        Share of all photos that `held_out` names right, without and with the groups; None where no two photos are of one
        moment, or a class shows too few.
    """
    if len(np.unique(group)) == len(group):
        return None, None
    try:
        singly, kept = (float((held_out(codes, labels, group=g).argmax(axis=1) == labels).mean()) for g in (None, group))
    except InputError:
        return None, None
    return singly, kept


def _deal(labels, keys, folds, seed):
    """Return the rows of each fold; every class is in each, and equal keys are in one."""
    try:
        return stratified_split(labels, (1 / folds,) * folds, seed, keys)
    except InputError as error:
        raise InputError(f"held out: {folds} folds need {folds} different photos of each class ({error})") from error


def _hash_distance(a, b):
    """Return the share of bits (n, m) in which photos differ, or a photo and the other's mirror image."""
    a = a[:, 0]                                                             # (n, B)
    agree = np.maximum(a @ b[:, 0].T, a @ b[:, 1].T)                        # -B .. B
    return (1 - agree / a.shape[1]) / 2


def _usual(distances):
    """Return the median of the distances (n, n) between different photos, and how far most are from it."""
    pairs = distances[np.triu_indices(len(distances), 1)]
    low, middle = np.quantile(pairs, [0.16, 0.5])
    return middle, max(middle - low, 1e-6)


def _first(group, i):
    """Return the first row of the group that row i is in."""
    while group[i] != i:
        i = group[i]
    return i


def _join(group, i, j):
    i, j = _first(group, i), _first(group, j)
    group[max(i, j)] = min(i, j)
