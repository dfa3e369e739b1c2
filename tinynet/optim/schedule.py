"""Lowering the learning rate while training: functions from the epoch to a factor. Taught in lesson 04."""


def constant(epoch):
    """Leave the learning rate as it is.

    Parameters
    ----------
    epoch : int
        Counted from 0.

    Returns
    -------
    factor : float
        1, whatever the epoch.
    """
    return 1.0


def step_decay(every, factor=0.1):
    """Return a schedule that multiplies the rate by `factor` after every `every` epochs.

    Parameters
    ----------
    every : int
        Epochs between drops.
    factor : float
        What the rate is multiplied by at each.

    Returns
    -------
    schedule : callable
        ``schedule(epoch)`` is the factor for that epoch, counted from 0.
    """
    return lambda epoch: factor ** (epoch // every)


def exponential_decay(factor):
    """Return a schedule that multiplies the rate by `factor` after every epoch.

    Parameters
    ----------
    factor : float
        A little below 1, such as 0.95.

    Returns
    -------
    schedule : callable
        ``schedule(epoch)`` is the factor for that epoch, counted from 0.
    """
    return lambda epoch: factor ** epoch
