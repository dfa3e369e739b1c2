"""A library's process, asked by its pipe as the command line does it; tinynet itself is always there."""
import json

import numpy as np
import pytest

from benchmarks import peers, worker
from benchmarks.cases import CASES, Case
from benchmarks.library import Library, Problem
from benchmarks.machine import Setting

TAPE = next(case for case in CASES if case.op == "tape, forward and backward")


def answers(peer, *orders):
    return list(worker.serve(peer, map(json.dumps, orders)))


def test_orders_are_answered(tmp_path):
    file = tmp_path / "results.npz"
    hello, prepared, turn, saved = answers("tinynet", {"case": CASES.index(TAPE)}, {"run": 1}, {"save": str(file)})
    assert hello == {"version": ""} and prepared == saved == {}
    assert turn.keys() == {"seconds", "cpu", "extra_mb", "peak_mb"}
    with np.load(file) as results:
        assert [array.shape for array in results.values()] == [(8, 8), (8, 8)]


def test_a_turn_of_many_runs_tells_the_time_of_one(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(worker.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(worker.time, "process_time", lambda: clock[0] / 4)

    def run():
        clock[0] += 2
        return [clock[0]]

    results, turn = worker.timed(run, 3)
    assert results == [6] and (turn["seconds"], turn["cpu"]) == (2, 0.5)


def test_a_library_that_is_not_there_says_so(monkeypatch):
    monkeypatch.setitem(peers.PEERS, "tinynet", ("no_such_library", "no_such_library"))
    (answer,) = answers("tinynet", {"run": 1})
    assert answer["problem"].startswith("not installed: ModuleNotFoundError")


def test_a_case_that_fails_says_so_and_the_next_one_goes_on(monkeypatch, capsys):
    def prepare(peer, case):
        raise ValueError("no room\nfor more")
    monkeypatch.setattr(peers, "prepare", prepare)
    _, first, second = answers("tinynet", {"case": 0}, {"case": 0})
    assert first == second == {"problem": "failed: ValueError: no room"}


def test_a_process_serves_and_ends():
    library = Library("tinynet", Setting("as user", 1))
    library.prepare(TAPE)
    assert library.run()["seconds"] > 0
    assert len(library.results()) == 2
    library.close()
    assert library.process.returncode == 0


def test_a_process_that_has_died_is_a_problem():
    library = Library("tinynet", Setting("as user", 1))
    library.process.kill()
    library.process.wait()
    with pytest.raises(Problem, match="ended with status"):
        library.prepare(TAPE)
    library.close()


@pytest.mark.parametrize("op", ["activations", "epoch from the cache", "main job"])
def test_what_grows_with_the_number_of_images_runs(op):
    (result,) = peers.prepare("tinynet", Case("scaling", op, 24, ()))()
    assert np.isfinite(result)
