"""Options that say who computes: threads, processes, or the workers of a Dask cluster."""
import logging
import multiprocessing
import os
import re
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from ..errors import InputError
from .arguments import positive

ANSWER = 10         # seconds that a scheduler may take to answer


def add_executor(parser):
    """Add the options to a command's parser.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--cluster", metavar="ADDRESS",
                     help="let the workers of a Dask scheduler, such as tcp://node1:8786, compute the activations. It pays over "
                          "several machines; on one, threads (the default) are as fast. Each must find the photos at the same path")
    who.add_argument("--processes", type=positive, metavar="N",
                     help="let N processes compute them; threads are as fast unless a layer of your own holds Python's lock")


@contextmanager
def open_executor(arguments):
    """Hold the executor that was asked for inside a ``with`` block.

    Parameters
    ----------
    arguments : argparse.Namespace
        With ``cluster`` and ``processes``.

    Yields
    ------
    executor : concurrent.futures.Executor or None
        None for threads.

    Raises
    ------
    InputError
        If the package distributed is missing, no scheduler answers, or it has no workers.
    """
    if arguments.processes:
        context = multiprocessing.get_context("spawn")      # a fork would copy locks that other threads hold
        with ProcessPoolExecutor(arguments.processes, context, _start) as executor:
            yield executor
    elif arguments.cluster is not None:
        with _client(arguments.cluster) as client:
            yield client.get_executor()
    else:
        yield None


def _start():
    """In a new process: leave Ctrl-C to the one that started it, and end when that has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=[multiprocessing.parent_process()], daemon=True).start()


def _end_with(parent):
    parent.join()
    os._exit(1)


def _client(address):
    """Return a Client of a scheduler that has workers."""
    try:
        from distributed import Client
    except ImportError:
        raise InputError("--cluster needs the package distributed: pip install -e .[cluster]") from None
    if not re.search(r":\d+$", address):                    # Client would take 20 s to find out
        raise InputError(f"--cluster {address!r} is no address; give one such as tcp://node1:8786, which `dask scheduler` prints")
    for log in ("distributed", "distributed.client", "tornado.application"):     # what matters of it we say ourselves
        logging.getLogger(log).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=ANSWER, set_as_default=False)
    except OSError as error:
        raise InputError(f"--cluster {address}: no scheduler answers ({' '.join(str(error).split())[:200]}); start one with `dask "
                         "scheduler`, which prints its address") from error
    if not client.nthreads():
        client.close()
        raise InputError(f"--cluster {address}: the scheduler has no workers; start some with `dask worker {address}`, on each "
                         "machine, and run this again")
    return client
