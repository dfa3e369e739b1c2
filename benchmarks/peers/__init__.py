"""The libraries that are measured: for each a module whose ``RUNS`` knows how it does each case.

``RUNS[group, op](case, peer)`` prepares and returns a function of no arguments that does the work once and returns
its results, a list of the library's own arrays. ``RUNS[group]`` does all other operations of the group.
"""
import importlib

import numpy as np

PEERS = {                           # name: (module here, the distribution it measures, "" if that is our own code)
    "tinynet": ("ours", ""),
    "tinynet, 1 worker": ("ours", ""),
    "tinynet, 100 images": ("ours", ""),
    "tinynet cuda": ("ours", ""),
    "pytorch": ("pytorch", "torch"),
    "pytorch channels_last": ("pytorch", "torch"),
    "pytorch cuda": ("pytorch", "torch"),
    "pytorch dataloader": ("pytorch", "torch"),
    "dezero": ("dezero", "dezero"),
    "chainer": ("chainer", "chainer"),
    "ndf": ("ndf", "ndf"),
    "cs231n": ("cs231n", ""),
    "scikit-learn": ("sklearn", "scikit-learn"),
}


def prepare(peer, case):
    """Return a function that does a case once and returns its results."""
    runs = importlib.import_module(f"{__name__}.{PEERS[peer][0]}").RUNS
    return runs.get((case.case, case.op), runs.get(case.case))(case, peer)


def as_numpy(array):
    """Return a library's array (of PyTorch, CuPy, or NumPy already) as NumPy's."""
    if hasattr(array, "detach"):
        return array.detach().cpu().numpy()
    return array.get() if hasattr(array, "get") else np.asarray(array)


def ops_of(case):
    """Return the operation of a case of the group "ops", and whether its backward is wanted."""
    op, _, way = case.op.partition(", ")
    return op, way == "forward and backward"
