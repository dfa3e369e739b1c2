"""Turns and ratios: how two libraries are compared."""
import math
from statistics import median

import numpy as np

from .library import Problem

OURS = "tinynet"
TOLERANCE = 1e-3                    # of the results, relative
TURN = 0.1                          # seconds that a turn lasts at least: what is quick is done many times


def interleave(libraries, rounds):
    """Let each library take its turn, A B A B ..., so that what the machine does meanwhile happens to all of them.

    Parameters
    ----------
    libraries : dict of str to callable
        Each takes one turn when called.
    rounds : int
        Turns of each.

    Returns
    -------
    turns : dict of str to list
        What the calls returned, in order.
    """
    turns = {name: [] for name in libraries}
    for _ in range(rounds):
        for name, take_turn in libraries.items():
            turns[name].append(take_turn())
    return turns


def ratios(ours, theirs):
    """Return {"ratio", "min", "max", "rounds"} of pairs of measurements, ours / theirs, round by round; ratio is the median."""
    pairs = [a / b for a, b in zip(ours, theirs, strict=True)]
    return {"ratio": median(pairs), "min": min(pairs), "max": max(pairs), "rounds": len(pairs)}


def difference(ours, theirs):
    """Return by how much two lists of arrays differ: the largest |a - b| / |b| over them, norms of whole arrays."""
    if [a.shape for a in ours] != [b.shape for b in theirs]:
        return float("inf")
    return max(float(np.linalg.norm(np.subtract(a, b, dtype=np.float64)) / max(np.linalg.norm(b), 1e-30))
               for a, b in zip(ours, theirs)) if ours else 0.0


def measure(case, setting, rounds, start):
    """Measure one case in one setting.

    Parameters
    ----------
    case : Case
    setting : Setting
    rounds : int
        Turns of each library, unless the case says otherwise.
    start : callable
        ``start(peer)`` is its `Library`; for a case with ``fresh`` it is asked at each turn, and the library closed.

    Returns
    -------
    rows : list of dict
        One per peer, as in results.json. A peer that is missing, fails or has other results has a "problem" and no ratio.
    """
    enter = _fresh if case.fresh else _ready
    turns, results, problems = {}, {}, {}
    for peer in (OURS, *case.peers):
        try:
            turns[peer], results[peer] = enter(case, peer, start)
        except Problem as problem:
            problems[peer] = str(problem)
    if OURS in problems:
        raise Problem(f"{OURS}: {problems[OURS]}")
    for peer in results.keys() & set(case.peers):
        error = difference(results[OURS], results[peer]) if case.same else 0
        if not error <= TOLERANCE:
            problems[peer] = f"results differ by {error:.1e}"
    taken = interleave({peer: turn for peer, turn in turns.items() if peer not in problems}, case.rounds or rounds)
    return [_row(case, setting, peer, taken, problems) | _accuracies(case, results, peer) for peer in case.peers]


def _ready(case, peer, start):
    """Return what takes a turn of a library that is kept running and is warm, and its first results."""
    library = start(peer)
    library.prepare(case)
    library.run()
    results = library.results()
    times = math.ceil(TURN / library.run()["seconds"])
    return lambda: library.run(times), results


def _fresh(case, peer, start):
    """Return what takes a turn in a new process each time, and a list that holds the results after the first."""
    results = []

    def turn():
        library = start(peer)
        try:
            library.prepare(case)
            taken = library.run()
            results[:] = results or library.results()
        finally:
            library.close()
        return taken

    start(peer).close()             # is it there?
    return turn, results


def _row(case, setting, peer, taken, problems):
    row = {"malloc": setting.malloc, "case": case.case, "op": case.op, "batch": case.batch, "threads": setting.threads,
           "peer": peer, "ratio": None, "min": None, "max": None, "rounds": 0, "ms": None, "peer_ms": None}
    if peer in problems:
        return row | {"problem": problems[peer]}
    ours, theirs = taken[OURS], taken[peer]
    if case.of == "memory" and math.isnan(ours[0]["extra_mb"]):
        return row | {"problem": "memory is measured on Linux only"}
    if case.of == "memory":
        return row | ratios([turn["extra_mb"] for turn in ours], [turn["extra_mb"] for turn in theirs]) | {
            "mb": _median(ours, "extra_mb"), "peer_mb": _median(theirs, "extra_mb")}
    row |= ratios(*(_per_item(turns, "seconds", case, name) for turns, name in ((ours, OURS), (theirs, peer))))
    row |= {"ms": 1e3 * _median(ours, "seconds"), "peer_ms": 1e3 * _median(theirs, "seconds")}
    if setting.threads == 1:
        row["cpu_ratio"] = ratios(*(_per_item(turns, "cpu", case, name) for turns, name in ((ours, OURS), (theirs, peer))))["ratio"]
        row["cpu_share"] = min(sum(turn["cpu"] for turn in turns) / sum(turn["seconds"] for turn in turns) for turns in (ours, theirs))
    if case.fresh:
        row |= {"mb": _median(ours, "peak_mb"), "peer_mb": _median(theirs, "peak_mb")}
    if case.gflop:
        row |= {"gflops": case.gflop / _fastest(ours), "peer_gflops": case.gflop / _fastest(theirs)}
    return row


def _accuracies(case, results, peer):
    if case.case != "job" or peer not in results:
        return {}
    return {"accuracy": float(results[OURS][0]), "peer_accuracy": float(results[peer][0])}


def _per_item(turns, what, case, peer):
    return [turn[what] / case.items(peer) for turn in turns]


def _fastest(turns):
    return min(turn["seconds"] for turn in turns)


def _median(turns, what):
    return median(turn[what] for turn in turns)
