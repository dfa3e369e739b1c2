"""Which array library computes: NumPy on the CPU, CuPy on the GPU. The only file that imports CuPy.

Code follows the data: an op asks ``xp = array_module(x)`` and writes ``xp.exp(x)``, so the same line runs on both.
"""
import numpy as np

from .errors import InputError

try:
    import cupy
except ImportError:                 # no GPU extra installed: everything runs on the CPU
    cupy = None


def array_module(*arrays):
    """Return the module whose functions work on these arrays.

    Parameters
    ----------
    *arrays : ndarray
        NumPy or CuPy arrays; anything else (numbers, None) counts as the CPU's.

    Returns
    -------
    xp : module
        ``cupy`` if any array is CuPy's, else ``numpy``.
    """
    if cupy is not None and any(isinstance(array, cupy.ndarray) for array in arrays):
        return cupy
    return np


def gpu_problem():
    """Return None if a GPU can be used, or one line that says why not and what would help."""
    if cupy is None:
        return "CuPy is not installed: pip install -e .[gpu-cuda12] or .[gpu-cuda13], as your driver needs"
    try:
        if cupy.cuda.runtime.getDeviceCount() > 0:
            return None
        return "CuPy is installed but finds no GPU: check that the machine has one (nvidia-smi)"
    except Exception as error:      # CuPy raises several types for a missing or unfit driver
        return f"CuPy is installed but cannot start CUDA ({str(error).splitlines()[0]}): check the NVIDIA driver"


def gpu_name():
    """Return the name of the GPU in use."""
    return cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()


def to_device(array, device):
    """Return the array on a device, copying only if it is elsewhere.

    Parameters
    ----------
    array : ndarray
        NumPy or CuPy array, any shape and dtype.
    device : {"cpu", "gpu"}
        Where it should be.

    Returns
    -------
    array : ndarray
        A NumPy array for "cpu", a CuPy array for "gpu".

    Raises
    ------
    InputError
        If the device has another name, or there is no usable GPU.
    """
    if device == "cpu":
        return to_numpy(array)
    if device != "gpu":
        raise InputError(f"to_device: no device named {device!r}; choose 'cpu' or 'gpu'")
    problem = gpu_problem()
    if problem:
        raise InputError(f"to_device: no GPU: {problem}")
    return cupy.asarray(array)


def to_numpy(array):
    """Return the array as a NumPy array, copying it from the GPU if it is there.

    Parameters
    ----------
    array : ndarray
        NumPy or CuPy array, any shape and dtype.

    Returns
    -------
    array : ndarray
        NumPy's, of the same shape and dtype.
    """
    if array_module(array) is np:
        return np.asarray(array)
    return cupy.asnumpy(array)


def as_numbers(data):
    """Return arrays and NumPy scalars as arrays of their own dtype, Python floats and lists of them as float32.

    Parameters
    ----------
    data : array_like

    Returns
    -------
    array : ndarray
        In the machine's byte order.

    Raises
    ------
    TypeError
        If it does not hold real numbers.
    """
    if isinstance(data, np.ma.MaskedArray):
        raise TypeError("Tensor: data is a masked array, and its mask would be lost; fill it first: data.filled(0)")
    try:
        array = data if array_module(data) is not np else np.asarray(data)
    except ValueError as error:
        raise TypeError(f"Tensor: data is no array ({error}); give numbers, in lists of equal length") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"Tensor: data is {array.dtype}; give real numbers, in an array or in lists of equal length")
    if isinstance(data, np.generic) or hasattr(data, "dtype"):
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    return array.astype(np.float32) if array.dtype == np.float64 else array
