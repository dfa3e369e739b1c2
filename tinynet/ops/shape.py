"""Operations that move numbers without changing them: their gradients move them back. Taught in lesson 01."""
import math

import numpy as np

from ..backend import add_at, array_module
from ..tensor import Function


class Reshape(Function):
    """The same numbers in the same order under another shape."""

    keeps_output = True             # the result may be a view of the input

    def __init__(self, shape):
        self.shape = shape

    def forward(self, x):
        self.x_shape = x.shape
        return x.reshape(self.shape)

    def backward(self, gy):
        return gy.reshape(self.x_shape)


class Transpose(Function):
    """Axes in another order."""

    keeps_output = True             # the result may be a view of the input

    def __init__(self, axes):
        self.axes = axes

    def forward(self, x):
        return x.transpose(self.axes)

    def backward(self, gy):
        if self.axes is None:
            return gy.transpose()
        return gy.transpose(np.argsort([axis % gy.ndim for axis in self.axes]).tolist())


class Slice(Function):
    """y = x[index]; an element taken twice receives both gradients."""

    keeps_output = True             # the result may be a view of the input

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
            add_at(gx, self.index, gy)
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


def _is_basic(index):
    """Return whether an index is made of integers and slices alone, so that it names no element twice."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is Ellipsis or isinstance(part, (int, np.integer, slice)) for part in parts)


def reshape(x, shape):
    """Return the same numbers under another shape.

    Parameters
    ----------
    x : Tensor
        Any shape.
    shape : tuple of int
        As many elements as x has; one length may be -1, for what is left.

    Returns
    -------
    y : Tensor
        Of that shape.
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
    """Return one row of numbers per sample.

    Parameters
    ----------
    x : Tensor, shape (N, ...)
        N samples.

    Returns
    -------
    y : Tensor, shape (N, D)
        D is the number of numbers in a sample.
    """
    return Reshape((x.shape[0], math.prod(x.shape[1:])))(x)


def getitem(x, index):
    """Return x[index].

    Parameters
    ----------
    x : Tensor
        Any shape.
    index : int, slice, ndarray of int or bool, or a tuple of these
        As in NumPy; an element taken twice receives both gradients.

    Returns
    -------
    y : Tensor
        Of the shape of x.data[index].
    """
    return Slice(index)(x)


def concat(xs, axis=1):
    """Join Tensors along an axis.

    Parameters
    ----------
    xs : sequence of Tensor
        Equal shapes but for that axis.
    axis : int
        By default 1, the channels of (N, C, H, W).

    Returns
    -------
    y : Tensor
        Its length along the axis is the sum of theirs.
    """
    return Concat(axis)(*xs)
