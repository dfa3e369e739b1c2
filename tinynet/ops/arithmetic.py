"""Arithmetic with broadcasting: + - * / ** exp log abs. Taught in lesson 01.

Operands are Tensors, arrays or numbers, at least one a Tensor; shapes broadcast. Integers beside a Tensor of floats
become floats of its kind, and so does any constant array; two Tensors of different floats are refused.

Where NumPy stretched an input to the result's shape, the same number was used several times,
so its gradient is the sum over those uses: that is `unbroadcast`.
"""
import math

import numpy as np

from ..backend import array_module
from ..errors import InputError
from ..tensor import Function, Tensor


def unbroadcast(gradient, shape):
    """Sum a gradient over the axes along which an input of this shape was stretched."""
    if gradient.shape == shape:
        return gradient
    new_axes = gradient.ndim - len(shape)
    stretched = tuple(new_axes + i for i, n in enumerate(shape) if n == 1 and gradient.shape[new_axes + i] != 1)
    return gradient.sum(axis=tuple(range(new_axes)) + stretched, keepdims=True).reshape(shape)


class Add(Function):
    """y = a + b."""

    def forward(self, a, b):
        self.shapes = _shape(a), _shape(b)
        return a + b

    def backward(self, gy):
        ga = unbroadcast(gy, self.shapes[0]) if self.needs[0] else None
        gb = unbroadcast(gy, self.shapes[1]) if self.needs[1] else None
        return ga, gb


class Subtract(Function):
    """y = a - b."""

    def forward(self, a, b):
        self.shapes = _shape(a), _shape(b)
        return a - b

    def backward(self, gy):
        ga = unbroadcast(gy, self.shapes[0]) if self.needs[0] else None
        gb = unbroadcast(-gy, self.shapes[1]) if self.needs[1] else None
        return ga, gb


class Multiply(Function):
    """y = a b; ga = gy b, gb = gy a."""

    def forward(self, a, b):
        self.shapes = _shape(a), _shape(b)
        self.a, self.b = a if self.needs[1] else None, b if self.needs[0] else None
        return a * b

    def backward(self, gy):
        ga = unbroadcast(gy * self.b, self.shapes[0]) if self.needs[0] else None
        gb = unbroadcast(gy * self.a, self.shapes[1]) if self.needs[1] else None
        return ga, gb


class Divide(Function):
    """y = a / b; ga = gy / b, gb = -gy a / b²."""

    def forward(self, a, b):
        self.shapes = _shape(a), _shape(b)
        self.a, self.b = a if self.needs[1] else None, b
        return a / b

    def backward(self, gy):
        ga = unbroadcast(gy / self.b, self.shapes[0]) if self.needs[0] else None
        gb = unbroadcast(-gy * self.a / (self.b * self.b), self.shapes[1]) if self.needs[1] else None
        return ga, gb


class Power(Function):
    """y = x ** n for a constant number n; gx = gy n x ** (n - 1)."""

    def __init__(self, n):
        self.n = n

    def forward(self, x):
        self.x = x
        return x ** self.n

    def backward(self, gy):
        if self.n == 0:
            return array_module(gy).zeros_like(gy)          # not 0 * x ** -1, which is nan at 0
        return gy * self.n * self.x ** (self.n - 1)


class Negative(Function):
    """y = -x."""

    def forward(self, x):
        return -x

    def backward(self, gy):
        return -gy


class Abs(Function):
    """y = |x|; the slope at 0 is 0."""

    def forward(self, x):
        self.x = x
        return abs(x)

    def backward(self, gy):
        return gy * array_module(gy).sign(self.x)


class Exp(Function):
    """y = e ** x; gx = gy y."""

    def forward(self, x):
        self.y = array_module(x).exp(x)
        return self.y

    def backward(self, gy):
        return gy * self.y


class Log(Function):
    """y = ln x; gx = gy / x."""

    def forward(self, x):
        self.x = x
        return array_module(x).log(x)

    def backward(self, gy):
        return gy / self.x


