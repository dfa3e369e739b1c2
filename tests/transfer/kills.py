"""Kill workers, schedulers and clients at random moments; no row of the cache may be lost or wrong.

    python -m tests.transfer.kills 200                  # rounds
    python -m tests.transfer.kills 100 1 worker client  # another seed, some kinds alone

Each round fills a new cache by an executor while one process is killed, as by ``kill -9``. Then what is in the folder is
compared with what the manifest promised, and a second run on threads must find all of it, compute the rest and end with
the numbers of a run that nothing disturbed, to the last bit. One kill in five comes before the first row is there, the
others when some random number of rows are.
"""
import json
import logging
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from PIL import Image

from tinynet import InputError
from tinynet.cli.executor import _start
from tinynet.compute import executors
from tinynet.data import ImageFolder, Preprocessing
from tinynet.layers import Conv2d, Module, Sequential
from tinynet.transfer import ActivationCache, freeze

N, SECONDS = 192, 0.004         # photos, and how long each takes besides what it takes
ROOT = Path(__file__).resolve().parent.parent.parent
KINDS = ("worker", "dask worker", "client", "dask worker", "worker", "dask client", "client", "worker", "dask worker", "scheduler")
TOO_LATE = "ended before"
RUN = "import sys; from tests.transfer import kills; kills.client(*sys.argv[1:])"


class Slow(Module):
    """Takes its time, so that a kill falls into the work."""

    by_row = True

    def forward(self, x):
        time.sleep(SECONDS)
        return x


def photos(folder):
    """Write N small photos of two classes."""
    for i in range(N):
        path = folder / "photos" / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (19, 23, 3), np.uint8)).save(path)
    return folder / "photos"


def fill(cache, folder, executor=None):
    """Return the activations of the photos."""
    net = freeze(Sequential(conv=Conv2d(3, 5, 3, rng=np.random.default_rng(0)), slow=Slow())).eval()
    preprocessing = Preprocessing(17, 13, "bilinear", "RGB", mean=(104, 117, 123), scale=0.02)
    return ActivationCache(cache).activations(net, ImageFolder(folder), preprocessing, "end", progress=False, executor=executor,
                                              workers=4)


@contextmanager
def processes(method):
    """An executor of two processes, and their numbers."""
    with ProcessPoolExecutor(2, multiprocessing.get_context(method), _start) as executor:
        yield executor, lambda: list(executor._processes or ())


@contextmanager
def dask(address):
    from distributed import Client
    with Client(address, timeout=5, set_as_default=False) as client:
        client.wait_for_workers(2, 300)
        yield client.get_executor()


class Cluster:
    """A scheduler and four workers as one would start them by hand, in processes of their own."""

    def __init__(self):
        self.log = tempfile.TemporaryFile()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name, "scheduler.json")
        self.scheduler = self._start("scheduler", "--port", "0", "--dashboard-address", ":0", "--scheduler-file", path)
        self.workers = [self._worker(path) for _ in range(4)]
        self.path = path

    def _start(self, *arguments):
        environment = os.environ | {"PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s"}
        return subprocess.Popen([sys.executable, "-m", "dask", *map(str, arguments)], env=environment, cwd=self.folder.name,
                                stdout=self.log, stderr=self.log)

    def _worker(self, path):
        return self._start("worker", "--scheduler-file", path, "--nthreads", 1, "--no-nanny", "--no-dashboard",
                           "--death-timeout", 60)

    def mend(self):
        """Start what was killed; return the scheduler's address."""
        if self.scheduler.poll() is not None:
            self.stop()
            self.__init__()
        self.workers = [worker if worker.poll() is None else self._worker(self.path) for worker in self.workers]
        while not self.path.exists() or not self.path.read_text().endswith("}"):
            time.sleep(0.05)
        return json.loads(self.path.read_text())["address"]

    def stop(self):
        """End all of it."""
        for process in (self.scheduler, *self.workers):
            process.kill()
            process.wait()
        self.folder.cleanup()
        self.log.close()


def client(cache, folder, address):
    """What a client does in a process of its own, with processes or, given an address, with Dask."""
    with dask(address) if address else processes("spawn") as executor:
        print("ready", flush=True)
        fill(cache, folder, executor if address else executor[0])


