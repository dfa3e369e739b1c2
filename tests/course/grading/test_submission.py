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
    (b'{"worksheets": [], "nbformat": 3}', "holds no list of cells"),
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


@pytest.mark.parametrize("name, note", [
    ("toy.IPYNB", ""), ("Toy.ipynb", ""), ("toy.ipynb.txt", "renamed: toy.ipynb.txt"), ("toy.json", "renamed: toy.json"),
    ("toy-final.ipynb", "renamed: toy-final.ipynb"),
])
def test_other_names_are_found(toy, tmp_path, name, note):
    path = toy.hand_in(tmp_path, "ann", toy.book())
    path.rename(path.with_name(name))
    for hidden in ("._toy.ipynb", "._Toy.IPYNB", ".DS_Store"):
        path.with_name(hidden).write_bytes(b"\0\5\x16\7")
    work = read(tmp_path)
    assert work.cells and [note in line for line in work.notes] == [True] * bool(note)


def test_other_places_are_found(toy, tmp_path):
    path = toy.hand_in(tmp_path, "lower", toy.book())
    path.parent.rename(path.parent.with_name("TOY"))
    path = toy.hand_in(tmp_path, "flat", toy.book())
    path.rename(path.parent.parent / "toy.ipynb")
    path.parent.rmdir()
    for student, note in (("lower", "the folder TOY was taken for toy"), ("flat", "no folder toy: taken was")):
        work = read(tmp_path, student)
        assert work.cells and note in work.notes[0]


def test_what_macos_packs_is_no_student(toy, tmp_path):
    toy.hand_in(tmp_path, "ann", toy.book())
    toy.hand_in(tmp_path, "__MACOSX", b"\0\5\x16\7")
    folders, notes = submission.students(tmp_path)
    assert [path.name for path in folders] == ["ann"] and "__MACOSX" in notes[0]


@pytest.mark.parametrize("name", ["ann", "a.b-c_d@e", "Ann2", "J\u00fcrgen", "Jos\u00e9 Garc\u00eda", "\u674e\u5a1c", "o'neil, pat"])
def test_plain_names_are_kept(name):
    assert submission.folder_name(name) == name


@pytest.mark.parametrize("name", [
    "..", ".", "", "a/b", "../a", "a\\b", ".state", "e\u0301", "a" * 65, "a.", "student-1", "a:b", "a  b", " a", "a ", "a\n", "CON",
    "nul.txt", "com1", "a'", "\u00e9" * 33])
def test_other_names_are_made_safe_and_stay_different(name):
    safe = submission.folder_name(name)
    assert safe.startswith("student-") and len(safe) == 24 and safe != submission.folder_name(name + "x")
