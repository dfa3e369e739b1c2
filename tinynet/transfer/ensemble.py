"""Many answers in place of one: the mean of their probabilities. Taught in lesson 13.

Sources: L. Hansen, P. Salamon, "Neural network ensembles", 1990; G. Huang et al., "Snapshot ensembles: train 1, get M for
free", 2017; A. Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012, section 4.1 (views).
"""
import copy

import numpy as np

from .. import ops
from ..backend import array_module
from ..errors import InputError
from ..layers import Module
from ..optim import cosine
from .fit import fit


class Ensemble(Module):
    """Scores log p, with p the mean of the members' softmax probabilities.

    Whatever takes scores takes these: their softmax is p itself, and `ops.cross_entropy` of them is -log p of the true class,
    never more than the mean of the members' losses.

    With a frozen trunk the members are heads, which all read the same activations: one pass through the trunk, one cache.
    ``Sequential(**dict(net[:cut].children()), head=Ensemble(*heads))`` is the whole network, from images.

    Parameters
    ----------
    *members : Module
        Each gives scores (N, K) for the same classes from the same input. Their names are "0", "1", ... in a weight file.

    Raises
    ------
    InputError
        If there is no member, or the members' scores differ in shape.
    """

    by_row = True                       # as far as it goes itself: each member speaks for itself

    def __init__(self, *members):
        if not members or not all(isinstance(member, Module) for member in members):
            kinds = ", ".join(type(member).__name__ for member in members) or "none"
            raise InputError(f"Ensemble: its members are {kinds}; give one Module or more, as Ensemble(*members)")
        for i, member in enumerate(members):
            setattr(self, str(i), member)

    @property
    def members(self):
        """The members in order, a list of Module."""
        return [member for _, member in self.children()]

    def forward(self, x):
        """What the members take -> (N, K)"""
        scores = [member(x) for member in self.members]
        shapes = {s.shape for s in scores}
        if len(shapes) > 1 or scores[0].ndim != 2:
            raise InputError(f"Ensemble: the members' scores are {', '.join(map(str, sorted(shapes)))}; all must be (N, K), "
                             "for the same classes")
        return _log_mean(ops.concat([s.reshape(1, *s.shape) for s in scores], axis=0), axis=0)      # (M, N, K) -> (N, K)


class ViewEnsemble(Module):
    """Test-time augmentation: a network's mean opinion on several views of an image, again as scores log p.

    Parameters
    ----------
    net : Module
        Gives scores (N, K); an `Ensemble` too.

    Raises
    ------
    InputError
        If the input has no axis of views.

    Examples
    --------
    Views of the test photos go through the frozen trunk once, into the same cache::

        views = Views(dataset, VIEWS, test)
        codes = cache.activations(trunk, views, preprocessing, cut).in_groups(len(VIEWS))       # (N, V, ...)
        evaluate(ViewEnsemble(head), codes, codes.labels)
    """

    by_row = True

    def __init__(self, net):
        self.net = net

    def forward(self, x):
        """V views of N images, (N, V, ...) -> (N, K)"""
        if x.ndim < 3:
            raise InputError(f"ViewEnsemble: x is {x.shape}; give views of each image, (N, V, ...)")
        n, v, *rest = x.shape
        scores = self.net(x.reshape(n * v, *rest))                          # (N V, K)
        return _log_mean(scores.reshape(n, v, -1), axis=1)                  # (N, V, K) -> (N, K)


def _log_mean(scores, axis):
    """Return log of the mean over an axis of softmax(scores), whose largest is taken out first, so that none is log 0."""
    logs = ops.log_softmax(scores)
    xp, lowest = array_module(logs.data), np.finfo(logs.dtype).min
    top = xp.maximum(logs.data.max(axis=axis, keepdims=True), lowest)       # a constant: it cancels
    return ops.log(ops.exp(logs - top).mean(axis=axis)) + top.squeeze(axis)


def snapshots(net, x, labels, train, val, optimizer, epochs, rng, cycles, **options):
    """Train one network in cycles, the rate falling and jumping up again, and keep what it was at the end of each.

    Parameters
    ----------
    net, x, labels, train, val, optimizer, rng
        As for `fit`.
    epochs : int
        Of one cycle.
    cycles : int
        How many snapshots.
    **options
        Of `fit`, but for a schedule or a checkpoint.

    Returns
    -------
    ensemble : Ensemble
        Of copies of net, the first cycle's first.

    Raises
    ------
    InputError
        If there is less than one cycle, or a schedule or checkpoint of the caller's own.
    """
    if cycles < 1 or {"schedule", "checkpoint"} & options.keys():
        raise InputError(f"snapshots: {cycles} cycles, options {', '.join(options) or 'none'}; it needs a cycle or more, and has "
                         "a schedule of its own and no checkpoint")
    members = []
    for _ in range(cycles):
        fit(net, x, labels, train, val, optimizer, epochs, rng, schedule=cosine(epochs), **options)
        members.append(copy.deepcopy(net))
    return Ensemble(*members)
