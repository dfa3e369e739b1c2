"""Which images train, which choose the best epoch, and which are kept for the final mark."""
import hashlib

import numpy as np

from ..errors import InputError


def stratified_split(labels, fractions=(0.7, 0.1, 0.2), seed=0, keys=None):
    """Split examples at random into parts that hold every class in the same proportions.

    Without keys, each class is shuffled and dealt out by itself. A part first gets one example of the class (none if
    its fraction is 0); each further example goes to the part that is furthest below fraction * class size, the
    earlier part in a tie. So a part's size differs from that product by less than 1, unless the product is
    itself below 1. Of 10 examples (.7, .1, .2) makes 7, 1, 2; of 3 it makes 1, 1, 1.

    With keys, an example goes where its own key says: the SHA-256 of seed and key, read as a number in [0, 1), falls
    into one of the parts. So old photos stay where they were when others are added, removed or renamed, and none that
    tested before trains now. The sizes vary by chance: of 100 photos about 20 (give or take 4) are for testing. Only
    where a class would leave a part empty, the photo whose number lies nearest fills it; that one may go back when
    photos of the class are added.

    Parameters
    ----------
    labels : array_like of int, (N,)
        The class of every example.
    fractions : sequence of float
        The share of each part, at least 0; they add up to 1.
    seed : int
        The same seed, labels (or keys) and fractions give the same split.
    keys : sequence of str, optional
        What names the contents of each example, such as ``dataset.key(i)``; equal ones are in the same part.

    Returns
    -------
    parts : tuple of ndarray, int64
        For each fraction the indices of its examples, sorted; together they are 0..N-1, each once.

    Raises
    ------
    InputError
        If `labels` is empty or not a list of integers, there is not a key for each, the fractions are negative or do
        not add up to 1, or a class has fewer examples than there are parts to fill.
    """
    labels, fractions = np.asarray(labels), np.asarray(fractions, dtype=float)
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not len(labels):
        raise InputError(f"split: labels are {labels.dtype} {labels.shape}, expected a list of integers")
    if fractions.ndim != 1 or not (fractions >= 0).all() or abs(fractions.sum() - 1) > 1e-6:
        raise InputError(f"split: fractions are {fractions.tolist()}, expected none below 0 and a sum of 1")
    if keys is not None and len(keys) != len(labels):
        raise InputError(f"split: {len(keys)} keys for {len(labels)} labels; give one for each")
    classes, counts = np.unique(labels, return_counts=True)
    n_parts = np.count_nonzero(fractions)
    if counts.min() < n_parts:
        raise InputError(f"split: class {classes[counts.argmin()]} has {counts.min()} examples, too few for "
                         f"{n_parts} parts; add examples or leave the class out")
    rng = np.random.default_rng(seed)
    part_of = np.empty(len(labels), np.int64)
    for label, count in zip(classes, counts):
        members = np.flatnonzero(labels == label)
        if keys is None:
            part_of[rng.permutation(members)] = np.repeat(np.arange(len(fractions)), _sizes(count, fractions))
        else:
            part_of[members] = _by_key([keys[i] for i in members], fractions, seed)
    return tuple(np.flatnonzero(part_of == part) for part in range(len(fractions)))


def _sizes(count, fractions):
    """Return how many of `count` examples each part gets."""
    sizes = (fractions > 0).astype(np.int64)
    for _ in range(count - sizes.sum()):
        sizes[np.argmax(fractions * count - sizes)] += 1
    return sizes


def _by_key(keys, fractions, seed):
    """Return the part of each example of one class."""
    digests = [hashlib.sha256(f"{seed} {key}".encode()).hexdigest() for key in keys]
    place, which = np.unique([int(digest[:13], 16) / 16 ** 13 for digest in digests], return_inverse=True)
    if len(place) < np.count_nonzero(fractions):
        raise InputError(f"split: a class has {len(place)} different examples, too few for {len(fractions)} parts; add some")
    ends = np.cumsum(fractions)
    part_of = np.searchsorted(ends, place * ends[-1], side="right")     # each goes where its own key says
    for part in np.flatnonzero(fractions):
        if not (part_of == part).any():
            away = np.abs(place - (ends[part] - fractions[part] / 2))
            away[np.bincount(part_of)[part_of] == 1] = np.inf           # the last of its part stays
            part_of[np.argmin(away)] = part
    return part_of[which]
