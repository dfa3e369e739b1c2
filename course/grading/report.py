"""Grades as files for programs: ``grades.csv``, ``results.json``, ``junit.xml``, and marks given by hand."""
import csv
import io
import json
import math
import re
import xml.etree.ElementTree as ET

from tinynet.errors import InputError
from tinynet.files import atomic_write, sha256

SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_@-]*(?:\.[A-Za-z0-9_@-]+)*")
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
MARKS = ("student", "task", "points", "max", "comment")


def folder_name(student):
    """Return a name for a student's folder that every file system takes and that nobody else's can be."""
    if SAFE_NAME.fullmatch(student) and len(student) <= 64 and not student.startswith("student-"):
        return student
    return f"student-{sha256(student.encode())[:16]}"


def read_marks(path, results):
    """Read marks given by hand.

    Parameters
    ----------
    path : Path
        A CSV file with columns student, task, points and, if wanted, comment. Rows without points are left
        out.
    results : list of dict
        Of `mark.grade_one`.

    Returns
    -------
    marks : dict
        From (student, task) to {"points": float, "comment": str}.

    Raises
    ------
    InputError
        If the file cannot be read, or a row names nobody, no written question, or points out of range.
    """
    most = {(_cell(result["student"]), question["task"]): (result["student"], question["max"])
            for result in results for question in result["written"]}
    marks = {}
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"marks: {path} cannot be read ({error}); it is a CSV file in UTF-8") from None
    for number, row in enumerate(rows, start=2):
        key, points = (row.get("student"), row.get("task")), (row.get("points") or "").strip()
        if not points:
            continue
        if key not in most or (most[key][0], key[1]) in marks:
            raise InputError(f"marks: {path}, line {number}: {key[0]}, {key[1]} is nobody's written answer, "
                             "or marked twice")
        student, highest = most[key]
        try:
            value = float(points)
        except ValueError:
            value = math.nan
        if not 0 <= value <= highest:
            raise InputError(f"marks: {path}, line {number}: {points} points; give a number from 0 to "
                             f"{highest:g}")
        marks[student, key[1]] = {"points": value, "comment": row.get("comment") or ""}
    return marks


def twins(results):
    """Return a note for every group of students who earned points with the same file. It is for staff."""
    groups = {}
    for result in results:
        if any(task["points"] for task in result["tasks"]):
            groups.setdefault(result["sha256"], []).append(result["student"])
    return [f"the same file, byte for byte: {', '.join(names)}"
            for names in groups.values() if len(names) > 1]


def rows(results, marks):
    """Yield student, task, points and maximum; points are None for a written answer without a mark."""
    for result in results:
        for task in result["tasks"]:
            yield result["student"], task["task"], task["points"], task["max"]
        for question in result["written"]:
            unmarked = {"points": None if question["text"] else 0}
            mark = marks.get((result["student"], question["task"]), unmarked)
            yield result["student"], question["task"], mark["points"], question["max"]


def write(out, assignment, results, marks, notes):
    """Write ``grades.csv``, ``results.json`` (with the secrets), ``junit.xml`` and an empty ``marks.csv``.

    Parameters
    ----------
    out : Path
    assignment : contract.Assignment
    results : list of dict
        Of `mark.grade_one`.
    marks : dict
        Of `read_marks`.
    notes : list of str
        About no one student.
    """
    table = list(rows(results, marks))
    _write_csv(out / "grades.csv", ("student", "assignment", "task", "points", "max"), [
        (_cell(student), assignment.name, task, "" if points is None else f"{points:g}", f"{most:g}")
        for student, task, points, most in table])
    given = {f"{student}/{task}": mark for (student, task), mark in marks.items()}
    content = {"assignment": assignment.name, "sha256": assignment.sha256, "notes": notes,
               "submissions": results, "marks": given}
    _write(out / "results.json", json.dumps(content, indent=1).encode())
    _write(out / "junit.xml", _junit(assignment, results))
    if assignment.written and not (out / "marks.csv").exists():
        _write_csv(out / "marks.csv", MARKS, [
            (_cell(result["student"]), question["task"], "", question["max"], "")
            for result in results for question in result["written"]])


def _junit(assignment, results):
    root = ET.Element("testsuites", name=assignment.name)
    for result in results:
        suite = ET.SubElement(root, "testsuite", name=_xml(result["student"]))
        parts = [(task, part) for task in result["tasks"] for part in task["parts"]]
        for task, part in parts:
            case = ET.SubElement(suite, "testcase", name=f"{task['task']}/{part['part']}",
                                 classname=f"{assignment.name}.{_xml(result['student'])}")
            if part["message"]:
                message = f"{part['points']:g} of {part['max']:g} points"
                ET.SubElement(case, "failure", message=message).text = _xml(part["message"])
        suite.set("tests", str(len(parts)))
        suite.set("failures", str(sum(bool(part["message"]) for _, part in parts)))
        ET.SubElement(suite, "system-out").text = _xml("\n".join(result["notes"]))
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def _xml(text):
    return NOT_IN_XML.sub("\ufffd", text)


def _cell(text):
    """Return a text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") else text


def _write_csv(path, header, lines):
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    _write(path, buffer.getvalue().encode())


def _write(path, data):
    with atomic_write(path) as file:
        file.write(data)
