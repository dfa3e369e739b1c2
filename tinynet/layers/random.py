"""Layers that draw random numbers. Taught in lesson 03."""
from .. import ops
from ..errors import InputError
from .module import Module


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
