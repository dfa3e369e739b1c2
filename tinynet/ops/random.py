"""Noise in training, none at test time: dropout. Taught in lesson 03.

Source: N. Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014.
"""
from ..backend import array_module
from ..errors import InputError
from ..tensor import Function


class Dropout(Function):
    """y = x mask, with mask 0 with probability p and 1 / (1 - p) otherwise: the expected value of y is x."""

    def __init__(self, p, rng):
        self.p, self.rng = p, rng

    def forward(self, x):
        kept = self.rng.random(x.shape) >= self.p           # drawn on the CPU, so both devices drop the same numbers
        self.mask = array_module(x).asarray(kept, dtype=x.dtype) / (1 - self.p)
        return x * self.mask

    def backward(self, gy):
        return gy * self.mask


def dropout(x, p, rng):
    """Set a random part of the numbers to 0 and scale up the rest (inverted dropout).

    Parameters
    ----------
    x : Tensor
        Any shape.
    p : float
        Probability of dropping a number, in [0, 1).
    rng : numpy.random.Generator
        One number is drawn per element.

    Returns
    -------
    y : Tensor
        Of x's shape; its expected value is x, so nothing need be done at test time.

    Raises
    ------
    InputError
        If p is outside [0, 1).
    """
    return Dropout(check_probability("dropout", p), rng)(x)


def check_probability(op, p):
    """Return p as a float if numbers can be dropped with this probability.

    Parameters
    ----------
    op : str
        Who asks, for the message.
    p : float

    Returns
    -------
    p : float

    Raises
    ------
    InputError
        If p is outside [0, 1).
    """
    if not 0 <= p < 1:
        raise InputError(f"{op}: p is {p}; it is the probability of dropping a number, at least 0 and below 1")
    return float(p)
