"""Photos of one moment: found before anything is trained, and kept on one side of every split. Taught in lesson 20.

If some shots of a burst train and others test, the test asks what was learned by heart. So `transfer`, `search` and `layers`
deal out moments, and not photos. Which photos show one moment is found without their labels, by their hashes and by the
codes of the default network, whichever is trained: the split depends on photos and seed alone, and all networks, cuts and
searches of the same photos have the same test part.
"""
import warnings

import numpy as np

from ..data import stratified_split
from ..layers import Sequential
from ..models import pretrained
from .audit import FEW, SMALL, near_duplicates, perceptual_hashes
from .cache import ActivationCache
from .freeze import unfreeze
from .run import build

PARTS = 3               # that each class is to be in: training, validation, test


def find_moments(dataset, cache, workers=None, progress=True, device="cpu", executor=None):
    """Return which photos of a dataset show one moment, and what was looked at.

    Parameters
    ----------
    dataset : Dataset
        Its labels are not read.
    cache : str or Path
        The folder of an `ActivationCache`: each photo is looked at once, ever.
    workers, progress, executor
        As for `ActivationCache.activations`.
    device : {"cpu", "gpu"}

    Returns
    -------
    group : ndarray of int, (N,)
        As `near_duplicates` returns it.
    codes : ndarray, float32 (N, D)
        What the default network makes of the photos; None where they are too few to compare.
    """
    if len(dataset) < FEW:
        return np.arange(len(dataset)), None
    base, cache = pretrained(), ActivationCache(cache)
    trunk = unfreeze(build(base, 2, None, None), "head")[:"head"].to(device)
    options = {"workers": workers, "progress": progress, "executor": executor}
    codes = cache.activations(trunk, dataset, base.preprocessing, "head", network=base.model, **options)[:]
    small = cache.activations(Sequential(), dataset, SMALL, "hashing", **options)[:]
    return near_duplicates(perceptual_hashes(small), codes), codes


def together(group):
    """Return the rows of each moment of which there is more than one photo.

    Parameters
    ----------
    group : ndarray of int, (N,)
        As `near_duplicates` returns it.

    Returns
    -------
    moments : list of ndarray of int
        The largest first.
    """
    numbers, counts = np.unique(group, return_counts=True)
    return sorted((np.flatnonzero(group == number) for number in numbers[counts > 1]), key=len, reverse=True)


def split_moments(dataset, group, seed=0):
    """Split photos into training, validation and test, those of one moment all into one of them.

    Each goes where its key says, see `stratified_split`; for a moment the smallest key of its photos says it. So a moment may
    change its part when a photo of it is added or removed; others stay.

    Parameters
    ----------
    dataset : Dataset
    group : ndarray of int, (N,)
        Photos of one moment have the same number.
    seed : int

    Returns
    -------
    train, val, test : ndarray of int64
        Rows.

    Raises
    ------
    InputError
        If a class has fewer than three photos.

    Warns
    -----
    UserWarning
        If a class shows fewer than three moments. Then its photos are dealt out one by one.
    """
    own = [dataset.key(i) for i in range(len(dataset))]
    keys = list(own)
    for rows in together(group):
        smallest = min(own[i] for i in rows)
        for i in rows:
            keys[i] = smallest
    for label, name in enumerate(dataset.classes):
        rows = np.flatnonzero(dataset.labels == label)
        n = len({keys[i] for i in rows})
        if n < PARTS <= len({own[i] for i in rows}):
            warnings.warn(f"{name}: its {len(rows)} photos show {n} moment{'s' * (n > 1)}, too few to keep each on one side of the "
                          "split; they are dealt out one by one, and the accuracy will be too good", stacklevel=2)
            for i in rows:
                keys[i] = own[i]
    return stratified_split(dataset.labels, seed=seed, keys=keys)
