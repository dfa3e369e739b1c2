"""A new head: a classifier for your own classes in place of the published one. Taught in lessons 07 and 08."""
import numpy as np

from ..backend import to_device
from ..errors import InputError
from ..layers import GlobalAvgPool2d, Linear, ReLU, Sequential, Standardize, evaluating, he_normal, zeros
from ..tensor import Tensor, no_grad


def replace_head(net, n_classes, cut, image_shape, hidden=None, rng=None):
    """Return a network with the same stages before the cut and a new classifier for your own classes after them.

    The classifier is the last stage, "head": standardised features, then a softmax layer, with a hidden layer before
    it if wanted. Where maps arrive at the cut, a stage "pool" before it takes the mean of each. If a stage that is
    kept has one of these names already, the new one gets a number: "pool_2". The softmax layer starts at 0, so at
    first every class is equally likely and no random gradient reaches the pretrained stages.

    Parameters
    ----------
    net : Sequential
        A pretrained network; the stages kept are shared, not copied.
    n_classes : int
        Number of your classes, at least 2.
    cut : str or None
        The first stage to drop: where the old classifier begins. None keeps every stage.
    image_shape : (int, int, int)
        Shape (C, H, W) of an image that the network takes; one of zeros is run to count the features.
    hidden : int, optional
        Units of a hidden layer with ReLU; needs rng.
    rng : numpy.random.Generator, optional
        Draws the hidden layer's weights.

    Returns
    -------
    net : Sequential
        Scores (N, n_classes) come out.

    Raises
    ------
    InputError
        If there are fewer than 2 classes or less than one hidden unit, a hidden layer has no rng, the stage does
        not exist, or neither maps (N, C, H, W) nor features (N, D) arrive at the cut.
    """
    body = net[:cut]
    with evaluating(body), no_grad():
        arriving = body(Tensor(to_device(np.zeros((1, *image_shape), np.float32), net.device))).shape[1:]
    if len(arriving) not in (1, 3):
        raise InputError(f"replace_head: {(1, *arriving)} arrives at {cut!r}; a classifier takes maps (N, C, H, W) or "
                         "features (N, D): cut elsewhere")
    stages = dict(body.children())
    if len(arriving) == 3:
        stages[_free_name("pool", stages)] = GlobalAvgPool2d()
    stages[_free_name("head", stages)] = new_head(arriving[0], n_classes, hidden, rng)
    return Sequential(**stages).to(net.device)


def new_head(n_features, n_classes, hidden=None, rng=None):
    """Return a classifier alone: features (N, n_features) in, scores (N, n_classes) out.

    Parameters
    ----------
    n_features : int
    n_classes, hidden, rng
        As for `replace_head`.

    Returns
    -------
    head : Sequential
        Standardize, then a softmax layer, with a hidden layer before it if wanted.

    Raises
    ------
    InputError
        If there are fewer than 2 classes or less than one hidden unit, or a hidden layer has no rng.
    """
    if n_classes < 2 or (hidden is not None and hidden < 1):
        raise InputError(f"head: {n_classes} classes, {hidden} hidden units: "
                         "at least 2 classes are needed to choose between, and 1 unit if there is a hidden layer")
    if hidden is not None and rng is None:
        raise InputError("head: a hidden layer starts from random weights; pass rng=np.random.default_rng(seed)")
    layers = {"standardize": Standardize(n_features)}
    if hidden is not None:
        layers["hidden"] = Linear(n_features, hidden, rng, init=he_normal)
        layers["relu"] = ReLU()
    layers["softmax"] = Linear(hidden or n_features, n_classes, init=zeros)
    return Sequential(**layers)


def _free_name(name, stages):
    """Return the name, with a number if a stage has it already."""
    numbered = (f"{name}_{i}" for i in range(2, len(stages) + 3))
    return next(free for free in (name, *numbered) if free not in stages)
