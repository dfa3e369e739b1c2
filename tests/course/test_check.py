import json
import subprocess
import sys
from pathlib import Path

import pytest

from course import check
from course.__main__ import main
from tinynet.errors import InputError

TOY = Path(__file__).parent / "grading" / "toy" / "toy.ipynb"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty ``assignments``; kernels find tinynet in this checkout."""
    monkeypatch.setattr(check, "ASSIGNMENTS", tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(check.ROOT))
    return tmp_path


@pytest.fixture
def save(folder):
    """Write the toy assignment with other sources for some cells, and return its path."""
    def save(name="toy_one", **sources):
        book = json.loads(TOY.read_text(encoding="utf-8"))
        for cell in book["cells"]:
            task = cell["metadata"].get("nbgrader", {}).get("grade_id", "").removeprefix("toy-").replace("-", "_")
            cell["source"] = sources.get(task, cell["source"])
        path = folder / name / f"{name}.ipynb"
        path.parent.mkdir()
        path.write_text(json.dumps(book), encoding="utf-8")
        return path
    return save


def test_a_solved_notebook_passes(save, capsys):
    save()
    assert main(["check", "toy"]) == 0
    printed = capsys.readouterr().out
    assert "pass  toy-softmax  4 of 4 points" in printed and "15 of 15 points so far" in printed


def test_what_is_wrong_is_said(save, capsys):
    path = save(square="class Square(Function):\n    raise NotImplementedError()",
                softmax="def softmax(scores):\n    p = np.array([[0.25, 0.75], [0.5, 0.25]])\n    return p",
                descend="import scipy.optimize\nimport os\ndef descend(gradient, w, rate, steps):\n    return w")
    assert main(["check", str(path)]) == 1
    printed = capsys.readouterr().out
    assert ("fail  toy-square  0 of 6 points\n      not answered yet\n"
            "      read again: lesson 01, 'The reverse pass'\n") in printed
    assert ("1 of 4 numbers are wrong; the first, at [1, 1], is 0.25 and should be 0.5 "
            "(relative tolerance 1e-12)") in printed
    assert "imports scipy.optimize, which the grader does not have" in printed
    assert "0 of 15 points so far" in printed


def test_other_ways_to_fail(save, monkeypatch):
    monkeypatch.setattr(check, "SECONDS", 3)
    outcomes = check.check(save(square="class Square(Function)\n    pass", descend="while True:\n    pass",
                                softmax="def softmax(scores):\n    return scores[0]"))
    messages = [outcome.message for outcome in outcomes]
    assert "SyntaxError" in messages[0] and "the shape is (2,) and should be (2, 2)" == messages[1]
    assert messages[2].startswith("ran longer than 3 s")
    assert [outcome.points for outcome in outcomes] == [0, 0, 0]


@pytest.mark.parametrize("cells, fault", [
    ({"given": "import no_such_package"}, "was given fails .*no_such_package"),
    ({"softmax": "import os\nos._exit(1)"}, "ended Python itself"),
])
def test_notebooks_that_cannot_be_checked(save, cells, fault):
    with pytest.raises(InputError, match=fault):
        check.check(save(**cells))


def test_what_is_no_assignment(folder, save):
    with pytest.raises(InputError, match="no assignment; .* one of none"):
        check.find("a1")
    for name in ("a1_one", "a10_ten", "a2_two", "a2_other"):
        save(name)
    assert check.find("a1").stem == "a1_one" and check.find("a10_ten").stem == "a10_ten"
    for name, fault in (("a2", "more than one"), ("a3", "no assignment"), ("nothing.ipynb", "no assignment")):
        with pytest.raises(InputError, match=fault):
            check.find(name)
    empty = folder / "empty.ipynb"
    empty.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    with pytest.raises(InputError, match="has no checks"):
        check.check(empty)


def test_one_question_is_one_test(root, folder, save):
    """The test file that students run, on an ``assignments`` of their own."""
    save("a1_toy", descend="def descend(gradient, w, rate, steps):\n    raise NotImplementedError()")
    (folder / "test_assignments.py").write_text(
        f"from pathlib import Path\nfrom course import check\ncheck.ASSIGNMENTS = Path({str(folder)!r})\n"
        + (root / "assignments" / "test_assignments.py").read_text(encoding="utf-8"), encoding="utf-8")

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    done = subprocess.run([*command, "-k", "softmax or descend"], cwd=root, capture_output=True, text=True)
    assert "1 failed, 1 passed, 1 deselected" in done.stdout
    assert "not answered yet" in done.stdout and "read again: lesson 04" in done.stdout
