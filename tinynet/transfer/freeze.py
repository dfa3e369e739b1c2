"""Choosing what to train: freeze a network, open its last stages, give it a new head. Taught in lessons 07 and 08."""
from ..errors import InputError
from ..layers import GlobalAvgPool2d, Linear, ReLU, Sequential, Standardize, he_normal


def freeze(net):
    """Freeze every parameter of a network: no gradient, no optimiser state, no change.

    Parameters
    ----------
    net : Module
        Changed in place; its batch norms use their running statistics from now on, also in training.

    Returns
    -------
    net : Module
        The same.
    """
    for p in net.parameters():
        p.requires_grad, p.grad = False, None
    return net


def unfreeze(net, from_stage):
    """Train the stages from one on, and freeze those before it.

    Parameters
    ----------
    net : Sequential
        Changed in place.
    from_stage : str
        The first stage to train, such as "fire8"; the first stage of all trains the whole network.

    Returns
    -------
    net : Sequential
        The same.

    Raises
    ------
    InputError
        If the network has no such stage.
    """
    trained = net[from_stage:]
    freeze(net)
    for p in trained.parameters():
        p.requires_grad = True
    return net


def replace_head(net, n_classes, at="drop9", hidden=None, rng=None):
    """Return a network with the same stages up to `at` and a new classifier for your own classes after them.

    The new stages are "pool", the mean of each map, and "head": standardised features, then a softmax layer, with
    a hidden layer before it if wanted. The softmax layer starts at 0, so at first every class is equally likely and
    no random gradient reaches the pretrained stages.

    Parameters
    ----------
    net : Sequential
        A pretrained network; the stages kept are shared, not copied.
    n_classes : int
        Number of your classes, at least 2.
    at : str
        The first stage to drop: where the old classifier begins ("drop9" for SqueezeNet). Maps arrive here.
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
        If there are fewer than 2 classes or less than one hidden unit, a hidden layer has no rng, or the stage does
        not exist.
    """
    if n_classes < 2 or (hidden is not None and hidden < 1):
        raise InputError(f"replace_head: {n_classes} classes, {hidden} hidden units: "
                         "at least 2 classes are needed to choose between, and 1 unit if there is a hidden layer")
    if hidden is not None and rng is None:
        raise InputError("replace_head: a hidden layer starts from random weights; pass rng=np.random.default_rng(seed)")
    n_features = net[at:].parameters()[0].shape[1]          # what the old classifier's first weights expect
    layers = {"standardize": Standardize(n_features)}
    if hidden is not None:
        layers["hidden"] = Linear(n_features, hidden)
        layers["hidden"].weight.data[...] = he_normal((hidden, n_features), rng)
        layers["relu"] = ReLU()
    layers["softmax"] = Linear(hidden or n_features, n_classes)
    kept = dict(net[:at].children())
    return Sequential(**kept, pool=GlobalAvgPool2d(), head=Sequential(**layers)).to(net.device)
