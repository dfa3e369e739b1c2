"""One training as the settings say: a run's, and that of each trial of a search. Taught in lesson 08."""
import numpy as np

from ..backend import to_device, to_numpy
from ..compute import parallel
from ..optim import named_schedule
from .fit import fit
from .settings import build_optimizer


def train_stages(net, x, labels, train, val, settings, rng, workers=None, progress=True, checkpoint=None):
    """Train the stages from the cut on, the head among them.

    Parameters
    ----------
    net : Sequential
        These stages, the last of them "head"; changed in place.
    x, labels, train, val, rng, workers, progress, checkpoint
        As for `fit`.
    settings : Settings
        With rates, see `with_rates`.

    Returns
    -------
    history : dict
        As `fit` returns it.
    """
    _standardize(net, x, train, workers)
    return fit(net, x, labels, train, val, build_optimizer(net, settings), settings.epochs, rng, settings.batch_size,
               schedule=named_schedule(settings.schedule, settings.epochs, settings.warmup), workers=workers,
               progress=progress, checkpoint=checkpoint)


def _standardize(net, x, train, workers):
    """Give the head the mean and deviation of the training images' features, as the pretrained stages see them."""
    features = net[:"head"].eval()
    parts = [parallel.run(features, to_device(x[train[i:i + 64]], net.device), workers) for i in range(0, len(train), 64)]
    net["head"]["standardize"].fit(to_device(np.concatenate([to_numpy(part) for part in parts]), net.device))
