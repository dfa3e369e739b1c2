"""``python -m course check a1``: a notebook run in a fresh kernel, its checks reported one by one."""
import ast
import inspect
import json
import sys
import textwrap
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook

from tinynet.errors import InputError

from .notebook import ROOT, code_cells, read

ASSIGNMENTS = ROOT / "assignments"
SECONDS = 60                    # one cell's time


@dataclass(frozen=True)
class Outcome:
    """What the visible check of one task said.

    Attributes
    ----------
    task : str
        Grade id of the answer.
    points, most : float
    message : str
        Empty if the check passed.
    read : str
        What to read again.
    """

    task: str
    points: float
    most: float
    message: str
    read: str


def add_command(commands):
    """Add ``check`` to the commands of ``python -m course``."""
    parser = commands.add_parser("check", help="run the visible checks of an assignment (students)")
    parser.add_argument("assignment", help="as in: a1, or the path of a notebook")
    parser.set_defaults(run=lambda arguments: report(find(arguments.assignment)))


def find(name):
    """Return the notebook of an assignment.

    Parameters
    ----------
    name : str
        A path, or how the folder's name in ``assignments`` begins.

    Returns
    -------
    path : Path

    Raises
    ------
    InputError
        If none or more than one fits.
    """
    if name.endswith(".ipynb"):
        found = [Path(name)] if Path(name).is_file() else []
    else:
        found = [path for path in notebooks() if path.stem == name] or \
                [path for path in notebooks() if path.stem.startswith(f"{name}_")]
    if len(found) != 1:
        known = ", ".join(path.stem for path in notebooks()) or "none"
        raise InputError(f"check: {name} is {'no' if not found else 'more than one'} assignment; "
                         f"give the path of a notebook, or one of {known}")
    return found[0]


def notebooks():
    """Return the notebooks of all assignments, sorted."""
    return sorted(path for path in ASSIGNMENTS.glob("*/*.ipynb") if path.stem == path.parent.name)


def report(path):
    """Print what the visible checks of a notebook say.

    Parameters
    ----------
    path : Path

    Returns
    -------
    status : int
        0 if every check passed, else 1.
    """
    outcomes = check(path)
    for outcome in outcomes:
        said = "fail" if outcome.message else "pass"
        print(f"{said}  {outcome.task}  {outcome.points:g} of {outcome.most:g} points")
        if outcome.message:
            print(textwrap.indent(outcome.message, " " * 6))
            print(f"      read again: {outcome.read}" if outcome.read else "", end="\n" * bool(outcome.read))
    points, most = (sum(getattr(outcome, name) for outcome in outcomes) for name in ("points", "most"))
    print(f"{points:g} of {most:g} points so far. "
          "Grading uses other numbers; answers in words are graded by hand.")
    return int(any(outcome.message for outcome in outcomes))


def tasks(path):
    """Return the grade ids of a notebook's tasks, in order, without running it."""
    checks = [cell for cell in code_cells(read(path)) if _mark(cell, "grade")]
    return [_mark(cell, "grade_id").removesuffix("-check") for cell in checks]


