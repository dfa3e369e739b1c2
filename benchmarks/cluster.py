"""What computing on other machines costs: ``python -m benchmarks.cluster --data DIR``, five minutes.

Measured: the bytes that travel for each photo, the rows a second that the one writer of a cache can take, and the time for a
photo by threads, by processes and by Dask's workers on this machine, interleaved, the best of a few rounds. Reckoned from that: photos by
the million. Prices are an assumption, below.
"""
import argparse
import os
import pickle
import tempfile
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from tinynet.compute import executor_map, executors
from tinynet.compute.executors import JOBS
from tinynet.data import ImageFolder, View, Views
from tinynet.files import Rows, sha256
from tinynet.models import pretrained
from tinynet.transfer import ActivationCache, freeze, replace_head

from .machine import MALLOC

CORE_HOUR, CORES = 0.04, 100        # dollars for an hour of a rented core; how many are rented
CUTS = "fire8", "head"


class Counting(Executor):
    """Does a call at once and counts the bytes there and back, as a cluster would send them."""

    _max_workers = 1

    def __init__(self):
        self.task = self.there = self.back = self.calls = 0

    def submit(self, function, call, version, digest, packed, jobs):
        answer, future = function(call, version, digest, packed, jobs), Future()
        future.set_result(answer)
        self.task += len(packed or b"")
        if packed is not None:              # else the same jobs come again
            self.calls += 1
        elif answer[1] is not None:
            self.calls += 1
        self.there += len(jobs)
        self.back += len(pickle.dumps(answer))
        return future


class Ready(Executor):
    """Answers at once with rows that were computed before: what is left is the sender's and the writer's own work."""

    _max_workers = 8

    def __init__(self, shape):
        self.answer = pickle.dumps((("here", 0, 0), [np.ones(shape, np.float32)] * JOBS, None))

    def submit(self, *arguments):
        future = Future()
        future.set_result(pickle.loads(self.answer))
        return future


class Nothing:
    """A task without a network."""


def trunk_of(cut):
    """Return SqueezeNet's frozen stages before one, and its preprocessing."""
    base = pretrained("squeezenet1_1")
    net = freeze(replace_head(base.net, 2, base.classifier, base.image_shape)).eval()
    return net[:cut], base.preprocessing


def fill(photos, cut, executor=None):
    """Fill a new cache; return seconds and the activations' shape."""
    trunk, preprocessing = trunk_of(cut)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        codes = ActivationCache(folder).activations(trunk, photos, preprocessing, cut, progress=False, executor=executor)
        return time.perf_counter() - start, codes.shape


def traffic(photos, cut):
    """Return bytes: of the task, for each photo there, and back."""
    executors._held.clear()
    counting = Counting()
    fill(photos, cut, counting)
    return counting.task, counting.there / len(photos), counting.back / len(photos)


def written(shape, seconds):
    """Return the rows a second that `Rows` writes, and that come through `executor_map` to it."""
    rates, keys = [], [sha256(str(i).encode()) for i in range(200_000)]
    for through in (False, True):
        n = len(keys) if np.prod(shape) < 10_000 else 4_000
        row = np.ones(shape, np.float32)
        rows = ((k, r) for k, (_, r, _) in zip(keys, executor_map(Ready(shape), Nothing(), range(n), n))) if through else (
            (k, row) for k in keys[:n])
        with tempfile.TemporaryDirectory() as folder:
            kept = Rows(Path(folder), "", np.dtype("<f4"), shape)
            with kept.locked(False):
                kept.read(set())
                start = time.perf_counter()
                kept.add(until(rows, start + seconds), 1)
                rates.append(len(kept.of) / (time.perf_counter() - start))
    return rates


def until(rows, end):
    """Yield rows until a time."""
    for row in rows:
        yield row
        if time.perf_counter() > end:
            break


