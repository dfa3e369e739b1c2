"""Marks given by hand, in a table that any spreadsheet may have saved.

``marks.csv`` lists what waits for a mark. Marks that were read once are kept beside the results, so a run without
the table, or with a shorter one, forgets none of them.
"""
import csv
import io
import json
import math
import re
import unicodedata

from tinynet.errors import InputError
from tinynet.files import atomic_write, sha256

COLUMNS = ("student", "task", "points", "max", "comment")
NEEDED = COLUMNS[:3]


def cell(text):
    """Return a text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") else text


def rows(path):
    """Read a table of marks.

    Parameters
    ----------
    path : Path
        Separated by commas, semicolons or tabs, in UTF-8, UTF-16 or the Western European encoding of Windows.
        The first line names the columns: student, task, points and, if wanted, comment.

    Returns
    -------
    rows : list of (int, dict)
        The line's number, and from column to text, spaces stripped.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing, or a line has more fields than there are columns.
    """
    try:
        text = _decode(path.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"marks: {path} cannot be read ({error}); save it as CSV in UTF-8") from None
    lines = text.splitlines(keepends=True)
    start = next((number for number, line in enumerate(lines) if line.strip()
                  and not re.fullmatch(r"sep=.\s*", line, re.IGNORECASE)), len(lines))
    first = lines[start] if start < len(lines) else ""
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO("".join(lines[start:]), newline=""), delimiter=separator)
    found = []
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        if missing := [name for name in NEEDED if name not in header]:
            raise InputError(f"marks: {path} has no column {' and no column '.join(missing)}; its first line must name "
                             f"student, task and points, and is: {first.strip()[:100] or 'empty'}")
        for fields in reader:
            if len(fields) > len(header) and any(field.strip() for field in fields[len(header):]):
                raise InputError(f"marks: {path}, line {start + reader.line_num}: {len(fields)} fields and "
                                 f"{len(header)} columns; put quotes around a field with a comma in it")
            if any(fields):
                values = [field.strip() for field in fields] + [""] * len(header)
                found.append((start + reader.line_num, dict(zip(header, values))))
    except csv.Error as error:
        raise InputError(f"marks: {path} cannot be read ({error}); save it as CSV in UTF-8") from None
    return found


def _decode(data):
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4]:
        return data.decode(json.detect_encoding(data))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252")


def read(path, results):
    """Read the marks of a table.

    Parameters
    ----------
    path : Path
        As in `rows`. Rows without points give no mark.
    results : list of dict
        Of `one.grade_one`.

    Returns
    -------
    marks : dict
        From (student, task) to {"points": float, "comment": str, "of": sha256 of the text that was marked}.

    Raises
    ------
    InputError
        As in `rows`, or if a row with points names nobody, no written question, or points out of range.
    """
    asked = {}
    for result in results:
        for question in result["written"]:
            for name in (result["student"], cell(result["student"])):
                asked[_alike(name), question["task"]] = result["student"], question
    marks = {}
    for number, row in rows(path):
        student, task, points = (row[name] for name in NEEDED)
        if not points:
            continue
        known, question = asked.get((_alike(student), task), (None, None))
        if known is None or (known, task) in marks:
            raise InputError(f"marks: {path}, line {number}: {student}, {task} is nobody's written answer, "
                             "or marked twice")
        value = _number(points)
        if not 0 <= value <= question["max"]:
            raise InputError(f"marks: {path}, line {number}: {points} points; give a number from 0 to "
                             f"{question['max']:g}")
        marks[known, task] = {"points": value, "comment": row.get("comment", ""),
                              "of": sha256(question["text"].encode())}
    return marks


def _alike(name):
    """Return a name as it is however a spreadsheet composes its letters."""
    return unicodedata.normalize("NFC", name.strip())


def _number(text):
    """Return a number, with a decimal point or comma; NaN if it is none."""
    return float(text.replace(",", ".")) if re.fullmatch(r"\d+(?:[.,]\d*)?", text) else math.nan


def kept(state, results, given):
    """Keep marks for the next run, and add those of the runs before.

    Parameters
    ----------
    state : Path
        The folder of what is kept.
    results : list of dict
    given : dict
        Of `read`: where both have a mark, this one counts.

    Returns
    -------
    marks : dict
    notes : list of str
        Which marks were given for a text that has changed since.
    """
    try:
        before = json.loads((state / "marks").read_text(encoding="utf-8"))
    except FileNotFoundError:
        before = []
    marks = {(student, task): mark for student, task, mark in before} | given
    if marks:
        with atomic_write(state / "marks") as file:
            file.write(json.dumps([[*key, mark] for key, mark in marks.items()]).encode())
    texts = {(result["student"], question["task"]): sha256(question["text"].encode())
             for result in results for question in result["written"]}
    notes = [f"{student}: {task} has changed since it was marked; look at it again"
             for (student, task), mark in marks.items() if texts.get((student, task), mark["of"]) != mark["of"]]
    return marks, notes


def list_open(path, results):
    """Write the table of what waits for a mark, or add what came since; what stands in it already stays.

    Parameters
    ----------
    path : Path
        ``marks.csv``.
    results : list of dict

    Returns
    -------
    notes : list of str
        Why nothing could be added.
    """
    try:
        there = [row for _, row in rows(path)] if path.exists() else []
    except InputError as error:
        return [f"{error}; it is left as it is, and who came since is not in it"]
    listed = {(_alike(row["student"]), row["task"]) for row in there}
    new = [{"student": cell(result["student"]), "task": question["task"], "max": f"{question['max']:g}"}
           for result in results for question in result["written"]
           if question["text"] and (_alike(cell(result["student"])), question["task"]) not in listed]
    if new or not path.exists():
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, dict.fromkeys((*COLUMNS, *(name for row in there for name in row))), "",
                                lineterminator="\n")
        writer.writeheader()
        writer.writerows(there + new)
        with atomic_write(path) as file:
            file.write(buffer.getvalue().encode())
    return []
