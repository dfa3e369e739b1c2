"""The fully connected layer."""
import numpy as np

from .. import ops
from .init import initial, xavier_normal
from .module import Module, Parameter


class Linear(Module):
    """y = x Wᵀ + b.

    Parameters
    ----------
    n_in, n_out : int
        Number of features in and out.
    rng : numpy.random.Generator
        Draws the weights.
    init : callable
        ``init(shape, rng)`` returns them. With `zeros`, fine for a single softmax layer, no rng is needed.

    Raises
    ------
    InputError
        If a number is below 1, or rng is missing.
    """

    by_row = True

    def __init__(self, n_in, n_out, rng=None, init=xavier_normal):
        self.weight = Parameter(initial("Linear", (n_out, n_in), rng, init))
        self.bias = Parameter(np.zeros(n_out, np.float32))

    def forward(self, x):
        """(N, n_in) -> (N, n_out)"""
        return ops.linear(x, self.weight, self.bias)
