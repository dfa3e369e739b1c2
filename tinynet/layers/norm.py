"""Normalisation: features on an equal footing. Taught in lessons 07 and 08."""
import numpy as np

from .. import ops
from ..errors import InputError
from .module import Module, Parameter


class BatchNorm(Module):
    """Batch normalisation of (N, C) or (N, C, H, W).

    In training it uses the batch's mean and variance and remembers their running average; in evaluation, **and
    always when it is frozen** (neither weight nor bias requires a gradient), it uses the running average.

    Parameters
    ----------
    channels : int
        Number of channels C.
    eps : float
        Added to the variance.
    momentum : float
        Weight of the newest batch in the running average, in [0, 1].

    Raises
    ------
    InputError
        If a setting is impossible.
    """

    buffers = ("running_mean", "running_var")

    def __init__(self, channels, eps=1e-5, momentum=0.1):
        if channels < 1 or not eps > 0 or not 0 <= momentum <= 1:
            raise InputError(f"BatchNorm: channels {channels}, eps {eps}, momentum {momentum}: at least 1 channel, eps "
                             "above 0 and momentum in [0, 1] are needed")
        self.weight = Parameter(np.ones(channels, np.float32))
        self.bias = Parameter(np.zeros(channels, np.float32))
        self.running_mean = np.zeros(channels, np.float32)
        self.running_var = np.ones(channels, np.float32)
        self.eps, self.momentum = eps, momentum

    @property
    def uses_batch(self):
        """Whether the next forward will use the batch's own statistics."""
        return self.training and (self.weight.requires_grad or self.bias.requires_grad)

    @property
    def by_row(self):
        """Whether each row is normalised without the others."""
        return not self.uses_batch

    def forward(self, x):
        """(N, C, ...) -> (N, C, ...)"""
        if not self.uses_batch:
            return ops.fixed_norm(x, self.weight, self.bias, self.running_mean, self.running_var, self.eps)
        y, mean, var = ops.batch_norm(x, self.weight, self.bias, self.eps)
        count = x.size // x.shape[1]
        self.running_mean += self.momentum * (mean - self.running_mean)
        self.running_var += self.momentum * (var * (count / (count - 1)) - self.running_var)     # unbiased
        return y


class Standardize(Module):
    """y = (x - mean) / std with fixed statistics of each feature, so that all features start on an equal footing.

    Parameters
    ----------
    n_features : int
        Number of features D. Until `fit`, mean is 0 and std 1.
    """

    buffers = ("mean", "std")
    by_row = True

    def __init__(self, n_features):
        self.mean = np.zeros(n_features, np.float32)
        self.std = np.ones(n_features, np.float32)

    def fit(self, x):
        """Take the statistics of training features x, an ndarray (N, D); a feature that never varies keeps std 1."""
        self.mean[...] = x.mean(axis=0)
        std = x.std(axis=0)
        std[x.max(axis=0) == x.min(axis=0)] = 1             # rounding of the mean may leave a std of 1e-8
        self.std[...] = std

    def forward(self, x):
        """(N, D) -> (N, D)"""
        return (x - self.mean) / self.std


class LocalResponseNorm(Module):
    """AlexNet's normalisation by neighbouring channels; the parameters are those of `ops.local_response_norm`."""

    by_row = True

    def __init__(self, n=5, alpha=1e-4, beta=0.75, k=1.0):
        self.settings = n, alpha, beta, k

    def forward(self, x):
        """(N, C, H, W) -> (N, C, H, W)"""
        return ops.local_response_norm(x, *self.settings)
