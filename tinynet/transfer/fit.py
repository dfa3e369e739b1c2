"""Training on rows of inputs or of cached activations. Taught in lessons 07 and 08."""
import math
from contextlib import contextmanager, nullcontext

import numpy as np
from tqdm import tqdm

from ..backend import to_device, to_numpy
from ..compute import one_blas_thread, parallel
from ..compute.checks import refuse_generators
from ..data.loader import Loader, batches, row_numbers
from ..errors import InputError
from ..ops import cross_entropy
from ..ops.loss import check_labels
from ..optim import constant
from ..tensor import Tensor
from .evaluate import evaluate


class Diverged(InputError):
    """The loss is no longer a finite number."""


class Best:
    """The weights of the best epoch so far: that of the lowest validation loss, the earlier of two equal ones.

    Parameters
    ----------
    net : Module
        Whose weights they are.
    """

    def __init__(self, net):
        self.net, self.weights = net, None

    def offer(self, history, epoch):
        """Keep the present weights if this epoch is the best; without validation rows the last one is."""
        losses = history["val_loss"]
        if not losses or losses[-1] < min(losses[:-1], default=math.inf):
            history["best_epoch"] = epoch
            self.weights = {name: array.copy() for name, array in self.net.state_dict().items()}

    def restore(self):
        """Put the best weights back."""
        if self.weights is not None:
            self.net.load_state_dict(self.weights)


def fit(net, x, labels, train, val, optimizer, epochs, rng, batch_size=32, loss=cross_entropy, schedule=constant,
        patience=None, workers=None, progress=True, checkpoint=None, penalty=None, ema=None):
    """Train a network and leave it with the weights that had the lowest validation loss.

    Parameters
    ----------
    net : Module
        Changed in place. If x holds cached activations, give the part of the network that follows them.
    x : ndarray or Activations, shape (M, ...)
        Inputs of all rows; one batch is read at a time.
    labels : array_like of int, shape (M,)
        True classes.
    train : array_like of int, or Loader
        Which rows of x to train on. A `Loader` makes the training inputs itself, distorted anew in each epoch; it has a
        batch size of its own, and must draw from `rng`.
    val : array_like of int
        Which rows of x to choose the best epoch by. Without any the last epoch counts.
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
        `ops.cross_entropy` or `ops.hinge`.
    schedule : callable
        ``schedule(epoch)`` is the factor on every group's learning rate.
    patience : int, optional
        Stop after this many epochs without a lower validation loss.
    workers : int, optional
        Threads, see `parallel.gradients`.
    progress : bool
        Show a progress bar on stderr.
    checkpoint : Checkpoint, optional
        From which a run that was stopped goes on. The result is, bit for bit, that of a run which never was. Call its
        `done` when the results are saved.
    penalty : callable, optional
        ``penalty(net)``, a Tensor with one element, is added to the loss of each step.
    ema : EMA, optional
        Built on net, updated after each step. Validation then measures the averaged weights, and the net is left with those
        of the best epoch; training goes on from the weights themselves.

    Returns
    -------
    history : dict
        Lists with one number per epoch: "train_loss", "train_accuracy" (while training, dropout and penalty included),
        "val_loss", "val_accuracy"; and "best_epoch", the one whose weights were kept, counted from 0.

    Raises
    ------
    InputError
        If there are no training rows, rows are no integers, labels no integers in 0 .. K-1, the schedule gives no number from
        0 up, the optimiser or the average is of another network, the loss is no longer a finite number (`Diverged`), or the
        network or the loss is one that `parallel.gradients` refuses.
    """
    labels, val = np.asarray(labels), row_numbers("fit", val)
    if not isinstance(train, Loader):
        train = row_numbers("fit", train)
    elif train.rng is not rng:
        raise InputError("fit: the loader draws from a generator of its own, which no checkpoint would save; give both the same")
    if len(train) == 0:
        raise InputError("fit: no training rows; give at least one")
    refuse_generators("fit", net)
    if not {id(p) for p in net.parameters()} & {id(p) for p in optimizer.parameters()}:
        raise InputError("fit: none of the optimiser's parameters is the network's; build it on net.parameters()")
    if ema is not None and not {id(p) for p in net.parameters()} <= {id(p) for p in ema.net.parameters()}:
        raise InputError("fit: the average is of another network's parameters; build it on this one, EMA(net)")
    history = {"train_loss": [], "train_accuracy": [], "val_loss": [], "val_accuracy": [], "best_epoch": 0}
    best, rates = Best(net), [group["lr"] for group in optimizer.groups]        # before a checkpoint brings scaled ones
    if checkpoint is not None:
        checkpoint.resume(net, optimizer, rng, best, history, ema)
    done = len(history["train_loss"])
    with (tqdm(range(done, epochs), "train", initial=done, total=epochs, unit="epoch", disable=not progress) as bar,
          one_blas_thread(), _rates_kept(optimizer, rates)):
        for epoch in bar:
            if patience is not None and len(val) and epoch - history["best_epoch"] > patience:
                break
            factor = schedule(epoch)
            if not (isinstance(factor, (int, float, np.number)) and 0 <= factor < math.inf):
                raise InputError(f"fit: the schedule gives {factor!r} for epoch {epoch}; a factor is a number from 0 up")
            for group, lr in zip(optimizer.groups, rates):
                group["lr"] = lr * factor
            value, accuracy = _train_epoch(net.train(), x, labels, train, optimizer, rng, batch_size, loss, workers, penalty,
                                           ema)
            _note(history, "train", epoch, value, accuracy)
            with ema.averaged() if ema else nullcontext():
                if len(val):
                    measured = evaluate(net, x, labels, val, workers=workers, loss=loss)
                    _note(history, "val", epoch, measured.loss, measured.accuracy)
                best.offer(history, epoch)
            if checkpoint is not None:
                checkpoint.save(net, optimizer, rng, best, history, ema)
    if checkpoint is not None:
        checkpoint.save(net, optimizer, rng, best, history, ema, last=True)
    best.restore()
    net.eval()
    return history


