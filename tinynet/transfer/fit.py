"""Training on rows of inputs or of cached activations. Taught in lessons 07 and 08."""
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..backend import to_device, to_numpy
from ..compute import one_blas_thread, parallel
from ..data.loader import batches
from ..errors import InputError
from ..ops import cross_entropy
from ..optim import constant
from ..weights import load_weights
from .checkpoint import load_checkpoint, save_checkpoint
from .evaluate import evaluate

SECONDS_BETWEEN_CHECKPOINTS = 5


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
