"""From scores and labels to one number to make small. Taught in lesson 03."""
import numpy as np

from ..backend import array_module, to_numpy
from ..errors import InputError
from ..tensor import Function, Tensor


class CrossEntropy(Function):
    """L = Σ_n -log p[n, label_n] / total, with p = softmax(scores); gradient (p - y) / total."""

    def __init__(self, labels, total):
        self.labels, self.total = labels, total

    def forward(self, scores):                              # (N, K)
        xp = array_module(scores)
        self.rows = xp.arange(len(scores))
        shifted = scores - scores.max(axis=1, keepdims=True)        # the largest exponent is 0: no overflow
        self.e = xp.exp(shifted)
        self.sums = self.e.sum(axis=1)                      # (N,), and p = e / sums
        losses = xp.log(self.sums) - shifted[self.rows, self.labels]    # -log p, (N,)
        return losses.sum() / self.total

    def backward(self, gy):
        g = self.e / self.sums[:, None]                     # p, (N, K)
        g[self.rows, self.labels] -= 1                      # p - y
        g *= gy / self.total
        return g


class Hinge(Function):
    """L = Σ_n Σ_{k != label_n} max(0, s[n, k] - s[n, label_n] + 1) / total: the multi-class SVM loss."""

    def __init__(self, labels, total):
        self.labels, self.total = labels, total

    def forward(self, scores):                              # (N, K)
        xp = array_module(scores)
        self.rows = xp.arange(len(scores))
        correct = scores[self.rows, self.labels][:, None]   # (N, 1)
        margins = xp.maximum(scores - correct + 1, scores.dtype.type(0))
        margins[self.rows, self.labels] = 0
        self.margins = margins
        return margins.sum() / self.total

    def backward(self, gy):
        g = (self.margins > 0).astype(gy.dtype)             # 1 for each class inside the margin, (N, K)
        g[self.rows, self.labels] = -g.sum(axis=1)
        return g * (gy / self.total)


def cross_entropy(scores, labels, total=None):
    """Return the mean negative log-probability that softmax(scores) gives the true classes.

    Parameters
    ----------
    scores : Tensor, shape (N, K)
        Any real numbers ("logits"); they are never exponentiated unshifted, so 1e4 is fine.
    labels : ndarray of int, shape (N,)
        The true classes, 0 .. K-1.
    total : float, optional
        Divide the sum by this instead of by N: a micro-batch passes its whole batch's, so that the losses of the
        parts add up to the loss of the whole.

    Returns
    -------
    loss : Tensor, shape ()
        In nats; log K for a net that has learnt nothing.

    Raises
    ------
    InputError
        If there are no scores (N, K), or the labels are not N integers in 0 .. K-1.
    """
    labels = check_labels("cross_entropy", scores, labels)
    return CrossEntropy(labels, float(len(labels) if total is None else total))(scores)


def hinge(scores, labels, total=None):
    """Return the mean multi-class hinge loss: how far wrong classes intrude on a margin of 1 (a linear SVM).

    Parameters
    ----------
    scores : Tensor, shape (N, K)
    labels : ndarray of int, shape (N,)
        The true classes, 0 .. K-1.
    total : float, optional
        Divide the sum by this instead of by N, as in `cross_entropy`.

    Returns
    -------
    loss : Tensor, shape ()
        The slope on the edge of the margin is 0.

    Raises
    ------
    InputError
        If there are no scores (N, K), or the labels are not N integers in 0 .. K-1.

    References
    ----------
    J. Weston, C. Watkins, "Support vector machines for multi-class pattern recognition", 1999.
    """
    labels = check_labels("hinge", scores, labels)
    return Hinge(labels, float(len(labels) if total is None else total))(scores)


def check_labels(op, scores, labels):
    """Return the labels as an integer array where the scores are.

    Parameters
    ----------
    op : str
        Who asks, for the message.
    scores : Tensor, shape (N, K)
    labels : ndarray of int, shape (N,)

    Returns
    -------
    labels : ndarray, int64 (N,)

    Raises
    ------
    InputError
        If there are no scores (N, K), or the labels are not N integers in 0 .. K-1.
    """
    labels = labels.data if isinstance(labels, Tensor) else labels
    found = to_numpy(labels)
    if scores.ndim != 2:
        raise InputError(f"{op}: scores are {scores.shape}; give one row of class scores per sample, (N, K)")
    n, n_classes = scores.shape
    if found.shape != (n,) or found.dtype.kind not in "iu":
        raise InputError(f"{op}: labels are {found.dtype} {found.shape}, scores are {scores.shape}: "
                         f"give {n} integers, the number of each true class")
    if n == 0:
        raise InputError(f"{op}: the batch has no rows, so no mean loss; give at least one sample")
    if found.min() < 0 or found.max() >= n_classes:
        raise InputError(f"{op}: labels run from {found.min()} to {found.max()}, scores are of {n_classes} classes; "
                         f"number the classes 0 .. {n_classes - 1}")
    return array_module(scores.data).asarray(found.astype(np.int64, copy=False))
