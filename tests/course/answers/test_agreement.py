"""What is right in Jupyter earns full points in the check and in the grade, however it is written."""
import csv
import dataclasses
import json

import pytest

from course import check
from course.__main__ import main
from course.answers import arrange, cells
from course.answers.asgraded import AsGraded
from course.grading import contract, one
from course.grading.sandbox import Sandbox
from course.grading.submission import Submission
from tests.course.answers.ways import WAYS

FULL = {"toy-square": 6, "toy-softmax": 4, "toy-descend": 5}
A_FEW = ["helper: at the end of the notebook", "helper: value of time", "try-out: imports what is missing at the top",
         "try-out: reads a scratch variable", "try-out: plots four"]


def written(toy, above, answer, below):
    """Return the toy assignment with the answer and cells of the student's own around it."""
    book = toy.book(softmax=answer)
    cells = book["cells"]

    def place(name):
        return next(at for at, cell in enumerate(cells) if toy.grade_id(cell) == f"toy-{name}")

    for part, after in ((above, 0), (below, 1)):
        sources = part if isinstance(part, list) else [part] * bool(part)
        where = sources[0] if sources else ""
        if where in ("square", "given"):
            cells[place(where)]["source"] = f"{sources[1]}\n{''.join(cells[place(where)]['source'])}"
            continue
        at = {"first": 0, "last": len(cells), "before the task": place("square-check") + 1}.get(where)
        for source in reversed(sources[at is not None:]):
            cells.insert(place("softmax") + after if at is None else at, {"cell_type": "code", "metadata": {}, "source": source})
    return book


@pytest.fixture(scope="module")
def assignment(toy):
    """The toy with the one task that is written in all these ways."""
    assignment = contract.load(toy.solutions / "toy")
    return dataclasses.replace(assignment, tasks=assignment.tasks[1:2], written=())


@pytest.fixture(scope="module")
def grade(assignment, bubblewrap):
    """Grade a notebook."""
    with Sandbox(assignment.packages, assignment.modules, assignment.limits) as box:
        references = one.prepare(assignment, 1, box)
        yield lambda book: one.grade_one(Submission("ann", cells=book.cells), assignment, references, box)


@pytest.fixture(scope="module")
def graded(assignment):
    with AsGraded(assignment.packages, assignment.modules) as graded:
        yield graded


def parse(book):
    return cells.parse(json.dumps(book).encode())


def test_there_are_enough_ways():
    assert len(WAYS) >= 100 and set(A_FEW) <= set(WAYS)


@pytest.mark.parametrize("way", WAYS)
def test_the_grade_is_full(toy, grade, way):
    task, = grade(parse(written(toy, *WAYS[way])))["tasks"]
    assert task["points"] == 4, task


@pytest.mark.parametrize("way", WAYS)
def test_the_check_is_full(toy, assignment, graded, way):
    book = parse(written(toy, *WAYS[way]))
    check, = (cell for cell in book.cells if cell.grade_id == "toy-softmax-check")
    chosen, _ = arrange.answers(book.cells, "toy-softmax", "")
    wrong, _ = graded.check(book.cells, chosen, check, assignment.given)
    assert wrong == ""


def test_the_two_commands_give_full_points(toy, bubblewrap, tmp_path):
    for number, way in enumerate(A_FEW):
        path = toy.hand_in(tmp_path / "in", f"way{number}", written(toy, *WAYS[way]))
        assert {outcome.task: outcome.points for outcome in check.check(path)} == FULL, way
    assert main(["grade", str(tmp_path / "in"), "--assignment", "toy", "--solutions", str(toy.solutions),
                 "--out", str(tmp_path / "out")]) == 0
    with open(tmp_path / "out" / "grades.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["task"] != "toy-words"]
    assert len(rows) == 3 * len(A_FEW) and all(row["points"] == row["max"] for row in rows)
