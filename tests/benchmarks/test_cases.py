"""The list of cases: every library that is named knows what to do."""
import ast

import numpy as np
import pytest

from benchmarks import inputs
from benchmarks.cases import CASES, Case
from benchmarks.goals import GOALS
from benchmarks.measure import OURS
from benchmarks.peers import PEERS

RUNNERS = sorted({(peer, case.case, case.op) for case in CASES for peer in (OURS, *case.peers)})


def runs(module, root):
    """The keys of RUNS in a module of benchmarks.peers, read and not imported: the library may not be installed."""
    tree = ast.parse((root / "benchmarks" / "peers" / f"{module}.py").read_text(encoding="utf-8"))
    table = next(node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "RUNS")
    return {ast.literal_eval(key) for key in table.keys}


@pytest.mark.parametrize("peer, case, op", RUNNERS)
def test_every_library_knows_its_cases(peer, case, op, root):
    known = runs(PEERS[peer][0], root)
    assert case in known or (case, op) in known


def test_no_case_twice():
    assert len({(case.case, case.op, case.batch) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("goal", GOALS, ids=[goal.text for goal in GOALS])
def test_every_goal_is_about_rows_that_are_measured(goal):
    rows = [{"malloc": malloc, "case": case.case, "op": case.op, "batch": case.batch, "threads": threads, "peer": peer, "ratio": 1, "mb": 1}
            for case in CASES for peer in case.peers for malloc in ("set", "as user") for threads in (1, 2)
            if not case.settings or (malloc, threads) in {(setting.malloc, setting.threads) for setting in case.settings}]
    assert goal.reached(rows) == 1


def test_items_are_those_of_the_library():
    case = Case("scaling", "activations", 3000, ())
    assert (case.items("tinynet"), case.items("tinynet, 100 images")) == (3000, 100)


def test_floating_point_operations_of_the_trunk():
    """Two for each weight at each place it is applied to, stage by stage."""
    sizes, gflop = {"conv1": 113}, {}
    size = 113
    for name, _, _ in inputs.FIRES:
        size = (size - 2) // 2 + 1 if name in inputs.AFTER_POOL else size      # ceil((size - 3) / 2) + 1
        sizes[name] = size
    for name, array in inputs.trunk_weights().items():
        stage = name.split(".")[0]
        if array.ndim == 4:
            gflop[stage] = gflop.get(stage, 0) + 2e-9 * array.size * sizes[stage] ** 2
    assert sum(gflop.values()) == pytest.approx(inputs.TRUNK_GFLOP, rel=2e-3)
    assert gflop["fire8"] + gflop["fire9"] == pytest.approx(inputs.PARTIAL_GFLOP, rel=2e-3)


@pytest.mark.parametrize("op", [*inputs.CONVOLUTIONS, *inputs.SHAPES])
def test_inputs_are_the_same_every_time(op):
    for first, second in zip(inputs.op_arrays(op, 2).values(), inputs.op_arrays(op, 2).values(), strict=True):
        np.testing.assert_array_equal(first, second)
        assert first.dtype == np.float32
