"""The grades of the assignments: nothing for an untouched one, everything for the solution and for right answers that look
different, and for each wrong answer exactly what it should lose. All through the grader, in its sandbox.
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
from tests.course.otherwise import OTHERWISE

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
                found[f"mutants{turn}{'ab'[half]}"] = with_answers(book, chosen, mutated), chosen
    others = {task: OTHERWISE[task] for task in tasks if task in OTHERWISE}
    for turn in range(max(map(len, others.values()), default=0)):
        chosen = {task: list(ways)[turn] for task, ways in others.items() if turn < len(ways)}
        found[f"otherwise{turn}"] = with_answers(book, chosen, lambda source, task, way: OTHERWISE[task][way]), {}
    return found


def with_answers(book, chosen, change):
    """Return a notebook whose answers to the chosen tasks are ``change(source, task, chosen[task])``."""
    book = copy.deepcopy(book)
    for cell in book.cells:
        task = cell.metadata.get("nbgrader", {}).get("grade_id")
        if task in chosen:
            cell.source = change(cell.source, task, chosen[task])
            ast.parse(cell.source)
    return book


def mutated(source, task, mutant):
    old, new, _ = MUTANTS[task][mutant]
    assert source.count(old) == 1, f"{task}, {mutant}: {old!r} is not once in the solution"
    return source.replace(old, new)


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


def test_right_answers_written_otherwise_earn_everything(graded):
    _, handed_in, results = graded
    assert {student: lost(results[student]) for student in handed_in if student.startswith("otherwise")
            and lost(results[student])} == {}


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
    tasks = {task for name in NAMES for task in tasks_of(name)}
    assert set(MUTANTS) == tasks >= set(OTHERWISE) and sum(map(len, MUTANTS.values())) >= 30
