"""Turns, ratios and checks, on libraries that only pretend."""
import numpy as np
import pytest

from benchmarks.cases import Case
from benchmarks.library import Problem
from benchmarks.machine import Setting
from benchmarks.measure import TOLERANCE, TURN, difference, interleave, measure, ratios

SETTING = Setting("set", 1)
KEYS = {"malloc", "case", "op", "batch", "threads", "peer", "ratio", "min", "max", "rounds", "ms", "peer_ms"}


class Pretender:
    """A library whose turns take the seconds it is given, and that writes down what it is asked."""

    def __init__(self, name, log, seconds, result=1.0):
        self.name, self.log, self.seconds, self.result = name, log, iter(seconds), result

    def prepare(self, case):
        self.log.append((self.name, "prepare"))

    def run(self, times=1):
        self.log.append((self.name, "run") if times == 1 else (self.name, "run", times))
        seconds = next(self.seconds)
        return {"seconds": seconds, "cpu": seconds / 2, "extra_mb": 10 * seconds, "peak_mb": 100 * seconds}

    def results(self):
        self.log.append((self.name, "results"))
        return [np.float64(self.result)]

    def close(self):
        self.log.append((self.name, "close"))


def start(libraries):
    """What `measure` calls to get a library; a string in its place is why there is none."""
    def of(peer):
        if isinstance(libraries[peer], str):
            raise Problem(libraries[peer])
        return libraries[peer]
    return of


def test_libraries_take_turns():
    log = []
    turns = interleave({name: lambda name=name: log.append(name) or len(log) for name in "AB"}, 3)
    assert log == list("ABABAB")
    assert turns == {"A": [1, 3, 5], "B": [2, 4, 6]}


def test_a_ratio_is_the_median_over_rounds_not_a_ratio_of_medians():
    assert ratios([1, 9, 4], [2, 3, 1]) == {"ratio": 3, "min": 0.5, "max": 4, "rounds": 3}


def test_rounds_that_do_not_pair_up_are_refused():
    with pytest.raises(ValueError):
        ratios([1, 2], [1])


@pytest.mark.parametrize("ours, theirs, expected", [
    ([np.ones(2), np.array([3.0, 4])], [np.ones(2), np.array([3.0, 4.5])], 0.5 / np.hypot(3, 4.5)),
    ([np.float32(2)], [np.float32(2)], 0),
    ([np.ones(2)], [np.ones(3)], np.inf),
    ([np.ones(2)], [np.ones(2), np.ones(2)], np.inf),
    ([], [], 0),
])
def test_difference_is_relative_and_the_worst_array_counts(ours, theirs, expected):
    assert difference(ours, theirs) == pytest.approx(expected)


def test_a_case_is_checked_warmed_up_and_measured_turn_by_turn():
    log = []
    libraries = {"tinynet": Pretender("tinynet", log, [99, 99, 1, 2, 6]), "torch": Pretender("torch", log, [99, 99, 4, 4, 4])}
    rows = measure(Case("trunk", "forward", 16, ("torch",), gflop=8.0), SETTING, 3, start(libraries))
    warm_up = [(name, what) for name in ("tinynet", "torch") for what in ("prepare", "run", "results", "run")]
    assert log == warm_up + [("tinynet", "run"), ("torch", "run")] * 3
    assert rows == [{
        "malloc": "set", "case": "trunk", "op": "forward", "batch": 16, "threads": 1, "peer": "torch",
        "ratio": 0.5, "min": 0.25, "max": 1.5, "rounds": 3, "ms": 2000, "peer_ms": 4000,
        "cpu_ratio": 0.5, "cpu_share": 0.5, "gflops": 8, "peer_gflops": 2}]


def test_what_is_quick_is_done_many_times_in_a_turn():
    log = []
    libraries = {"tinynet": Pretender("tinynet", log, [1, TURN / 2.5, 1]), "torch": Pretender("torch", log, [1, TURN * 2, 1])}
    measure(Case("head", "epoch", 16, ("torch",)), SETTING, 1, start(libraries))
    assert log[-2:] == [("tinynet", "run", 3), ("torch", "run")]


