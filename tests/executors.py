"""Executors of every kind, for the tests."""
import multiprocessing
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

KINDS = ["threads", "spawn", "dask", "dask processes", "loky"]


@contextmanager
def opened(kind, n=2):
    """An executor with n workers; what it started has ended afterwards."""
    if kind == "threads":
        with ThreadPoolExecutor(n) as executor:
            yield executor
    elif kind == "spawn":
        with ProcessPoolExecutor(n, multiprocessing.get_context("spawn")) as executor:
            yield executor
    elif kind == "loky":
        with pytest.importorskip("loky").ProcessPoolExecutor(n) as executor:
            yield executor
    else:
        distributed = pytest.importorskip("distributed")
        with distributed.LocalCluster(n_workers=n, threads_per_worker=1, processes="processes" in kind, dashboard_address=":0",
                                      silence_logs=50) as cluster, distributed.Client(cluster, set_as_default=False) as client:
            yield client.get_executor()


class Here(Executor):
    """Calls at once, and notes what was sent."""

    def __init__(self, _max_workers=1):
        self._max_workers, self.sent = _max_workers, []

    def submit(self, function, *arguments):
        self.sent.append(arguments)
        future = Future()
        future.set_result(function(*arguments))
        return future

    @property
    def with_task(self):
        return [packed is not None for _, _, _, packed, _ in self.sent]
