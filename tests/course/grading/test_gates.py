"""The grades of the three assignments: nothing for an untouched one, everything for the solution, and for each wrong
answer exactly what it should lose. All through the grader, in its sandbox.
"""
import ast
import copy
import json

import nbformat
import pytest

from course.__main__ import main
from course.check import ASSIGNMENTS
from course.generate import SOLUTIONS, solutions
from course.grading import contract
from course.notebook import read
from tests.course.mutants import MUTANTS

NAMES = [path.stem for path in solutions()]


def tasks_of(name):
    return [task.grade_id for task in contract.load(SOLUTIONS / name).tasks]


def submissions_of(name):
    """Return submissions: from student to (notebook, from task to the mutant in it).

    A submission has a mutant in every second task, so that what one costs the tasks beside it would be seen.
    """
    book, tasks = read(SOLUTIONS / name / f"{name}.ipynb"), tasks_of(name)
    found = {"empty": (read(ASSIGNMENTS / name / f"{name}.ipynb"), {}), "full": (book, {})}
    for turn in range(max(len(MUTANTS[task]) for task in tasks)):
        for half in (0, 1):
            chosen = {task: list(MUTANTS[task])[turn] for task in tasks[half::2] if turn < len(MUTANTS[task])}
            if chosen:
                found[f"mutants{turn}{'ab'[half]}"] = mutated(book, chosen), chosen
    return found


def mutated(book, chosen):
    book = copy.deepcopy(book)
    for cell in book.cells:
        task = cell.metadata.get("nbgrader", {}).get("grade_id")
        if task in chosen:
            old, new, _ = MUTANTS[task][chosen[task]]
            assert cell.source.count(old) == 1, f"{task}, {chosen[task]}: {old!r} is not once in the solution"
            cell.source = cell.source.replace(old, new)
            ast.parse(cell.source)
    return book


@pytest.fixture(scope="module", params=NAMES)
def graded(request, bubblewrap, tmp_path_factory):
    """One run of the grader over every submission of an assignment: name, submissions, results."""
    name, base = request.param, tmp_path_factory.mktemp(request.param)
    handed_in = submissions_of(name)
    for student, (book, _) in handed_in.items():
        path = base / "in" / student / name / f"{name}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(book, path)
    assert main(["grade", str(base / "in"), "--assignment", name, "--solutions", str(SOLUTIONS),
                 "--out", str(base / "out"), "--workers", "2"]) == 0
    results = json.loads((base / "out" / "results.json").read_text(encoding="utf-8"))
    return name, handed_in, {result["student"]: result for result in results["submissions"]}


def lost(result):
    """Return the parts of a result that are not worth their full points, as (task, part)."""
    return {(task["task"], part["part"]) for task in result["tasks"] for part in task["parts"]
            if part["points"] != part["max"]}


def test_the_untouched_assignment_earns_nothing(graded):
    _, _, results = graded
    assert [task["points"] for task in results["empty"]["tasks"]] == [0] * len(results["empty"]["tasks"])


def test_the_solution_earns_everything(graded):
    _, _, results = graded
    assert lost(results["full"]) == set()


def test_every_mutant_loses_its_points_and_no_others(graded):
    _, handed_in, results = graded
    wrong = {}
    for student, (_, chosen) in handed_in.items():
        if chosen:
            must = {(task, part) for task, mutant in chosen.items() for part in MUTANTS[task][mutant][2]}
            for task, part in lost(results[student]) ^ must:
                wrong[task, chosen.get(task, "no mutant")] = part
    assert wrong == {}


def test_every_task_has_mutants():
    assert set(MUTANTS) == {task for name in NAMES for task in tasks_of(name)} and sum(map(len, MUTANTS.values())) >= 30