@contextmanager
def _rates_kept(optimizer, rates):
    """Give back, whatever happens, the learning rates that a schedule scales."""
    try:
        yield
    finally:
        for group, lr in zip(optimizer.groups, rates):
            group["lr"] = lr


def _note(history, part, epoch, loss, accuracy):
    if not np.isfinite(loss):
        why = ("the steps are too long; lower the learning rate" if part == "train" else
               "look for numbers in the validation inputs that are not finite, or lower the learning rate")
        raise Diverged(f"fit: the {'training' if part == 'train' else 'validation'} loss is {loss} in epoch {epoch + 1}: "
                       f"{why}")
    history[f"{part}_loss"].append(loss)
    history[f"{part}_accuracy"].append(accuracy)


def _train_epoch(net, x, labels, train, optimizer, rng, batch_size, loss, workers, penalty, ema):
    """Take one step per batch of the shuffled training rows; return the epoch's mean loss and accuracy."""
    device, total, correct, n = net.device, 0.0, 0, 0
    for inputs, true in _epoch(x, labels, train, batch_size, rng):
        optimizer.zero_grad()
        value, scores = parallel.gradients(net, loss, to_device(inputs, device), true, workers, penalty)
        if loss is not cross_entropy:                       # which has looked at them
            check_labels("fit", Tensor(scores), true)
        optimizer.step()
        if ema:
            ema.update()
        total += value * len(true)
        correct += (to_numpy(scores).argmax(axis=1) == true).sum()
        n += len(true)
    return total / n, float(correct / n)


def _epoch(x, labels, train, batch_size, rng):
    """Yield inputs and labels, batch by batch."""
    if isinstance(train, Loader):
        yield from train
    else:
        for batch in batches(len(train), batch_size, rng):
            yield x[train[batch]], labels[train[batch]]
