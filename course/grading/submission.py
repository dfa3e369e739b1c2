"""Finding and reading what a student handed in, whatever it is. Nothing is followed, unpacked or run."""
import hashlib
import os
import re
import stat
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from course.answers.cells import LARGEST, parse
from tinynet.errors import InputError

# Letters of any alphabet, and what may stand between them without a trouble to Windows or a shell.
SAFE_NAME = re.compile(r"\w[\w@-]*(?:[. ][\w@-]+|, [\w@-]+|'[\w@-]+)*")
RESERVED = re.compile(r"(?:student-|(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))", re.IGNORECASE)


@dataclass
class Submission:
    """One student's work on one assignment.

    Attributes
    ----------
    student : str
        The folder's name, printable.
    sha256 : str
        Of the notebook's bytes, or of nothing.
    cells : list of cells.Cell
        Empty if there is no readable notebook.
    notes : list of str
        What was odd, for the report.
    """

    student: str
    sha256: str = hashlib.sha256(b"").hexdigest()
    cells: list = field(default_factory=list)
    notes: list = field(default_factory=list)


def students(folder):
    """List the students' folders, and say what else lies there.

    Parameters
    ----------
    folder : Path
        ``SUBMISSIONS``.

    Returns
    -------
    folders : list of Path
        Sorted by name.
    notes : list of str

    Raises
    ------
    InputError
        If the folder does not exist or two names print alike.
    """
    if not folder.is_dir():
        raise InputError(f"grade: {folder} is not a folder; give one of STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb")
    entries = sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name))
    folders = [Path(entry.path) for entry in entries
               if entry.is_dir(follow_symlinks=False) and not entry.name.startswith((".", "__MACOSX"))]
    names = {path.name for path in folders}
    notes = [f"{printable(entry.name)}: not a student's folder, ignored"
             for entry in entries if entry.name not in names]
    if len({printable(name) for name in names}) < len(names):
        raise InputError(f"grade: two students' folders in {folder} have names that print alike; rename one")
    return folders, notes


def printable(name):
    """Return a file's name, or a line, as text that can be shown anywhere; what cannot becomes ``\\x1b``."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in name)


def folder_name(student):
    """Return a name for a student's folder that every file system takes and that nobody else's can be."""
    plain = SAFE_NAME.fullmatch(student) and len(student.encode()) <= 64 and unicodedata.is_normalized("NFC", student)
    if plain and not RESERVED.match(student):
        return student
    return f"student-{hashlib.sha256(student.encode()).hexdigest()[:16]}"


def read(folder, name, due=None):
    """Read a student's notebook.

    Parameters
    ----------
    folder : Path
        The student's.
    name : str
        The assignment's.
    due : datetime, optional
        Aware; later is noted.

    Returns
    -------
    submission : Submission
    """
    submission = Submission(printable(folder.name))
    try:
        path = _find(folder, name, submission.notes)
        data = _bytes(path, LARGEST)
        submission.sha256 = hashlib.sha256(data).hexdigest()
        if due:
            submission.notes += _late(path, due)
        book = parse(data)
        submission.notes += book.notes
        submission.cells = book.cells
    except InputError as error:
        submission.notes.append(str(error))
    except OSError as error:
        submission.notes.append(f"cannot be read: {error.strerror}")
    return submission


def _find(student, name, notes):
    """Return the path of a student's notebook for an assignment; note it if it is not quite where it should be."""
    folder = _folder(student, name, notes)
    files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    found = [path for path in files if path.name.lower().endswith(".ipynb")]
    found = found or [path for path in files if path.name.lower().endswith((".ipynb.txt", ".ipynb.json", ".json"))]
    exact = [path for path in found if path.name == f"{name}.ipynb"]
    exact = exact or [path for path in found if path.name.lower() == f"{name}.ipynb".lower()]
    if exact:
        others = ", ".join(printable(path.name) for path in found if path != exact[0])
        notes += [f"other notebooks, ignored: {others}"[:500]] if others else []
        return exact[0]
    if len(found) == 1:
        notes.append(f"renamed: {printable(found[0].name)} was taken for {name}.ipynb")
        return found[0]
    raise InputError(f"missing: none of {len(found)} notebooks is named {name}.ipynb" if found else
                     f"missing: there is no notebook in the folder {name}")


def _folder(student, name, notes):
    """Return the folder of a student that holds the notebook of an assignment."""
    folder = student / name
    alike = [path for path in student.iterdir() if path.name.lower() == name.lower() and path.name != name]
    if not folder.exists() and not folder.is_symlink():
        if len(alike) == 1:
            notes.append(f"renamed: the folder {printable(alike[0].name)} was taken for {name}")
            folder = alike[0]
        elif any(path.name.lower() == f"{name}.ipynb".lower() for path in student.iterdir()):
            notes.append(f"there is no folder {name}: taken was the notebook beside where it should be")
            return student
    if folder.is_symlink() or not folder.is_dir():
        raise InputError(f"missing: there is no folder {name}" + " (but a link)" * folder.is_symlink())
    return folder


def _bytes(path, limit):
    """Read a file that is a file: no link, no device, no pipe; of one that is too large a byte too many."""
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise InputError(f"{printable(path.name)} is a link or no file: not read")
    careful = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
    with open(os.open(path, os.O_RDONLY | careful), "rb") as file:
        return file.read(limit + 1)


def _late(path, due):
    """Return a note if a notebook came late: by nbgrader's ``timestamp.txt``, or else by the file's date."""
    try:
        words = _bytes(path.with_name("timestamp.txt"), 1000).decode("ascii").split()
        when = datetime.fromisoformat(" ".join(words[:2]))
        when = when if when.tzinfo else when.replace(tzinfo=ZoneInfo(words[2]) if words[2:] else timezone.utc)
        source = "timestamp.txt"
    except (OSError, ValueError, KeyError, InputError):
        when, source = datetime.fromtimestamp(os.lstat(path).st_mtime, timezone.utc), "the file's date"
    return [f"late by {str(when - due).split('.')[0]} hours, by {source}"] if when > due else []
