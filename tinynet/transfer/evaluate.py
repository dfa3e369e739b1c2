"""Measuring a network on rows of inputs or of cached activations. Taught in lessons 07 and 08."""
from dataclasses import dataclass

import numpy as np

from ..backend import to_device, to_numpy
from ..compute import parallel
from ..data.loader import batches, row_numbers
from ..errors import InputError
from ..layers import evaluating
from ..ops import cross_entropy, softmax
from ..ops.loss import check_labels
from ..tensor import Tensor


@dataclass(frozen=True)
class Evaluation:
    """How well a network does on some rows.

    Attributes
    ----------
    loss : float
        The loss of all the rows: mean cross-entropy in nats, unless another was asked for.
    accuracy : float
        Share of rows given their true class, 0 .. 1.
    confusion : ndarray of int, shape (K, K)
        Rows by true class, columns by predicted class.
    probabilities : ndarray of float32, shape (N, K)
        Softmax of the scores, in the order of the rows.
    """

    loss: float
    accuracy: float
    confusion: np.ndarray
    probabilities: np.ndarray

    @property
    def class_accuracy(self):
        """Accuracy on each true class, an ndarray (K,); nan for a class without rows."""
        rows = self.confusion.sum(axis=1)
        return np.divide(np.diag(self.confusion), rows, out=np.full(len(rows), np.nan), where=rows > 0)


def evaluate(net, x, labels, rows=None, batch_size=64, workers=None, loss=cross_entropy):
    """Measure a network on some rows, in evaluation mode and without a tape.

    Parameters
    ----------
    net : Module
        Gives scores (N, K).
    x : ndarray or Activations, shape (M, ...)
        Inputs of all rows; read batch by batch.
    labels : ndarray of int, shape (M,)
        True classes.
    rows : ndarray of int, optional
        Which rows to use, by default all.
    batch_size : int
        Rows in memory at a time.
    workers : int, optional
        Threads, see `parallel.run`.
    loss : callable
        ``loss(scores, labels, total)``, such as `ops.cross_entropy` or `ops.hinge`.

    Returns
    -------
    evaluation : Evaluation

    Raises
    ------
    InputError
        If there are no rows, rows are no integers, or labels no integers in 0 .. K-1, whatever the loss.
    """
    labels = np.asarray(labels)
    rows = np.arange(len(labels)) if rows is None else row_numbers("evaluate", rows)
    if len(rows) == 0:
        raise InputError("evaluate: no rows to measure; give at least one")
    device = net.device
    with evaluating(net):
        scores = np.concatenate([to_numpy(parallel.run(net, to_device(x[rows[part]], device), workers))
                                 for part in batches(len(rows), batch_size)])
    true, predicted = labels[rows], scores.argmax(axis=1)
    check_labels("evaluate", Tensor(scores), true)
    confusion = np.zeros((scores.shape[1],) * 2, int)
    np.add.at(confusion, (true, predicted), 1)
    return Evaluation(loss(Tensor(scores), true, len(true)).item(), float((true == predicted).mean()), confusion,
                      softmax(Tensor(scores)).numpy())
