"""Grades as files for programs: ``grades.csv``, ``results.json``, ``junit.xml``, and the list of what to mark."""
import csv
import io
import json
import re
import xml.etree.ElementTree as ET

from tinynet.files import atomic_write

from .marks import cell

NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def twins(results):
    """Return a note for every group of students who earned points with the same file or the same record. It is for staff."""
    groups = {}
    for result in results:
        if any(task["points"] for task in result["tasks"]):
            groups.setdefault(("the same file, byte for byte", result["sha256"]), []).append(result["student"])
        for task in result["tasks"]:
            if task["points"] and task["facts"]:
                groups.setdefault((f"{task['task']}: the same record", task["facts"]), []).append(result["student"])
    return [f"{what}: {', '.join(names)}" for (what, _), names in groups.items() if len(names) > 1]


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
    """Write ``grades.csv``, ``results.json`` (with the secrets) and ``junit.xml``.

    Parameters
    ----------
    out : Path
    assignment : contract.Assignment
    results : list of dict
        Of `one.grade_one`.
    marks : dict
        Of `marks.read`.
    notes : list of str
        About no one student.
    """
    table = list(rows(results, marks))
    _write_csv(out / "grades.csv", ("student", "assignment", "task", "points", "max"), [
        (cell(student), assignment.name, task, "" if points is None else f"{points:g}", f"{most:g}")
        for student, task, points, most in table])
    given = {f"{student}/{task}": mark for (student, task), mark in marks.items()}
    content = {"assignment": assignment.name, "sha256": assignment.sha256, "notes": notes,
               "submissions": results, "marks": given}
    _write(out / "results.json", json.dumps(content, indent=1).encode())
    _write(out / "junit.xml", _junit(assignment, results))


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


def _write_csv(path, header, lines):
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    _write(path, buffer.getvalue().encode())


def _write(path, data):
    with atomic_write(path) as file:
        file.write(data)
