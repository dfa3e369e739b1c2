"""Choosing what to train: freeze a network, open its last stages. Taught in lessons 07 and 08."""


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


def unfreeze(net, cut):
    """Train the stages from the cut on, and freeze those before it.

    Parameters
    ----------
    net : Sequential
        Changed in place.
    cut : str
        The first stage to train; the first stage of all trains the whole network.

    Returns
    -------
    net : Sequential
        The same.

    Raises
    ------
    InputError
        If the network has no such stage.
    """
    trained = net[cut:]
    freeze(net)
    for p in trained.parameters():
        p.requires_grad = True
    return net
