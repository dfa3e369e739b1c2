"""Names that NumPy has dropped and that DeZero and Chainer still use; to be called before they are imported."""
import numpy as np


def restore_numpy_names():
    """Give NumPy back `np.int` and its like, and `np.sctypes`."""
    sctypes = {"int": [np.int8, np.int16, np.int32, np.int64], "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
               "float": [np.float16, np.float32, np.float64], "complex": [np.complex64, np.complex128]}
    for name, value in {"int": int, "float": float, "float_": np.float64, "sctypes": sctypes}.items():
        if name not in vars(np):
            setattr(np, name, value)
