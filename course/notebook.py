"""Notebook files: finding, reading and writing them, so that the same lesson is always the same bytes."""
import re
from pathlib import Path

import nbformat

from tinynet.errors import InputError
from tinynet.files import atomic_write

from .answers.cells import decode, parse

ROOT = Path(__file__).resolve().parent.parent
LESSONS = ROOT / "lessons"
IGNORE = "nbval-ignore-output"                  # the tag of a cell whose output differs between runs


def find(names, folder=LESSONS):
    """Return the lesson files that are meant.

    Parameters
    ----------
    names : list of str
        Each a lesson's number ("3" or "03"), its name ("03_softmax") or a path; none means every lesson.
    folder : Path
        Where the lessons are.

    Returns
    -------
    paths : list of Path

    Raises
    ------
    InputError
        If a name means no lesson.
    """
    every = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    return [_find(name, every) for name in names] or every


def _find(name, every):
    for path in every:
        if name == path.stem or name.isdecimal() and int(name) == int(path.stem[:2]):
            return path
    if Path(name).suffix == ".ipynb" and Path(name).is_file():
        return Path(name)
    there = ", ".join(path.stem for path in every) or "none"
    raise InputError(f"no lesson {name!r}; the lessons are {there}; give a number, a name or a path")


def read(path):
    """Read a notebook.

    Parameters
    ----------
    path : Path

    Returns
    -------
    notebook : nbformat.NotebookNode
        In format 4.

    Raises
    ------
    InputError
        If the file is no notebook.
    """
    try:
        return _read(path)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _read(path):
    text, _ = decode(path.read_bytes())
    try:
        return nbformat.reads(text, as_version=4)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, ValueError, KeyError, TypeError,
            AttributeError) as error:
        parse(text.encode())                            # it says better what is wrong, if it finds it too
        reason = str(error).splitlines()[0]
        raise InputError(f"not a notebook as Jupyter writes it ({reason}); open it in JupyterLab and save it") from None


def code_cells(notebook):
    """Return the notebook's code cells, in order; Jupyter shows the first as [1]."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def varies(cell):
    """Tell whether a cell is tagged as one whose output differs between runs, such as a time in seconds."""
    return IGNORE in cell.metadata.get("tags", [])


def shown(output):
    """Return what one output of a cell says in words: stream, traceback, every text that is no picture."""
    texts = [text for kind, text in output.get("data", {}).items() if not kind.startswith("image/")]
    words = "\n".join([output.get("text", ""), *output.get("traceback", []), *map(str, texts)])
    return re.sub(r"\x1b\[[0-9;]*m", "", words).strip()


def tidy(notebook):
    """Drop, in place, what says nothing to a reader: times, versions, an editor's settings, random cell ids.

    A cell id of the form cell-7 stays with its cell wherever the cell moves; any other, such as those that
    Jupyter draws for new cells, becomes the next number that is free.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
    """
    language = dict(notebook.metadata.get("language_info", {"name": "python"}))
    language.pop("version", None)
    notebook.metadata = nbformat.from_dict({
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": language})
    notebook.nbformat_minor = max(5, notebook.nbformat_minor)       # 4.5 brought the ids
    for cell in notebook.cells:
        for key in ("ExecuteTime", "collapsed", "execution", "scrolled", "vscode"):
            cell.metadata.pop(key, None)
    _number(notebook.cells)


def _number(cells):
    taken = set()
    for cell in cells:
        stays = re.fullmatch(r"cell-\d+", cell.get("id", "")) and cell.id not in taken
        cell["id"] = cell.id if stays else None
        taken.add(cell.id)
    free = (name for number in range(2 * len(cells)) if (name := f"cell-{number}") not in taken)
    for cell in cells:
        cell["id"] = cell.id or next(free)


def text(notebook):
    """Return the file's text: indented JSON with sorted keys and a newline at the end."""
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"


def write(notebook, path):
    """Write a notebook atomically.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
    path : Path
    """
    with atomic_write(path) as file:
        file.write(text(notebook).encode("utf-8"))
