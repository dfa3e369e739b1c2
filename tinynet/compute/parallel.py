"""A batch is a sum: a network applied to micro-batches on threads, or by any executor. Taught in lessons 07 and 21.

The activations of one or two images fit into a core's cache, those of a whole batch do not. For training, every
micro-batch gets a *replica* of the network - the same weights, gradients of its own - and the gradients are added up
in order. That is data parallelism, and since micro-batches do not depend on the number of workers, neither does the
result. A batch is cut only for a network whose every layer says ``by_row = True``; any other runs whole, and here.
"""
import copy
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np

from ..backend import array_module
from ..errors import InputError
from ..layers import Module, Parameter, Random, Sequential
from ..layers.module import works_by_row
from ..tensor import Tensor, no_grad
from .checks import check_loss, check_not_random, check_sum, check_weights, refuse_generators, state_kept
from .executors import executor_map
from .threads import one_blas_thread, ordered_map

MICRO_BATCH_NUMBERS = 320_000       # input numbers per micro-batch: two images of 3 x 227 x 227
SMALLER = 3                         # `run` cuts anew what has so many times fewer numbers than it had,
AT_LEAST = 4                        # into so many parts at least, for as many cores


def micro_batches(x, at_least=1):
    """Cut a batch into parts whose activations stay in cache.

    Parameters
    ----------
    x : ndarray, shape (N, ...)
        On the GPU the whole batch is one part.
    at_least : int
        Of so many parts, where there are as many rows.

    Returns
    -------
    parts : list of slice
        Consecutive, covering all N rows. They depend on the shape of x alone.
    """
    size = max(1, len(x))
    if array_module(x) is np and len(x):
        size = max(1, min(MICRO_BATCH_NUMBERS // max(1, x[0].size), len(x) // at_least))
    return [slice(start, min(start + size, len(x))) for start in range(0, len(x), size)]


def run(net, x, workers=None, executor=None):
    """Apply a network to a batch without recording a tape.

    Between the stages of a Sequential, a batch is joined and cut anew where its images have become small: weights, of which
    there are many from there on, are then read for more images at a time. Rows of features stay whole: AlexNet's first
    matrix has 150 MB.

    Parameters
    ----------
    net : Module
    x : ndarray, shape (N, ...)
        The batch, at least one row; a memory-mapped file is fine.
    workers : int, optional
        Number of threads, by default `default_workers`.
    executor : concurrent.futures.Executor, optional
        Who computes the parts of a batch, in place of threads: processes, a Dask cluster, ...; see `executor_map`. A batch
        of one part is computed here, as nothing could be shared out.

    Returns
    -------
    y : ndarray, shape (N, ...)
        What ``net(Tensor(x)).data`` would be.

    Raises
    ------
    InputError
        If the batch is empty, or the network's answers are random. With an executor also if a layer remembers what it did,
        or what `executor_map` says.
    """
    if len(x) == 0:
        raise InputError("run: the batch has no rows; give at least one image")
    check_not_random("run", net)

    parts, stages = _parts(net, x), [net]
    if executor is not None and len(parts) > 1:
        done = executor_map(executor, _Forward(replica(net)), (x[rows] for rows in parts), len(parts), workers)
        results = list(_in_order(done))
        return array_module(results[0]).ascontiguousarray(array_module(results[0]).concatenate(results))
    if type(net) is Sequential and "forward" not in vars(net) and len(parts) > 1:
        stages = [stage for _, stage in net.children()]
    while stages:
        x, stages = _until_small(stages, x, parts, workers)
        parts = micro_batches(x, 1 if x.ndim == 2 else AT_LEAST)
    return array_module(x).ascontiguousarray(x)             # a network for inference may leave its channels last in memory


def _until_small(stages, x, parts, workers):
    """Apply stages to parts of x until these are much smaller, or rows of features; return all of it and the stages left."""
    def forward(rows):
        y = Tensor(x[rows])
        with no_grad():
            for done, stage in enumerate(stages, 1):
                y = stage(y)
                if y.size * SMALLER <= x[rows].size or y.ndim == 2 < x.ndim:
                    break
        return y.data, done

    results, done = zip(*ordered_map(forward, parts, workers))
    joined = results[0] if len(results) == 1 else array_module(results[0]).concatenate(results)
    return joined, stages[done[0]:]


def gradients(net, loss, x, labels, workers=None, penalty=None, executor=None):
    """Add the gradients of a batch's loss to a network's parameters.

    Parameters
    ----------
    net : Module
        Its parameters' ``grad`` receive the gradients.
    loss : callable
        ``loss(scores, labels, total)`` is the sum of the samples' losses over total, as `ops.cross_entropy` is.
    x : ndarray, shape (N, ...)
        The batch.
    labels : array_like of int, shape (N,)
        Its true classes.
    workers : int, optional
        Number of threads, by default `default_workers`. The result does not depend on it.
    penalty : callable, optional
        ``penalty(net)`` is a Tensor with one element, added to the loss once: what depends on the weights alone, such
        as ``lambda net: 0.01 * (net["head"].weight ** 2).sum()``.
    executor : concurrent.futures.Executor, optional
        As for `run`. Each worker is sent the network, and sends back the gradients of each micro-batch, so that they are
        added in the same order as anywhere.

    Returns
    -------
    value : float
        The loss of the whole batch, penalty included.
    scores : ndarray, shape (N, K)
        What the network said.

    Raises
    ------
    InputError
        If the batch is empty, the network reads a weight that is none of its parameters, the loss reaches for weights or its
        values for parts of the batch do not add up to that for the whole, or a module holds a random generator without being
        a `layers.Random`. With an executor also if a layer remembers what it did, or what `executor_map` says; nothing is
        added then.
    """
    if len(x) == 0:
        raise InputError("gradients: the batch has no rows; give at least one image")
    parts, labels = _parts(net, x), labels if hasattr(labels, "shape") else np.asarray(labels)
    if len(parts) == 1:
        with one_blas_thread():
            total, scores = _forward_backward(net, loss, x, labels, len(x))
    else:
        total, scores = _sum_of_parts(net, loss, x, labels, parts, workers, executor)
    if penalty is not None:
        value = penalty(net)
        value.backward()
        total += value.item()
    return total, scores


def _forward(net, x):
    with no_grad():
        return net(Tensor(x)).data


def _forward_backward(net, loss, x, labels, total):
    own = net.parameters()
    scores = net(Tensor(x))
    check_weights(own, scores)
    value = loss(scores, labels, total)
    check_loss(value, scores)
    value.backward()
    return value.item(), scores.data


@dataclass
class _Forward:
    """What a worker does with each part of a batch."""

    net: Module

    def __call__(self, x):
        with state_kept(self.net):
            return _forward(self.net, x)


@dataclass
class _Step:
    """What a thread or a worker does with each part k of a batch to train on: (loss, scores, a gradient per parameter)."""

    net: Module
    loss: Callable
    total: int
    seeds: list                 # for each layer that draws
    watch: Callable[[Module], AbstractContextManager] = nullcontext

    def __call__(self, job):
        k, x, labels = job
        twin = replica(self.net, dict(zip(map(id, _drawing(self.net)), self.seeds)), k)
        with self.watch(twin):
            value, scores = _forward_backward(twin, self.loss, x, labels, self.total)
        return value, scores, [p.grad for p in twin.parameters()]


def _drawing(net):
    return [module for module in net.modules() if isinstance(module, Random) and module.draws]


def _sum_of_parts(net, loss, x, labels, parts, workers, executor):
    """Return loss and scores of a batch in parts, each run by a replica; their gradients are added in order."""
    refuse_generators("gradients", net)
    seeds = [int(module.generator().integers(2 ** 63)) for module in _drawing(net)]      # here, not in the threads
    jobs = ((k, x[part], labels[part]) for k, part in enumerate(parts))
    if executor is None:
        results = ordered_map(_Step(net, loss, len(x), seeds), list(jobs), workers)
    else:
        step = _Step(replica(net), loss, len(x), seeds, state_kept)
        results = _in_order(executor_map(executor, step, jobs, len(parts), workers, fresh=True))
    total, all_scores, sums = 0.0, [], [None] * len(net.parameters())
    for value, scores, grads in results:
        total += value
        all_scores.append(scores)
        sums = [own if gradient is None else gradient if own is None else np.add(gradient, own, out=gradient)
                for gradient, own in zip(sums, grads)]
    scores = array_module(all_scores[0]).concatenate(all_scores)
    check_sum(loss, scores, labels, total)
    for p, gradient in zip(net.parameters(), sums):         # now that nothing can fail
        if gradient is not None:
            p.grad = gradient if p.grad is None else p.grad + gradient
    return total, scores


def _in_order(results):
    """Yield the results of `executor_map` by their numbers."""
    early, k = {}, 0
    for i, result, _ in results:
        early[i] = result
        while k in early:
            yield early.pop(k)
            k += 1


def _parts(net, x):
    """Return the micro-batches of x, or all of x as one where a layer may need to see it whole."""
    parts = micro_batches(x)
    return parts if len(parts) == 1 or works_by_row(net) else [slice(0, len(x))]


def replica(net, seeds=None, part=0):
    """Return a copy of a network that shares its arrays but has gradients, and random numbers, of its own.

    Parameters
    ----------
    net : Module
    seeds : dict of int to int, optional
        For each layer that draws, by its id, the number drawn for this step.
    part : int
        Number of the micro-batch: each continues from (seed, part), but for a layer of `one_draw`.

    Returns
    -------
    twin : Module

    Raises
    ------
    InputError
        If a layer holds what cannot be copied, such as a lock.
    """
    shared = {id(array): array for array in net.state_dict().values()}
    own = {id(p): Parameter(p.data, p.requires_grad) for p in net.parameters()}
    layers = net.modules()
    try:
        twin = copy.deepcopy(net, shared | own)             # what two layers share, their twins share
    except TypeError as error:
        raise InputError(f"the network cannot be copied ({error}), and each part of a batch needs a copy; keep open "
                         "files, locks and generators out of layers") from error
    for layer, other in zip(layers, twin.modules()):
        if seeds and id(layer) in seeds:
            other.rng = np.random.default_rng([seeds[id(layer)], 0 if layer.one_draw else part])
    return twin