def when_due(rng, cache, kill, ended):
    """Call `kill` when a random number of rows are there, or after a random time; return whether work was still going on."""
    target = rng.randrange(-N // 4, N)
    if target > 0:
        while promised(cache) < target and not ended.is_set():
            time.sleep(0.002)
    late = ended.wait(rng.uniform(0, 0.05 if target > 0 else 1.5))
    if not late:
        kill()
    return not late


def disturbed(kind, cache, folder, rng, cluster):
    """Fill a cache while one process is killed; return how it ended."""
    address, ended = cluster.mend() if cluster else "", threading.Event()
    if "client" in kind:
        process = subprocess.Popen([sys.executable, "-c", RUN, cache, folder, address], cwd=ROOT, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        process.stdout.readline()
        threading.Thread(target=lambda: process.wait() or ended.set(), daemon=True).start()
        killed = when_due(rng, cache, process.kill, ended)
        process.communicate()
        return "client killed" if killed else TOO_LATE

    def kill():
        pids = pool() if not cluster else [cluster.scheduler.pid] if kind == "scheduler" else [w.pid for w in cluster.workers]
        for pid in pids[:1] and [rng.choice(pids)]:
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    killed = []
    with dask(address) if cluster else processes("fork") as executor:
        executor, pool = (executor, None) if cluster else executor
        killer = threading.Thread(target=when_due, args=[rng, cache, kill, ended])
        killer.start()
        try:
            fill(cache, folder, executor)
            return "went on" if killed else TOO_LATE
        except InputError as error:
            assert "workers were lost" in str(error) and "\n" not in str(error), error
            return "stopped in one line"
        finally:
            ended.set()
            killer.join()
            with suppress(BrokenExecutor):                  # a pool that is told to end before it noticed hangs, in any program
                while pool and killed:
                    executor.submit(abs, 1).exception()


def promised(cache):
    """The rows that a manifest promises."""
    manifest = next(cache.glob("*/manifest.jsonl"), None)
    return manifest.read_bytes().count(b"\n") if manifest else 0


def rounds(kinds, n, seed, folder):
    """Do n rounds, the kinds in turn; yield each one's kind, how it ended and how many rows were there after the kill."""
    rng = random.Random(seed)
    images = photos(folder)
    expected = fill(folder / "expected", images)[:]
    cluster = Cluster() if any("dask" in kind or kind == "scheduler" for kind in kinds) else None
    try:
        for k in range(n):
            kind, cache = kinds[k % len(kinds)], folder / f"cache-{k}"
            ended = disturbed(kind, cache, images, rng, cluster if "dask" in kind or kind == "scheduler" else None)
            there = promised(cache)
            with warnings.catch_warnings():
                warnings.simplefilter("error")              # of damaged rows, or of other numbers
                codes = fill(cache, images)
            assert codes.reused == there and codes.computed == N - there, (kind, there, codes.reused)
            np.testing.assert_array_equal(codes[:], expected)
            yield kind, ended, there
    finally:
        if cluster is not None:
            cluster.stop()


def main(n, seed=0, *kinds):
    """Print how n rounds ended."""
    n, seed = int(n), int(seed)
    import distributed  # noqa: F401  (before its loggers are told to be quiet)
    for log in ("distributed", "distributed.client", "tornado.application"):
        logging.getLogger(log).setLevel(logging.CRITICAL)
    executors.GRACE, executors.PATIENCE = 2, 20
    outcomes, between = Counter(), 0
    with tempfile.TemporaryDirectory() as folder:
        for kind, ended, there in rounds(kinds or KINDS, n, seed, Path(folder)):
            outcomes[kind, ended] += 1
            between += 0 < there < N and ended != TOO_LATE
            print(f"{sum(outcomes.values()):4} {kind:12} {ended:20} {there:3} of {N} rows kept", flush=True)
    for (kind, ended), count in sorted(outcomes.items()):
        print(f"{kind:12} {ended:20} {count:4}")
    kills = sum(count for (_, ended), count in outcomes.items() if ended != TOO_LATE)
    print(f"{kills} kills, {between} of them while some rows were there and some were not: no row was lost or wrong")


if __name__ == "__main__":
    main(*sys.argv[1:])
