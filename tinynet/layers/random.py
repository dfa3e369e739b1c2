"""Layers that draw random numbers, in training alone. Taught in lesson 03."""
from .. import ops
from ..errors import InputError
from .module import Module


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
