import json
import os
from datetime import datetime, timezone

import pytest

from course.grading import submission
from tinynet.errors import InputError

DUE = datetime(2026, 11, 30, 12, tzinfo=timezone.utc)


def read(base, student="ann", due=None):
    return submission.read(base / student, "toy", due)


def test_a_good_one(toy, tmp_path):
    toy.hand_in(tmp_path, "ann", toy.book())
    work = read(tmp_path)
    assert work.student == "ann" and work.notes == [] and len(work.cells) == len(toy.book()["cells"])


@pytest.mark.parametrize("content, note", [
    (b"no", "not a notebook"), (b"", "not a notebook"), (bytes((20 << 20) + 1), "larger than 20 MB"),
    (b'{"worksheets": [], "nbformat": 3}', "not a notebook of format 4"),
    (json.dumps({"cells": [{"cell_type": "code", "source": "x" * (1 << 20 | 1)}]}).encode(), "more than 1,048,576"),
])
def test_unreadable_ones_are_notes(toy, tmp_path, content, note):
    toy.hand_in(tmp_path, "ann", content)
    work = read(tmp_path)
    assert work.cells == [] and note in work.notes[0]


def test_missing_and_renamed(toy, tmp_path):
    (tmp_path / "ann").mkdir()
    assert "no folder toy" in read(tmp_path).notes[0]
    (tmp_path / "ann" / "toy").mkdir()
    assert "no notebook" in read(tmp_path).notes[0]
    path = toy.hand_in(tmp_path, "bob", toy.book())
    path.rename(path.with_name("toy (1).ipynb"))
    work = read(tmp_path, "bob")
    assert work.cells and "renamed: toy (1).ipynb" in work.notes[0]
    (path.with_name("another.ipynb")).write_bytes(b"")
    work = read(tmp_path, "bob")
    assert not work.cells and "none of 2 notebooks" in work.notes[0]
    path.write_text(json.dumps(toy.book()))
    work = read(tmp_path, "bob")
    assert work.cells and "another.ipynb, toy (1).ipynb" in work.notes[0]


@pytest.mark.skipif(os.name != "posix", reason="links and pipes need POSIX")
def test_links_and_pipes_are_not_read(toy, tmp_path):
    victim = toy.hand_in(tmp_path, "victim", toy.book())
    for student in ("file", "folder", "pipe", "away"):
        (tmp_path / student).mkdir()
    (tmp_path / "folder" / "toy").symlink_to(victim.parent)
    for student in ("file", "pipe", "away"):
        (tmp_path / student / "toy").mkdir()
    (tmp_path / "file" / "toy" / "toy.ipynb").symlink_to(victim)
    (tmp_path / "away" / "toy" / "toy.ipynb").symlink_to("../../../../../etc/passwd")
    os.mkfifo(tmp_path / "pipe" / "toy" / "toy.ipynb")
    (tmp_path / "whole").symlink_to(victim.parent.parent)
    for student in ("file", "folder", "pipe", "away"):
        work = read(tmp_path, student)
        assert not work.cells and "link" in work.notes[0]
    folders, notes = submission.students(tmp_path)
    assert "whole" not in [path.name for path in folders] and "whole" in notes[0]


@pytest.mark.skipif(os.name != "posix", reason="names are bytes only on POSIX")
def test_names_that_are_no_text(toy, tmp_path):
    try:
        os.mkdir(os.fsencode(tmp_path) + b"/\xff\n\x1b")
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    folders, _ = submission.students(tmp_path)
    assert submission.read(folders[0], "toy").student == "\\udcff\\n\\x1b"


def test_other_things_among_the_students(tmp_path):
    (tmp_path / "readme.txt").write_text("")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "ann").mkdir()
    folders, notes = submission.students(tmp_path)
    assert [path.name for path in folders] == ["ann"] and len(notes) == 2
    with pytest.raises(InputError, match="not a folder"):
        submission.students(tmp_path / "nothing")


@pytest.mark.parametrize("stamp, late", [
    ("2026-11-30 11:59:59.5 UTC", False), ("2026-11-30 12:00:01 UTC", True), ("2026-12-01 12:00:00", True),
    ("2026-11-30 08:00:00 America/New_York", True), ("2026-11-30T13:30:00+02:00", False),
])
def test_late(toy, tmp_path, stamp, late):
    path = toy.hand_in(tmp_path, "ann", toy.book())
    path.with_name("timestamp.txt").write_text(stamp)
    notes = read(tmp_path, due=DUE).notes
    assert bool(notes) == late and all("timestamp.txt" in note for note in notes)


@pytest.mark.parametrize("stamp", [
    "", "yesterday", "2026-11-30 12:00:00 ../../../etc/passwd", "2026-11-30 12:00:00 No/Where", "\0"])
def test_without_a_good_time_stamp_the_files_date_counts(toy, tmp_path, stamp):
    path = toy.hand_in(tmp_path, "ann", toy.book())
    path.with_name("timestamp.txt").write_text(stamp)
    os.utime(path, (DUE.timestamp() + 3600,) * 2)
    assert read(tmp_path, due=DUE).notes == ["late by 1:00:00 hours, by the file's date"]


def cells(work, sources):
    return [cell for cell in work.cells if cell.source in sources]


def test_answers_are_found_by_grade_id_or_else_by_what_they_define(toy, tmp_path):
    solution = "def softmax(scores):\n    pass"
    book = toy.book(softmax="first")
    book["cells"].append(book["cells"][6] | {"source": "second"})
    toy.hand_in(tmp_path, "twice", book)
    work = read(tmp_path, "twice")
    assert [cell.source for cell in submission.answers(work, solution, "toy-softmax")] == ["first", "second"]
    assert "2 cells" in work.notes[0]

    book = toy.book(softmax="def other(): pass\n\ndef softmax(x): return x")
    for cell in book["cells"]:
        cell["metadata"] = {}
    toy.hand_in(tmp_path, "stripped", book)
    work = read(tmp_path, "stripped")
    found = submission.answers(work, solution, "toy-softmax")
    assert len(found) == 1 and "softmax(x)" in found[0].source and "softmax instead" in work.notes[0]

    toy.hand_in(tmp_path, "gone", toy.book(softmax=None))
    work = read(tmp_path, "gone")
    assert submission.answers(work, solution, "toy-softmax") == [] and "not answered" in work.notes[0]
