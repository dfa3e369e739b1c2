"""Nonlinearities applied to every number, and softmax over classes. Taught in lessons 02 and 03."""
from ..backend import array_module
from ..errors import InputError
from ..tensor import Function


class ReLU(Function):
    """y = max(x, 0); the slope at 0 is 0."""

    keeps_output = True

    def __init__(self, inplace):
        self.inplace = inplace

    def forward(self, x):
        self.y = positive_part(x, out=x if self.inplace else None)
        return self.y

    def backward(self, gy):
        return gy * (self.y > 0)


class ReLU6(Function):
    """y = min(max(x, 0), 6); the slope at 0 and at 6 is 0."""

    keeps_output = True

    def forward(self, x):
        self.y = array_module(x).clip(x, 0, 6)
        return self.y

    def backward(self, gy):
        return gy * ((self.y > 0) & (self.y < 6))


class LeakyReLU(Function):
    """y = x where x > 0, slope x elsewhere, 0 included."""

    def __init__(self, slope):
        self.slope = slope

    def forward(self, x):
        self.x = x
        return array_module(x).where(x > 0, x, self.slope * x)

    def backward(self, gy):
        return array_module(gy).where(self.x > 0, gy, self.slope * gy)


class Sigmoid(Function):
    """y = 1 / (1 + e⁻ˣ), computed as (1 + tanh(x/2)) / 2, which cannot overflow; dy/dx = y (1 - y)."""

    keeps_output = True

    def forward(self, x):
        self.y = 0.5 * array_module(x).tanh(0.5 * x) + 0.5
        return self.y

    def backward(self, gy):
        return gy * self.y * (1 - self.y)


class Tanh(Function):
    """y = tanh x; dy/dx = 1 - y²."""

    keeps_output = True

    def forward(self, x):
        self.y = array_module(x).tanh(x)
        return self.y

    def backward(self, gy):
        return gy * (1 - self.y * self.y)


class Softmax(Function):
    """y_k = e^{x_k} / Σ_j e^{x_j} along an axis; gx_k = y_k (gy_k - Σ_j gy_j y_j)."""

    keeps_output = True

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

    keeps_output = True

    def __init__(self, axis):
        self.axis = axis

    def forward(self, x):
        self.y = log_softmax_array(x, self.axis)
        return self.y

    def backward(self, gy):
        return gy - array_module(gy).exp(self.y) * gy.sum(axis=self.axis, keepdims=True)


def positive_part(x, out=None):
    """Return max(x, 0) of an array.

    NumPy compares two rows of numbers twice as fast as a row and a single number, so the maximum of maps is taken
    with a row of zeros, as long as a map.

    Parameters
    ----------
    x : ndarray
        Any shape.
    out : ndarray, optional
        Where to write the result, of x's shape; x itself is fine.

    Returns
    -------
    y : ndarray
        Of x's shape.
    """
    xp = array_module(x)
    if x.ndim != 4 or not x.flags.c_contiguous:
        return xp.maximum(x, 0, out=out)
    maps = (-1, x.shape[2] * x.shape[3])
    y = xp.maximum(x.reshape(maps), xp.zeros(maps[1], x.dtype), out=None if out is None else out.reshape(maps))
    return y.reshape(x.shape)


def log_softmax_array(x, axis):
    """Return log softmax of an array; subtracting the maximum first keeps every exponential at most 1.

    Parameters
    ----------
    x : ndarray
        Scores.
    axis : int
        The axis of the classes.

    Returns
    -------
    y : ndarray
        Of x's shape, at most 0.
    """
    xp = array_module(x)
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - xp.log(xp.exp(shifted).sum(axis=axis, keepdims=True))


def relu(x, inplace=False):
    """Return max(x, 0) elementwise; the slope at 0 is 0.

    Parameters
    ----------
    x : Tensor
        Any shape.
    inplace : bool
        Write the result over x, which saves half the memory traffic. Only for an x that nobody else reads, such as
        what a convolution has just returned.

    Returns
    -------
    y : Tensor
        Of x's shape.

    Raises
    ------
    InputError
        If in place would destroy what backward needs: x is a leaf that wants a gradient, or the operation that
        made x keeps it.
    """
    if inplace and x.requires_grad and (x.creator is None or x.creator.keeps_output):
        raise InputError(f"relu: x, made by {x.creator}, is needed for its gradient and must not be overwritten; "
                         "leave out inplace=True")
    return ReLU(inplace)(x)


def relu6(x):
    """Return min(max(x, 0), 6), element by element; the slope at 0 and at 6 is 0.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    y : Tensor
        Of x's shape and dtype.
    """
    return ReLU6()(x)


def leaky_relu(x, slope=0.01):
    """Return x where it is positive and slope times x elsewhere; the slope at 0 is `slope`.

    Parameters
    ----------
    x : Tensor
        Any shape.
    slope : float
        On the negative side, small.

    Returns
    -------
    y : Tensor
        Of x's shape and dtype.
    """
    return LeakyReLU(float(slope))(x)


def sigmoid(x):
    """Return 1 / (1 + e⁻ˣ), element by element.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    y : Tensor
        Of x's shape and dtype, in [0, 1].
    """
    return Sigmoid()(x)


def tanh(x):
    """Return tanh x, element by element.

    Parameters
    ----------
    x : Tensor
        Any shape.

    Returns
    -------
    y : Tensor
        Of x's shape and dtype, in [-1, 1].
    """
    return Tanh()(x)


def softmax(x, axis=-1):
    """Turn scores into probabilities.

    Parameters
    ----------
    x : Tensor
        Scores of any size; by default the last axis holds the classes.
    axis : int
        The axis that will sum to 1.

    Returns
    -------
    p : Tensor
        Of x's shape, in [0, 1].
    """
    return Softmax(axis)(x)


def log_softmax(x, axis=-1):
    """Return the logarithm of `softmax`, without ever taking the logarithm of a rounded 0.

    Parameters
    ----------
    x : Tensor
        Scores of any size; by default the last axis holds the classes.
    axis : int
        The axis of the classes.

    Returns
    -------
    y : Tensor
        Of x's shape, at most 0.
    """
    return LogSoftmax(axis)(x)
