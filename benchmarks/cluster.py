"""What computing on other machines costs: ``python -m benchmarks.cluster --data DIR``, five minutes.

Measured: the bytes that travel for each photo, the rows a second that the one writer of a cache can take, and the time for a
photo by threads, by processes and by Dask's workers on this machine, turn by turn, the least of a few rounds. *Processor* time
is that of this process and all it started; it says more than the clock where others are at work. Reckoned from that: photos by
the million. The price of a core is an assumption.
"""
import argparse
import os
import pickle
import tempfile
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import psutil

from tinynet.compute import executor_map, executors
from tinynet.compute.executors import JOBS
from tinynet.data import ImageFolder, View, Views
from tinynet.errors import InputError
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
        self.task = self.there = self.back = 0

    def submit(self, function, call, version, digest, packed, jobs):
        answer, future = function(call, version, digest, packed, jobs), Future()
        future.set_result(answer)
        self.task += len(packed or b"")
        self.there += len(jobs) * (answer[1] is not None)       # else the same jobs come again
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


def fill(photos, cut, executor=None, workers=None):
    """Fill a new cache; return seconds by the clock and of processors, and the activations' shape."""
    trunk, preprocessing = trunk_of(cut)
    with tempfile.TemporaryDirectory() as folder:
        clock, processor = time.perf_counter(), processor_seconds()
        codes = ActivationCache(folder).activations(trunk, photos, preprocessing, cut, progress=False, executor=executor,
                                                    workers=workers)
        return time.perf_counter() - clock, processor_seconds() - processor, codes.shape


def processor_seconds():
    """Return what this process and all that it started have used."""
    own = psutil.Process()
    times = [process.cpu_times() for process in (own, *own.children(recursive=True))]
    return sum(used.user + used.system for used in times)


def traffic(photos, cut):
    """Return bytes: of the task, for each photo there, and back."""
    executors._held.clear()
    counting = Counting()
    fill(photos, cut, counting)
    return counting.task, counting.there / len(photos), counting.back / len(photos)


def written(shape, seconds):
    """Return rows a second of `Rows`, and with `executor_map` before it: {"clock": (.., ..), "processor": (.., ..)}."""
    n = 200_000 if np.prod(shape) < 10_000 else 4_000
    keys, row, rates = [sha256(str(i).encode()) for i in range(n)], np.ones(shape, np.float32), []
    for source in (((key, row) for key in keys),
                   ((key, row) for key, (_, row, _) in zip(keys, executor_map(Ready(shape), Nothing(), range(n), n)))):
        with tempfile.TemporaryDirectory() as folder:
            rows = Rows(Path(folder), "", np.dtype("<f4"), shape)
            with rows.locked(False):
                rows.read(set())
                clock, processor = time.perf_counter(), time.process_time()
                rows.add(until(source, clock + seconds), 1)
                rates.append((len(rows.of) / (time.perf_counter() - clock), len(rows.of) / (time.process_time() - processor)))
    return dict(zip(("clock", "processor"), zip(*rates)))


def until(rows, end):
    """Yield rows until a time."""
    for row in rows:
        yield row
        if time.perf_counter() > end:
            break


@contextmanager
def dask(n, environment):
    """A client of n processes of Dask's that have these variables."""
    import distributed
    before = dict(os.environ)
    os.environ.update(environment)          # what is set before the nanny spawns wins over Dask's own
    with distributed.LocalCluster(n_workers=n, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster, \
            distributed.Client(cluster, set_as_default=False) as client:
        os.environ.clear()
        os.environ.update(before)
        yield client


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
    try:
        folder = ImageFolder(arguments.data)
    except InputError as error:
        parser.error(f"--data: {error}")
    rows = np.linspace(0, len(folder) - 1, min(arguments.photos, len(folder))).astype(int)
    photos = Views(folder, [View()], rows)

    print("| cut | row | task, once to a worker | to a worker, a photo | back, a photo | rows/s written, clock / processor | "
          "with all that the client does |\n"
          "|---|---|---|---|---|---|---|")
    limits = {}
    for cut in CUTS:
        task, there, back = traffic(photos, cut)
        shape = fill(photos, cut)[2][1:]
        rates = written(shape, arguments.seconds)
        limits[cut] = rates["processor"][1]
        print(f"| {cut} | {np.prod(shape) * 4:,} B | {task / 1e6:.1f} MB | {there:,.0f} B | {back:,.0f} B | "
              + " | ".join(f"{clock:,.0f} / {processor:,.0f}" for clock, processor in zip(*rates.values())) + " |", flush=True)

    with ExitStack() as stack:
        client = stack.enter_context(dask(max(arguments.workers), MALLOC))
        addresses = list(client.nthreads())
        ways = {"threads, 2": (None, 2),
                "processes, 2": (stack.enter_context(ProcessPoolExecutor(2, get_context("spawn"))), 2)}
        ways |= {f"Dask, workers: {n}": (client.get_executor(workers=addresses[:n]), n) for n in arguments.workers}
        plain = stack.enter_context(dask(2, {}))
        ways["Dask, workers: 2, malloc as Dask sets it"] = plain.get_executor(), 2
        best = {way: fill(photos, "head", *how)[:2] for way, how in ways.items()}           # warms up
        best = dict.fromkeys(ways, (np.inf, np.inf))
        for _ in range(arguments.rounds):
            for way, how in ways.items():
                best[way] = tuple(map(min, best[way], fill(photos, "head", *how)[:2]))
        print(f"\n| {len(photos)} photos to the head's codes | ms a photo, clock | ms a photo, processor |\n|---|---|---|")
        for way, (clock, processor) in best.items():
            print(f"| {way} | {1e3 * clock / len(photos):.1f} | {1e3 * processor / len(photos):.1f} |")
        alone, many = task_cost(client.get_executor())
        print(f"\nAn empty call to Dask: {1e3 * alone:.1f} ms one after the other, {1e3 * many:.1f} ms many at once.")

    photo = best[f"Dask, workers: {arguments.workers[0]}"][1] / len(photos)
    print(f"\nReckoned with {1e3 * photo:.0f} ms of a core for a photo, {CORES} cores at {CORE_HOUR} $ an hour each:\n\n"
          "| photos | core hours | hours | $ | rows of the head | of fire8 | hours of the writer, head | fire8 |\n"
          "|---|---|---|---|---|---|---|---|")
    for n in (1e6, 1e9):
        hours = n * photo / 3600
        print(f"| {n:.0e} | {hours:,.0f} | {hours / CORES:,.1f} | {hours * CORE_HOUR:,.0f} | {n * 2048 / 1e9:,.0f} GB | "
              f"{n * 301_056 / 1e12:,.1f} TB | {n / limits['head'] / 3600:,.2f} | {n / limits['fire8'] / 3600:,.1f} |")
    print(f"\nOne writer is the limit from {limits['head'] * photo:,.0f} cores on (head), {limits['fire8'] * photo:,.0f} (fire8).")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("\nstopped by Ctrl-C: the rows above are whole, the rest is missing") from None
