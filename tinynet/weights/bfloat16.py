"""The 16-bit float of neural networks, which NumPy lacks. Taught in lesson 19."""
import numpy as np


def widen_bfloat16(data):
    """Return bfloat16 numbers as float32: a bfloat16 is the upper half of a float32, the lower one was cut off.

    Parameters
    ----------
    data : bytes-like
        Little-endian, two bytes a number.

    Returns
    -------
    numbers : ndarray of float32, shape (n,)
        Exactly the same values.

    Examples
    --------
    >>> float(widen_bfloat16(bytes([0x49, 0x40]))[0])
    3.140625
    """
    numbers = np.frombuffer(data, "<u2").astype("<u4")
    numbers <<= 16
    return numbers.view("<f4")