def test_rounds_of_the_case_come_first():
    libraries = {name: Pretender(name, [], [1] * 10) for name in ("tinynet", "torch")}
    row, = measure(Case("job", "all", 1, ("torch",), rounds=2), SETTING, 7, start(libraries))
    assert row["rounds"] == 2


def test_a_missing_peer_is_reported_and_the_others_are_measured():
    libraries = {"tinynet": Pretender("tinynet", [], [1] * 10), "dezero": "not installed: no module", "torch": Pretender("torch", [], [1] * 10)}
    rows = measure(Case("trunk", "forward", 1, ("dezero", "torch")), SETTING, 3, start(libraries))
    assert [row["peer"] for row in rows] == ["dezero", "torch"]
    assert rows[0]["problem"] == "not installed: no module" and rows[0]["ratio"] is None and rows[0]["rounds"] == 0
    assert rows[1]["ratio"] == 1 and "problem" not in rows[1]
    assert all(KEYS <= row.keys() for row in rows)


@pytest.mark.parametrize("result, same, measured", [
    (1 + TOLERANCE / 2, True, True), (1 + TOLERANCE * 2, True, False), (1 + TOLERANCE * 2, False, True), (np.nan, True, False)])
def test_other_results_get_no_ratio(result, same, measured):
    log = []
    libraries = {"tinynet": Pretender("tinynet", [], [1] * 10), "torch": Pretender("torch", log, [1] * 10, result)}
    row, = measure(Case("trunk", "forward", 1, ("torch",), same=same), SETTING, 3, start(libraries))
    assert (row["ratio"] is not None) == measured
    assert log.count(("torch", "run")) == (5 if measured else 2)
    if not measured:
        assert row["problem"].startswith("results differ by")


def test_without_tinynet_there_is_nothing_to_compare():
    with pytest.raises(Problem, match="tinynet: broken"):
        measure(Case("trunk", "forward", 1, ("torch",)), SETTING, 3, start({"tinynet": "broken", "torch": Pretender("torch", [], [1] * 10)}))


def test_a_fresh_case_starts_a_process_for_every_turn():
    log = []
    libraries = {"tinynet": Pretender("tinynet", log, [1, 2]), "torch": Pretender("torch", log, [2, 4])}
    row, = measure(Case("trunk", "memory", 32, ("torch",), rounds=2, fresh=True, of="memory"), SETTING, 7, start(libraries))
    first = [(name, what) for name in libraries for what in ("prepare", "run", "results", "close")]
    second = [(name, what) for name in libraries for what in ("prepare", "run", "close")]
    assert log == [("tinynet", "close"), ("torch", "close")] + first + second
    assert (row["ratio"], row["mb"], row["peer_mb"], row["ms"]) == (0.5, 15, 30, None)


def test_memory_that_the_system_does_not_tell_has_no_ratio():
    libraries = {name: Pretender(name, [], [float("nan")] * 2) for name in ("tinynet", "torch")}
    row, = measure(Case("trunk", "memory", 32, ("torch",), rounds=1, fresh=True, of="memory"), SETTING, 7, start(libraries))
    assert row["ratio"] is None and "Linux" in row["problem"]


def test_times_of_many_images_are_compared_per_image():
    libraries = {"tinynet": Pretender("tinynet", [], [60]), "tinynet, 100 images": Pretender("few", [], [2])}
    case = Case("scaling", "activations", 3000, ("tinynet, 100 images",), same=False, rounds=1, fresh=True)
    row, = measure(case, SETTING, 7, start(libraries))
    assert (row["ratio"], row["ms"], row["peer_ms"]) == (1, 60_000, 2000)
    assert (row["mb"], row["peer_mb"]) == (6000, 200)


def test_the_job_tells_its_accuracies():
    libraries = {"tinynet": Pretender("tinynet", [], [1], 0.9), "torch": Pretender("torch", [], [1], 0.8)}
    row, = measure(Case("job", "all", 9, ("torch",), same=False, rounds=1, fresh=True), SETTING, 7, start(libraries))
    assert (row["accuracy"], row["peer_accuracy"]) == (0.9, 0.8)
