import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from course import check, kernel
from course.__main__ import main
from course.grading import submission
from tinynet.errors import InputError

DESCEND = ("def descend(gradient, w, rate, steps):\n    path = [w]\n    for _ in range(steps):\n"
           "        path.append(path[-1] - rate * gradient(path[-1]))\n    return np.stack(path)")
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
    assert "This check passes in Jupyter" not in printed
    assert "0 of 15 points so far" in printed


def test_a_message_that_no_terminal_can_show_is_printed_all_the_same(save, capsys):
    path = save(softmax="def softmax(scores):\n    raise ValueError('half of a pair: \\ud83d')")
    assert main(["check", str(path)]) == 1
    assert "ValueError: half of a pair: \\ud83d\n" in capsys.readouterr().out


def test_other_ways_to_fail(save, monkeypatch):
    monkeypatch.setattr(check, "SECONDS", 3)
    monkeypatch.setattr(kernel, "PATIENCE", 0.5)
    said = []
    outcomes = check.check(save(square="class Square(Function)\n    pass", descend="while True:\n    pass",
                                softmax="def softmax(scores):\n    return scores[0]"), said.append)
    messages = [outcome.message for outcome in outcomes]
    assert "SyntaxError" in messages[0] and "the shape is (2,) and should be (2, 2)" == messages[1]
    assert "TimeoutError" in messages[2] and "name 'descend' is not defined" in messages[2]
    assert [outcome.points for outcome in outcomes] == [0, 0, 0]
    assert [line for line in said if "which begins 'while True:', is still running; it is stopped after 3 s" in line]


def test_a_given_cell_that_fails_is_named(save):
    with pytest.raises(InputError, match="was given fails .*no_such_package"):
        check.check(save(given="import no_such_package"))


def test_an_answer_that_ends_python_costs_its_own_points_only(save):
    outcomes = check.check(save(softmax="import os\nos._exit(1)"))
    assert [outcome.points for outcome in outcomes] == [6, 0, 5]
    assert outcomes[1].message == "ended with status 1"
    assert outcomes[0].note == "" and "ended Python itself" in outcomes[2].note


def test_where_jupyter_and_the_grade_differ_is_said(save):
    """A file beside the notebook, and a helper that stands below the check."""
    path = save(softmax="from rows import softmax", descend=DESCEND.replace("rate *", "rate * ONE *"))
    (path.parent / "rows.py").write_text(
        "import numpy as np\ndef softmax(s):\n    e = np.exp(s - s.max(1, keepdims=True))\n    return e / e.sum(1, keepdims=True)")
    book = json.loads(path.read_text(encoding="utf-8"))
    book["cells"].append({"cell_type": "code", "metadata": {}, "source": "ONE = 1"})
    path.write_text(json.dumps(book), encoding="utf-8")
    square, softmax, descend = check.check(path)
    assert (square.points, softmax.points, descend.points) == (6, 0, 5) and square.note == ""
    assert "imports rows, which the grader does not have" in softmax.message
    assert "This check passes in Jupyter, but not as it is graded" in softmax.message
    assert "In Jupyter" in descend.note and "NameError: name 'ONE' is not defined" in descend.note


