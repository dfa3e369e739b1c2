"""Which images train, which choose the best epoch, and which are kept for the final mark."""
import numpy as np

from ..errors import InputError


def stratified_split(labels, fractions=(0.7, 0.1, 0.2), seed=0):
    """Split numbered examples at random into parts that hold every class in the same proportions.

    Each class is shuffled and dealt out by itself. A part first gets one example of the class (none if its
    fraction is 0); each further example goes to the part that is furthest below fraction * class size, the
    earlier part in a tie. So a part's size differs from that product by less than 1, unless the product is
    itself below 1. Of 10 examples (.7, .1, .2) makes 7, 1, 2; of 3 it makes 1, 1, 1.

    Parameters
    ----------
    labels : array_like of int, (N,)
        The class of every example.
    fractions : sequence of float
        The share of each part, at least 0; they add up to 1.
    seed : int
        The same seed, labels and fractions give the same split.

    Returns
    -------
    parts : tuple of ndarray, int64
        For each fraction the indices of its examples, sorted; together they are 0..N-1, each once.

    Raises
    ------
    InputError
        If `labels` is empty or not a list of integers, the fractions are negative or do not add up to 1,
        or a class has fewer examples than there are parts to fill.
    """
    labels, fractions = np.asarray(labels), np.asarray(fractions, dtype=float)
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not len(labels):
        raise InputError(f"split: labels are {labels.dtype} {labels.shape}, expected a list of integers")
    if fractions.ndim != 1 or not (fractions >= 0).all() or abs(fractions.sum() - 1) > 1e-6:
        raise InputError(f"split: fractions are {fractions.tolist()}, expected none below 0 and a sum of 1")
    classes, counts = np.unique(labels, return_counts=True)
    n_parts = np.count_nonzero(fractions)
    if counts.min() < n_parts:
        raise InputError(f"split: class {classes[counts.argmin()]} has {counts.min()} examples, too few for "
                         f"{n_parts} parts; add examples or leave the class out")
    rng = np.random.default_rng(seed)
    parts = [[] for _ in fractions]
    for label, count in zip(classes, counts):
        members = rng.permutation(np.flatnonzero(labels == label))
        ends = np.cumsum(_sizes(count, fractions))
        for part, chunk in zip(parts, np.split(members, ends[:-1])):
            part.append(chunk)
    return tuple(np.sort(np.concatenate(part)) for part in parts)


def _sizes(count, fractions):
    """Return how many of `count` examples each part gets."""
    sizes = (fractions > 0).astype(np.int64)
    for _ in range(count - sizes.sum()):
        sizes[np.argmax(fractions * count - sizes)] += 1
    return sizes
