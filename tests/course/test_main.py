"""course/__main__.py: each command is reached, and a mistake is one line."""
import pytest
from course import __main__ as course

from tinynet import InputError


def test_execute_takes_lessons_and_measure(monkeypatch):
    asked = []
    monkeypatch.setattr(course, "find", lambda names: [f"found {name}" for name in names])
    monkeypatch.setattr(course, "execute", lambda *what: asked.append(what) or 1)
    assert course.main(["execute", "3", "05"]) == 1
    assert course.main(["execute", "--measure"]) == 1
    assert asked == [(["found 3", "found 05"], False), ([], True)]


def test_book_builds_the_book(monkeypatch):
    monkeypatch.setattr(course, "build", lambda: 0)
    assert course.main(["book"]) == 0


@pytest.mark.parametrize("raised, status, line", [
    (InputError("no lesson '99'"), 2, "course: no lesson '99'\n"),
    (KeyboardInterrupt, 130, "\ncourse: stopped")])
def test_a_mistake_or_ctrl_c_is_one_line(monkeypatch, capsys, raised, status, line):
    def fail(names):
        raise raised
    monkeypatch.setattr(course, "find", fail)
    assert course.main(["execute", "99"]) == status
    assert capsys.readouterr().err.startswith(line)