@contextmanager
def dask(n, environment):
    """An executor of Dask's with n processes that have these variables."""
    import distributed
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)          # what is set before the nanny spawns wins over Dask's own
    with distributed.LocalCluster(n, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster, \
            distributed.Client(cluster, set_as_default=False) as client:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
        yield client.get_executor()


def task_cost(executor, n=200):
    """Return the seconds that an empty call takes, one after the other and many at once."""
    start = time.perf_counter()
    for i in range(n):
        executor.submit(abs, i).result()
    middle = time.perf_counter()
    for call in [executor.submit(abs, -i) for i in range(n)]:
        call.result()
    return (middle - start) / n, (time.perf_counter() - middle) / n


def main(argv=None):
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, metavar="DIR", help="a folder with one folder of photos per class")
    parser.add_argument("--photos", type=int, default=192, help="how many of them (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(default %(default)s)")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4], help="numbers of Dask's workers")
    parser.add_argument("--seconds", type=float, default=3, help="that the writer is watched (default %(default)s)")
    arguments = parser.parse_args(argv)
    folder = ImageFolder(arguments.data)
    rows = np.linspace(0, len(folder) - 1, min(arguments.photos, len(folder))).astype(int)
    photos = Views(folder, [View()], rows)

    print("| cut | row | task, once to a worker | to a worker, a photo | back, a photo | rows/s written | through the client |\n"
          "|---|---|---|---|---|---|---|")
    limits = {}
    for cut in CUTS:
        task, there, back = traffic(photos, cut)
        shape = fill(photos, cut)[1][1:]
        written_rate, limits[cut] = written(shape, arguments.seconds)
        print(f"| {cut} | {np.prod(shape) * 4:,} B | {task / 1e6:.1f} MB | {there:,.0f} B | {back:,.0f} B | {written_rate:,.0f} | "
              f"{limits[cut]:,.0f} |", flush=True)

    with ExitStack() as stack:
        ways = {"threads": None, "a `ThreadPoolExecutor` of 2": stack.enter_context(ThreadPoolExecutor(2)),
                "2 processes": stack.enter_context(ProcessPoolExecutor(2, get_context("spawn")))}
        for n in arguments.workers:
            for words, environment in (("", {}), (", malloc set", MALLOC)):
                ways[f"Dask, {n} workers{words}"] = stack.enter_context(dask(n, environment))
        best = {way: min(fill(photos, "head", executor)[0] for _ in [0]) for way, executor in ways.items()}     # warm-up
        best = dict.fromkeys(ways, np.inf)
        for _ in range(arguments.rounds):
            for way, executor in ways.items():
                best[way] = min(best[way], fill(photos, "head", executor)[0])
        print(f"\n| {len(photos)} photos to the head's codes | ms a photo |\n|---|---|")
        for way, seconds in best.items():
            print(f"| {way} | {1e3 * seconds / len(photos):.1f} |")
        if arguments.workers:
            alone, many = task_cost(executor)
            print(f"\nAn empty call to Dask: {1e3 * alone:.1f} ms one after the other, {1e3 * many:.1f} ms many at once.")

    photo = min(seconds for seconds in best.values()) / len(photos) * min(2, os.cpu_count())       # seconds of one core
    print(f"\nReckoned with {1e3 * photo:.0f} ms of a core for a photo, {CORES} cores at {CORE_HOUR} $ an hour each:\n\n"
          "| photos | core hours | hours | $ | rows, head | rows, fire8 | hours of the writer, head / fire8 |\n|---|---|---|---|---|---|---|")
    for n in (1e6, 1e9):
        hours = n * photo / 3600
        print(f"| {n:.0e} | {hours:,.0f} | {hours / CORES:,.1f} | {hours * CORE_HOUR:,.0f} | {n * 2048 / 1e9:,.0f} GB | "
              f"{n * 384 * 14 * 14 * 4 / 1e12:,.1f} TB | {n / limits['head'] / 3600:,.2f} / {n / limits['fire8'] / 3600:,.1f} |")
    print(f"\nThe one writer is the limit from {limits['head'] * photo:,.0f} cores on (head), {limits['fire8'] * photo:,.0f} (fire8).")


if __name__ == "__main__":
    main()
