"""Stochastic gradient descent, plain, with momentum and with Nesterov's. Taught in lesson 04.

Sources: B. Polyak, 1964; Y. Nesterov, 1983; I. Sutskever et al., "On the importance of initialization and momentum
in deep learning", 2013.
"""
from ..backend import array_module
from .optimizer import Optimizer


class SGD(Optimizer):
    """w <- w - lr v with v <- momentum v + g, and v = 0 at the start.

    Without momentum v = g. Nesterov's step looks ahead along v: w <- w - lr (g + momentum v), the rearranged form
    in which the gradient is taken at w itself.

    Parameters
    ----------
    params : list of Parameter, or list of dict
        What to train, see `Optimizer`.
    lr : float
        Learning rate.
    momentum : float
        How much of the velocity is kept, usually 0.9 or 0.99; 0 is plain gradient descent.
    nesterov : bool
        Look ahead.
    weight_decay : float
        See `Optimizer`.
    """

    def __init__(self, params, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
        super().__init__(params, lr, weight_decay)
        self._check(momentum=(momentum, 0, 1))
        if nesterov and not momentum:
            raise self._error("nesterov looks ahead along the velocity; give it momentum, such as 0.9")
        self.momentum, self.nesterov = momentum, nesterov

    def update(self, w, g, lr, state):
        """Change w in place; state holds the velocity "v"."""
        if not self.momentum:
            w -= lr * g
            return
        if not state:
            state["v"] = array_module(w).zeros_like(w)
        v = state["v"]
        v *= self.momentum
        v += g
        w -= lr * (g + self.momentum * v if self.nesterov else v)
