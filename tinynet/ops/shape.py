"""Operations that move numbers without changing them: their gradients move them back. Taught in lesson 01."""
import math

import numpy as np

from ..backend import array_module
from ..errors import InputError
from ..tensor import Function, Tensor


class Reshape(Function):
    """The same numbers in the same order under another shape."""

    def __init__(self, shape):
        self.shape = shape

    def forward(self, x):
        self.x_shape = x.shape
        return x.reshape(self.shape)

    def backward(self, gy):
        return gy.reshape(self.x_shape)


class Transpose(Function):
    """Axes in another order."""

    def __init__(self, axes):
        self.axes = axes

    def forward(self, x):
        return x.transpose(self.axes)

    def backward(self, gy):
        if self.axes is None:
            return gy.transpose()
        return gy.transpose(np.argsort([axis % gy.ndim for axis in self.axes]).tolist())


class GetItem(Function):
    """y = x[index]; an element taken twice receives both gradients."""

    def __init__(self, index):
        self.index = index

    def forward(self, x):
        self.x_shape = x.shape
        return x[self.index]

    def backward(self, gy):
        gx = array_module(gy).zeros(self.x_shape, gy.dtype)
        if _is_basic(self.index):
            gx[self.index] = gy
        else:
            array_module(gy).add.at(gx, self.index, gy)
        return gx


class Concat(Function):
    """Arrays one after the other along an axis."""

    def __init__(self, axis):
        self.axis = axis

    def forward(self, *xs):
        self.lengths = [x.shape[self.axis] for x in xs]
        return array_module(*xs).concatenate(xs, axis=self.axis)

    def backward(self, gy):
        parts, start = [], 0
        for length, wanted in zip(self.lengths, self.needs):
            part = [slice(None)] * gy.ndim
            part[self.axis] = slice(start, start + length)
            parts.append(gy[tuple(part)] if wanted else None)
            start += length
        return tuple(parts)


class Pad2d(Function):
    """Images with a border; the border's gradient belongs to nobody."""

    def __init__(self, top, left, bottom, right, value):
        self.widths, self.value = ((0, 0), (0, 0), (top, bottom), (left, right)), value

    def forward(self, x):                                   # (N, C, H, W) -> (N, C, top + H + bottom, left + W + right)
        self.x_shape = x.shape
        return array_module(x).pad(x, self.widths, constant_values=self.value)

    def backward(self, gy):
        (top, _), (left, _), (H, W) = *self.widths[2:], self.x_shape[2:]
        return gy[:, :, top:top + H, left:left + W]


def _is_basic(index):
    """Return whether an index is made of integers and slices alone, so that it names no element twice."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is Ellipsis or isinstance(part, (int, np.integer, slice)) for part in parts)


def reshape(x, shape):
    """Return the same numbers under another shape; one length may be -1, for what is left.

    >>> reshape(Tensor(np.zeros((2, 6))), (3, -1)).shape
    (3, 4)
    """
    return Reshape(shape)(x)


def transpose(x, axes=None):
    """Return x with its axes in another order.

    Parameters
    ----------
    x : Tensor
        Any shape.
    axes : tuple of int, optional
        Axis i of the result is axis axes[i] of x; by default the order is reversed.

    Returns
    -------
    y : Tensor
        A view of x's numbers.
    """
    return Transpose(axes)(x)


def flatten(x):
    """Return one row of numbers per sample, (N, ...) -> (N, D)."""
    return Reshape((x.shape[0], math.prod(x.shape[1:])))(x)


def getitem(x, index):
    """Return x[index], with any index that NumPy takes; an element taken twice receives both gradients."""
    return GetItem(index)(x)


def concat(xs, axis):
    """Join Tensors along an axis.

    Parameters
    ----------
    xs : sequence of Tensor
        At least one; equal shapes but for that axis.
    axis : int
        1 joins the channels of (N, C, H, W).

    Returns
    -------
    y : Tensor
        Its length along the axis is the sum of theirs.

    Raises
    ------
    InputError
        If there are none, or they do not fit each other.
    """
    if isinstance(xs, Tensor) or not len(xs):
        raise InputError(f"concat: give a list of Tensors, at least one, not {type(xs).__name__ if len(xs) else xs!r}")
    shapes, dtypes = [x.shape for x in xs], {x.dtype for x in xs}
    others = {tuple(n for i, n in enumerate(shape) if i != axis % len(shape)) for shape in shapes if shape}
    if len(others) != 1 or len(dtypes) != 1 or not -len(shapes[0]) <= axis < len(shapes[0]):
        raise InputError(f"concat: {', '.join(map(str, shapes))} of {', '.join(sorted(map(str, dtypes)))} along axis "
                         f"{axis}: dtypes must be the same, and shapes but for that axis")
    return Concat(axis)(*xs)


def pad2d(x, padding, value=0.0):
    """Put a border around images, each side as wide as it likes.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
    padding : (int, int, int, int)
        Pixels at the top, left, bottom and right; at least 0.
    value : float
        Of the border.

    Returns
    -------
    y : Tensor, shape (N, C, top + H + bottom, left + W + right)

    Raises
    ------
    InputError
        If x has not four axes or padding is not four such numbers.
    """
    if x.ndim != 4 or len(padding) != 4 or min(padding) < 0:
        raise InputError(f"pad2d: x is {x.shape}, padding {tuple(padding)}: x must be (N, C, H, W), padding (top, left, "
                         "bottom, right), none below 0")
    return Pad2d(*padding, value)(x)
