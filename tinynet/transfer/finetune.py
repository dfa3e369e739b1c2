"""Training on rows of inputs or of cached activations, and measuring the result. Taught in lessons 07 and 08."""
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..backend import to_device, to_numpy
from ..compute import one_blas_thread, parallel
from ..data.loader import batches
from ..errors import InputError
from ..ops import cross_entropy
from ..ops.activation import log_softmax_array
from ..optim import constant
from ..tensor import Tensor
from ..weights import load_weights
from .checkpoint import load_checkpoint, save_checkpoint

SECONDS_BETWEEN_CHECKPOINTS = 5


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
        If there are no rows.
    """
    rows = np.arange(len(labels)) if rows is None else rows
    if len(rows) == 0:
        raise InputError("evaluate: no rows to measure; give at least one")
    modes, device = [(module, module.training) for module in net.modules()], net.device
    net.eval()
    try:
        scores = np.concatenate([to_numpy(parallel.run(net, to_device(x[rows[part]], device), workers))
                                 for part in batches(len(rows), batch_size)])
    finally:
        for module, training in modes:
            module.training = training
    true, predicted = labels[rows], scores.argmax(axis=1)
    confusion = np.zeros((scores.shape[1],) * 2, int)
    np.add.at(confusion, (true, predicted), 1)
    return Evaluation(loss(Tensor(scores), true, len(true)).item(), float((true == predicted).mean()), confusion,
                      np.exp(log_softmax_array(scores, axis=1)))


def fit(net, x, labels, train, val, optimizer, epochs, rng, batch_size=32, loss=cross_entropy, schedule=constant,
        patience=None, workers=None, progress=True, checkpoint=None, run_id=""):
    """Train a network and leave it with the weights that had the lowest validation loss.

    Parameters
    ----------
    net : Module
        Changed in place. If x holds cached activations, give the part of the network that follows them.
    x : ndarray or Activations, shape (M, ...)
        Inputs of all rows; one batch is read at a time.
    labels : ndarray of int, shape (M,)
        True classes.
    train, val : ndarray of int
        Which rows to train on, and which to choose the best epoch by. Without any of the latter the last epoch counts.
    optimizer : Optimizer
        Built on the parameters of net.
    epochs : int
        How often every training row is used.
    rng : numpy.random.Generator
        Shuffles the rows.
    batch_size : int
        Rows per step.
    loss : callable
        ``loss(scores, labels, total)``, the sum of the rows' losses over total (by default their number), such as
        `ops.cross_entropy` or `ops.hinge`. Class weights should average 1: the total given is the number of rows.
    schedule : callable
        ``schedule(epoch)`` is the factor on every group's learning rate.
    patience : int, optional
        Stop after this many epochs without a lower validation loss.
    workers : int, optional
        Threads, see `parallel.gradients`.
    progress : bool
        Show a progress bar on stderr.
    checkpoint : str or Path, optional
        A file that is written every few seconds and gone on from if it is there; removed when training is done.
        The result is, bit for bit, that of a run which was never stopped.
    run_id : str
        Names the settings and the data; needed with a checkpoint, since one with another name is ignored.

    Returns
    -------
    history : dict
        Lists with one number per epoch: "train_loss", "train_accuracy" (while training, dropout included),
        "val_loss", "val_accuracy"; and "best_epoch", the one whose weights were kept, counted from 0.

    Raises
    ------
    InputError
        If there are no training rows, a checkpoint has no run_id, or the loss is no longer a finite number.
    """
    if len(train) == 0:
        raise InputError("fit: no training rows; give at least one")
    if checkpoint is not None and not run_id:
        raise InputError("fit: a checkpoint needs a run_id, so that no other run goes on from it; "
                         "name your settings and data")
    rates = [group["lr"] for group in optimizer.groups]
    history = {"train_loss": [], "train_accuracy": [], "val_loss": [], "val_accuracy": [], "best_epoch": 0}
    best, saved = None, time.monotonic()
    if checkpoint is not None:
        history, best = _resume(checkpoint, net, optimizer, rng, run_id) or (history, best)
    done = len(history["train_loss"])
    with (tqdm(range(done, epochs), "train", initial=done, total=epochs, unit="epoch", disable=not progress) as bar,
          one_blas_thread()):
        for epoch in bar:
            if patience is not None and len(val) and epoch - history["best_epoch"] > patience:
                break
            for group, lr in zip(optimizer.groups, rates):
                group["lr"] = lr * schedule(epoch)
            value, accuracy = _train_epoch(net.train(), x, labels, train, optimizer, rng, batch_size, loss, workers)
            if not np.isfinite(value):
                raise InputError(f"fit: the loss is {value} in epoch {epoch + 1}: the steps are too long; "
                                 "lower the learning rate")
            history["train_loss"].append(value)
            history["train_accuracy"].append(accuracy)
            if len(val):
                measured = evaluate(net, x, labels, val, workers=workers, loss=loss)
                history["val_loss"].append(measured.loss)
                history["val_accuracy"].append(measured.accuracy)
            if not len(val) or measured.loss < min(history["val_loss"][:-1], default=np.inf):
                history["best_epoch"] = epoch
                best = {name: array.copy() for name, array in net.state_dict().items()}
            if checkpoint is not None and time.monotonic() - saved > SECONDS_BETWEEN_CHECKPOINTS:
                save_checkpoint(checkpoint, net, optimizer, rng, {"run_id": run_id, "history": history}, best)
                saved = time.monotonic()
    for group, lr in zip(optimizer.groups, rates):
        group["lr"] = lr
    if best is not None:
        net.load_state_dict(best)
    if checkpoint is not None:
        Path(checkpoint).unlink(missing_ok=True)
    net.eval()
    return history


def _train_epoch(net, x, labels, train, optimizer, rng, batch_size, loss, workers):
    """Take one step per batch of the shuffled training rows; return the epoch's mean loss and accuracy."""
    device, total, correct = net.device, 0.0, 0
    for batch in batches(len(train), batch_size, rng):
        rows = train[batch]
        optimizer.zero_grad()
        value, scores = parallel.gradients(net, loss, to_device(x[rows], device), labels[rows], workers)
        optimizer.step()
        total += value * len(rows)
        correct += (to_numpy(scores).argmax(axis=1) == labels[rows]).sum()
    return total / len(train), float(correct / len(train))


def _resume(checkpoint, net, optimizer, rng, run_id):
    """Return (history, best weights) of a checkpoint of this very run, or None if there is none."""
    if not Path(checkpoint).exists():
        return None
    try:
        _, metadata = load_weights(checkpoint)
        if metadata["progress"]["run_id"] != run_id:
            return None
    except (InputError, KeyError):                          # damaged or foreign: the run starts again
        return None
    progress, best = load_checkpoint(checkpoint, net, optimizer, rng)
    return progress["history"], best
