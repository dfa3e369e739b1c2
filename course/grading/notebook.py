"""Reading notebooks as data: nothing of them is run or parsed as Python here."""
import json
from dataclasses import dataclass, field

from tinynet.errors import InputError


@dataclass(frozen=True)
class Cell:
    """One cell of a notebook.

    Attributes
    ----------
    kind : {"given", "answer", "check", "written", "other"}
        By nbgrader's metadata: locked code, an answer, a check of it, an answer in words, all the rest.
    grade_id : str or None
        None for kind "other".
    source : str
    code : bool
        Whether it is a code cell.
    points : float or None
        Of a check or a written answer.
    """

    kind: str
    grade_id: str | None
    source: str
    code: bool
    points: float | None = None


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
    """Read a notebook, whatever it may be.

    Parameters
    ----------
    data : bytes
        The file, of bounded size.

    Returns
    -------
    notebook : Notebook

    Raises
    ------
    InputError
        If it is not a notebook of format 4.
    """
    text, notes = _decode(data)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not a notebook: it is not JSON ({type(error).__name__})") from None
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        raise InputError("not a notebook of format 4, it has no cells; open and save it in JupyterLab")
    metadata = content.get("metadata")
    cells = [_cell(cell) for cell in content["cells"] if isinstance(cell, dict)]
    return Notebook(cells, metadata if isinstance(metadata, dict) else {}, notes)


def _decode(data):
    try:
        encoding = json.detect_encoding(data)
        notes = [] if encoding == "utf-8" else [f"encoded as {encoding}, not as UTF-8; read all the same"]
        return data.decode(encoding), notes
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace"), ["not UTF-8; what could not be read became \ufffd"]


def _cell(cell):
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    if not isinstance(source, str):
        source = ""
    source = source.encode("utf-8", "replace").decode("utf-8")      # JSON may hold half a surrogate pair
    code = cell.get("cell_type") == "code"
    metadata = cell.get("metadata")
    mark = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    if not isinstance(mark, dict) or not isinstance(mark.get("grade_id"), str):
        return Cell("other", None, source, code)
    points = mark.get("points")
    points = points if isinstance(points, (int, float)) else None
    return Cell(_kind(code, mark), mark["grade_id"], source, code, points)


def _kind(code, mark):
    grade, solution, locked = (mark.get(key) is True for key in ("grade", "solution", "locked"))
    if solution:
        return "answer" if code and not grade else "written" if grade and not code else "other"
    if code and grade:
        return "check"
    return "given" if code and locked else "other"
