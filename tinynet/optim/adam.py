"""Adam. Taught in lesson 04.

Source: D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", 2015, Algorithm 1.
"""
import math

from ..backend import array_module
from .optimizer import Optimizer


class Adam(Optimizer):
    """w <- w - lr m̂ / (sqrt(v̂) + eps): momentum (m) divided by the root of a decayed mean of squares (v).

    m and v start at 0, so for the first steps they are too small; m̂ = m / (1 - beta1ᵗ) and v̂ = v / (1 - beta2ᵗ)
    correct that.

    Parameters
    ----------
    params : list of Parameter, or list of dict
        What to train, see `Optimizer`.
    lr : float
        Learning rate: about the size of one step in every coordinate.
    betas : (float, float)
        How much of m and of v is kept at each step.
    eps : float
        Added to the root, outside it.
    weight_decay : float
        See `Optimizer`; as L2 it is divided by the root like the rest of the gradient.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(params, lr, weight_decay)
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise self._error(f"betas is {betas!r}; give two numbers, such as (0.9, 0.999)")
        self._check(beta1=(betas[0], 0, 1), beta2=(betas[1], 0, 1), eps=(eps, 0, math.inf))
        self.betas, self.eps = tuple(betas), eps

    def update(self, w, g, lr, state):
        """Change w in place; state holds "m", "v" and the number of steps "t"."""
        xp = array_module(w)
        if not state:
            state.update(m=xp.zeros_like(w), v=xp.zeros_like(w), t=0)
        beta1, beta2 = self.betas
        m, v = state["m"], state["v"]
        state["t"] += 1
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * (g * g)
        m_hat = m / (1 - beta1 ** state["t"])
        v_hat = v / (1 - beta2 ** state["t"])
        w -= lr * m_hat / (xp.sqrt(v_hat) + self.eps)
