"""Batch normalisation, with the batch's own statistics or with fixed ones, and what came before it. Taught in lesson 08.

Sources: S. Ioffe, C. Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
Covariate Shift", 2015, Algorithm 1; A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet Classification with Deep
Convolutional Neural Networks", 2012, section 3.3.
"""
from ..backend import array_module
from ..errors import InputError
from ..tensor import Function


class BatchNorm(Function):
    """y = gamma x̂ + beta with x̂ = (x - mean) / sqrt(var + eps), mean and var over all axes but the channels'.

    After forward, `mean` and `var` (C,) hold the batch's statistics; var divides by the count, not count - 1.
    """

    def __init__(self, eps):
        self.eps = eps

    def forward(self, x, gamma, beta):                      # (N, C, ...), (C,), (C,)
        self.axes, self.channels = _axes(x)
        m = x.size // len(gamma)                            # numbers per channel
        self.mean = x.mean(axis=self.axes)
        self.centred, self.gamma = x - self.mean.reshape(self.channels), gamma
        self.var = _sum_of_products(self.centred, self.centred) / m
        self.inv_std = 1 / array_module(x).sqrt(self.var + self.eps)
        y = self.centred * (gamma * self.inv_std).reshape(self.channels)
        y += beta.reshape(self.channels)
        return y

    def backward(self, gy):                                 # (N, C, ...)
        g_beta = gy.sum(axis=self.axes)                     # (C,)
        g_gamma = _sum_of_products(gy, self.centred) * self.inv_std         # x̂ = centred * inv_std
        gx = None
        if self.needs[0]:                                   # mean and var depend on x too: two terms are taken off
            m = gy.size // len(g_beta)
            gx = self.centred * (-g_gamma * self.inv_std / m).reshape(self.channels)
            gx += gy
            gx -= (g_beta / m).reshape(self.channels)
            gx *= (self.gamma * self.inv_std).reshape(self.channels)
        return gx, g_gamma if self.needs[1] else None, g_beta if self.needs[2] else None


class FixedNorm(Function):
    """y = gamma (x - mean) / sqrt(var + eps) + beta with mean and var given: a straight line per channel."""

    def __init__(self, mean, var, eps):
        self.mean, self.var, self.eps = mean, var, eps

    def forward(self, x, gamma, beta):                      # (N, C, ...), (C,), (C,)
        self.axes, self.channels = _axes(x)
        self.inv_std = 1 / array_module(x).sqrt(self.var + self.eps)
        self.x, self.gamma = x if self.needs[1] else None, gamma
        slope = gamma * self.inv_std                        # (C,)
        y = x * slope.reshape(self.channels)
        y += (beta - slope * self.mean).reshape(self.channels)
        return y

    def backward(self, gy):                                 # (N, C, ...)
        gx = g_gamma = g_beta = None
        if self.needs[0]:
            gx = gy * (self.gamma * self.inv_std).reshape(self.channels)
        if self.needs[1]:
            x_hat = (self.x - self.mean.reshape(self.channels)) * self.inv_std.reshape(self.channels)
            g_gamma = (gy * x_hat).sum(axis=self.axes)
        if self.needs[2]:
            g_beta = gy.sum(axis=self.axes)
        return gx, g_gamma, g_beta


