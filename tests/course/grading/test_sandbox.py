"""Programs in the sandbox and, where it makes no difference, without."""
import io
import os
import threading
import time

import numpy as np
import pytest

from course.answers.limits import Limits
from course.grading import sandbox, seccomp, wire
from course.grading.process import Stopped
from course.grading.sandbox import Sandbox
from course.grading.unsandboxed import Unsandboxed
from tinynet.errors import InputError

LIMITS = Limits(cpu=1, wall=30, memory=1 << 30, disk=1 << 20, log=10_000)
CALL = "def call(answer, x):\n    return answer.f(x)\n"


@pytest.fixture(scope="module", params=[Sandbox, Unsandboxed])
def box(request):
    if request.param is Sandbox:
        request.getfixturevalue("bubblewrap")
    with request.param(("numpy",), ("tensor", "backend", "errors"), LIMITS) as box:
        yield box


@pytest.fixture(scope="module")
def safe(bubblewrap):
    with Sandbox(("numpy",), ("tensor", "backend", "errors"), LIMITS) as box:
        yield box


def run(box, source, limit=100_000):
    buffer = io.BytesIO()
    np.savez(buffer, **{"0/x": np.arange(4.0)})
    job = {"given": ["import numpy as np"], "above": [["answer", source]], "below": [], "whole": False, "calls": CALL,
           "parts": [{"name": "p", "call": "call", "trials": 1}]}
    return box.run(job, buffer.getvalue(), limit)


def test_results_come_back(box):
    done = run(box, "from tinynet import Tensor\ndef f(x):\n    print('hello')\n    return Tensor(x).data + 1")
    assert done.problem == "" and done.log == b"hello\n"
    np.testing.assert_array_equal(wire.read(done.output)["p/0/"], [1, 2, 3, 4])


@pytest.mark.parametrize("source, problem", [
    ("import os\nos._exit(3)", "ended with status 3"),
    ("import os\nos.abort()", "was killed by SIGABRT"),
    ("def f(x):\n    while True: pass", "computed longer than 1 s"),
    ("print('x' * 20_000)", "printed more than 0.01 MB"),
    ("def f(x): return np.zeros(100_000)", "returned more than 0.1 MB"),
])
@pytest.mark.skipif(os.name != "posix", reason="limits and signals are POSIX's")
def test_ends(box, source, problem):
    done = run(box, source)
    assert done.problem == problem
    assert len(done.output) <= 100_000 and len(done.log) <= 10_000


def test_time_by_the_clock():
    with Unsandboxed(("numpy",), (), Limits(wall=2)) as box:
        assert run(box, "import time\ntime.sleep(100)").problem == "took longer than 2 s"


def test_stop_ends_what_runs_and_keeps_no_result(box):
    limits, outcome = Limits(wall=60), []

    def work(own):
        try:
            outcome.append(run(own, "import time\ntime.sleep(100)"))
        except Stopped:
            outcome.append("stopped")

    with type(box)(("numpy",), (), limits) as own:
        thread = threading.Thread(target=work, args=(own,))
        thread.start()
        while not own._running:
            time.sleep(0.01)
        own.stop()
        thread.join(30)
    assert outcome == ["stopped"] and not own.folder.exists()


def test_the_sandbox_is_bare(safe):
    done = run(safe, "import os, sys\nprint(sorted(os.listdir('/')), os.listdir('.'), os.getuid(), sys.argv)\n"
                     "places = '/etc', '/proc', '/sys', '/tmp', '/bin', '/var'\n"
                     "print([name for name in places if os.path.exists(name)])\nimport pip")
    lines = done.log.decode().splitlines()
    assert lines[0].endswith("[] 65534 ['/box/runner.py', '/box']") and lines[1] == "[]"
    assert "No module named 'pip'" in str(wire.read(done.output)["p/error"])


def test_memory_and_disk_have_limits(safe):
    text = str(wire.read(run(safe, "x = np.ones(1 << 28)").output)["p/error"])
    assert "MemoryError" in text
    text = str(wire.read(run(safe, "open('f', 'wb').write(bytes(1 << 21))").output)["p/error"])
    assert "File too large" in text or "No space left" in text


