import csv

import pytest

from course.grading import marks
from tinynet.errors import InputError

LINES = [["student", "task", "points", "max", "comment"], ["ann", "w", "4", "5", "good"], ["Zo\u00eb", "w", "4.5", "5", ""],
         ["bob", "w", "", "5", ""]]


def result(student="ann", text="because"):
    return {"student": student, "written": [{"task": "w", "max": 5, "text": text}]}


RESULTS = [result(), result("bob"), result("Zo\u00eb"), result("=cmd")]
READ = {("ann", "w"): (4, "good"), ("Zo\u00eb", "w"): (4.5, "")}


def table(separator=",", lines=LINES):
    return "".join(separator.join(line) + "\n" for line in lines)


def read(path, data, results=RESULTS):
    path.write_bytes(data)
    return {key: (mark["points"], mark["comment"]) for key, mark in marks.read(path, results).items()}


@pytest.mark.parametrize("data", [
    table().encode(), table(";").encode(), table("\t").encode(), table().encode("utf-8-sig"), table("\t").encode("utf-16"),
    table(";").encode("cp1252"), ("sep=;\n" + table(";")).encode(), ("\n\n" + table()).encode(),
    table().replace("\n", "\r\n").encode(), table().replace("student,task", "Student, TASK ").encode(),
    table(";").replace("4.5", "4,5").encode(), table().replace("4.5", '"4,5"').encode(),
    table().replace("\u00eb", "e\u0308").encode(), table(",", [line[2::-1] + line[3:] for line in LINES]).encode(),
    table().replace("ann,w,4,5,good", ' ann , w , 4 ,5,"good"').encode(), (table() + ",,,,\n").encode(),
    table("\t").encode("utf-16-le"),
], ids=["commas", "semicolons", "tabs", "BOM", "UTF-16", "Windows", "sep=", "empty lines above", "CRLF", "capitals",
        "decimal comma", "decimal comma in quotes", "letters taken apart", "columns in another order", "spaces",
        "an empty line of a spreadsheet", "UTF-16 without BOM"])
def test_what_spreadsheets_save_is_read(tmp_path, data):
    assert read(tmp_path / "marks.csv", data) == READ


@pytest.mark.parametrize("data, fault", [
    (b"", "has no column student and no column task and no column points; .* is: empty"),
    (b"ann,w,4,5,good\n", "has no column student"),
    (b"student;task;max\nann;w;5\n", "has no column points"),
    (b"Name,task,points\nann,w,5\n", "has no column student; .* Name,task,points"),
    (b"student,task,points,max\nann,w,4,5,5\n", "line 2: 5 fields and 4 columns; put quotes"),
    (b"student,task,points\nann,w,6\n", "6 points; give a number from 0 to 5"),
    (b"student,task,points\nann,w,-1\n", "-1 points"), (b"student,task,points\nann,w,nan\n", "nan points"),
    (b"student,task,points\nann,w,4/5\n", "4/5 points"), (b"student,task,points\nann,w,1e1\n", "1e1 points"),
    (b"student,task,points\nzoe,w,1\n", "zoe, w is nobody's"), (b"student,task,points\nann,t,1\n", "nobody's"),
    (b"student,task,points\nann,w,1\nann,w,2\n", "marked twice"), (b"\xff\xfe\x00", "cannot be read"),
])
def test_what_is_no_table_of_marks_is_refused(tmp_path, data, fault):
    with pytest.raises(InputError, match=f"marks.*{fault}") as error:
        read(tmp_path / "marks.csv", data)
    assert "\n" not in str(error.value)


def test_a_table_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        marks.rows(tmp_path / "nothing.csv")


def listed(path):
    with open(path, encoding="utf-8", newline="") as file:
        return [list(row.values()) for row in csv.DictReader(file)]


def test_the_list_holds_what_waits_and_grows_with_who_comes_late(tmp_path):
    path = tmp_path / "marks.csv"
    assert marks.list_open(path, [result("=ann"), result("bob", text="")]) == []
    assert listed(path) == [["'=ann", "w", "", "5", ""]]
    path.write_text(path.read_text().replace("w,,5,", "w,3,5,nice"))
    marks.list_open(path, [result("=ann"), result("bob", text=""), result("cy")])
    assert listed(path) == [["'=ann", "w", "3", "5", "nice"], ["cy", "w", "", "5", ""]]
    before = path.stat().st_mtime_ns
    marks.list_open(path, [result("=ann"), result("cy")])
    assert path.stat().st_mtime_ns == before
    assert marks.read(path, [result("=ann")])["=ann", "w"]["points"] == 3


def test_a_list_that_was_saved_otherwise_keeps_all_that_stands_in_it(tmp_path):
    path = tmp_path / "marks.csv"
    path.write_bytes("task;student;points;reader\nw;Zo\u00eb;4,5;me\n".encode("cp1252"))
    marks.list_open(path, [result("Zo\u00eb"), result("cy")])
    assert [row["reader"] for _, row in marks.rows(path)] == ["me", ""]
    assert marks.read(path, RESULTS)["Zo\u00eb", "w"]["points"] == 4.5
    path.write_text("no table")
    assert "left as it is" in marks.list_open(path, [result("dee")])[0] and path.read_text() == "no table"


def test_marks_are_kept_and_a_changed_answer_is_named(tmp_path):
    given = {("ann", "w"): {"points": 4, "comment": "", "of": marks.sha256(b"because")}}
    assert marks.kept(tmp_path, [result()], given) == (given, [])
    assert marks.kept(tmp_path, [result()], {}) == (given, [])
    found, notes = marks.kept(tmp_path, [result(text="other"), result("bob")], {})
    assert found == given and notes == ["ann: w has changed since it was marked; look at it again"]
    better = {("ann", "w"): given["ann", "w"] | {"points": 5}}
    assert marks.kept(tmp_path, [result()], better)[0] == better
