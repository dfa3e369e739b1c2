"""A part that is judged by a rule, through the runner: the text comes out whole, the rule sees it, and nobody else does."""
import json

import pytest

from course.answers.cells import parse
from course.grading import contract, one
from course.grading.submission import Submission
from course.grading.unsandboxed import Unsandboxed
from tinynet.errors import InputError


def told(answer):
    return answer.softmax()


def says_yes(text):
    return "" if text.startswith("yes") else f"it does not say yes but {text[:10]}"


@pytest.fixture
def assignment(toy):
    """The toy assignment with one task, whose solution says yes."""
    assignment = contract.load(toy.solutions / "toy")
    part = contract.Part("text", 4, told, rule=says_yes)
    assignment.tasks = [contract.Task("toy-softmax", lambda rng: {}, [part], trials=1, facts=lambda text: f"{len(text)} letters")]
    assignment.written = []
    return change(assignment, toy, "def softmax():\n    return 'yes'")


def change(assignment, toy, source):
    assignment.cells = parse(json.dumps(toy.book(softmax=source)).encode()).cells
    return assignment


def graded(assignment, toy, source, beside=""):
    """Return the task's result for an answer, and a cell below it."""
    book = toy.book(softmax=source)
    place = [toy.grade_id(cell) for cell in book["cells"]].index("toy-softmax") + 1
    book["cells"].insert(place, {"cell_type": "code", "metadata": {}, "source": beside})
    work = Submission("ann", cells=parse(json.dumps(book).encode()).cells)
    with Unsandboxed(assignment.packages, assignment.modules, assignment.limits) as box:
        task, = one.grade_one(work, assignment, one.prepare(assignment, 1, box), box)["tasks"]
    return task


@pytest.mark.parametrize("source, points, message, facts", [
    ("def softmax():\n    return 'yes, and more'", 4, "", "13 letters"),
    ("def softmax():\n    return 'yes' + 500_000 * '.'", 4, "", "500003 letters"),            # far longer than the solution's
    ("def softmax():\n    return 'no'", 0, "it does not say yes but no", "2 letters"),
    ("def softmax():\n    return 'no'\nsoftmax()\nunknown", 0, "it does not say yes but no", "2 letters"),
    ("def softmax():\n    return {1: 'yes'}", 0, "these are no records", ""),
    ("def softmax():\n    raise NotImplementedError()", 0, "not answered", ""),
])
def test_a_rule_judges_what_the_answer_said(assignment, toy, source, points, message, facts):
    task = graded(assignment, toy, source)
    assert task["points"] == points and task["facts"].startswith(facts) and bool(facts) == bool(task["facts"])
    assert task["parts"][0]["message"].startswith(message) and bool(message) == bool(task["parts"][0]["message"])


def test_the_facts_are_told_although_another_cell_takes_the_answer_away(assignment, toy):
    """In the second run, which a wrong answer gets, all that stands above the check is done."""
    assert graded(assignment, toy, "def softmax():\n    return 'no'", "globals().pop('softmax')")["facts"] == "2 letters"


def test_a_solution_that_its_own_rule_refuses_is_told(assignment, toy):
    with pytest.raises(InputError, match="the solution of toy-softmax fails: text: it does not say yes but no"):
        graded(change(assignment, toy, "def softmax():\n    return 'no'"), toy, "")