@pytest.mark.parametrize("variables", [{"PYTHONOPTIMIZE": "1"}, {"PYTHONOPTIMIZE": "2"}])
def test_a_check_of_bare_asserts_checks_under_optimised_python_too(save, monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    path = save(softmax="def softmax(scores):\n    return scores", softmax_check="assert softmax(np.ones(2))[0] == 0.5")
    assert [outcome.points for outcome in check.check(path)] == [6, 0, 5]
    assert kernel.errors(["assert False"], path.parent, 60, print) == ["AssertionError:"]


def test_the_command_itself_optimised(root, save):
    path = save(softmax="def softmax(scores):\n    return scores", softmax_check="assert softmax(np.ones(2))[0] == 0.5")
    command = [sys.executable, "-O", "-m", "course", "check", str(path)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 1 and "fail  toy-softmax" in done.stdout


def test_a_notebook_without_metadata_is_checked_by_its_name(folder, save):
    """As some programs save it; the assignment as it was handed out knows what the notebook has lost."""
    save("toy_one")
    book = json.loads(TOY.read_text(encoding="utf-8"))
    book["metadata"] = {}
    for cell in book["cells"]:
        cell["metadata"] = {}
    path = folder / "toy_one (2).ipynb"
    path.write_text(json.dumps(book), encoding="utf-8")
    outcomes = check.check(path)
    assert [outcome.points for outcome in outcomes] == [6, 4, 5]
    assert "toy-softmax is gone: graded the cell that defines softmax instead" in outcomes[1].note


def changed(book, **changes):
    for cell in book["cells"]:
        for key, value in changes.items():
            cell.pop(key, None) if value is None else cell.update({key: value})
    return json.dumps(book).encode()


@pytest.mark.parametrize("save_as", [
    lambda book: changed(book, execution_count=None, outputs=None),
    lambda book: changed(book, id="same"),
    lambda book: json.dumps({key: book[key] for key in ("cells", "metadata")}).encode(),
    lambda book: json.dumps(book | {"nbformat": 5}).encode(),
    lambda book: json.dumps(book | {"nbformat_minor": 0}).encode(),
    lambda book: json.dumps(book | {"metadata": book["metadata"] | {"kernelspec": {"name": "ir"}}}).encode(),
    lambda book: b"\xef\xbb\xbf" + json.dumps(book).encode(),
    lambda book: json.dumps(book).encode("utf-16"),
    lambda book: json.dumps({"nbformat": 3, "metadata": book["metadata"], "worksheets": [{"cells": [
        {"cell_type": cell["cell_type"], "metadata": cell["metadata"],
         "input" if cell["cell_type"] == "code" else "source": cell["source"]} for cell in book["cells"]]}]}).encode(),
], ids=["no outputs", "one id", "no nbformat", "format 5", "format 4.0", "kernel of R", "BOM", "UTF-16", "format 3"])
def test_notebooks_of_other_programs_are_read(toy, save, tmp_path, monkeypatch, save_as):
    monkeypatch.setattr(kernel, "errors", lambda sources, *others: [""] * len(sources))
    path = save()
    path.write_bytes(save_as(json.loads(path.read_text(encoding="utf-8"))))
    assert [outcome.points for outcome in check.check(path)] == [6, 4, 5]


@pytest.mark.parametrize("contents", [b"", b" ", bytes(9), b"[]", b"{}", b"<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> b\n", b"\x89PNG"])
def test_what_cannot_be_read_is_one_line_that_throws_no_work_away(folder, capsys, contents):
    path = folder / "x.ipynb"
    path.write_bytes(contents)
    assert main(["check", str(path)]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and "x.ipynb: not a notebook: " in line
    assert not [word for word in ("restore", "checkout", "delete it", "discard", "again") if word in line]


@pytest.mark.parametrize("outputs, source, line", [
    (20 << 20, "", "larger than 20 MB; clear its outputs"), (0, "x" * (1 << 20), "more than 1,048,576 characters of text and code")])
def test_what_is_too_large_to_be_graded_is_said_before_it_is_handed_in(toy, save, tmp_path, capsys, outputs, source, line):
    book = toy.book()
    book["cells"] += [{"cell_type": "markdown", "metadata": {"attached": " " * outputs}, "source": source}]
    path = save()
    path.write_text(json.dumps(book), encoding="utf-8")
    assert main(["check", str(path)]) == 2
    said = capsys.readouterr().err
    assert line in said and said.count("\n") == 1
    toy.hand_in(tmp_path / "in", "ann", path.read_bytes())
    assert line in submission.read(tmp_path / "in" / "ann", "toy").notes[0]


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_ctrl_c_in_an_endless_loop_is_one_line(root, save):
    """It comes once the notebook runs, and again while all is imported: no traceback, and no kernel stays behind."""
    command = [sys.executable, "-m", "course", "check", str(save(softmax="while True:\n    pass"))]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          start_new_session=True, text=True) as running:
        assert "is still running" in running.stderr.readline()
        os.killpg(running.pid, signal.SIGINT)
        assert running.wait(30) == 130
        assert running.stderr.read() == "\ncourse: stopped; every file is as it was or finished\n"


def test_nobody_reads_on(root, save):
    """As `course check a1 | head -1` does."""
    command = [sys.executable, "-m", "course", "check", str(save())]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        assert running.stderr.read() == b""


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
