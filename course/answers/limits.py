"""What an answer's process may use, and what its end says."""
import math
import os
import signal
import sys
from dataclasses import dataclass

OPEN_FILES = 64
THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")} | {"TINYNET_WORKERS": "1"}


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes
    ----------
    cpu, wall : float
        Seconds for one task, of computing and by the clock.
    total : float
        Seconds by the clock for all tasks of one submission; what has not started by then is not run.
    memory : int
        Bytes of address space of the one process that an answer has.
    disk : int
        Bytes of files in its own, empty home.
    log : int
        Bytes printed.
    """

    cpu: float = 5
    wall: float = 10
    total: float = 30
    memory: int = 2 << 30
    disk: int = 64 << 20
    log: int = 1 << 20

    def for_runner(self):
        """Return the part of a job that `runner` sets for itself: limits that cannot be raised again."""
        limits = {"CORE": 0, "CPU": math.ceil(self.cpu), "FSIZE": self.disk, "NOFILE": OPEN_FILES}
        limits |= {} if sys.platform == "darwin" else {"AS": self.memory}
        return {"limits": limits, "seconds": self.cpu / 2}


def environment(home):
    """Return all environment variables that an answer has, by name; nothing of the user's is among them."""
    windows = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}    # its libraries read it
    return {"HOME": str(home), "TMPDIR": str(home), "LANG": "C.UTF-8"} | THREADS | windows


def python(executable):
    """Return the command for a Python that reads no environment or site-packages and writes no byte code."""
    return [str(executable), "-I", "-S", "-B"]


def death(status, limits):
    """Return in words what an exit status says; empty if all is well."""
    signalled = -status if status < 0 else status - 128 if status > 128 else 0
    if not signalled or sys.platform == "win32":
        return f"ended with status {status}" if status else ""
    name = {item.value: item.name for item in signal.Signals}.get(signalled, f"signal {signalled}")
    if name == "SIGXCPU":
        return f"computed longer than {limits.cpu:g} s"
    if name == "SIGKILL":
        return f"was killed: it computed longer than {limits.cpu:g} s, or the machine has no memory left"
    return f"was killed by {name}"
