"""One training as the settings say: that of a run, of each member of an ensemble, of each trial of a search."""
import numpy as np

from ..backend import to_device, to_numpy
from ..compute import parallel
from ..data import Loader
from ..models import for_inference
from ..optim import EMA, named_schedule
from .fit import fit
from .settings import build_optimizer


def train_stages(net, x, labels, train, val, settings, rng, loader=None, workers=None, progress=True, checkpoint=None):
    """Train the stages from the cut on, the head among them.

    Parameters
    ----------
    net : Sequential
        These stages, the last of them "head"; changed in place.
    x, labels, train, val, rng, workers, progress, checkpoint
        As for `fit`.
    settings : Settings
        With rates, see `checked`.
    loader : Loader, optional
        Makes the training inputs, in place of x; the head is still standardised by the rows `train` of x.

    Returns
    -------
    history : dict
        As `fit` returns it; with "lr", the head's learning rate in each epoch, unless it is always the same.
    """
    _standardize(net, x, train, workers)
    schedule = named_schedule(settings.schedule, settings.epochs, settings.warmup)
    history = fit(net, x, labels, train if loader is None else loader, val, build_optimizer(net, settings), settings.epochs, rng,
                  settings.batch_size, schedule=schedule, workers=workers, progress=progress, checkpoint=checkpoint,
                  ema=None if settings.ema is None else EMA(net, settings.ema))
    rates = [settings.lr * schedule(epoch) for epoch in range(len(history["train_loss"]))]
    return history | {"lr": rates} if len(set(rates)) > 1 else history


def _standardize(net, x, train, workers):
    """Give the head the mean and deviation of the training images' features, as the pretrained stages see them."""
    features = net[:"head"].eval()
    parts = [parallel.run(features, to_device(x[train[i:i + 64]], net.device), workers) for i in range(0, len(train), 64)]
    net["head"]["standardize"].fit(to_device(np.concatenate([to_numpy(part) for part in parts]), net.device))


class TrunkLoader(Loader):
    """A `Loader` of what a frozen trunk makes of the images: distorted anew in each epoch, they are no matter for a cache.

    Parameters
    ----------
    trunk : Module
        In evaluation mode. It runs in the caller's thread and those of `parallel.run`, while others load.
    *arguments, **options
        Of `Loader`.
    """

    def __init__(self, trunk, *arguments, **options):
        super().__init__(*arguments, **options)
        self.trunk = trunk

    def __iter__(self):
        """Yield the batches of one epoch."""
        trunk = for_inference(self.trunk)
        for x, labels in super().__iter__():
            yield parallel.run(trunk, to_device(x, trunk.device), self.workers), labels
