"""Which learning rate? Try all of them in one short run. Taught in lesson 10.

Source: L. Smith, "Cyclical learning rates for training neural networks", 2017 (first written in 2015), section 3.3.
"""
import copy
import math
from dataclasses import dataclass

import numpy as np

from ..backend import to_device
from ..compute import one_blas_thread, parallel
from ..compute.checks import refuse_generators
from ..data.loader import batches, row_numbers
from ..errors import InputError
from ..ops import cross_entropy

SMOOTHING = 0.9         # of the losses; their mean reaches back 1 / (1 - 0.9) = 10 steps
EXPLODED = 4            # times the lowest loss: no higher rate is tried
RISEN = 1.2             # times the lowest loss: enough to know that the lowest was passed


@dataclass(frozen=True)
class RangeTest:
    """What a range test saw.

    Attributes
    ----------
    rates : ndarray, float64 (T,)
        The rate of each step that was taken, rising.
    losses : ndarray, float64 (T,)
        The loss just before that step, smoothed.
    suggestion : float or None
        A tenth of the rate at which the loss was lowest: there it no longer falls, a factor of ten below it falls well.
        None if the loss had not risen by a fifth at the end: the range ends too early, or so few rows are learnt by heart
        before a rate is too high.
    """

    rates: np.ndarray
    losses: np.ndarray
    suggestion: float | None


def lr_range_test(net, x, labels, train, optimizer, rng, lowest=1e-5, highest=10.0, steps=100, batch_size=32,
                  loss=cross_entropy, workers=None):
    """Raise the learning rate a little with every step, from far too low to far too high, and watch the loss.

    Parameters
    ----------
    net : Module
        As for `fit`. A copy is trained: network, optimiser and rng stay as they are.
    x : ndarray or Activations, shape (M, ...)
    labels : array_like of int, shape (M,)
    train : array_like of int
        The training rows. They are gone through again and again until the steps are taken.
    optimizer : Optimizer
        Built on the parameters of net. Its first group gets the rates; the others keep their ratio to it.
    rng : numpy.random.Generator
        Shuffles the rows.
    lowest, highest : float
        The first and the last rate. The test ends early when the loss explodes.
    steps : int
        How many rates, evenly spaced in their logarithm.
    batch_size, loss, workers
        As for `fit`.

    Returns
    -------
    found : RangeTest

    Raises
    ------
    InputError
        If there are no training rows, rows are no integers, there are fewer than two steps, a range that does not rise, or a
        first group with the rate 0.
    """
    labels, train, first = np.asarray(labels), row_numbers("lr_range_test", train), optimizer.groups[0]["lr"]
    if len(train) == 0 or steps < 2 or not 0 < lowest < highest < math.inf or first == 0:
        raise InputError(f"lr_range_test: {len(train)} training rows, {steps} steps from {lowest} to {highest}, and a first "
                         f"rate of {first}; give rows, two steps or more, a range that rises from above 0, and a rate above 0")
    refuse_generators("lr_range_test", net)
    net, optimizer, rng = copy.deepcopy((net, optimizer, rng))
    ratios = [group["lr"] / first for group in optimizer.groups]
    rates, losses, mean = np.geomspace(lowest, highest, steps), [], 0.0
    net.train()
    with one_blas_thread():
        for step, rows in enumerate(_endless(train, batch_size, rng, steps)):
            for group, ratio in zip(optimizer.groups, ratios):
                group["lr"] = rates[step] * ratio
            optimizer.zero_grad()
            value, _ = parallel.gradients(net, loss, to_device(x[rows], net.device), labels[rows], workers)
            mean = SMOOTHING * mean + (1 - SMOOTHING) * value
            smooth = mean / (1 - SMOOTHING ** (step + 1))                   # Adam's correction: the mean began at 0
            if not smooth <= EXPLODED * min(losses, default=math.inf):      # nan too
                break
            losses.append(smooth)
            optimizer.step()
    if not losses:
        raise InputError("lr_range_test: the loss is not finite before the first step; "
                         "look for numbers in the inputs that are not finite")
    risen = len(losses) < steps or losses[-1] > RISEN * min(losses)
    return RangeTest(rates[:len(losses)], np.array(losses), float(rates[int(np.argmin(losses))]) / 10 if risen else None)


def _endless(train, batch_size, rng, steps):
    """Yield the rows of so many batches, each pass over the training rows shuffled anew."""
    while steps > 0:
        for batch in list(batches(len(train), batch_size, rng))[:steps]:
            steps -= 1
            yield train[batch]
