"""The layers: each owns its parameters and calls one op."""
import numpy as np

from .. import ops
from ..errors import InputError
from ..ops.window import pair
from .init import he_normal, xavier_normal
from .module import Module, Parameter


class Linear(Module):
    """y = x Wᵀ + b.

    Parameters
    ----------
    n_in, n_out : int
        Number of features in and out.
    rng : numpy.random.Generator, optional
        Draws Xavier weights; without it the weights are 0, which for a single softmax layer is a fine start.
    """

    def __init__(self, n_in, n_out, rng=None):
        W = np.zeros((n_out, n_in), np.float32) if rng is None else xavier_normal((n_out, n_in), rng)
        self.weight = Parameter(W)
        self.bias = Parameter(np.zeros(n_out, np.float32))

    def forward(self, x):
        """(N, n_in) -> (N, n_out)"""
        return ops.linear(x, self.weight, self.bias)


class Conv2d(Module):
    """Filters slid over images.

    Parameters
    ----------
    channels, filters : int
        Channels in, and filters (channels out).
    kernel : int or (int, int)
        Height and width of a filter, in pixels.
    stride, padding : int or (int, int)
        Step and border of zeros, in pixels.
    groups : int
        Independent parts of channels and filters; `channels` of them is depthwise.
    bias : bool
        Whether a number is added to each map (not wanted before batch norm).
    rng : numpy.random.Generator, optional
        Draws He weights; without it the weights are 0, to be loaded.
    """

    def __init__(self, channels, filters, kernel, stride=1, padding=0, groups=1, bias=True, rng=None):
        shape = (filters, channels // groups, *pair(kernel))
        self.weight = Parameter(np.zeros(shape, np.float32) if rng is None else he_normal(shape, rng))
        self.bias = Parameter(np.zeros(filters, np.float32)) if bias else None
        self.stride, self.padding, self.groups = stride, padding, groups

    def forward(self, x):
        """(N, channels, H, W) -> (N, filters, OH, OW)"""
        return ops.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.groups)


class MaxPool2d(Module):
    """The largest pixel under each window; the parameters are those of `ops.max_pool2d`."""

    def __init__(self, kernel, stride=None, padding=0, ceil_mode=False):
        self.window = kernel, stride, padding, ceil_mode

    def forward(self, x):
        """(N, C, H, W) -> (N, C, OH, OW)"""
        return ops.max_pool2d(x, *self.window)


class AvgPool2d(Module):
    """The mean of the pixels under each window; the parameters are those of `ops.avg_pool2d`."""

    def __init__(self, kernel, stride=None, padding=0, ceil_mode=False):
        self.window = kernel, stride, padding, ceil_mode

    def forward(self, x):
        """(N, C, H, W) -> (N, C, OH, OW)"""
        return ops.avg_pool2d(x, *self.window)


class GlobalAvgPool2d(Module):
    """The mean of each map."""

    def forward(self, x):
        """(N, C, H, W) -> (N, C)"""
        return ops.global_avg_pool2d(x)


class BatchNorm2d(Module):
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
        Weight of the newest batch in the running average.
    """

    buffers = ("running_mean", "running_var")

    def __init__(self, channels, eps=1e-5, momentum=0.1):
        self.weight = Parameter(np.ones(channels, np.float32))
        self.bias = Parameter(np.zeros(channels, np.float32))
        self.running_mean = np.zeros(channels, np.float32)
        self.running_var = np.ones(channels, np.float32)
        self.eps, self.momentum = eps, momentum

    @property
    def uses_batch(self):
        """Whether the next forward will use the batch's own statistics."""
        return self.training and (self.weight.requires_grad or self.bias.requires_grad)

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


class Dropout(Module):
    """Inverted dropout in training, nothing in evaluation.

    Parameters
    ----------
    p : float
        Probability of dropping a number, in [0, 1).
    rng : numpy.random.Generator, optional
        Draws the masks, in training only; one of `numpy.random.default_rng`, which can skip numbers.
    """

    def __init__(self, p=0.5, rng=None):
        self.p, self.rng = p, rng
        self.rows = None                    # (first row, rows of the whole batch) in a replica

    def take_rows(self, first, total):
        """Make this replica drop what the whole batch's mask drops in its rows.

        Parameters
        ----------
        first : int
            Row of the batch at which the micro-batch starts.
        total : int
            Rows of the whole batch.
        """
        self.rows = first, total

    def forward(self, x):
        """Any shape to the same shape."""
        if not self.training or self.p == 0:
            return x
        if self.rng is None:
            raise InputError("Dropout: training needs random numbers; build it with rng=np.random.default_rng(seed)")
        if self.rows is None:
            return ops.dropout(x, self.p, self.rng)
        first, total = self.rows
        row = x.size // len(x)              # numbers drawn per row: skip those of the rows before and after
        self.rng.bit_generator.advance(first * row)
        y = ops.dropout(x, self.p, self.rng)
        self.rng.bit_generator.advance((total - first - len(x)) * row)
        return y


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, x):
        """Any shape to the same shape."""
        return ops.relu(x)


class ReLU6(Module):
    """min(max(x, 0), 6)."""

    def forward(self, x):
        """Any shape to the same shape."""
        return ops.relu6(x)


class LeakyReLU(Module):
    """x where positive, slope times x elsewhere."""

    def __init__(self, slope=0.01):
        self.slope = slope

    def forward(self, x):
        """Any shape to the same shape."""
        return ops.leaky_relu(x, self.slope)


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ)."""

    def forward(self, x):
        """Any shape to the same shape."""
        return ops.sigmoid(x)


class Tanh(Module):
    """tanh x."""

    def forward(self, x):
        """Any shape to the same shape."""
        return ops.tanh(x)


class Softmax(Module):
    """Scores to probabilities. Not needed before `ops.cross_entropy`, which contains it."""

    def forward(self, x):
        """(N, K) -> (N, K), each row summing to 1"""
        return ops.softmax(x, axis=1)


class Flatten(Module):
    """One row of numbers per image."""

    def forward(self, x):
        """(N, ...) -> (N, D)"""
        return ops.flatten(x)
