"""Any executor: work for other processes and other machines. Taught in lesson 21.

An executor of `concurrent.futures` has one method that matters, ``submit(function, *arguments)``: somebody calls the function
somewhere. So threads, processes, a Dask cluster and MPI look alike. What it does not offer is made here:

* The *task*, a network and what to do with it, is needed by every worker, and large. It is packed once and known by its
  SHA-256. A worker that has it starts; one that lacks it says so, and the same jobs are sent again with the task, which the
  worker keeps. So it travels about once to each worker, whichever one the executor picks.
* *Jobs* go several to a call, since a call costs 2 to 5 ms on a cluster, and never so many that the sender's memory fills.
* A worker answers with what it has done, also if one job failed. So nothing that was computed is lost with its neighbours.
"""
import itertools
import os
import pickle
import platform
import threading
import traceback
import warnings
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from hashlib import sha256

import numpy as np

from ..errors import InputError
from ..version import __version__
from .threads import one_blas_thread

try:
    from cloudpickle import dumps       # comes with Dask: also sends classes and functions that a notebook defines
except ImportError:
    from pickle import dumps

JOBS = 16           # in a call, at most
AHEAD = 3           # calls for each worker that has answered: one at work, and others on their way there or back
PATIENCE = 60       # seconds without any answer before a warning
GRACE = 10          # seconds without any answer before those still at work when something failed are given up
KEPT = 2            # tasks that a worker holds


def executor_map(executor, task, jobs, n, workers=None, fresh=False):
    """Yield the result of ``task(job)`` for each job, computed by an executor's workers, as they come.

    Parameters
    ----------
    executor : concurrent.futures.Executor
    task : callable
        Must have an attribute `net`, the network it applies; a worker's copy of that has arrays that cannot be written to.
    jobs : iterable
        Each is taken just before it is sent.
    n : int
        How many there are.
    workers : int, optional
        How many workers there are to begin with, by default what the executor says. If there turn out to be more, they are
        used. Results are the same.
    fresh : bool
        No worker can have the task yet: it goes along at once.

    Yields
    ------
    i : int
        The job's number.
    result : object
    worker : (str, int)
        The name of the machine that computed it, and the number of the process there.

    Raises
    ------
    InputError
        If it is no executor, a job raised one, the workers are lost, or they cannot load the task. Before that, what
        others finish is yielded.
    RuntimeError
        If a job raised anything else; it holds the worker's traceback.
    """
    if not isinstance(executor, Executor):
        raise InputError(f"a {type(executor).__name__} is no executor of concurrent.futures; give one, such as "
                         "ProcessPoolExecutor() or, of a Dask client, client.get_executor()")
    workers = workers or max(1, _number_of_workers(executor))
    size = max(1, min(JOBS, -(-n // workers)))
    packed = _packed(task)
    digest, ticket = sha256(packed).hexdigest(), os.urandom(8)      # Dask takes calls with equal arguments for one
    jobs, calls, sent, seen, failure = enumerate(jobs), itertools.count(), {}, set(), None

    def send(numbers, data, packed):
        nonlocal failure
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Sending large graph")   # Dask's opinion about a task above 10 MB
                call = executor.submit(_work, (ticket, next(calls)), __version__, digest, packed, data)
            sent[call] = numbers, data
        except Exception as trouble:                        # it is shut down, or its workers are gone
            failure = failure or _lost(trouble)

    def send_more():
        nonlocal failure
        try:
            most = max(workers, AHEAD * len(seen))          # at first one call for each, since each will want the task
            while failure is None and len(sent) < most and (part := list(itertools.islice(jobs, size))):
                numbers, part = zip(*part)
                send(numbers, _packed(part), packed if fresh else None)
        except Exception as trouble:                        # a job could not be made here
            failure = trouble

    try:
        send_more()
        while sent:
            answered = wait(sent, PATIENCE if failure is None else GRACE, FIRST_COMPLETED).done
            answered |= {call for call in sent if call.cancelled()}     # `wait` may leave these out
            if not answered and failure is not None:
                break
            if not answered:                                # Dask waits for new workers, as long as its scheduler is there
                try:
                    warnings.warn(f"no worker has answered for {PATIENCE} s, {len(sent)} calls wait and the executor says it has "
                                  f"{_number_of_workers(executor)} workers; Ctrl-C keeps what has come", stacklevel=2)
                except InputError as trouble:
                    failure = trouble
            for call in answered:
                numbers, data = sent.pop(call)
                try:
                    worker, results, error = call.result()
                except Exception as trouble:                # the executor's own: a job's comes as an answer
                    failure = failure or _lost(trouble)
                    continue
                if results is None:                         # it lacks the task
                    send(numbers, data, packed)
                    continue
                seen.add(worker)
                yield from ((i, result, worker[:2]) for i, result in zip(numbers, results))
                failure = failure or error
            send_more()
    finally:
        for call in sent:
            call.cancel()
    if failure is not None:
        raise failure


def _number_of_workers(executor):
    """Return how many workers an executor has, as far as it tells; Dask's and those of the standard library do."""
    client = getattr(executor, "_client", None)
    if client is None:
        return getattr(executor, "_max_workers", None) or 1     # until more are seen
    try:
        return sum(client.nthreads().values())
    except Exception as error:                              # a client that is closed raises this and that
        raise _lost(error) from error


def _lost(error):
    """Return the error to raise for one that an executor raised."""
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    new = InputError(f"the executor's workers were lost or could not start ({reason[:300]}); what had come is kept: look at the "
                     "workers' memory and their installation of tinynet, start them and the executor again, and run it again")
    new.__cause__ = error
    return new


def _packed(what):
    """Return an object as bytes."""
    try:
        return dumps(what, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:                              # pickle raises whatever the object's own methods do
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"this cannot be sent to another process ({reason[:300]}): open files, locks and, without the package "
                         "cloudpickle (extra cluster), functions made inside others; keep them out of layers, losses and data "
                         "sets") from error


# In a worker

_held = {}              # the tasks that were used last, by their SHA-256


def _work(call, version, digest, packed, jobs):
    """Do some jobs: return who did, their results, None if the task is not here, and the error that ended it, or None."""
    worker, results = (platform.node(), os.getpid(), threading.get_ident()), []
    try:
        if version != __version__:
            raise InputError(f"has tinynet {__version__}, but was called by {version}; install the same everywhere")
        task = _held.get(digest)
        if task is None and packed is None:
            return worker, None, None
        task = _hold(digest, task or _unpacked(packed))
        with one_blas_thread():
            for job in pickle.loads(jobs):
                results.append(task(job))
    except InputError as error:
        return worker, results, InputError(f"{error} (on worker {worker[0]})")
    except Exception:
        return worker, results, RuntimeError(f"on worker {worker[0]}: {traceback.format_exc()}")
    return worker, results, None


def _unpacked(packed):
    """Return a task from its bytes. What its network wrote into its own arrays would be lost, so nobody can write there."""
    try:
        task = pickle.loads(packed)
    except Exception as error:
        raise InputError(f"cannot load what it was sent ({type(error).__name__}: {error}); define layers and losses in a module "
                         "that workers can import, or install the extra cluster, whose cloudpickle sends them") from error
    for array in task.net.state_dict().values():
        if isinstance(array, np.ndarray):
            array.setflags(write=False)
    return task


def _hold(digest, task):
    """Keep a task as the one used last, forget those used long ago, and return it."""
    _held.pop(digest, None)
    _held[digest] = task
    for old in list(_held)[:-KEPT]:
        _held.pop(old, None)
    return task
