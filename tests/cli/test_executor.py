"""Who computes, on the command line: each way gives the same run, and what is missing is said in a line."""
import json
import os
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest

from tinynet.cli import executor as module
from tinynet.cli.executor import add_executor, open_executor
from tinynet.cli.main import main

from ..drawings import draw_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of class folders with a few drawings as files."""
    return draw_folder(tmp_path_factory.mktemp("data") / "cats", 4)


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0",
                                  silence_logs=50, protocol="tcp") as cluster:
        yield cluster


def parsed(*arguments):
    parser = ArgumentParser()
    add_executor(parser)
    return parser.parse_args(arguments)


def test_each_way_gives_the_same_run(folder, cluster, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("tinynet.report.write_report", None)
    ways = {"threads": [], "processes": ["--processes", "2"], "cluster": ["--cluster", cluster.scheduler_address]}
    for way, options in ways.items():
        assert main(["transfer", "--data", str(folder), "--out", str(tmp_path / way), "--cache", str(tmp_path / way / "cache"),
                     "--epochs", "2", *options]) == 0
    rows = [np.load(next((tmp_path / way / "cache").glob("*/activations.npy"))) for way in ways]
    for other in rows[1:]:
        np.testing.assert_array_equal(np.sort(other, axis=0), np.sort(rows[0], axis=0))
    accuracies = {json.loads((tmp_path / way / "metrics.json").read_text())["train_accuracy"] for way in ways}
    assert len(accuracies) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_threads_are_the_default():
    with open_executor(parsed()) as executor:
        assert executor is None


def refused(capsys, *options):
    assert main(["transfer", *options]) == 2
    out, err = capsys.readouterr()
    assert err.startswith("tinynet: ") and err.count("\n") == 1
    return err


def test_one_way_at_a_time(capsys):
    assert "not allowed with argument --cluster" in refused(capsys, "--cluster", "tcp://a:1", "--processes", "2")
    assert "--processes: '0' is not a whole number above 0" in refused(capsys, "--processes", "0")


@pytest.mark.parametrize("address", ["", "node1", "tcp://node1"])
def test_what_is_no_address_is_refused(capsys, address):
    pytest.importorskip("distributed")
    assert f"--cluster {address!r} is no address; give one such as tcp://node1:8786" in refused(capsys, "--cluster", address)


def test_a_scheduler_that_does_not_answer_is_named(capsys, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(module, "ANSWER", 0.1)
    error = refused(capsys, "--cluster", "tcp://127.0.0.1:1")
    assert "--cluster tcp://127.0.0.1:1: no scheduler answers" in error and "start one with `dask scheduler`" in error


def test_a_scheduler_without_workers_is_named(capsys):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=":0", silence_logs=50, protocol="tcp") as empty:
        error = refused(capsys, "--cluster", empty.scheduler_address)
        assert f"the scheduler has no workers; start some with `dask worker {empty.scheduler_address}`" in error


def test_without_the_package_its_extra_is_named(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "needs the package distributed: pip install -e .[cluster]" in refused(capsys, "--cluster", "tcp://a:1")


PARENT = """
import os, sys, time
from argparse import Namespace
from tinynet.cli.executor import open_executor
if __name__ == "__main__":
    with open_executor(Namespace(processes=2, cluster=None)) as executor:
        print(*{executor.submit(os.getpid).result() for _ in range(20)}, *executor._processes, flush=True)
        time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="looks for processes as POSIX does")
def test_processes_end_with_the_one_that_started_them(tmp_path, root):
    (tmp_path / "parent.py").write_text(PARENT)
    parent = subprocess.Popen([sys.executable, tmp_path / "parent.py"], stdout=subprocess.PIPE, text=True,
                              env=os.environ | {"PYTHONPATH": str(root)})
    workers = [int(word) for word in parent.stdout.readline().split()]
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    for _ in range(600):
        if not any(alive(worker) for worker in workers):
            break
        time.sleep(0.1)
    assert workers and not any(alive(worker) for worker in workers)


def alive(pid):
    """Whether a process is there and no zombie, which its new parent has not noticed yet."""
    try:
        os.kill(pid, 0)
        return sys.platform != "linux" or " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False
