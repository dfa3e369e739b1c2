"""Batch normalisation, with the batch's own statistics or with fixed ones. Taught in lesson 08.

Source: S. Ioffe, C. Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
Covariate Shift", 2015, Algorithm 1.
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
        self.mean = x.mean(axis=self.axes)
        x_hat = x - self.mean.reshape(self.channels)
        self.var = (x_hat * x_hat).mean(axis=self.axes)
        self.inv_std = 1 / array_module(x).sqrt(self.var + self.eps)
        x_hat *= self.inv_std.reshape(self.channels)
        self.x_hat, self.gamma = x_hat, gamma
        y = gamma.reshape(self.channels) * x_hat
        y += beta.reshape(self.channels)
        return y

    def backward(self, gy):                                 # (N, C, ...)
        g_beta = gy.sum(axis=self.axes)                     # (C,)
        g_gamma = (gy * self.x_hat).sum(axis=self.axes)     # (C,)
        gx = None
        if self.needs[0]:                                   # mean and var depend on x too: two terms are taken off
            m = gy.size // len(g_beta)                      # numbers per channel
            gx = gy - (g_beta / m).reshape(self.channels)
            gx -= self.x_hat * (g_gamma / m).reshape(self.channels)
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
        return x * slope.reshape(self.channels) + (beta - slope * self.mean).reshape(self.channels)

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


def _axes(x):
    """Return the axes to average over and the shape that lines (C,) up with x."""
    if x.ndim == 2:
        return (0,), (1, -1)
    return (0, 2, 3), (1, -1, 1, 1)


def _check(x, gamma):
    if gamma.ndim != 1 or x.ndim not in (2, 4) or x.shape[1] != gamma.shape[0]:
        raise InputError(f"batch_norm: x is {x.shape}, gamma {gamma.shape}: x must be (N, {gamma.shape[0]}) or "
                         f"(N, {gamma.shape[0]}, H, W); build the layer for the number of channels that arrives")
    if x.dtype != gamma.dtype:
        raise InputError(f"batch_norm: x is {x.dtype}, gamma {gamma.dtype}; convert x, as in "
                         f"Tensor(x.data.astype(np.{gamma.dtype}))")
