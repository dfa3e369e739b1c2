"""Arithmetic with broadcasting: + - * / ** exp log. Taught in lesson 01.

Where NumPy stretched an input to the result's shape, the same number was used several times,
so its gradient is the sum over those uses: that is `unbroadcast`.
"""
import numpy as np

from ..backend import array_module
from ..tensor import Function, Tensor


def unbroadcast(gradient, shape):
    """Sum a gradient over the axes along which an input of this shape was stretched.

    Parameters
    ----------
    gradient : ndarray
        Gradient of the broadcast result.
    shape : tuple of int
        Shape of the input before broadcasting.

    Returns
    -------
    gradient : ndarray
        Of shape `shape`.
    """
    if gradient.shape == shape:
        return gradient
    new_axes = gradient.ndim - len(shape)
    stretched = tuple(new_axes + i for i, n in enumerate(shape) if n == 1 and gradient.shape[new_axes + i] != 1)
    return gradient.sum(axis=tuple(range(new_axes)) + stretched, keepdims=True).reshape(shape)


class Add(Function):
    """y = a + b."""

    def forward(self, a, b):
        self.a, self.b = _shape(a), _shape(b)
        return a + b

    def backward(self, gy):
        ga = unbroadcast(gy, self.a) if self.needs[0] else None
        gb = unbroadcast(gy, self.b) if self.needs[1] else None
        return ga, gb


class Subtract(Function):
    """y = a - b."""

    def forward(self, a, b):
        self.a, self.b = _shape(a), _shape(b)
        return a - b

    def backward(self, gy):
        ga = unbroadcast(gy, self.a) if self.needs[0] else None
        gb = unbroadcast(-gy, self.b) if self.needs[1] else None
        return ga, gb


class Multiply(Function):
    """y = a b."""

    def forward(self, a, b):
        self.a, self.b = a, b
        return a * b

    def backward(self, gy):
        ga = unbroadcast(gy * self.b, self.a.shape) if self.needs[0] else None
        gb = unbroadcast(gy * self.a, self.b.shape) if self.needs[1] else None
        return ga, gb


class Divide(Function):
    """y = a / b."""

    def forward(self, a, b):
        self.a, self.b = a, b
        return a / b

    def backward(self, gy):
        ga = unbroadcast(gy / self.b, self.a.shape) if self.needs[0] else None
        gb = unbroadcast(-gy * self.a / (self.b * self.b), self.b.shape) if self.needs[1] else None
        return ga, gb


class Power(Function):
    """y = x ** n for a constant number n."""

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


class Exp(Function):
    """y = e ** x."""

    keeps_output = True

    def forward(self, x):
        self.y = array_module(x).exp(x)
        return self.y

    def backward(self, gy):
        return gy * self.y


class Log(Function):
    """y = ln x."""

    def forward(self, x):
        self.x = x
        return array_module(x).log(x)

    def backward(self, gy):
        return gy / self.x


def _shape(x):
    return getattr(x, "shape", ())


def operands(a, b):
    """Return two operands fit for each other: a constant takes the dtype of a Tensor of floats beside it.

    Parameters
    ----------
    a, b : Tensor, ndarray or number
        At least one is a Tensor.

    Returns
    -------
    a, b : Tensor, ndarray or number
        A Python number stays one, since NumPy gives it the other's dtype; anything else becomes an array.

    Raises
    ------
    TypeError
        If an operand does not hold numbers.
    """
    if isinstance(a, Tensor):
        return a, _constant(b, a)
    return _constant(a, b), b


def _constant(x, beside):
    if isinstance(x, Tensor) or type(x) in (float, int):
        return x
    x = array_module(beside.data).asarray(x)
    if x.dtype.kind not in "biuf":
        raise TypeError(f"an operand holds {x.dtype}, not numbers: give a Tensor, a number or an array of numbers")
    return x.astype(beside.dtype, copy=False) if beside.dtype.kind == "f" else x


def add(a, b):
    """Return a + b.

    Parameters
    ----------
    a, b : Tensor, ndarray or number
        At least one is a Tensor; shapes broadcast, and an array takes the Tensor's dtype.

    Returns
    -------
    y : Tensor
        Of the broadcast shape.
    """
    return Add()(*operands(a, b))


def subtract(a, b):
    """Return a - b.

    Parameters
    ----------
    a, b : Tensor, ndarray or number
        At least one is a Tensor; shapes broadcast, and an array takes the Tensor's dtype.

    Returns
    -------
    y : Tensor
        Of the broadcast shape.
    """
    return Subtract()(*operands(a, b))


def multiply(a, b):
    """Return a b, element by element.

    Parameters
    ----------
    a, b : Tensor, ndarray or number
        At least one is a Tensor; shapes broadcast, and an array takes the Tensor's dtype.

    Returns
    -------
    y : Tensor
        Of the broadcast shape.
    """
    return Multiply()(*operands(a, b))


def divide(a, b):
    """Return a / b, element by element.

    Parameters
    ----------
    a, b : Tensor, ndarray or number
        At least one is a Tensor; shapes broadcast, and an array takes the Tensor's dtype.

    Returns
    -------
    y : Tensor
        Of the broadcast shape.
    """
    return Divide()(*operands(a, b))


def power(x, n):
    """Return x ** n.

    Parameters
    ----------
    x : Tensor
        Any shape. For a fractional or negative n its elements should be positive.
    n : int or float
        A constant; for a variable exponent write ``exp(n * log(x))``.

    Returns
    -------
    y : Tensor
        Of x's shape.

    Raises
    ------
    TypeError
        If n is not a number.
    """
    if not isinstance(n, (int, float, np.number)):
        raise TypeError(f"power: the exponent is a {type(n).__name__}, a number is needed; "
                        "for a variable exponent write exp(n * log(x))")
    return Power(n.item() if isinstance(n, np.number) else n)(x)


def negative(x):
    """Return -x.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    y : Tensor
        Of x's shape and dtype.
    """
    return Negative()(x)


def exp(x):
    """Return e ** x, element by element.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    y : Tensor
        Of x's shape and dtype.
    """
    return Exp()(x)


def log(x):
    """Return the natural logarithm, element by element.

    Parameters
    ----------
    x : Tensor
        Any shape; positive numbers.

    Returns
    -------
    y : Tensor
        Of x's shape and dtype.
    """
    return Log()(x)
