"""The machine: how many cores there are, and work on threads that keep BLAS to themselves. Taught in lesson 07.

NumPy lets go of Python's lock in copies and matrix products, so threads really compute side by side if each keeps
its matrix products to itself (one BLAS thread).
"""
import contextvars
import functools
import os
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import threadpoolctl

from ..errors import InputError


def default_workers():
    """Return how many threads to use: TINYNET_WORKERS if set, else the cores this process may use.

    Returns
    -------
    workers : int
        At least 1.

    Raises
    ------
    InputError
        If TINYNET_WORKERS is not a whole number above 0.
    """
    wanted = os.environ.get("TINYNET_WORKERS")
    if wanted is None:
        return usable_cores()
    if not wanted.isdecimal() or int(wanted) < 1:
        raise InputError(f"TINYNET_WORKERS is {wanted!r}: set it to a whole number above 0, or unset it")
    return int(wanted)


def usable_cores():
    """Return the number of cores this process may use: its affinity mask, and a container's quota if there is one."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min(cores, _cgroup_quota()))


def _cgroup_quota(root=Path("/sys/fs/cgroup")):
    """Return the container's CPU quota in whole cores, rounded up; infinity if there is none."""
    try:
        if (root / "cpu.max").exists():                                         # cgroup v2
            quota, period = (root / "cpu.max").read_text().split()
        else:                                                                   # cgroup v1
            quota, period = ((root / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return -(-int(quota) // int(period)) if int(quota) > 0 else float("inf")
    except (OSError, ValueError):                                               # not Linux, or quota "max"
        return float("inf")


def ordered_map(task, jobs, workers=None, ahead=None):
    """Yield ``task(job)`` for each job in order, computed on threads, each with single-threaded BLAS.

    An exception in a task is raised here with its own traceback. On an exception or Ctrl-C no new task starts.
    What the caller has set for its own context, such as ``np.errstate``, holds in the tasks too.

    Parameters
    ----------
    task : callable
    jobs : sequence
        One job alone, or one worker, runs in the calling thread, unless `ahead` is given.
    workers : int, optional
        Number of threads, by default `default_workers`.
    ahead : int, optional
        How many jobs are begun or waiting besides the one whose result comes next, by default two for each worker. Given,
        every job runs on a thread, so that it is done while the caller is at work.

    Yields
    ------
    result
    """
    workers = min(workers or default_workers(), len(jobs))
    if workers == 0 or (workers == 1 and ahead is None):
        with one_blas_thread():
            yield from map(task, jobs)
        return
    ahead = 2 * workers if ahead is None else ahead
    with one_blas_thread(), ThreadPoolExecutor(workers) as pool:
        waiting = deque()
        try:
            for job in jobs:
                waiting.append(pool.submit(contextvars.copy_context().run, task, job))  # np.errstate goes along
                if len(waiting) > ahead:                    # results wait to be used in order: keep few of them
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class _OneBlasThread:
    """Holds BLAS to one thread as long as anybody, in any thread, wants it; the last one out restores what was."""

    def __init__(self):
        self.lock, self.users, self.limit = threading.Lock(), 0, None

    def __enter__(self):
        with self.lock:
            if self.users == 0:
                _take_control()
                self.limit = _blas_controller().limit(limits=1, user_api="blas")
            self.users += 1

    def __exit__(self, *error):
        with self.lock:
            self.users -= 1
            if self.users == 0:
                _take_control()
                self.limit.restore_original_limits()


_one_blas_thread = _OneBlasThread()


def one_blas_thread():
    """Hold BLAS to one thread inside a ``with`` block.

    Our matrices are small: two threads on one product mostly wait for each other, and for whatever else runs on the
    machine. It also makes results the same for any number of workers.

    Returns
    -------
    context : context manager
        One for all threads: blocks may overlap, and entering an inner one costs nothing.
    """
    return _one_blas_thread


def _take_control():
    """Let this thread set OpenBLAS's threads: threadpoolctl 3.8 lets only the first that did, and here users are counted."""
    clear = getattr(threadpoolctl.OpenBLASController, "clear_controlling_thread", None)
    if clear is not None:
        clear(force=True)


@functools.cache
def _blas_controller():
    return threadpoolctl.ThreadpoolController()             # finding the BLAS takes milliseconds: once
