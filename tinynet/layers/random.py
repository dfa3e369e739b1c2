"""Layers that draw random numbers, in training alone. Taught in lessons 03 and 12."""
import numpy as np

from .. import ops
from ..errors import InputError
from .init import initial, xavier_normal
from .module import Module, Parameter


class Random(Module):
    """The base class of every layer that draws random numbers: ``self.rng`` is where they come from.

    A batch may be cut into parts that run side by side. Each part then has a copy of the layer whose `rng` is its own,
    made from one number that is drawn here for the step: so parts draw different numbers, and the same ones whatever
    the number of threads. `fit` saves the state of `rng`, so a run that was stopped goes on as if it had not been.

    Parameters
    ----------
    rng : numpy.random.Generator, optional
        Needed in training alone.

    Attributes
    ----------
    one_draw : bool
        True where all rows of a batch share one draw, such as a mask on the weights: then all parts draw alike.
    """

    one_draw = False

    def __init__(self, rng=None):
        self.rng = rng

    @property
    def draws(self):
        """Whether the next forward will draw numbers."""
        return self.training

    def generator(self):
        """Return `rng`, or say what to do if there is none."""
        if self.rng is None:
            raise InputError(f"{type(self).__name__} is in training mode and has no random numbers; call net.eval() for "
                             "answers, or build it with rng=np.random.default_rng(seed) to train")
        return self.rng


class Dropout(Random):
    """Inverted dropout in training, nothing in evaluation.

    Parameters
    ----------
    p : float
        Probability of dropping a number, in [0, 1).
    rng : numpy.random.Generator, optional
        Draws the masks, in training only.

    Raises
    ------
    InputError
        If p is outside [0, 1).
    """

    by_row = True

    def __init__(self, p=0.5, rng=None):
        super().__init__(rng)
        self.p = ops.random.check_probability("Dropout", p)

    @property
    def draws(self):
        """Whether the next forward will draw numbers."""
        return self.training and self.p > 0

    def forward(self, x):
        """Any shape to the same shape."""
        return ops.dropout(x, self.p, self.generator()) if self.draws else x


class DropConnect(Random):
    """A Linear whose weights are dropped in training: y = x (W mask)ᵀ + b, with mask 0 or 1 / (1 - p).

    All rows of a batch share a mask, and its expected value is 1: so that of y is what evaluation returns, x Wᵀ + b.
    (The paper draws a mask for each row, which is N times as many numbers, drops the bias too, and at test time draws
    the input of the next activation from a normal distribution.)

    Source: L. Wan et al., "Regularization of Neural Networks using DropConnect", 2013.

    Parameters
    ----------
    n_in, n_out : int
        Number of features in and out.
    p : float
        Probability of dropping a weight, in [0, 1).
    rng : numpy.random.Generator
        Draws the first weights, and in training the masks.
    init : callable
        ``init(shape, rng)`` returns the first weights. With `zeros` no rng is needed until training.

    Raises
    ------
    InputError
        If p is outside [0, 1), a number of features is below 1, or rng is missing.
    """

    by_row = True
    one_draw = True

    def __init__(self, n_in, n_out, p=0.5, rng=None, init=xavier_normal):
        super().__init__(rng)
        self.p = ops.random.check_probability("DropConnect", p)
        self.weight = Parameter(initial("DropConnect", (n_out, n_in), rng, init))
        self.bias = Parameter(np.zeros(n_out, np.float32))

    @property
    def draws(self):
        """Whether the next forward will draw numbers."""
        return self.training and self.p > 0

    def forward(self, x):
        """(N, n_in) -> (N, n_out)"""
        W = ops.dropout(self.weight, self.p, self.generator()) if self.draws else self.weight
        return ops.linear(x, W, self.bias)


class DropPath(Random):
    """y = x + F(x), a block with a way round it; in training a random part of the rows takes the way round alone.

    This is stochastic depth: to a row whose branch F is dropped the network is a block shorter. What survives is scaled
    by 1 / survival, so that the expected value of y for a given x is what evaluation returns, x + F(x).

    Source: G. Huang et al., "Deep Networks with Stochastic Depth", 2016. The paper drops a branch for a whole batch, and so
    need not compute it, and scales at test time. Here it is computed for every row.

    Parameters
    ----------
    branch : Module
        F; its output has the shape of its input.
    survival : float
        Probability that a row's branch is used, in (0, 1]. Blocks deep in a network are given less than the first ones.
    rng : numpy.random.Generator, optional
        One number is drawn per row, in training only.

    Raises
    ------
    InputError
        If survival is outside (0, 1].
    """

    by_row = True

    def __init__(self, branch, survival, rng=None):
        super().__init__(rng)
        self.branch, self.survival = branch, ops.random.check_survival("DropPath", survival)

    @property
    def draws(self):
        """Whether the next forward will draw numbers."""
        return self.training and self.survival < 1

    def forward(self, x):
        """Any shape to the same shape."""
        y = self.branch(x)
        if y.shape != x.shape:
            raise InputError(f"DropPath: x is {x.shape} and its branch made {y.shape} of it; to be added they must be the "
                             "same: as many channels out as in, stride 1 and padding")
        return x + (ops.drop_path(y, self.survival, self.generator()) if self.draws else y)


class FractionalMaxPool2d(Random):
    """The largest pixel of each region, in regions drawn anew for each batch: maps become, say, 1.4 times smaller.

    The parameters are those of `ops.fractional_max_pool2d`. In evaluation the regions are fixed and even, one set in place
    of the mean over all of them. For the mean itself, average the answers of several passes in training mode.
    """

    by_row = True
    one_draw = True

    def __init__(self, ratio, rng=None, pseudorandom=True):
        super().__init__(rng)
        self.ratio, self.pseudorandom = ops.random.check_ratio("FractionalMaxPool2d", ratio), pseudorandom

    def forward(self, x):
        """(N, C, H, W) -> (N, C, floor(H / ratio), floor(W / ratio))"""
        rng = self.generator() if self.draws else None
        return ops.fractional_max_pool2d(x, self.ratio, rng, self.pseudorandom)
