import csv
import json
import xml.etree.ElementTree as ET

import pytest

from course.grading import pages, report
from course.grading.contract import Assignment, Written
from tinynet.errors import InputError

EVIL = "=cmd()</pre><script>alert(1)</script>\x00\x1b"


def result(student="ann", points=2.5, message="y is 3", text="because", sha256="1"):
    parts = [{"part": "y", "points": points, "max": 4, "message": message}]
    return {"student": student, "sha256": sha256, "notes": [f"note {EVIL}"],
            "tasks": [{"task": "t", "points": points, "max": 4, "parts": parts, "printed": EVIL}],
            "written": [{"task": "w", "max": 5, "text": text}]}


@pytest.fixture
def write(tmp_path):
    assignment = Assignment([], [Written("w", 5)], name="toy")

    def write(results, marks):
        report.write(tmp_path, assignment, results, marks, ["a note"])
        pages.write(tmp_path, assignment, results, marks)
        return tmp_path

    return write


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_grades(write):
    out = write([result(), result("bob", text="")], {("ann", "w"): {"points": 4.0, "comment": "good"}})
    assert table(out / "grades.csv") == [
        ["student", "assignment", "task", "points", "max"],
        ["ann", "toy", "t", "2.5", "4"], ["ann", "toy", "w", "4", "5"],
        ["bob", "toy", "t", "2.5", "4"], ["bob", "toy", "w", "0", "5"]]
    content = json.loads((out / "results.json").read_text())
    assert content["notes"] == ["a note"] and content["marks"]["ann/w"]["points"] == 4


def test_what_students_write_stays_text(write):
    out = write([result(EVIL, message=EVIL, text=EVIL)], {})
    assert table(out / "grades.csv")[1][0] == f"'{EVIL}"
    suite = ET.parse(out / "junit.xml").getroot()[0]
    assert suite.get("tests") == suite.get("failures") == "1" and "<script>" in suite[0][0].text
    pages = [out / "written.html", *out.glob("feedback/*/toy/feedback.html")]
    assert len(pages) == 2
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "<script" not in text and "&lt;script&gt;" in text and "default-src 'none'" in text


@pytest.mark.parametrize("name", ["ann", "a.b-c_d@e", "Ann2"])
def test_plain_names_are_kept(name):
    assert report.folder_name(name) == name


@pytest.mark.parametrize("name", [
    "..", ".", "", "a/b", "../a", "a\\b", ".state", "a b", "é", "a" * 65, "a.", "student-1", "a:b"])
def test_other_names_are_made_safe_and_stay_different(name):
    safe = report.folder_name(name)
    assert safe.startswith("student-") and len(safe) == 24 and safe != report.folder_name(name + "x")


def test_marks_go_round(write, tmp_path):
    results = [result("=ann"), result("bob", text="")]
    out = write(results, {})
    text = (out / "marks.csv").read_text().replace("'=ann,w,,5,", "'=ann,w,4.5,5,fine")
    (tmp_path / "mine.csv").write_text(text, encoding="utf-8-sig")
    marks = report.read_marks(tmp_path / "mine.csv", results)
    assert marks == {("=ann", "w"): {"points": 4.5, "comment": "fine"}}
    write(results, marks)
    assert "4.5 of 5 points</p><p>fine</p>" in next(out.glob("feedback/student-*/toy/feedback.html")).read_text()
    assert (out / "marks.csv").read_text() != text         # the empty one is not touched


@pytest.mark.parametrize("line", [
    "ann,w,6", "ann,w,-1", "ann,w,nan", "ann,w,much", "zoe,w,1", "ann,t,1", "ann,w,1\nann,w,2"])
def test_wrong_marks_are_refused(tmp_path, line):
    (tmp_path / "marks.csv").write_text(f"student,task,points\n{line}\n")
    with pytest.raises(InputError, match="marks"):
        report.read_marks(tmp_path / "marks.csv", [result()])


def test_marks_that_cannot_be_read_are_refused(tmp_path):
    (tmp_path / "marks.csv").write_bytes(b"\xff\xfe\x00")
    for name in ("marks.csv", "nothing.csv"):
        with pytest.raises(InputError, match="cannot be read"):
            report.read_marks(tmp_path / name, [result()])


def test_twins():
    results = [result("ann"), result("bob"), result("cy", sha256="2")]
    results += [result("dee", points=0), result("eve", points=0)]
    assert report.twins(results) == ["the same file, byte for byte: ann, bob"]


def test_feedback_says_what_is_missing(write):
    page = next(write([result()], {}).glob("feedback/*/toy/feedback.html")).read_text()
    assert "2.5 of 9 points" in page and "not marked yet" in page and "y is 3" in page
