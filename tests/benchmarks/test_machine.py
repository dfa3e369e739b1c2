"""Settings and their environments."""
import math

import pytest

from benchmarks.machine import GATE, MALLOC, THREADS, Setting, busy_cores, describe, forget_peak, memory_mb, settings


def test_threads_and_malloc_are_in_the_environment(monkeypatch):
    monkeypatch.setenv("MALLOC_TOP_PAD_", "7")
    monkeypatch.setenv("SOMETHING_ELSE", "kept")
    as_user, fixed = Setting("as user", 2).environment(), Setting("set", 1).environment()
    assert not MALLOC.keys() & as_user.keys() and as_user["SOMETHING_ELSE"] == "kept"
    assert MALLOC.items() <= fixed.items()
    assert {as_user[name] for name in THREADS} == {"2"} and {fixed[name] for name in THREADS} == {"1"}


@pytest.mark.parametrize("libc, cores, quick, expected", [
    ("glibc", 2, False, [("set", 1), ("as user", 1), ("set", 2), ("as user", 2)]),
    ("glibc", 8, True, [("set", 1)]),
    ("glibc", 1, False, [("set", 1), ("as user", 1)]),
    ("", 4, False, [("as user", 1), ("as user", 2)]),
])
def test_settings(libc, cores, quick, expected, monkeypatch):
    monkeypatch.setattr("platform.libc_ver", lambda: (libc, ""))
    assert settings(cores, quick) == [Setting(*each) for each in expected]


def test_the_gate_comes_first(monkeypatch):
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", ""))
    assert settings(2, False)[0] == GATE


def test_busy_cores_and_memory_are_numbers_or_unknown():
    busy = busy_cores(0.05)
    assert math.isnan(busy) or busy >= 0
    forget_peak()
    now, peak = memory_mb()
    assert math.isnan(now) or 0 < now <= peak * 1.5


def test_the_machine_is_described():
    assert "cores" in describe() and "NumPy" in describe()
