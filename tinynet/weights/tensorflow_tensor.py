"""The tensors of TensorFlow: raw bytes with a type and a shape, or numbers in a field of their type (TensorProto)."""
import math

import numpy as np

# DataType -> how raw data lie in the file, and the field of a TensorProto for numbers that are not raw
DTYPES = {1: ("<f4", 5), 2: ("<f8", 6), 3: ("<i4", 7), 4: ("u1", 7), 5: ("<i2", 7), 6: ("i1", 7), 9: ("<i8", 10), 10: ("?", 11),
          14: ("<u2", 13), 17: ("<u2", 7), 19: ("<f2", 13), 22: ("<u4", 16), 23: ("<u8", 17)}
BFLOAT16, HALF = 14, 19
REPEATED = 2 ** 21                          # numbers of a whole graph that stand there once for many


def read_shape(shape):
    """Return the lengths of one TensorShapeProto.

    Parameters
    ----------
    shape : Message

    Returns
    -------
    lengths : tuple of int
    """
    lengths = tuple(dim.integer(1) for dim in shape.messages(2))
    if min(lengths, default=0) < 0 or len(lengths) > 16:
        raise ValueError(f"a tensor in it has the shape {str(lengths):.80}")
    return lengths


def from_bytes(content, kind, shape):
    """Return the numbers of raw bytes.

    Parameters
    ----------
    content : memoryview or ndarray
    kind : int
        One of DTYPES.
    shape : tuple of int

    Returns
    -------
    array : ndarray
        A view where it can be; half and bfloat16 become float32.
    """
    array = np.frombuffer(content, DTYPES[kind][0])
    if array.size != math.prod(shape):
        raise ValueError(f"a tensor in it has {array.size:,} numbers, and its shape is {str(shape):.80}")
    if kind == BFLOAT16:                    # the upper half of a float32
        array = np.left_shift(array, 16, dtype=np.uint32).view(np.float32)
    return (array.astype(np.float32) if kind == HALF else array).reshape(shape)


def read_tensor(tensor, budget):
    """Return the numbers of one TensorProto.

    Parameters
    ----------
    tensor : Message
        Of a type in DTYPES.
    budget : list of int
        One number: how many more numbers may stand there once for many.

    Returns
    -------
    array : ndarray
    """
    kind, shape = tensor.integer(1), read_shape(tensor.message(2))
    if 4 in tensor:                                             # tensor_content
        return from_bytes(tensor.blob(4), kind, shape)
    dtype, number = DTYPES[kind]
    values = tensor.numbers(number, dtype) if number in (5, 6) else tensor.integers(number, dtype if kind != HALF else "<u2")
    missing = math.prod(shape) - values.size
    if missing > 0:                                             # the last number stands for all that are not there
        budget[0] -= missing
        if budget[0] < 0:
            raise ValueError(f"a tensor in it of the shape {str(shape):.80} has only {values.size:,} numbers")
        values = np.concatenate([values, np.full(missing, values[-1] if values.size else 0, values.dtype)])
    return from_bytes(values, kind, shape)
