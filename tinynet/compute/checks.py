"""What may be cut into parts or kept in a cache, and what only looks as if it could: a reader's own layers and losses."""
import functools
import pickle
import random
from contextlib import contextmanager

import numpy as np

from ..errors import InputError
from ..layers import Module, Parameter, Random
from ..tensor import Tensor, no_grad

GENERATORS = (np.random.Generator, np.random.BitGenerator, np.random.RandomState, random.Random)


def check_not_random(who, net):
    """Check that a network gives the same answer each time it is asked.

    Parameters
    ----------
    who : str
        Who asks, for the message.
    net : Module

    Raises
    ------
    InputError
        If a layer draws random numbers in its present mode, or a module holds a generator of its own.
    """
    drawing = [type(module).__name__ for module in net.modules() if isinstance(module, Random) and module.draws]
    if drawing:
        raise InputError(f"{who}: {drawing[0]} is in training mode, so the network's answers are random; "
                         "call net.eval() first")
    refuse_generators(who, net)


def refuse_generators(who, net):
    """Check that only layers derived from `Random` hold generators: copies of any other would all draw the same numbers.

    Parameters
    ----------
    who : str
        Who asks, for the message.
    net : Module

    Raises
    ------
    InputError
        If another module holds one, as far as can be seen: in an attribute, a container, a closure.
    """
    for module in net.modules():
        for name, value in vars(module).items():
            if not (isinstance(module, Random) and name == "rng") and _holds_generator(value):
                raise InputError(f"{who}: {type(module).__name__}.{name} draws random numbers that nobody can repeat or "
                                 "save; derive the class from layers.Random and draw from self.generator()")


def _holds_generator(value, depth=3):
    """Return whether a value is a generator or holds one: in a container, a closure, a partial or a bound method."""
    if isinstance(value, GENERATORS):
        return True
    if depth == 0 or isinstance(value, (str, int, float, np.ndarray, Tensor)):
        return False
    inside = []
    if isinstance(value, dict):
        inside = value.values()
    elif isinstance(value, (list, tuple, set)):
        inside = value
    elif isinstance(value, functools.partial):
        inside = [value.func, *value.args, *value.keywords.values()]
    elif callable(value):
        cells = [cell.cell_contents for cell in getattr(value, "__closure__", None) or () if _is_full(cell)]
        inside = [*cells, *(getattr(value, "__defaults__", None) or ()), getattr(value, "__self__", None)]
    return any(_holds_generator(part, depth - 1) for part in inside)


def _is_full(cell):
    try:
        cell.cell_contents
    except ValueError:                                      # a variable that has no value yet
        return False
    return True


def check_weights(own, scores):
    """Check that a network reads no weight but its parameters: any other would not be trained, saved or copied.

    Parameters
    ----------
    own : list of Parameter
        ``net.parameters()`` before forward ran.
    scores : Tensor
        What it returned.

    Raises
    ------
    InputError
        If it does: a weight in an object that is no Module, in a closure, or made by forward.
    """
    known, waiting, seen = {id(p) for p in own}, [scores], set()
    while waiting:
        x = waiting.pop()
        if not isinstance(x, Tensor) or not x.requires_grad:
            continue
        if x.creator is None and id(x) not in known:
            raise InputError(f"the network reads a weight {x.shape} that is none of its parameters, so it would not be trained "
                             "or saved; make it an attribute of a Module, in __init__, and read it there by self, or freeze it")
        if x.creator is not None and id(x.creator) not in seen:
            seen.add(id(x.creator))
            waiting += x.creator.inputs


def check_loss(value, scores):
    """Check that a loss reaches no parameter by another way than through the scores.

    Parameters
    ----------
    value, scores : Tensor
        What the loss returned, and what it was given.

    Raises
    ------
    InputError
        If it does.
    """
    waiting, seen = [value], set()
    while waiting:
        x = waiting.pop()
        if x is scores or not isinstance(x, Tensor) or not x.requires_grad:
            continue
        if x.creator is None:
            raise InputError(f"the loss reaches a weight {x.shape} by itself, which would be counted once for every part "
                             "of the batch; a loss sees scores and labels alone: pass penalty=, a function of the "
                             "network, or make what is trained a layer of it")
        if id(x.creator) not in seen and x.creator.inputs is not None:
            seen.add(id(x.creator))
            waiting += x.creator.inputs


def check_sum(loss, scores, labels, value):
    """Check that the losses of the parts of a batch add up to the loss of the whole.

    Parameters
    ----------
    loss : callable
        ``loss(scores, labels, total)``
    scores, labels : ndarray
        Of the whole batch.
    value : float
        The sum of the losses of its parts.

    Raises
    ------
    InputError
        If they do not: it is not divided by the total it is given, or the loss of a row depends on the other rows.
    """
    with no_grad():
        whole = loss(Tensor(scores), labels, len(scores)).item()
    if np.isfinite(value) and not np.isclose(whole, value, rtol=1e-3, atol=1e-6):
        raise InputError(f"the losses of the parts of the batch add up to {value:.4g}, and that of the whole is {whole:.4g}: it "
                         "must be the sum over the rows divided by total, as in losses.sum() / total; for a loss that compares "
                         "rows, set by_row = False on the network, which then runs whole")


@contextmanager
def state_kept(net):
    """Check that a network remembers nothing of what it does inside a ``with`` block, as a copy's memory would be lost.

    Parameters
    ----------
    net : Module
        Its arrays cannot be written to. Random numbers may be drawn by layers derived from `Random`.

    Raises
    ------
    InputError
        If a layer wrote into a parameter or a buffer, or an attribute is not what it was.
    """
    before = _state(net)
    try:
        yield
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise _remembers("a layer", "writes into its weights or buffers") from error
    after = _state(net)
    changed = [name for name in before | after if before.get(name) != after.get(name)]
    if changed:
        raise _remembers(changed[0][1], "changes when the network runs")


def _remembers(what, does):
    return InputError(f"{what} {does}, and what a worker's copy remembers is lost; run it without an executor, or let forward "
                      "keep nothing")


def _state(net):
    """Return {(number of the module, "Class.attribute"): what tells whether it is as it was}."""
    found = {}
    for i, module in enumerate(net.modules()):
        for name, value in vars(module).items():
            if isinstance(value, Parameter):
                seen = value.version, id(value.data)
            elif isinstance(value, Module) or (isinstance(module, Random) and name == "rng"):
                seen = id(value)
            else:
                try:
                    seen = pickle.dumps(value)
                except Exception:                           # a function that a notebook defines, or the like
                    seen = id(value)
            found[i, f"{type(module).__name__}.{name}"] = seen
    return found
