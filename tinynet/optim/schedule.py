"""Lowering the learning rate while training: functions from the epoch, counted from 0, to a factor. Taught in lesson 04."""


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
