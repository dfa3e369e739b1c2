"""Reading notebooks as data, whatever program wrote them: nothing of them is run or parsed as Python here."""
import json
import re
from dataclasses import dataclass, field

from tinynet.errors import InputError

LARGEST = 20 << 20              # bytes of a notebook, its outputs included
MOST = 1 << 20                  # characters of its cells
CONFLICT = re.compile(r"^(?:<<<<<<<|=======|>>>>>>>)(?: |$)", re.MULTILINE)


@dataclass(frozen=True)
class Cell:
    """One cell of a notebook.

    Attributes
    ----------
    kind : {"given", "answer", "check", "written", "other"}
        By nbgrader's metadata: locked code, an answer, a check of it, an answer in words, all the rest.
    grade_id : str or None
        None where nbgrader's metadata names none.
    source : str
    code : bool
        Whether it is a code cell.
    points : float or None
        Of a check or a written answer.
    read : str
        Of a check: what to read again if it fails.
    """

    kind: str
    grade_id: str | None
    source: str
    code: bool
    points: float | None = None
    read: str = ""


@dataclass
class Notebook:
    """What is used of a notebook.

    Attributes
    ----------
    cells : list of Cell
    metadata : dict
    notes : list of str
        What was odd about the file.
    """

    cells: list
    metadata: dict
    notes: list = field(default_factory=list)


def parse(data):
    """Read a notebook of format 3, 4 or 5, whatever its encoding and whatever it leaves out.

    Parameters
    ----------
    data : bytes
        The file.

    Returns
    -------
    notebook : Notebook

    Raises
    ------
    InputError
        If it is not a notebook, or too large to be graded.
    """
    if len(data) > LARGEST:
        raise InputError(f"larger than {LARGEST >> 20} MB; clear its outputs, and take out files that are attached")
    text, notes = decode(data)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not a notebook: {_not_json(text, error)}") from None
    cells = _list_of_cells(content)
    if cells is None:
        raise InputError("not a notebook: it holds no list of cells; keep the file, and look whether it is the one "
                         "that you meant")
    metadata = content.get("metadata")
    cells = [_cell(cell) for cell in cells if isinstance(cell, dict)]
    if sum(len(cell.source) for cell in cells) > MOST:
        raise InputError(f"more than {MOST:,} characters of text and code; take out what is no work of yours, "
                         "such as pictures that were pasted as text")
    return Notebook(cells, metadata if isinstance(metadata, dict) else {}, notes)


def decode(data):
    """Return a file's bytes as text, and what was odd about them, as a list of str."""
    try:
        encoding = json.detect_encoding(data)
        notes = [] if encoding == "utf-8" else [f"encoded as {encoding}, not as UTF-8; read all the same"]
        return data.decode(encoding), notes
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace"), ["not UTF-8; what could not be read became \ufffd"]


def _not_json(text, error):
    """Return why a text is no JSON and what to do; nothing that somebody wrote is lost by doing it."""
    if not text.strip("\0\ufeff \t\r\n"):
        return "the file is empty; Jupyter may have an earlier state of it in the folder .ipynb_checkpoints"
    if marker := CONFLICT.search(text):
        line = text.count("\n", 0, marker.start()) + 1
        return (f"two versions were merged and do not agree (line {line}: {marker[0].strip()}); open it in a text "
                "editor, keep what you want of both sides, and delete the lines <<<<<<<, ======= and >>>>>>>")
    where = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else type(error).__name__
    return (f"it is not JSON ({where}), perhaps it was cut off on its way; keep it: a text editor shows "
            "what is in it")


def _list_of_cells(content):
    """Return the cells of a notebook's JSON as dicts of format 4, or None if it has none."""
    if not isinstance(content, dict):
        return None
    if isinstance(content.get("cells"), list):
        return content["cells"]
    sheets = content.get("worksheets")                              # format 3: sheets, and code under "input"
    if not isinstance(sheets, list) or not any(isinstance(sheet, dict) for sheet in sheets):
        return None
    lists = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
    return [cell | {"source": cell["input"]} if isinstance(cell, dict) and "input" in cell else cell
            for cells in lists if isinstance(cells, list) for cell in cells]


def _cell(cell):
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    if not isinstance(source, str):
        source = ""
    source = source.encode("utf-8", "replace").decode("utf-8")      # JSON may hold half a surrogate pair
    code = cell.get("cell_type") == "code"
    metadata = cell.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    mark = metadata.get("nbgrader")
    if not isinstance(mark, dict) or not isinstance(mark.get("grade_id"), str):
        return Cell("other", None, source, code)
    points = mark.get("points")
    points = points if isinstance(points, (int, float)) else None
    course = metadata.get("course")
    read = course.get("read") if isinstance(course, dict) else None
    return Cell(_kind(code, mark), mark["grade_id"], source, code, points, read if isinstance(read, str) else "")


def _kind(code, mark):
    grade, solution, locked = (mark.get(key) is True for key in ("grade", "solution", "locked"))
    if solution:
        return "answer" if code and not grade else "written" if grade and not code else "other"
    if code and grade:
        return "check"
    return "given" if code and locked else "other"
