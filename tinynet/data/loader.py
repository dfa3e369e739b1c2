"""From a dataset to the batches a network takes."""
import numpy as np

from ..compute import ordered_map
from ..errors import InputError


def batches(n, batch_size, rng=None):
    """Cut the numbers 0..n-1 into batches: one epoch.

    Parameters
    ----------
    n : int
        Number of examples.
    batch_size : int
        Examples a batch, at least 1; the last batch holds what is left. A single one joins the batch before it:
        a batch norm cannot learn from one row.
    rng : np.random.Generator, optional
        Shuffles the numbers first; without it they come in order.

    Returns
    -------
    batches : iterator of ndarray, int64 (B,)
        Indices, each of 0..n-1 once.

    Raises
    ------
    InputError
        If `batch_size` is below 1.
    """
    if batch_size < 1:
        raise InputError(f"batches: batch size is {batch_size}, it must be at least 1")
    order = np.arange(n, dtype=np.int64) if rng is None else rng.permutation(n)
    starts = list(range(0, n, batch_size))
    if batch_size > 1 and len(starts) > 1 and starts[-1] == n - 1:
        starts.pop()
    return (order[start:stop] for start, stop in zip(starts, [*starts[1:], n]))


def load_inputs(dataset, indices, preprocessing):
    """Read and prepare some of a dataset's images, on several threads.

    Parameters
    ----------
    dataset : Dataset
        Where the images come from.
    indices : array_like of int, (B,)
        Which images, in which order.
    preprocessing : Preprocessing
        What the network expects.

    Returns
    -------
    x : ndarray, float32 (B, C, crop, crop)

    Raises
    ------
    InputError
        If an image can no longer be read.
    """
    x = np.empty((len(indices), preprocessing.n_channels, preprocessing.crop, preprocessing.crop), np.float32)

    def load(row):
        x[row] = preprocessing(dataset.image(indices[row]))

    for _ in ordered_map(load, range(len(x))):
        pass
    return x
