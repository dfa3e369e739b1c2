"""Tables, goals and warnings made of rows."""
import pytest

from benchmarks import report
from benchmarks.goals import GOALS, Goal

ROW = {"malloc": "set", "case": "trunk", "op": "forward", "batch": 16, "threads": 1, "peer": "pytorch",
       "ratio": 0.625, "min": 0.5, "max": 0.75, "rounds": 7, "ms": 10.0, "peer_ms": 16.0}


def cells(text):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


def test_table_has_a_line_per_case_and_peer_and_a_column_per_setting():
    rows = [ROW, ROW | {"malloc": "as user", "ratio": 0.3, "min": 0.2, "max": 0.4}, ROW | {"peer": "ndf", "ratio": None, "problem": "no"}]
    assert cells(report.table(rows)) == [
        ["case", "op", "batch", "peer", "1 thread, malloc set", "1 thread, malloc as user"],
        ["-" * 5, "-" * 7, "-" * 5, "-" * 7, "-" * 20, "-" * 24],
        ["trunk", "forward", "16", "pytorch", "0.62 (0.50-0.75)", "0.30 (0.20-0.40)"],
        ["trunk", "forward", "16", "ndf", "-", ""]]


def test_processor_times_stand_beside_those_of_a_busy_core():
    busy = ROW | {"cpu_share": 0.5, "cpu_ratio": 0.6}
    assert "0.62 (0.50-0.75) cpu 0.60" in report.table([busy])
    assert "cpu" not in report.table([busy | {"cpu_share": 0.99}])
    assert any(line.startswith("not idle: 1 rows") for line in report.problems([busy, ROW]))


def test_a_goal_is_held_to_its_worst_row():
    goal = Goal("", 0.65, 0.57, {"case": ["trunk"], "batch": [16, 32], "peer": ["pytorch"]})
    rows = [ROW, ROW | {"batch": 32, "ratio": 0.7}, ROW | {"batch": 1, "ratio": 3}, ROW | {"threads": 2, "ratio": 4},
            ROW | {"batch": 32, "ratio": None}]
    assert goal.reached(rows) == 0.7
    assert goal.reached([]) is None


def test_a_goal_can_be_about_memory():
    goal = Goal("", 500, None, {"batch": [16]}, of="mb")
    assert goal.reached([ROW | {"mb": 61.5}, ROW | {"batch": 32, "mb": 700}]) == 61.5
    assert goal.reached([ROW | {"mb": float("nan")}]) is None        # a system that does not tell


@pytest.mark.parametrize("ratio, verdict", [(0.5, "yes, and the stretch"), (0.6, "yes"), (0.7, "no"), (None, "not measured")])
def test_goals_say_what_was_reached(ratio, verdict):
    rows = [ROW | {"ratio": ratio, "batch": batch} for batch in (16, 32)]
    line = next(line for line in cells(report.goals(rows)) if line[0] == "trunk forward, batch 16 and 32 / PyTorch")
    assert line[-1] == verdict
    assert len(cells(report.goals(rows))) == len(GOALS) + 2


def test_problems_name_what_is_missing_and_once():
    row = ROW | {"ratio": None, "peer": "chainer", "problem": "not installed: ImportError"}
    line, = report.problems([row, row])
    assert line == "no ratio: trunk, forward, batch 16 against chainer: not installed: ImportError"


@pytest.mark.parametrize("gflops, suspicious", [(100, False), (120, True)])
def test_a_speed_above_that_of_a_matrix_product_is_suspicious(gflops, suspicious):
    roof = ROW | {"case": "roofline", "gflops": 90, "peer_gflops": 100}
    lines = report.problems([roof, roof | {"threads": 2, "gflops": 200}, ROW | {"gflops": 50, "peer_gflops": gflops}])
    assert [f"pytorch at {gflops} GFLOP/s" in line for line in lines] == [True] * suspicious


def test_figure_shows_the_gate_alone():
    rows = [ROW, ROW | {"case": "head"}, ROW | {"threads": 2}, ROW | {"malloc": "as user"}, ROW | {"ratio": None}]
    axes, = report.figure(rows).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "trunk, forward, batch 16 / pytorch", "head, forward, batch 16 / pytorch"]


def test_document_says_where_what_is_missing_and_how_much_memory():
    rows = [ROW, ROW | {"op": "job", "mb": 101.4, "peer_mb": 387.3, "accuracy": 1.0, "peer_accuracy": 0.958}]
    text = report.document(rows, ["chainer is missing"], "two cores")
    assert text.startswith("# Measured: two cores\n")
    assert "* chainer is missing" in text
    assert ["job", "16", "1, set", "101", "pytorch", "387", "1.000 / 0.958"] in cells(text)
    assert "## Memory" not in report.document([ROW], [], "")