def check(path):
    """Run a notebook in a fresh kernel, from its own folder, and collect what its checks say.

    Parameters
    ----------
    path : Path

    Returns
    -------
    outcomes : list of Outcome

    Raises
    ------
    InputError
        If it is not a notebook, has no checks, ends Python itself, or a given cell fails.
    """
    book = read(path)
    probe = f"{inspect.getsource(first_wrong)}\nfirst_wrong()"
    cells = []
    for cell in code_cells(book):
        cells += [cell, new_code_cell(probe)] if _mark(cell, "grade") else [cell]
    if len(cells) == len(code_cells(book)):
        raise InputError(f"check: {path} has no checks; get the assignment again and add your answers")
    run = new_notebook(cells=cells, metadata=book.metadata)
    kernels = KernelSpecManager(kernel_dirs=[])         # only this Python's own
    client = NotebookClient(run, km=AsyncKernelManager(kernel_spec_manager=kernels),
                            timeout=SECONDS, interrupt_on_timeout=True, allow_errors=True,
                            resources={"metadata": {"path": str(path.parent)}},
                            extra_arguments=["--log-level=CRITICAL"])
    try:
        client.execute(cleanup_kc=True)
    except DeadKernelError:
        raise InputError(f"check: a cell of {path} ended Python itself (out of memory, exit, or a crash); "
                         "run the cells one by one to find it") from None
    for cell in cells:
        if _mark(cell, "locked") and not _mark(cell, "grade") and (problem := _error(cell)):
            raise InputError(f"check: a cell that was given fails ({problem}); put it back as it was, and "
                             "install the course in this Python: pip install -e .")
    return [_outcome(run, index, cell) for index, cell in enumerate(cells) if _mark(cell, "grade")]


def _outcome(book, index, cell):
    """Return what a check and the cells around it came to, once they have run."""
    task = _mark(cell, "grade_id").removesuffix("-check")
    points, read = _mark(cell, "points"), cell.metadata.get("course", {}).get("read", "")
    answers = [other for other in book.cells if _mark(other, "grade_id") == task]
    course = book.metadata.get("course", {})
    message = "\n".join(filter(None, [*map(_error, answers), *_foreign(answers, course)]))
    message = message or _error(cell)
    wrong = "".join(output.get("text", "") for output in book.cells[index + 1].outputs)
    if "AssertionError" in message and wrong:
        message = json.loads(wrong)
    return Outcome(task, 0 if message else points, points, message, read)


def _error(cell):
    """Return why a cell failed, or an empty text."""
    for output in cell.get("outputs", ()):
        if output.output_type == "error":
            if output.ename == "NotImplementedError":
                return "not answered yet"
            if output.ename == "KeyboardInterrupt":
                return f"ran longer than {SECONDS} s"
            return f"{output.ename}: {output.evalue}".strip()
    return ""


def _foreign(answers, course):
    """Yield a line for every import of an answer that the grader does not have."""
    allowed = {*sys.stdlib_module_names, *course.get("packages", ())}
    inner = {f"tinynet.{name.replace('/', '.')}." for name in course.get("tinynet", ())}
    for answer in answers:
        try:
            nodes = list(ast.walk(ast.parse(answer.source)))
        except SyntaxError:
            continue
        names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module:
                names += [node.module] + [f"tinynet.{alias.name}" for alias in node.names
                                          if node.module == "tinynet" and find_spec(f"tinynet.{alias.name}")]
        for name in names:
            mine = any(f"{name}.".startswith(known) or known.startswith(f"{name}.") for known in inner)
            if name.split(".")[0] not in allowed and not mine:
                yield f"imports {name}, which the grader does not have: write it yourself"


def _mark(cell, key):
    return cell.metadata.get("nbgrader", {}).get(key)


def first_wrong():
    """Print, as JSON, the first wrong number of the last failed ``assert_allclose``. Runs in the kernel."""
    import json
    import sys

    import numpy as np

    traceback = getattr(sys, "last_traceback", None)
    while traceback and traceback.tb_frame.f_code.co_name != "assert_allclose":
        traceback = traceback.tb_next
    if traceback:
        found = traceback.tb_frame.f_locals
        got, want = np.asarray(found["actual"]), np.asarray(found["desired"])
        if got.shape != want.shape and want.shape:
            print(json.dumps(f"the shape is {got.shape} and should be {want.shape}"))
        else:
            want = np.broadcast_to(want, got.shape)
            wrong = np.argwhere(~np.isclose(got, want, found["rtol"], found["atol"]))
            place = tuple(map(int, wrong[0]))
            print(json.dumps(f"{len(wrong)} of {got.size} numbers are wrong; the first, at {list(place)}, is "
                             f"{got[place]} and should be {want[place]} (relative tolerance "
                             f"{found['rtol']:g})"))
