"""``python -m course check a1``: each answer run as it is graded, on the visible check; the notebook as in Jupyter."""
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

from tinynet.errors import InputError

from . import kernel
from .answers import arrange, cells, library
from .answers.asgraded import AsGraded
from .notebook import ROOT

ASSIGNMENTS = ROOT / "assignments"
SECONDS = 60                    # one cell's time in the notebook


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
    note : str
        What is odd although the check passed.
    """

    task: str
    points: float
    most: float
    message: str
    read: str
    note: str = ""


@dataclass(frozen=True)
class Work:
    """A notebook to be checked, and what its assignment says where the notebook itself has lost it.

    Attributes
    ----------
    path : Path
    cells : list of cells.Cell
    checks, given, asked : dict
        The assignment's cells by grade id: the checks; sources of given cells; sources of answers, not solved.
    packages, modules : list of str
        What an answer may import.
    """

    path: Path
    cells: list
    checks: dict
    given: dict
    asked: dict
    packages: list
    modules: list


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
    if Path(name).is_file():
        return Path(name)
    found = [path for path in notebooks() if path.stem == Path(name).name] or \
            [path for path in notebooks() if path.stem.startswith(f"{name}_")]
    if len(found) != 1 or name.endswith(".ipynb"):
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
    outcomes = check(path, say=lambda line: print(f"check: {line}", file=sys.stderr, flush=True))
    for outcome in outcomes:
        said = "fail" if outcome.message else "pass"
        print(f"{said}  {outcome.task}  {outcome.points:g} of {outcome.most:g} points")
        for text in (outcome.message, outcome.note):
            print(textwrap.indent(text, " " * 6), end="\n" * bool(text))
        if outcome.message and outcome.read:
            print(f"      read again: {outcome.read}")
    points, most = (sum(getattr(outcome, name) for outcome in outcomes) for name in ("points", "most"))
    print(f"{points:g} of {most:g} points so far. "
          "Grading uses other numbers; answers in words are graded by hand.")
    return int(any(outcome.message for outcome in outcomes))


def tasks(path):
    """Return the grade ids of a notebook's tasks, in order, without running it."""
    return [name.removesuffix("-check") for name in read(path).checks]


def read(path):
    """Read a notebook and find its assignment.

    Parameters
    ----------
    path : Path

    Returns
    -------
    work : Work

    Raises
    ------
    InputError
        If it is not a notebook, or has no checks and no assignment is named like it.
    """
    own = _parse(path)
    sources = [own, *(_parse(other) for other in notebooks()
                      if other.resolve() != path.resolve() and _is_of(path, own, other))]
    sources.reverse()                                   # the assignment's own first
    every = [cell for book in sources for cell in book.cells if cell.grade_id is not None]
    checks, given, asked = ({cell.grade_id: cell for cell in reversed(every) if cell.kind == kind}
                            for kind in ("check", "given", "answer"))
    if not checks:
        raise InputError(f"check: {path} has no checks: it is no assignment, or a program dropped what marks them; "
                         "give it the assignment's name, or copy your answers into a fresh copy of the assignment")
    course = next((book.metadata["course"] for book in sources if isinstance(book.metadata.get("course"), dict)), {})
    everything = [item.stem for item in library.TINYNET.iterdir()
                  if item.suffix == ".py" or (item / "__init__.py").is_file()]
    in_order = {cell.grade_id: checks[cell.grade_id] for cell in every if cell.grade_id in checks}
    return Work(path, own.cells, in_order, {name: given[name].source for name in reversed(given)},
                {name: cell.source for name, cell in asked.items()}, course.get("packages", ["numpy"]),
                course.get("tinynet", [name for name in everything if not name.startswith("__")]))


def _parse(path):
    try:
        return cells.parse(path.read_bytes())
    except (InputError, OSError) as error:
        raise InputError(f"{path}: {error}") from None


def _is_of(path, own, other):
    """Return whether a notebook is work on the assignment of another one: by its checks, or else by its name."""
    if ids := {cell.grade_id for cell in own.cells if cell.kind == "check"}:
        return bool(ids & {cell.grade_id for cell in _parse(other).cells if cell.kind == "check"})
    return path.name.startswith(other.stem) or path.resolve().parent.name == other.stem


def check(path, say=lambda line: None):
    """Run the visible checks of a notebook: each answer as it is graded, and all of it as in Jupyter.

    Parameters
    ----------
    path : Path
    say : callable
        Gets a line about what takes long.

    Returns
    -------
    outcomes : list of Outcome
        The points are those of the run as it is graded; where Jupyter says something else, that is told.

    Raises
    ------
    InputError
        As in `read`.
    """
    work = read(path)
    with AsGraded(work.packages, work.modules) as graded:
        found = {}
        for name, cell in work.checks.items():
            task = name.removesuffix("-check")
            chosen, note = arrange.answers(work.cells, task, work.asked.get(task, ""))
            wrong, failed = graded.check(work.cells, chosen, cell, work.given) if chosen else ("not answered yet", "")
            found[name] = wrong, failed, note
    code = [cell for cell in work.cells if cell.code]
    errors = kernel.errors([cell.source for cell in code], path.resolve().parent, SECONDS, say)
    shown = {cell.grade_id: error for cell, error in zip(code, errors) if cell.kind == "check"}
    return [_outcome(work.checks[name], *found[name], shown.get(name)) for name in work.checks]


def _outcome(cell, wrong, failed, note, in_jupyter):
    """Return what a check came to: as it is graded, and where that is not what Jupyter shows."""
    lines = [note]
    if wrong:
        lines += ["" if failed in wrong else failed, wrong]
        if in_jupyter == "":
            lines.append("This check passes in Jupyter, but not as it is graded: with nothing but the libraries of the "
                         "first cell, no files, one thread and 5 s. Points are given for what passes there.")
    else:
        lines += [f"a line of your cell fails; the rest counts all the same:\n{failed}"] if failed else []
        if in_jupyter:
            lines.append("As it is graded this passes, so the points are yours. In Jupyter, from the top in a fresh "
                         f"kernel, its check fails: {in_jupyter.splitlines()[0][:200]}")
    text = "\n".join(filter(None, lines))
    points = cell.points or 0
    task = cell.grade_id.removesuffix("-check")
    return Outcome(task, 0 if wrong else points, points, text if wrong else "", cell.read, "" if wrong else text)
