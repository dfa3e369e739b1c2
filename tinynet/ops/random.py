"""Noise in training, none at test time: dropout, of numbers or of rows, and pooling in random regions.

Taught in lessons 03 and 12. Sources: N. Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from
Overfitting", 2014; G. Huang et al., "Deep Networks with Stochastic Depth", 2016; B. Graham, "Fractional Max-Pooling", 2014.
"""
import numpy as np

from ..backend import array_module
from ..errors import InputError
from ..tensor import Function


class Dropout(Function):
    """y = x mask, with mask 0 with probability p and 1 / (1 - p) otherwise: the expected value of y is x."""

    def __init__(self, p, rng):
        self.p, self.rng = p, rng

    def forward(self, x):
        kept = self.rng.random(self.mask_shape(x)) >= self.p    # drawn on the CPU, so both devices drop the same numbers
        self.mask = array_module(x).asarray(kept, dtype=x.dtype) / (1 - self.p)
        return x * self.mask

    def mask_shape(self, x):
        """Return the shape of what is drawn: one number per element."""
        return x.shape

    def backward(self, gy):
        return gy * self.mask


class DropPath(Dropout):
    """The same with one mask for each row: y_i = x_i mask_i."""

    def mask_shape(self, x):
        """Return (N, 1, ...): one number per row."""
        return x.shape[:1] + (1,) * (x.ndim - 1)


class FractionalMaxPool2d(Function):
    """y = the largest pixel of each region; of equal ones the first, row by row, gets the gradient.

    Region (i, j) has the rows from down[i] up to, without, down[i + 1], and the columns from across[j] to across[j + 1].
    """

    def __init__(self, down, across):
        self.rows, self.columns = _members(down), _members(across)              # (OH, R), (OW, S)

    def forward(self, x):
        xp, (N, C, H, W) = array_module(x), x.shape
        taps = [xp.asarray(row[:, None] * W + column) for row in self.rows.T for column in self.columns.T]  # each (OH, OW)
        maps = x.reshape(N, C, H * W)
        y, winners = maps[:, :, taps[0]], taps[0]           # (N, C, OH, OW), and where in its map each was found
        for pixels in taps[1:]:
            others = maps[:, :, pixels]
            winners = xp.where(others > y, pixels, winners)
            y = xp.maximum(y, others)
        if self.needs[0]:
            self.x_shape, self.winners = x.shape, winners
        return y

    def backward(self, gy):
        xp, (N, C, H, W) = array_module(gy), self.x_shape
        gx = xp.zeros(N * C * H * W, gy.dtype)
        gx[xp.arange(N * C).reshape(N, C, 1, 1) * (H * W) + self.winners] = gy  # no two regions share a pixel
        return gx.reshape(self.x_shape)


def _members(edges):
    """Return which pixels each part holds, int (parts, largest part); where a part is smaller, its last one is repeated."""
    longest = np.diff(edges).max()
    return np.minimum(edges[:-1, None] + np.arange(longest), edges[1:, None] - 1)


def part_edges(size, n_out, rng=None, pseudorandom=True):
    """Cut one axis into parts of floor(size / n_out) or ceil(size / n_out) pixels each.

    Parameters
    ----------
    size : int
        Pixels along the axis.
    n_out : int
        Number of parts, from 1 to size.
    rng : numpy.random.Generator, optional
        Chooses among the cuts; without it they are always the same, and even.
    pseudorandom : bool
        Whether the short and the long parts alternate as evenly as they can, from a random place on, Graham's
        ceil(size / n_out (i + u)); else they come in random order.

    Returns
    -------
    edges : ndarray, int (n_out + 1,)
        Part i has the pixels from edges[i] up to, without, edges[i + 1]; from 0 to size.

    >>> part_edges(8, 5).tolist()
    [0, 2, 3, 5, 6, 8]
    """
    if rng is None or pseudorandom:
        shift = n_out // 2 if rng is None else int(rng.integers(n_out))
        return (np.arange(n_out + 1) * size + shift) // n_out
    short, n_long = divmod(size, n_out)
    sizes = short + (np.arange(n_out) < n_long)
    return np.concatenate([[0], np.cumsum(rng.permutation(sizes))])


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


def drop_path(x, survival, rng):
    """Set a random part of the rows to 0 and scale up the rest: what stochastic depth does to a block's branch.

    Parameters
    ----------
    x : Tensor, shape (N, ...)
    survival : float
        Probability that a row is kept, in (0, 1].
    rng : numpy.random.Generator
        One number is drawn per row.

    Returns
    -------
    y : Tensor
        Of x's shape; its expected value is x. (The paper scales down at test time instead.)

    Raises
    ------
    InputError
        If survival is outside (0, 1], or x has no rows to drop.
    """
    if x.ndim == 0:
        raise InputError("drop_path: x is a single number; rows are needed, (N, ...)")
    return DropPath(1 - check_survival("drop_path", survival), rng)(x)


def fractional_max_pool2d(x, ratio, rng=None, pseudorandom=True):
    """Return the largest pixel of each of OH x OW regions, whose sizes differ by a pixel so that any ratio comes out.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
    ratio : float
        How many times smaller the maps become, at least 1; 2 is ``max_pool2d(x, 2)`` where H and W are even.
    rng : numpy.random.Generator, optional
        Draws the regions, the same for all rows and channels. Without it they are fixed and even, for test time.
    pseudorandom : bool
        How they are drawn, see `part_edges`.

    Returns
    -------
    y : Tensor, shape (N, C, OH, OW)
        OH = floor(H / ratio), and OW likewise. The regions do not overlap and leave no pixel out. Where pixels tie, the
        first, row by row, receives the gradient.

    Raises
    ------
    InputError
        If x holds no maps, or the ratio is below 1 or above their size.
    """
    check_ratio("fractional_max_pool2d", ratio)
    if x.ndim != 4 or min(x.shape[2:]) < ratio:
        raise InputError(f"fractional_max_pool2d: x is {x.shape}, the ratio {ratio}; x must be (N, C, H, W), and H and W at "
                         "least the ratio")
    down, across = (part_edges(size, int(size / ratio), rng, pseudorandom) for size in x.shape[2:])
    return FractionalMaxPool2d(down, across)(x)


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


def check_survival(op, survival):
    """Return survival as a float if rows can be kept with this probability.

    Parameters
    ----------
    op : str
        Who asks, for the message.
    survival : float

    Returns
    -------
    survival : float

    Raises
    ------
    InputError
        If survival is outside (0, 1].
    """
    if not 0 < survival <= 1:
        raise InputError(f"{op}: survival is {survival}; it is the probability of keeping a row, above 0 and at most 1")
    return float(survival)


def check_ratio(op, ratio):
    """Return ratio as a float if maps can be made so many times smaller.

    Parameters
    ----------
    op : str
        Who asks, for the message.
    ratio : float

    Returns
    -------
    ratio : float

    Raises
    ------
    InputError
        If ratio is below 1 or not finite.
    """
    if not 1 <= ratio < np.inf:
        raise InputError(f"{op}: ratio is {ratio}; it says how many times smaller the maps become, at least 1")
    return float(ratio)