class LocalResponseNorm(Function):
    """y = x s^-beta with s[c] = k + alpha / n * (sum of x² over the n channels nearest to c, 0 beyond the ends)."""

    def __init__(self, n, alpha, beta, k):
        self.n, self.slope, self.beta, self.k = n, alpha / n, beta, k

    def forward(self, x):                                   # (N, C, H, W)
        self.s = self.k + self.slope * self.neighbours(x * x)
        self.x = x
        return x * self.s ** -self.beta

    def backward(self, gy):                                 # through x itself, and through s of the channels near it
        g_s = self.neighbours(gy * self.x * self.s ** (-self.beta - 1))
        return gy * self.s ** -self.beta - 2 * self.slope * self.beta * self.x * g_s

    def neighbours(self, x):
        """Return for each channel the sum over the n channels of which it is the middle."""
        C, total = x.shape[1], array_module(x).zeros_like(x)
        for offset in range(-(self.n // 2), self.n // 2 + 1):
            total[:, max(0, -offset):C - max(0, offset)] += x[:, max(0, offset):C + min(0, offset)]
        return total


def batch_norm(x, gamma, beta, eps=1e-5):
    """Normalise each channel by the mean and variance of this batch.

    Parameters
    ----------
    x : Tensor, shape (N, C) or (N, C, H, W)
        More than one number per channel.
    gamma, beta : Tensor, shape (C,)
        Scale and shift applied afterwards.
    eps : float
        Added to the variance.

    Returns
    -------
    y : Tensor
        Of x's shape.
    mean, var : ndarray, shape (C,)
        The batch's statistics; var divides by the count of numbers.

    Raises
    ------
    InputError
        If x has one number per channel (its variance is 0) or none, or another number of channels than gamma.
    """
    _check(x, gamma)
    if x.size <= x.shape[1]:
        raise InputError(f"batch_norm: x {x.shape} has one number per channel or none, so no variance; "
                         "give a larger batch, or use the running statistics (eval() or freeze)")
    norm = BatchNorm(float(eps))
    y = norm(x, gamma, beta)
    return y, norm.mean, norm.var


def fixed_norm(x, gamma, beta, mean, var, eps=1e-5):
    """Normalise each channel by a given mean and variance, as batch norm does after training.

    Parameters
    ----------
    x : Tensor, shape (N, C) or (N, C, H, W)
    gamma, beta : Tensor, shape (C,)
    mean, var : ndarray, shape (C,)
        Constants: no gradient flows into them.
    eps : float
        Added to the variance.

    Returns
    -------
    y : Tensor
        Of x's shape.

    Raises
    ------
    InputError
        If x has another number of channels than gamma.
    """
    _check(x, gamma)
    return FixedNorm(mean, var, float(eps))(x, gamma, beta)


def local_response_norm(x, n=5, alpha=1e-4, beta=0.75, k=1.0):
    """Divide each number by what the channels near it hold at its place, as AlexNet did before there was batch norm.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
    n : int
        How many neighbouring channels count, itself in their middle: an odd number.
    alpha, beta, k : float
        y = x / (k + alpha / n * sum of their squares) ** beta, as Caffe, ONNX and PyTorch write it.

    Returns
    -------
    y : Tensor
        Of x's shape.

    Raises
    ------
    InputError
        If x holds no maps, n is not odd or k not positive.
    """
    if x.ndim != 4 or n < 1 or n % 2 == 0 or not k > 0:
        raise InputError(f"local_response_norm: x is {x.shape}, n {n}, k {k}; x must be (N, C, H, W), n odd and k above 0")
    return LocalResponseNorm(int(n), float(alpha), float(beta), float(k))(x)


def _axes(x):
    """Return the axes to average over and the shape that lines (C,) up with x."""
    if x.ndim == 2:
        return (0,), (1, -1)
    return (0, 2, 3), (1, -1, 1, 1)


def _sum_of_products(a, b):
    """Return the sum of a * b over all axes but the channels', (C,): as products of rows, no array of all a * b is made."""
    if a.ndim == 2:
        return (a * b).sum(axis=0)
    N, C, H, W = a.shape
    return (a.reshape(N, C, 1, H * W) @ b.reshape(N, C, H * W, 1)).sum(axis=(0, 2, 3))


def _check(x, gamma):
    if gamma.ndim != 1 or x.ndim not in (2, 4) or x.shape[1] != gamma.shape[0]:
        raise InputError(f"batch_norm: x is {x.shape}, gamma {gamma.shape}: x must be (N, {gamma.shape[0]}) or "
                         f"(N, {gamma.shape[0]}, H, W); build the layer for the number of channels that arrives")
    if x.dtype != gamma.dtype:
        raise InputError(f"batch_norm: x is {x.dtype}, gamma {gamma.dtype}; convert x, as in "
                         f"Tensor(x.data.astype(np.{gamma.dtype}))")
