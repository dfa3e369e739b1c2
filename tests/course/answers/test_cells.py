import json

import pytest

from course.answers import cells as notebook
from tinynet.errors import InputError


def book(*cells, **metadata):
    return json.dumps({"nbformat": 4, "metadata": metadata, "cells": list(cells)})


def cell(kind="code", source="x = 1", **mark):
    return {"cell_type": kind, "source": source, "metadata": {"nbgrader": mark} if mark else {}}


@pytest.mark.parametrize("content, kind", [
    (cell(grade=False, solution=True, locked=False, grade_id="a"), "answer"),
    (cell(grade=True, solution=False, locked=True, grade_id="a", points=3), "check"),
    (cell(grade=False, solution=False, locked=True, grade_id="a"), "given"),
    (cell("markdown", grade=True, solution=True, locked=False, grade_id="a", points=3), "written"),
    (cell("markdown", grade=False, solution=False, locked=True, grade_id="a"), "other"),
    (cell(grade=True, solution=True, locked=False, grade_id="a", points=3), "other"),
    (cell(), "other"),
    (cell(grade=False, solution=True, locked=False, grade_id=["a"]), "other"),
])
def test_kinds(content, kind):
    assert notebook.parse(book(content).encode()).cells[0].kind == kind


def test_sources():
    cells = [cell(source=source) for source in (["a\n", "b"], ["a", 3], 7, "\ud800")] + [{"cell_type": "code"}]
    assert [read.source for read in notebook.parse(book(*cells).encode()).cells] == ["a\nb", "a", "", "?", ""]


@pytest.mark.parametrize("encoding, notes", [("utf-8", 0), ("utf-8-sig", 1), ("utf-16", 1), ("utf-32", 1)])
def test_encodings(encoding, notes):
    text = book(cell(source="# schön")).replace("\\u00f6", "ö")
    read = notebook.parse(text.encode(encoding))
    assert read.cells[0].source == "# schön" and len(read.notes) == notes


def test_latin_1_is_read_but_for_what_cannot_be():
    read = notebook.parse(book(cell(source="# schön")).replace("\\u00f6", "ö").encode("latin-1"))
    assert read.cells[0].source == "# sch\ufffdn" and len(read.notes) == 1


@pytest.mark.parametrize("data", [
    b"", b"\x00" * 100, b"\xff\xfe", b"%PDF-1.7", b"[]", b"3", b'{"cells": 3}', b'{"worksheets": []}',
    b'{"cells": [}', b"[" * 100_000, b'{"cells": ' + b"9" * 5000 + b"}", b"\x89PNG\r\n\x1a\n\xff",
], ids=range(12))
def test_what_is_no_notebook(data):
    with pytest.raises(InputError, match="not a notebook"):
        notebook.parse(data)


def test_format_3_is_read():
    mark = {"nbgrader": {"grade": False, "solution": True, "locked": False, "grade_id": "a"}}
    sheets = [{"cells": [{"cell_type": "code", "input": ["x = ", "1"], "metadata": mark}]}, 3,
              {"cells": [{"cell_type": "heading", "source": "Top", "level": 1}, "no"]}]
    read = notebook.parse(json.dumps({"nbformat": 3, "metadata": {}, "worksheets": sheets}).encode())
    assert [(cell.kind, cell.source, cell.code) for cell in read.cells] == [("answer", "x = 1", True), ("other", "Top", False)]


@pytest.mark.parametrize("data, reason", [
    (b"", "the file is empty; .*ipynb_checkpoints"), (bytes(5000), "the file is empty"), (b"\xef\xbb\xbf \n", "the file is empty"),
    (b'{\n<<<<<<< HEAD\n"cells": [],\n=======\n"cells": []\n>>>>>>> main\n}', "line 2: <<<<<<<.*keep what you want of both sides"),
    (b'{"cells": [], \n "metadata"', "line 2: .*cut off on its way; keep it"),
    (b"[" * 100_000, "RecursionError"), (b'{"nbformat": 4}', "no list of cells; keep the file"),
    (b'{"worksheets": [3]}', "no list of cells"),
])
def test_why_it_is_none_and_what_to_do(data, reason):
    with pytest.raises(InputError, match=f"^not a notebook: .*{reason}") as error:
        notebook.parse(data)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [
    None, 3, "x", [], {"metadata": 3}, {"metadata": {"nbgrader": []}, "source": None}])
def test_odd_cells_are_no_trouble(content):
    read = notebook.parse(book(content, cell()).encode())
    assert read.cells[-1].source == "x = 1"


def test_odd_metadata_is_no_trouble():
    assert notebook.parse(b'{"cells": [], "metadata": []}').metadata == {}
