"""A session in this process."""
import ast
import math
import signal
import sys

import pytest

from course.answers import session as sessions


def load(*answers, given=(), above=(), below=(), whole=False, seconds=5):
    """Run cells and return the session."""
    session = sessions.Session(whole, seconds)
    session.run_all({"given": given, "above": [*(["other", cell] for cell in above), *(["answer", cell] for cell in answers)],
                     "below": [["other", cell] for cell in below]})
    return session


@pytest.fixture(autouse=True)
def modules(monkeypatch):
    """A session takes the name of the main module."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.delitem(sys.modules, "answer", raising=False)


def test_an_answer_sees_what_was_given_and_what_else_is_defined():
    session = load("def f():\n    return helper() + G + C", given=["G = 1"], above=["def helper():\n    return 10"],
                   below=["C = 100"])
    assert session.failed == [] and session.answer.f() == 111


CELL = ("import math\nC = (1, 2)\nD = print('no')\nraise ValueError\ndef f(): pass\nclass K: raise SystemExit\n"
        "class L: pass\nfor i in [1]: pass\nE: int = 3\ng = lambda: 1\nh = math.cos\nmath.pi = 3\nP = Q = f")


def test_other_cells_only_define():
    names = load(above=[CELL, "not Python"]).names
    assert {"math", "C", "f", "L", "E", "g", "h", "P", "Q"} <= names.keys() and not {"D", "K", "i"} & names.keys()
    assert math.pi > 3


def test_as_a_whole_they_run():
    session = load(above=[CELL.replace("math.pi", "L.pi"), "not Python"], whole=True)
    assert {"D", "i", "P"} <= session.names.keys() and session.failed == []


def test_what_an_answer_defines_stands_although_a_line_fails():
    session = load("def f(): return 1\n\nf(2)\nx = y\nz = 3\n1 / 0\nassert False")
    assert session.answer.f() == 1 and session.answer.z == 3 and len(session.failed) == sessions.MOST_FAILED
    assert session.failed[1] == "line 4 of your cell: x = y\nNameError: name 'y' is not defined"


def test_an_error_of_syntax_may_name_any_file():
    for name, text in [(5, "x ="), (None, "x ="), (b"x", "x ="), ("<answer 1>", "x ="), ("<answer 1>", 5), ("x.py", None)]:
        session = load(f"raise SyntaxError('no', ({name!r}, 1, 1, {text!r}))\ndef f(): return 1")
        assert "SyntaxError: no" in session.failed[0] and session.answer.f() == 1


def test_of_several_answers_the_last_one_counts():
    assert load("def f(): return 1", "raise ValueError", "def f(): return 3").answer.f() == 3


def test_cells_below_add_names_and_change_none():
    session = load("N = [1]\ndef f(): return N, M", below=["N = 2\nM = 3\ndef f(): return 0"])
    assert session.answer.f() == ([1], 3)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no such clock")
def test_a_statement_that_takes_too_long_is_stopped():
    session = load("while True:\n    try:\n        pass\n    except ValueError:\n        pass", "def f(): return 1",
                   above=["while True: pass\nx = 1"], whole=True, seconds=0.2)
    assert "TimeoutError" in session.failed[0] and session.answer.f() == session.answer.x == 1


def test_lines_for_ipython_are_dropped():
    session = load("%matplotlib inline\n!ls\nx = 5 % 3\ny = !ls\nz = %time x + 1\nx?\n  \n%%time")
    assert session.names["x"] == 2
    assert "SyntaxError" in load("def f(:").failed[0]


IPYTHON = ["%time x", "!ls", "!!ls", "x?", "?x", "??x", "x.y??", "f = !ls", "f = %pwd", "a, b = %pwd", "%%time", "%%bash -x"]


@pytest.mark.parametrize("line", IPYTHON)
def test_without_ipython_its_lines_are_dropped_too(monkeypatch, line):
    monkeypatch.setitem(sys.modules, "ipython_lines.inputtransformer2", None)
    source = f"{line}\ndef f():\n    {line}\n    return 7 % 4, 'really?', 1  # why?\nx = '%d' % 3"
    tree = ast.parse(sessions.as_python(source))
    names = {}
    exec(compile(tree, "cell", "exec"), names)
    assert names["f"]() == (3, "really?", 1) and names["x"] == "3"


def test_long_prints_lose_their_middle(capsys):
    printed = sessions.Printed(sys.stdout)
    for number in range(100_000):
        print("line", number, file=printed)
    printed.finish()
    text = capsys.readouterr().out
    assert text.startswith("line 0\n") and text.endswith("line 99999\n") and len(text) < sessions.PRINTED + sessions.KEPT + 1
