"""Changing the learning rate while training: functions from the epoch (or the step), counted from 0, to a factor.

Taught in lessons 04 and 10.
"""
import math

from ..errors import InputError


def constant(epoch):
    """Return 1, whatever the epoch."""
    return 1.0


def step_decay(every, factor=0.1):
    """Return a schedule that multiplies the rate by `factor` after every `every` epochs.

    >>> [step_decay(2)(epoch) for epoch in range(4)]
    [1.0, 1.0, 0.1, 0.1]
    """
    return lambda epoch: factor ** (epoch // every)


def exponential_decay(factor):
    """Return a schedule that multiplies the rate by `factor`, a little below 1, after every epoch.

    >>> [exponential_decay(0.5)(epoch) for epoch in range(3)]
    [1.0, 0.5, 0.25]
    """
    return lambda epoch: factor ** epoch


def cosine(period, growth=1):
    """Return a schedule that falls like half a cosine from 1 to nearly 0, then restarts at 1, again and again.

    Parameters
    ----------
    period : int
        Epochs until the first restart. A period of all epochs of the run has none.
    growth : int
        Each period is this many times as long as the one before.

    Returns
    -------
    schedule : callable

    Raises
    ------
    InputError
        If a period would be shorter than one epoch, or shrink.

    References
    ----------
    I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017, equation 5 with η_min 0.

    Examples
    --------
    >>> [round(cosine(3)(epoch), 2) for epoch in range(6)]
    [1.0, 0.75, 0.25, 1.0, 0.75, 0.25]
    """
    if period < 1 or growth < 1:
        raise InputError(f"cosine: a period of {period} epochs that grows by {growth}; both must be 1 or more")

    def schedule(epoch):
        length = period
        while epoch >= length:
            epoch, length = epoch - length, length * growth
        return (1 + math.cos(math.pi * epoch / length)) / 2

    return schedule


def warmup(steps, then=constant):
    """Return a schedule that climbs to 1 in `steps` equal parts, the last of them 1, and goes on with `then`, from its 0.

    >>> [warmup(4, then=step_decay(2))(epoch) for epoch in range(7)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 0.1]
    """
    return lambda epoch: (epoch + 1) / steps if epoch < steps else then(epoch - steps)


SCHEDULES = {           # name: the schedule of a run of so many epochs
    "constant": lambda epochs: constant,
    "step": lambda epochs: step_decay(-(-epochs // 3)),                 # a tenth, and in the last third a hundredth
    "exponential": lambda epochs: exponential_decay(0.01 ** (1 / epochs)),          # to a hundredth, evenly
    "cosine": cosine,
}


def named_schedule(name, epochs, warmup_epochs=0):
    """Return the schedule of a whole run.

    Parameters
    ----------
    name : {"constant", "step", "exponential", "cosine"}
    epochs : int
        Of the run, those of the warm-up among them.
    warmup_epochs : int
        How long the rate climbs first; 0 for no warm-up.

    Returns
    -------
    schedule : callable

    Raises
    ------
    InputError
        If there is no such schedule, or the warm-up leaves no epoch.
    """
    if name not in SCHEDULES:
        raise InputError(f"schedule is {name!r}; choose {', '.join(SCHEDULES)}")
    if not 0 <= warmup_epochs < epochs:
        raise InputError(f"warmup is {warmup_epochs} of {epochs} epochs; it must be from 0 up and leave an epoch: "
                         "shorten it, or train for longer")
    return warmup(warmup_epochs, SCHEDULES[name](epochs - warmup_epochs))
