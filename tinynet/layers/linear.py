"""The fully connected layer."""
import numpy as np

from .. import ops
from .init import xavier_normal
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
