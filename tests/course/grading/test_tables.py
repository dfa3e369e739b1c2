import csv
import json
import xml.etree.ElementTree as ET

import pytest

from course.grading import marks, pages, tables
from course.grading.contract import Assignment, Written

EVIL = "=cmd()</pre><script>alert(1)</script>\x00\x1b"


def result(student="ann", points=2.5, message="y is 3", text="because", sha256="1", facts=""):
    parts = [{"part": "y", "points": points, "max": 4, "message": message}]
    return {"student": student, "sha256": sha256, "notes": [f"note {EVIL}"],
            "tasks": [{"task": "t", "points": points, "max": 4, "parts": parts, "printed": EVIL, "failed": EVIL,
                       "facts": facts}],
            "written": [{"task": "w", "max": 5, "text": text}]}


@pytest.fixture
def write(tmp_path):
    assignment = Assignment([], [Written("w", 5)], name="toy")

    def write(results, given):
        tables.write(tmp_path, assignment, results, given, ["a note"])
        pages.write(tmp_path, assignment, results, given)
        assert marks.list_open(tmp_path / "marks.csv", results) == []
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
    out = write([result(EVIL, message=EVIL, text=EVIL, facts=EVIL)], {})
    assert table(out / "grades.csv")[1][0] == f"'{EVIL}"
    suite = ET.parse(out / "junit.xml").getroot()[0]
    assert suite.get("tests") == suite.get("failures") == "1" and "<script>" in suite[0][0].text
    pages = [out / "written.html", *out.glob("feedback/*/toy/feedback.html")]
    assert len(pages) == 2
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "<script" not in text and "&lt;script&gt;" in text and "default-src 'none'" in text


def test_what_a_record_comes_to_stands_above_the_answers(write):
    out = write([result(facts="16 of 17 right"), result("bob")], {})
    page = (out / "written.html").read_text(encoding="utf-8")
    assert page.index("<h3>ann</h3>") < page.index("<p>16 of 17 right</p>") < page.index("because") < page.index("<h3>bob</h3>")
    assert "<p></p>" not in page
    assert "16 of 17" in (out / "feedback" / "ann" / "toy" / "feedback.html").read_text(encoding="utf-8")


def test_twins():
    results = [result("ann"), result("bob"), result("cy", sha256="2")]
    results += [result("dee", points=0), result("eve", points=0)]
    assert tables.twins(results) == ["the same file, byte for byte: ann, bob"]


def test_equal_records_in_different_files_are_told():
    results = [result(sha256="1", facts="16 of 17"), result("bob", sha256="2", facts="16 of 17"), result("cy", sha256="3")]
    results += [result("dee", sha256="4", facts="15 of 17"), result("eve", sha256="5", points=0, facts="16 of 17"),
                result("fay", sha256="6")]
    assert tables.twins(results) == ["t: the same record: ann, bob"]


def test_feedback_says_what_is_missing(write):
    page = next(write([result()], {}).glob("feedback/*/toy/feedback.html")).read_text()
    assert "2.5 of 9 points" in page and "not marked yet" in page and "y is 3" in page
    assert "lines of your cell that fail" in page
