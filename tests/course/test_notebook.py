"""course/notebook.py: the right files, and the same lesson always as the same bytes."""
import json

import nbformat
import pytest
from course.notebook import code_cells, find, read, shown, text, tidy, varies, write
from nbformat.v4 import new_code_cell, new_output

from tinynet import InputError


@pytest.fixture
def lessons(tmp_path):
    """A folder with two lessons and one other file."""
    for name in ["02_conv.ipynb", "01_autograd.ipynb", "draft.ipynb"]:
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize("name", ["2", "02", "02_conv"])
def test_a_lesson_goes_by_number_or_name(lessons, name):
    assert find([name], lessons) == [lessons / "02_conv.ipynb"]


def test_a_path_is_taken_as_it_is(lessons):
    assert find([str(lessons / "draft.ipynb")], lessons) == [lessons / "draft.ipynb"]


def test_no_name_means_every_lesson_in_order(lessons):
    assert find([], lessons) == [lessons / "01_autograd.ipynb", lessons / "02_conv.ipynb"]


@pytest.mark.parametrize("name", ["3", "conv", "03_relu.ipynb", "."])
def test_a_lesson_that_is_not_there_is_a_mistake(lessons, name):
    with pytest.raises(InputError, match=f"no lesson '{name}'; the lessons are 01_autograd, 02_conv;"):
        find([name], lessons)


@pytest.mark.parametrize("contents", [
    b"", b"{}", b"\xff", b"[]", b"3", b"<<<<<<< HEAD\n{}", b'{"cells": 3, "nbformat": 4}', bytes(9)])
def test_a_file_that_is_no_notebook_is_a_mistake(tmp_path, contents):
    (tmp_path / "x.ipynb").write_bytes(contents)
    with pytest.raises(InputError, match="x.ipynb: not a notebook") as error:
        read(tmp_path / "x.ipynb")
    assert "\n" not in str(error.value) and "restore" not in str(error.value)


def test_writing_and_reading_give_the_lesson_back(lesson, tmp_path):
    write(lesson, tmp_path / "x.ipynb")
    assert read(tmp_path / "x.ipynb") == lesson
    assert (tmp_path / "x.ipynb").read_bytes() == text(lesson).encode("utf-8")


def test_the_text_is_sorted_json_with_a_newline_at_the_end(lesson):
    stored = text(lesson)
    assert stored.endswith("}\n") and "\r" not in stored
    assert list(json.loads(stored)) == ["cells", "metadata", "nbformat", "nbformat_minor"]


def test_a_tidy_lesson_stays_the_same(lesson):
    before = text(lesson)
    tidy(lesson)
    assert text(lesson) == before


def test_tidying_drops_what_says_nothing(lesson):
    before = text(lesson)
    lesson.metadata["vscode"] = {"interpreter": {"hash": "1"}}
    lesson.metadata.kernelspec.update(name="conda-env-py", display_name="Python [conda env:py]")
    lesson.metadata.language_info.version = "3.11.7"
    lesson.cells[1].metadata.update(execution={"iopub.execute_input": "2026"}, collapsed=False, scrolled=True)
    tidy(lesson)
    assert text(lesson) == before


def test_tidying_keeps_tags_and_other_metadata(lesson):
    lesson.cells[1].metadata.update(nbgrader={"grade_id": "a"}, tags=["raises-exception"])
    tidy(lesson)
    assert lesson.cells[1].metadata == {"nbgrader": {"grade_id": "a"}, "tags": ["raises-exception"]}


def test_a_cell_keeps_its_id_and_a_new_one_gets_a_free_number(lesson):
    lesson.cells.insert(2, new_code_cell("x = 1", id="9c1de0aa"))
    lesson.cells.insert(0, lesson.cells.pop())
    tidy(lesson)
    assert [cell.id for cell in lesson.cells] == [f"cell-{number}" for number in [6, 0, 1, 7, 2, 3, 4, 5]]


def test_an_id_used_twice_stays_with_the_first(lesson):
    lesson.cells[3].id = "cell-1"
    tidy(lesson)
    assert [cell.id for cell in lesson.cells] == [f"cell-{number}" for number in [0, 1, 2, 3, 4, 5, 6]]


def test_a_notebook_older_than_ids_gets_them():
    cells = [{"cell_type": "markdown", "metadata": {}, "source": "x"}] * 2
    old = nbformat.from_dict({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells})
    tidy(old)
    nbformat.validate(old)
    assert [cell.id for cell in old.cells] == ["cell-0", "cell-1"]


def test_code_cells_and_those_that_vary(lesson):
    assert [cell.id for cell in code_cells(lesson)] == [f"cell-{number}" for number in range(1, 6)]
    assert [cell.id for cell in code_cells(lesson) if varies(cell)] == ["cell-4"]


@pytest.mark.parametrize("output, words", [
    (new_output("stream", text="one\n"), "one"),
    (new_output("execute_result", {"text/plain": "6", "image/png": "AAAA"}), "6"),
    (new_output("display_data", {"application/json": {"a": 1}}), "{'a': 1}"),
    (new_output("error", ename="E", evalue="e", traceback=["\x1b[31mIn 1\x1b[0m", "\x1b[0;31mE\x1b[39m: e"]),
     "In 1\nE: e"),
])
def test_what_an_output_says_in_words(output, words):
    assert shown(output) == words
