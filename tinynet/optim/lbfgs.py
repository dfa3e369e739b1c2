"""L-BFGS: steps scaled by a curvature that is learnt from the gradients themselves. Taught in lesson 11.

Source: J. Nocedal, S. Wright, "Numerical Optimization", 2nd edition, 2006: Algorithms 7.4 (two loops), 3.5 and 3.6 (the
line search), equation 3.59 (the cubic).
"""
import math
from typing import Any, NamedTuple

from ..backend import array_module
from ..tensor import Tensor
from .optimizer import Optimizer

ARMIJO, CURVATURE = 1e-4, 0.9       # c1 and c2 of the Wolfe conditions, the usual ones for quasi-Newton steps
MOST_TRIALS = 25                    # evaluations of one line search


class LBFGS(Optimizer):
    """w <- w - t H g, with H near the inverse of the Hessian, from the last `history` steps, and t from a line search.

    H is never formed: `two_loops` multiplies by it. It is for losses without noise: the whole batch, the same at every
    evaluation. Weight decay belongs into the loss.

    Parameters
    ----------
    params : list of Parameter
        What to train. They share one step length, so there are no groups.
    history : int
        How many pairs (change of the weights, change of the gradient) are remembered.
    iterations : int
        How many iterations one `step` makes at most; each is one evaluation of the loss, at times a few.
    tolerance : float
        Where no coordinate of the gradient is larger, there is nothing left to do.

    Raises
    ------
    InputError
        If params are none or come in groups, or a setting is not a number as above.
    """

    def __init__(self, params, history=10, iterations=20, tolerance=1e-7):
        params = self._listed(params)
        if any(isinstance(p, dict) for p in params):
            raise self._error("params has groups, but one line search moves all; give one list of Parameters, "
                              "and put weight decay into the loss")
        super().__init__(params, lr=1.0)
        for name, value in ("history", history), ("iterations", iterations):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise self._error(f"{name} is {value!r}; give a whole number from 1 up")
        self._check(tolerance=(tolerance, 0, math.inf))
        self.history, self.iterations, self.tolerance = history, iterations, tolerance

    def step(self, closure=None):
        """Make up to `iterations` iterations.

        Parameters
        ----------
        closure : callable
            Computes the loss at the present weights, calls its ``backward()`` and returns it. Gradients are forgotten
            before each call.

        Returns
        -------
        loss : float
            Where the step ended; the gradients there are left in the parameters.

        Raises
        ------
        InputError
            If closure is none, or gives no single number, no gradient, or at the start not a finite one. Whatever it
            raises, the weights are those of the last finished iteration.
        """
        if not callable(closure):
            raise self._error(f"step({closure!r}): it evaluates the loss several times; give it a function that "
                              "computes the loss, calls loss.backward() and returns the loss")
        trained = {i: p for i, p in enumerate(self.parameters()) if p.requires_grad}
        if not trained:
            raise self._error("every parameter is frozen, there is nothing to train; unfreeze some")
        pairs = self._pairs(trained)
        w = _join([p.data for p in trained.values()])
        try:
            loss, g = self._evaluate(closure, trained)
            if not math.isfinite(loss + float(abs(g).sum())):
                raise self._error(f"the loss is {loss} and the sum of its gradient {float(g.sum())} at the start; "
                                  "both must be finite, begin with other weights")
            for _ in range(self.iterations):
                if float(abs(g).max()) <= self.tolerance:
                    break
                end, d = self._search(closure, trained, w, loss, g, pairs)
                if end is None and pairs:           # the curvature misleads: forget it, and go straight downhill
                    pairs.clear()
                    end, d = self._search(closure, trained, w, loss, g, pairs)
                if end is None:                     # no lower place in this direction that the digits can show
                    break
                s, y = end.t * d, end.g - g
                w, loss, g = w + s, end.loss, end.g
                if _dot(s, y) > 1e-10 * _dot(y, y):             # curved upwards, so that H stays positive
                    pairs[:] = [*pairs, (s, y)][-self.history:]
        finally:
            self._write(trained, w)
            self._remember(trained, pairs)
        for p, part in zip(trained.values(), _split(g, trained.values())):
            p.grad = part.astype(p.dtype)
        return loss

    def _search(self, closure, trained, w, loss, g, pairs):
        """Return the end of a line search, or None, and its direction."""
        d = -two_loops(g, pairs)
        slope, first = _dot(g, d), self.groups[0]["lr"]
        if not pairs:                               # no curvature known: a step of length 1 at most
            first *= min(1.0, 1.0 / math.sqrt(_dot(g, g)))
        if not slope < 0:
            return None, d

        def at(t):
            self._write(trained, w + t * d)
            loss, g = self._evaluate(closure, trained)
            return Point(t, loss, _dot(g, d), g)

        return strong_wolfe(at, Point(0.0, loss, slope, g), first), d

    def _evaluate(self, closure, trained):
        """Call the closure; return the loss, a float, and the gradient, one long vector."""
        self.zero_grad()
        loss = closure()
        if not isinstance(loss, Tensor) or loss.size != 1:
            what = f"a Tensor of shape {loss.shape}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
            raise self._error(f"the closure returned {what}; it must return the loss, a Tensor with one number")
        if all(p.grad is None for p in trained.values()):
            raise self._error("the closure left no gradient; it must call loss.backward(), on a loss computed from "
                              "these parameters")
        return loss.item(), _join([array_module(p.data).zeros_like(p.data) if p.grad is None else p.grad
                                   for p in trained.values()])

    def _write(self, trained, w):
        for p, part in zip(trained.values(), _split(w, trained.values())):
            p.data[...] = part
            p.version += 1                          # backward refuses a tape that read the old values

    def _pairs(self, trained):
        """Return the pairs (s, y), long vectors, the oldest first; none if other parameters were trained before."""
        if set(self.state) != set(trained):
            return []
        rows = [self.state[i] for i in trained]
        return [tuple(_join([row[f"{name}{k}"] for row in rows]) for name in "sy") for k in range(len(rows[0]) // 2)]

    def _remember(self, trained, pairs):
        """Keep the pairs in `state`: "s0", "y0", "s1", ... of each parameter, in its shape."""
        self.state = {i: {} for i in trained} if pairs else {}
        for k, pair in enumerate(pairs):
            for name, vector in zip("sy", pair):
                for i, part in zip(trained, _split(vector, trained.values())):
                    self.state[i][f"{name}{k}"] = part


def two_loops(g, pairs):
    """Return H g, where H is BFGS's inverse Hessian after the pairs (s, y), the oldest first; no pairs: H = 1.

    The cost is 4 products of vectors for each pair. The Hessian before the oldest pair is y·y / s·y of the newest.
    """
    q, shares = +g, []
    for s, y in reversed(pairs):
        shares.append(_dot(s, q) / _dot(s, y))
        q = q - shares[-1] * y
    if pairs:
        s, y = pairs[-1]
        q = q * (_dot(s, y) / _dot(y, y))
    for s, y in pairs:
        q = q + (shares.pop() - _dot(y, q) / _dot(s, y)) * s
    return q


class Point(NamedTuple):
    """A place on the line: its step length, the loss, the slope along the line and the gradient."""

    t: float
    loss: float
    slope: float
    g: Any


def strong_wolfe(at, start, t):
    """Search along a line for a step that is long enough and not too long.

    It ends where the loss has fallen by at least ARMIJO of what the slope at the start promises, and the slope has
    become flatter than CURVATURE of it, up or down: the strong Wolfe conditions.

    Parameters
    ----------
    at : callable
        From a step length to its `Point`. A loss that is not finite means too far.
    start : Point
        Step length 0; its slope is below 0.
    t : float
        The step length tried first.

    Returns
    -------
    end : Point or None
        Without such a point after MOST_TRIALS the lowest; None if there was none lower than the start.
    """
    low, high = start, None             # the lowest point so far, and what bounds the search on its other side
    for _ in range(MOST_TRIALS):
        here = at(t)
        enough = start.loss + ARMIJO * t * start.slope
        if not (here.loss <= enough and here.loss < low.loss and math.isfinite(here.slope)):
            if high is not None and here.loss == high.loss == start.loss:
                break                                           # flat, as far as the digits can show
            high = here                                         # too far
        elif abs(here.slope) <= -CURVATURE * start.slope:
            return here
        else:
            other = math.inf if high is None else high.t
            if here.slope * (other - low.t) >= 0:               # it rises towards `high`: the minimum lies behind
                high = low
            low = here
        t = 4 * t if high is None else _between(low, high)
        if t in (low.t, high and high.t):                       # no number lies between
            break
    return low if low.t > 0 else None


def _between(low, high):
    """Return the minimum of the cubic through two points and their slopes, a tenth of the way from either at least."""
    width = high.t - low.t
    share = 0.5                                                 # halve where there is no cubic
    if math.isfinite(high.loss + high.slope):
        bend = low.slope + high.slope - 3 * (high.loss - low.loss) / width
        root = bend * bend - low.slope * high.slope
        if root >= 0:
            root = math.copysign(math.sqrt(root), width)
            bottom = high.slope - low.slope + 2 * root
            if bottom:
                share = 1 - (high.slope + root - bend) / bottom
    return low.t + min(max(share, 0.1), 0.9) * width


def _join(arrays):
    """Return arrays as one long vector."""
    return array_module(arrays[0]).concatenate([a.reshape(-1) for a in arrays])


def _split(vector, params):
    """Return the parts of a long vector, views of it, in the shapes of the parameters."""
    parts, start = [], 0
    for p in params:
        parts.append(vector[start:start + p.size].reshape(p.shape))
        start += p.size
    return parts


def _dot(a, b):
    return float(a @ b)
