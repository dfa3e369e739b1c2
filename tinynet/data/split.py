"""Which images train, which choose the best epoch, and which are kept for the final mark."""
import hashlib
from collections import Counter

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
        What names the contents of each example, such as ``dataset.key(i)``, or several that belong together; equal ones
        are in the same part, whatever their classes.

    Returns
    -------
    parts : tuple of ndarray, int64
        For each fraction the indices of its examples, sorted; together they are 0..N-1, each once.

    Raises
    ------
    InputError
        If `labels` is empty or not a list of integers, there is not a key for each, the fractions are negative or do
        not add up to 1, or a class has fewer examples than there are parts to fill, or too few that it need not share with other
        classes.
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
    if keys is not None:
        part_of = _by_key(labels, keys, fractions, seed)
    else:
        part_of = np.empty(len(labels), np.int64)
        for label, count in zip(classes, counts):
            part_of[rng.permutation(np.flatnonzero(labels == label))] = np.repeat(np.arange(len(fractions)), _sizes(count, fractions))
    return tuple(np.flatnonzero(part_of == part) for part in range(len(fractions)))


def _sizes(count, fractions):
    """Return how many of `count` examples each part gets."""
    sizes = (fractions > 0).astype(np.int64)
    for _ in range(count - sizes.sum()):
        sizes[np.argmax(fractions * count - sizes)] += 1
    return sizes


def _by_key(labels, keys, fractions, seed):
    """Return the part of each example; equal keys are in the same, of whichever classes they are."""
    digests = [hashlib.sha256(f"{seed} {key}".encode()).hexdigest() for key in keys]
    place, which = np.unique([int(digest[:13], 16) / 16 ** 13 for digest in digests], return_inverse=True)
    ends = np.cumsum(fractions)
    part_of = np.searchsorted(ends, place * ends[-1], side="right")     # each goes where its own key says
    pairs = sorted(set(zip(labels.tolist(), which.tolist())))           # of a class and a place
    classes_at, places_of, count = {}, {}, Counter()
    for label, k in pairs:
        classes_at.setdefault(k, []).append(label)
        places_of.setdefault(label, []).append(k)
        count[label, part_of[k]] += 1
    for label, places in places_of.items():
        if len(places) < np.count_nonzero(fractions):
            raise InputError(f"split: a class has {len(places)} different examples, too few for {len(fractions)} parts; add some")
        for part in np.flatnonzero(fractions):
            if not count[label, part]:
                free = [k for k in places if all(count[c, part_of[k]] > 1 for c in classes_at[k])]      # the last of a part stays
                if not free:
                    raise InputError(f"split: class {label} shares its keys with others, which leaves none for part {part}; "
                                     "add examples")
                k = min(free, key=lambda k: abs(place[k] - (ends[part] - fractions[part] / 2)))
                for c in classes_at[k]:
                    count[c, part_of[k]] -= 1
                    count[c, part] += 1
                part_of[k] = part
    return part_of[which]
