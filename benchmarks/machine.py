"""The machine under the measurement: threads, cores, the allocator, and whether anybody else is at work."""
import datetime
import os
import platform
import time
from dataclasses import dataclass

import numpy as np

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "TINYNET_WORKERS")
MALLOC = {                          # glibc: keep freed memory instead of giving it back and faulting it in again
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
    "MALLOC_TOP_PAD_": "268435456",
}


@dataclass(frozen=True)
class Setting:
    """How every library of one measurement is run.

    Attributes
    ----------
    malloc : {"as user", "set"}
        Whether the three MALLOC_* variables are set.
    threads : int
        Threads of every library, and cores it is pinned to.
    """

    malloc: str
    threads: int

    def environment(self):
        """Return the environment of a library's process."""
        clean = {name: value for name, value in os.environ.items() if name not in MALLOC}
        malloc = MALLOC if self.malloc == "set" else {}
        return clean | malloc | {name: str(self.threads) for name in THREADS}

    def __str__(self):
        return f"{self.threads} thread{'s' * (self.threads > 1)}, malloc {self.malloc}"


GATE = Setting("set", 1)            # what the goals are about: the fewest things besides the code decide the time


def settings(cores, quick):
    """Return the settings to measure in, the gate first: a second core and glibc are used where there are any."""
    mallocs = ["set", "as user"] if platform.libc_ver()[0] == "glibc" else ["as user"]
    if quick:
        return [Setting(mallocs[0], 1)]
    return [Setting(malloc, threads) for threads in (1, 2)[:cores] for malloc in mallocs]


def describe():
    """Return the machine in words: cores, processor, its widest vectors, system, Python, the day."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            info = dict(line.split(":", 1) for line in file if ":" in line)
        info = {key.strip(): value.strip() for key, value in info.items()}
    except OSError:
        info = {}
    vectors = next((name for name in ("AVX512F", "AVX2") if name.lower() in info.get("flags", "").split()), "")
    processor = ", ".join(filter(None, [info.get("model name") or platform.processor() or platform.machine(), vectors]))
    return (f"{os.cpu_count()} cores, {processor}; {platform.system()}, Python {platform.python_version()}, NumPy {np.__version__}; "
            f"{datetime.date.today():%d %B %Y}")


def pin(cores):
    """Keep this process on so many cores, the last of those allowed, where the system can (Linux)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])


def busy_cores(seconds=1.0):
    """Return how many cores others keep busy, measured for a while; nan where the system does not tell (not Linux)."""
    def read():
        with open("/proc/stat", encoding="ascii") as file:
            numbers = [int(number) for number in file.readline().split()[1:]]
        return sum(numbers[:8]), numbers[3] + numbers[4]            # all, idle + waiting for the disk

    try:
        total, idle = read()
        time.sleep(seconds)
        total_after, idle_after = read()
    except OSError:
        return float("nan")
    return (1 - (idle_after - idle) / max(1, total_after - total)) * os.cpu_count()


def memory_mb():
    """Return (memory held now, most held since `forget_peak`) of this process in MB; (nan, nan) if not on Linux."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
    except OSError:
        return float("nan"), float("nan")
    return tuple(int(fields[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM"))


def forget_peak():
    """Start to look for the peak of memory anew, where the system can (Linux)."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        pass
