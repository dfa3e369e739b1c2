"""A library at the other end of a pipe: its process, started with the threads and the allocator of a setting."""
import json
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from .cases import CASES
from .machine import Setting

ROOT = Path(__file__).resolve().parent.parent


class Problem(Exception):
    """Why a library cannot be measured, in one line."""


class Library:
    """One library, ready to take its turns.

    Parameters
    ----------
    peer : str
        A name of `peers.PEERS`.
    setting : Setting
        Threads and allocator.

    Attributes
    ----------
    version : str

    Raises
    ------
    Problem
        If the library is not installed.
    """

    def __init__(self, peer, setting):
        if peer == "tinynet, 1 worker":
            setting = Setting(setting.malloc, 1)
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "benchmarks.worker", peer, str(setting.threads)], cwd=ROOT,
            env=setting.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        try:
            self.version = self._answer()["version"]
        except Problem:
            self.close()
            raise

    def prepare(self, case):
        """Make inputs and network ready."""
        self._order({"case": CASES.index(case)})

    def run(self, times=1):
        """Do the case so many times; return {"seconds", "cpu", "extra_mb", "peak_mb"}: wall and processor time of one, memory."""
        return self._order({"run": times})

    def results(self):
        """Return the arrays that the last run gave."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "results.npz"
            self._order({"save": str(file)})
            with np.load(file) as arrays:
                return list(arrays.values())

    def close(self):
        """End the process."""
        with suppress(OSError):     # it has ended already
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def _order(self, order):
        with suppress(OSError):     # if it has ended, there is no answer either
            print(json.dumps(order), file=self.process.stdin, flush=True)
        return self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"problem": f"ended with status {self.process.wait()}"}
        if "problem" in answer:
            raise Problem(answer["problem"])
        return answer


class Libraries:
    """The processes of one setting: a library is started when it is first asked for, and serves every case.

    A library that cannot be measured raises the same Problem each time it is asked for.

    Parameters
    ----------
    setting : Setting
        Threads and allocator of them all.

    Attributes
    ----------
    versions : set of str
        Of those that were started.
    """

    def __init__(self, setting):
        self.setting, self.versions = setting, set()
        self._running, self._problems = {}, {}

    def get(self, peer):
        """Return a library, started if need be."""
        if peer in self._problems:
            raise self._problems[peer]
        if peer not in self._running:
            try:
                self._running[peer] = Library(peer, self.setting)
            except Problem as problem:
                self._problems[peer] = problem
                raise
            self.versions.add(self._running[peer].version)
        return self._running[peer]

    def close(self):
        """End every process."""
        for library in self._running.values():
            library.close()
