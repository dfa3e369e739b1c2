"""Sum, mean and maximum over axes. Taught in lesson 01."""
import math

from ..backend import array_module
from ..tensor import Function
from .arithmetic import multiply, subtract


class Sum(Function):
    """y = the sum of x over the axes; every summand has slope 1, so the gradient is spread to all."""

    def __init__(self, axis, keepdims):
        self.axis, self.keepdims = axis, keepdims

    def forward(self, x):
        self.x_shape = x.shape
        return x.sum(axis=self.axis, keepdims=self.keepdims)

    def backward(self, gy):
        gy = _with_axes(gy, self.x_shape, self.axis, self.keepdims)
        return array_module(gy).broadcast_to(gy, self.x_shape)


class Mean(Sum):
    """y = the mean of x over the axes."""

    def forward(self, x):
        y = super().forward(x)
        self.count = x.size // (math.prod(y.shape) or 1)      # an empty batch has no means
        return y / self.count

    def backward(self, gy):
        return super().backward(gy / self.count)


class Max(Function):
    """y = the largest of x over the axes; equal largest elements share the gradient equally."""

    def __init__(self, axis, keepdims):
        self.axis, self.keepdims = axis, keepdims

    def forward(self, x):
        y = x.max(axis=self.axis, keepdims=True)
        self.is_max = x == y
        return y if self.keepdims else x.max(axis=self.axis)

    def backward(self, gy):
        gy = _with_axes(gy, self.is_max.shape, self.axis, self.keepdims)
        ties = self.is_max.sum(axis=self.axis, keepdims=True, dtype=gy.dtype)
        return self.is_max * (gy / ties)


def _with_axes(gy, shape, axis, keepdims):
    """Put the reduced axes back with length 1, so that gy broadcasts against the input."""
    if keepdims or axis is None and gy.ndim == len(shape):
        return gy
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = {a % len(shape) for a in axes}
    return gy.reshape([1 if i in axes else n for i, n in enumerate(shape)])


def sum(x, axis=None, keepdims=False):
    """Return the sum over one axis, several (a tuple), or all; keepdims leaves the reduced axes with length 1.

    >>> sum(Tensor(np.ones((2, 3, 5))), axis=(0, 2)).shape
    (3,)
    """
    return Sum(axis, keepdims)(x)


def mean(x, axis=None, keepdims=False):
    """Return the mean over axes, as `sum` takes them."""
    return Mean(axis, keepdims)(x)


def var(x, axis=None, keepdims=False):
    """Return the mean squared distance from the mean over axes, as `sum` takes them; it divides by n, not n - 1."""
    away = subtract(x, mean(x, axis, keepdims=True))
    return mean(multiply(away, away), axis, keepdims)


def max(x, axis=None, keepdims=False):
    """Return the largest number over axes, as `sum` takes them; equal ones share the gradient equally."""
    return Max(axis, keepdims)(x)