HONEST = """
import array, bisect, calendar, csv, dataclasses, datetime, decimal, fractions, glob, gzip, hashlib, io, itertools, json, locale
import lzma, math, os, pathlib, pickle, platform, random, re, secrets, shutil, signal, sqlite3, statistics, string, struct, sys
import tempfile, textwrap, threading, time, timeit, traceback, typing, unittest, uuid, warnings, zipfile, zoneinfo

def f(x):
    with tempfile.TemporaryDirectory(dir='.') as folder:
        path = pathlib.Path(folder, 'a.npz')
        np.savez(path, x=x)
        with np.load(path) as arrays:
            assert (arrays['x'] == x).all()
        np.save(path.with_suffix('.npy'), x)
        assert np.load(path.with_suffix('.npy'), mmap_mode='r')[1] == 1
        shutil.copy2(path, folder + '/b.npz'), shutil.copytree(folder, folder + '/c'), path.rename(folder + '/d.npz')
        assert sorted(os.listdir(folder)) == ['a.npy', 'b.npz', 'c', 'd.npz'] and list(os.walk(folder)) and glob.glob('*')
        os.symlink('d.npz', folder + '/e'), os.chmod(folder + '/d.npz', 0o600), os.utime(folder + '/d.npz'), os.stat(folder + '/e')
        with gzip.open(folder + '/f.gz', 'wt') as file:
            file.write('text')
        with sqlite3.connect(folder + '/g.db') as base:
            base.execute('create table t (x)')
    assert np.linalg.svd(np.eye(40))[1].sum() == 40 and (np.eye(300) @ np.eye(300)).sum() == 300
    assert np.fft.ifft(np.fft.fft(x)).real[2] > 1.9 and np.random.default_rng(0).random() < 1 and random.random() < 1
    time.sleep(0.01), time.perf_counter(), time.process_time(), datetime.datetime.now(), secrets.token_bytes(9), uuid.uuid4()
    assert timeit.timeit('1', number=1) and threading.current_thread() and platform.machine() and sys.getsizeof(x) and os.getpid()
    threading.Lock().acquire(), np.show_config, os.cpu_count(), os.sched_getaffinity(0), os.times(), os.uname()
    signal.signal(signal.SIGALRM, lambda *_: None), signal.setitimer(signal.ITIMER_REAL, 0.01), time.sleep(0.05)
    return np.linalg.solve(np.diag(x + 1), x)
"""


def test_what_honest_answers_do_works(safe):
    """The files, clocks, locks and numbers of the standard library and NumPy: all their calls are allowed."""
    done = run(safe, HONEST)
    assert done.problem == "" and list(wire.read(done.output)) == ["p/0/"], str(wire.read(done.output))


@pytest.mark.parametrize("source", [
    "import threading\nthreading.Thread(target=print).start()", "import os\nos.fork()", "import subprocess\nsubprocess.run(['ls'])",
    "import socket\nsocket.socket()", "import os\nos.pipe()", "import os\nos.memfd_create('a')", "import os\nos.unshare(0)",
    "import asyncio\nasyncio.run(asyncio.sleep(0))", "import multiprocessing\nmultiprocessing.Pool(2)",
])
def test_what_needs_another_process_thread_or_socket_fails_as_an_error(safe, source):
    done = run(safe, f"{source}\n\ndef f(x):\n    return x")
    results = wire.read(done.output)
    assert done.problem == "" and "Error: " in str(results["failed"]) and len(results["p/0/"]) == 4


def test_without_bubblewrap_it_refuses_and_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="apt install bubblewrap.*--unsandboxed"):
        Sandbox(("numpy",), (), LIMITS)


def test_where_bubblewrap_does_not_work_it_refuses(monkeypatch, tmp_path):
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: str(broken))
    monkeypatch.setattr(seccomp, "program", lambda: b"")
    if os.name == "posix":
        with pytest.raises(InputError, match="No permissions to create new namespace"):
            Sandbox(("numpy",), (), LIMITS)
    monkeypatch.setattr(seccomp, "program", lambda: None)
    with pytest.raises(InputError, match="processor is not supported"):
        Sandbox(("numpy",), (), LIMITS)
