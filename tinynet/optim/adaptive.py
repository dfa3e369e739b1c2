"""Dividing each coordinate's step by the size of its past gradients: AdaGrad and RMSProp. Taught in lesson 04.

Sources: J. Duchi, E. Hazan, Y. Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization",
2011; T. Tieleman, G. Hinton, "Lecture 6.5 - RMSProp", 2012.
"""
import math

from ..backend import array_module
from .optimizer import Optimizer


class AdaGrad(Optimizer):
    """w <- w - lr g / (sqrt(s) + eps), with s the sum of all g² so far: it only grows, so the steps shrink to nothing.

    Parameters
    ----------
    params : list of Parameter, or list of dict
        What to train, see `Optimizer`.
    lr : float
        Learning rate: the size of the first step in every coordinate.
    eps : float
        Added to the root, outside it.
    weight_decay : float
        See `Optimizer`.
    """

    def __init__(self, params, lr=1e-2, eps=1e-10, weight_decay=0.0):
        super().__init__(params, lr, weight_decay)
        self._check(eps=(eps, 0, math.inf))
        self.eps = eps

    def update(self, w, g, lr, state):
        """Change w in place; state holds the sum of squares "s"."""
        if not state:
            state["s"] = array_module(w).zeros_like(w)
        s = state["s"]
        s += g * g
        w -= lr * g / (array_module(w).sqrt(s) + self.eps)


class RMSProp(Optimizer):
    """w <- w - lr g / (sqrt(s) + eps), with s a decayed mean of g²: AdaGrad that forgets, so it keeps moving.

    Parameters
    ----------
    params : list of Parameter, or list of dict
        What to train, see `Optimizer`.
    lr : float
        Learning rate: about the size of a step in every coordinate.
    decay : float
        How much of s is kept at each step, usually 0.9 or 0.99. s starts at 0, uncorrected, so first steps are long.
    eps : float
        Added to the root, outside it.
    weight_decay : float
        See `Optimizer`.
    """

    def __init__(self, params, lr=1e-2, decay=0.99, eps=1e-8, weight_decay=0.0):
        super().__init__(params, lr, weight_decay)
        self._check(decay=(decay, 0, 1), eps=(eps, 0, math.inf))
        self.decay, self.eps = decay, eps

    def update(self, w, g, lr, state):
        """Change w in place; state holds the mean of squares "s"."""
        if not state:
            state["s"] = array_module(w).zeros_like(w)
        s = state["s"]
        s *= self.decay
        s += (1 - self.decay) * (g * g)
        w -= lr * g / (array_module(w).sqrt(s) + self.eps)
