"""Nonlinearities applied to every number, and softmax over classes. Taught in lessons 02 and 03."""
from ..backend import array_module
from ..tensor import Function


class ReLU(Function):
    """y = max(x, 0); the slope at 0 is 0."""

    def forward(self, x):
        self.y = rectify(x)
        return self.y

    def backward(self, gy):
        return gy * (self.y > 0)


class ReLU6(Function):
    """y = min(max(x, 0), 6); the slope at 0 and at 6 is 0."""

    def forward(self, x):
        self.y = array_module(x).clip(x, 0, 6)
        return self.y

    def backward(self, gy):
        return gy * ((self.y > 0) & (self.y < 6))


class Sigmoid(Function):
    """y = 1 / (1 + e⁻ˣ) = eˣ / (1 + eˣ); dy/dx = e⁻ˣ / (1 + e⁻ˣ)², the same for x and -x.

    The exponential is of -|x|: it cannot overflow, and small values of y keep all their digits.
    """

    def forward(self, x):
        xp = array_module(x)
        self.e = xp.exp(-abs(x))
        return xp.where(x > 0, x.dtype.type(1), self.e) / (1 + self.e)

    def backward(self, gy):
        return gy * (self.e / (1 + self.e) ** 2)


class Tanh(Function):
    """y = tanh x; dy/dx = 1 - y²."""

    def forward(self, x):
        self.y = array_module(x).tanh(x)
        return self.y

    def backward(self, gy):
        return gy * (1 - self.y * self.y)


class Softmax(Function):
    """y_k = e^{x_k} / Σ_j e^{x_j} along an axis; gx_k = y_k (gy_k - Σ_j gy_j y_j)."""

    def __init__(self, axis):
        self.axis = axis

    def forward(self, x):
        xp = array_module(x)
        e = xp.exp(x - x.max(axis=self.axis, keepdims=True))    # the largest exponent is 0: no overflow
        self.y = e / e.sum(axis=self.axis, keepdims=True)
        return self.y

    def backward(self, gy):
        return self.y * (gy - (gy * self.y).sum(axis=self.axis, keepdims=True))


class LogSoftmax(Function):
    """y_k = x_k - log Σ_j e^{x_j} along an axis; gx_k = gy_k - softmax(x)_k Σ_j gy_j."""

    def __init__(self, axis):
        self.axis = axis

    def forward(self, x):
        xp = array_module(x)
        shifted = x - x.max(axis=self.axis, keepdims=True)      # every exponential is at most 1
        self.y = shifted - xp.log(xp.exp(shifted).sum(axis=self.axis, keepdims=True))
        return self.y

    def backward(self, gy):
        return gy - array_module(gy).exp(self.y) * gy.sum(axis=self.axis, keepdims=True)


def rectify(x, out=None):
    """Return max(x, 0) of an array, written to `out` (x itself is fine) if there is one.

    NumPy compares two rows of numbers twice as fast as a row and a single number, so the maximum of maps is taken
    with a row of zeros, as long as a map.
    """
    xp = array_module(x)
    if x.ndim != 4 or not x.flags.c_contiguous:
        return xp.maximum(x, 0, out=out)
    maps = (-1, x.shape[2] * x.shape[3])
    y = xp.maximum(x.reshape(maps), xp.zeros(maps[1], x.dtype), out=None if out is None else out.reshape(maps))
    return y.reshape(x.shape)


def relu(x):
    """Return max(x, 0), element by element; the slope at 0 is 0."""
    return ReLU()(x)


def relu6(x):
    """Return min(max(x, 0), 6), element by element; the slope at 0 and at 6 is 0."""
    return ReLU6()(x)


def sigmoid(x):
    """Return 1 / (1 + e⁻ˣ), element by element; every result has all its digits, also near 0."""
    return Sigmoid()(x)


def tanh(x):
    """Return tanh x, element by element."""
    return Tanh()(x)


def softmax(x, axis=-1):
    """Turn scores along an axis, by default the last, into probabilities: at least 0, together 1.

    >>> softmax(Tensor([[0.0, 0.0]])).data
    array([[0.5, 0.5]], dtype=float32)
    """
    return Softmax(axis)(x)


def log_softmax(x, axis=-1):
    """Return the logarithm of `softmax`, without ever taking the logarithm of a rounded 0."""
    return LogSoftmax(axis)(x)
