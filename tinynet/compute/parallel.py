"""A batch is a sum: a network applied to micro-batches on threads. Taught in lesson 07.

The activations of one or two images fit into a core's cache, those of a whole batch do not. For training, every
micro-batch gets a *replica* of the network - the same weights, gradients of its own - and the gradients are added up
in order. That is data parallelism, and since micro-batches do not depend on the number of workers, neither does the
result.
"""
import copy

import numpy as np

from ..backend import array_module
from ..errors import InputError
from ..layers import BatchNorm, Dropout, Parameter
from ..tensor import Tensor, no_grad
from .threads import one_blas_thread, ordered_map

MICRO_BATCH_NUMBERS = 320_000       # input numbers per micro-batch: two images of 3 x 227 x 227


def micro_batches(x):
    """Cut a batch into parts whose activations stay in cache.

    Parameters
    ----------
    x : ndarray, shape (N, ...)
        On the GPU the whole batch is one part.

    Returns
    -------
    parts : list of slice
        Consecutive, covering all N rows. They depend on the shape of x alone.
    """
    size = max(1, len(x))
    if array_module(x) is np and len(x):
        size = max(1, MICRO_BATCH_NUMBERS // max(1, x[0].size))
    return [slice(start, min(start + size, len(x))) for start in range(0, len(x), size)]


def run(net, x, workers=None):
    """Apply a network to a batch without recording a tape.

    Parameters
    ----------
    net : Module
        A network that does not need to see the whole batch.
    x : ndarray, shape (N, ...)
        The batch, at least one row; a memory-mapped file is fine.
    workers : int, optional
        Number of threads, by default `default_workers`.

    Returns
    -------
    y : ndarray, shape (N, ...)
        What ``net(Tensor(x)).data`` would be.

    Raises
    ------
    InputError
        If the batch is empty, or a dropout of the network is in training mode.
    """
    if len(x) == 0:
        raise InputError("run: the batch has no rows; give at least one image")
    if any(isinstance(module, Dropout) and module.training and module.p > 0 for module in net.modules()):
        raise InputError("run: a Dropout of the network is in training mode, so its answers are random; "
                         "call net.eval() first")
    parts = _parts(net, x)

    def forward(rows):
        with no_grad():
            return net(Tensor(x[rows])).data

    results = list(ordered_map(forward, parts, workers))
    return results[0] if len(results) == 1 else array_module(results[0]).concatenate(results)


def gradients(net, loss, x, labels, workers=None):
    """Add the gradients of a batch's loss to a network's parameters.

    Parameters
    ----------
    net : Module
        Its parameters' ``grad`` receive the gradients.
    loss : callable
        ``loss(scores, labels, total)`` is the sum of the samples' losses over total, as `ops.cross_entropy` is.
    x : ndarray, shape (N, ...)
        The batch.
    labels : ndarray of int, shape (N,)
        Its true classes.
    workers : int, optional
        Number of threads, by default `default_workers`. The result does not depend on it.

    Returns
    -------
    value : float
        The loss of the whole batch.
    scores : ndarray, shape (N, K)
        What the network said.

    Raises
    ------
    InputError
        If the batch is empty.
    """
    if len(x) == 0:
        raise InputError("gradients: the batch has no rows; give at least one image")
    parts = _parts(net, x)
    if len(parts) == 1:
        with one_blas_thread():
            scores = net(Tensor(x))
            value = loss(scores, labels, len(x))
            value.backward()
        return value.item(), scores.data

    def forward_backward(rows):
        twin = replica(net, rows.start, len(x))
        scores = twin(Tensor(x[rows]))
        value = loss(scores, labels[rows], len(x))
        value.backward()
        return value.item(), scores.data, twin

    total, all_scores = 0.0, []
    for value, scores, twin in ordered_map(forward_backward, parts, workers):
        total += value
        all_scores.append(scores)
        for p, own in zip(net.parameters(), twin.parameters()):
            if own.grad is not None and p.grad is None:
                p.grad = own.grad
            elif own.grad is not None:
                p.grad += own.grad
    for module, own in zip(net.modules(), twin.modules()):
        if isinstance(module, Dropout) and module.rng is not None:
            module.rng.bit_generator.state = own.rng.bit_generator.state
    return total, array_module(all_scores[0]).concatenate(all_scores)


def needs_whole_batch(net):
    """Return whether a layer of the network uses statistics of the batch, so that the batch must not be cut up.

    Parameters
    ----------
    net : Module
        In the mode in which it will run.

    Returns
    -------
    whole : bool
        True for batch norm that is training.
    """
    return any(isinstance(module, BatchNorm) and module.uses_batch for module in net.modules())


def _parts(net, x):
    """Return the micro-batches of x, or all of x as one where the network must see it whole."""
    parts = micro_batches(x)
    return [slice(0, len(x))] if len(parts) > 1 and needs_whole_batch(net) else parts


def replica(net, first=0, total=0):
    """Return a copy of a network that shares its arrays but has gradients of its own.

    Parameters
    ----------
    net : Module
    first, total : int
        Row of the batch at which its micro-batch starts, and rows of the whole batch, for dropout's masks.

    Returns
    -------
    twin : Module
    """
    shared = {id(array): array for array in net.state_dict().values()}
    own = {id(p): Parameter(p.data, p.requires_grad) for p in net.parameters()}
    twin = copy.deepcopy(net, shared | own)         # what two layers share, a weight or a generator, their twins share
    for module in twin.modules():
        if isinstance(module, Dropout):
            module.take_rows(first, total)
    return twin