def _shape(x):
    return getattr(x, "shape", ())


def operands(op, a, b):
    """Return two operands fit for each other: integers beside a Tensor of floats become floats of its kind.

    Parameters
    ----------
    op : str
        Who asks, for the message.
    a, b : Tensor, ndarray or number
        At least one is a Tensor.

    Returns
    -------
    a, b : Tensor, ndarray or number
        A Python number stays one, since NumPy gives it the other's dtype; a constant becomes an array.

    Raises
    ------
    InputError
        If both are Tensors of floats, but of different ones.
    TypeError
        If an operand does not hold numbers.
    """
    if type(b) is float or type(b) is int:
        return a, b                                         # NumPy gives a Python number the other's dtype
    first = a.data if isinstance(a, Tensor) else a
    second = b.data if isinstance(b, Tensor) else b
    if type(first) is type(second) and first.dtype is second.dtype and first.dtype.kind in "iuf":
        return a, b                                         # as a rule there is nothing to do
    a_is_float = isinstance(a, Tensor) and a.dtype.kind == "f"
    b_is_float = isinstance(b, Tensor) and b.dtype.kind == "f"
    if a_is_float and b_is_float and a.dtype != b.dtype:
        raise InputError(f"{op}: {a.dtype} {a.shape} meets {b.dtype} {b.shape}; convert one of them, as in "
                         f"Tensor(x.data.astype(np.{min(a.dtype, b.dtype)}))")
    if isinstance(a, Tensor) and (a_is_float or not b_is_float):
        return a, _fit(b, a)
    return _fit(a, b), b


def _fit(x, beside):
    """Return an operand as it goes with the Tensor beside it."""
    if type(x) in (float, int) or isinstance(x, Tensor) and (x.dtype.kind == "f" or beside.dtype.kind != "f"):
        return x
    x = array_module(beside.data).asarray(x.data if isinstance(x, Tensor) else x)
    if x.dtype.kind not in "biuf":
        raise TypeError(f"an operand holds {x.dtype}, not numbers: give a Tensor, a number or an array of numbers")
    return x.astype(beside.dtype, copy=False) if beside.dtype.kind == "f" else x


def add(a, b):
    """Return a + b."""
    return Add()(*operands("add", a, b))


def subtract(a, b):
    """Return a - b."""
    return Subtract()(*operands("subtract", a, b))


def multiply(a, b):
    """Return a b, element by element."""
    return Multiply()(*operands("multiply", a, b))


def divide(a, b):
    """Return a / b, element by element."""
    return Divide()(*operands("divide", a, b))


def power(x, n):
    """Return x ** n, element by element, for a constant number n; another raises TypeError.

    For a fractional or negative n the elements of x should be positive. With a variable exponent write
    ``exp(n * log(x))``.
    """
    if not isinstance(n, (int, float, np.number)):
        raise TypeError(f"power: the exponent is a {type(n).__name__}, a number is needed; "
                        "for a variable exponent write exp(n * log(x))")
    return Power(n.item() if isinstance(n, np.number) else n)(x)


def sqrt(x):
    """Return the square root, x ** 0.5, element by element."""
    return Power(0.5)(x)


def exponential(base, x):
    """Return base ** x = e ** (x ln base) for a positive number base; another raises TypeError."""
    if not isinstance(base, (int, float, np.number)) or not base > 0:
        raise TypeError(f"base ** Tensor: the base is {base!r}, a positive number is needed")
    return exp(multiply(x, math.log(base)))


def negative(x):
    """Return -x."""
    return Negative()(x)


def absolute(x):
    """Return |x|, element by element; the slope at 0 is 0."""
    return Abs()(x)


def exp(x):
    """Return e ** x, element by element."""
    return Exp()(x)


def log(x):
    """Return the natural logarithm, element by element; x is positive."""
    return Log()(x)
