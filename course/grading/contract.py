"""What an assignment tells the grader: its tasks, how their inputs are drawn, what is asked of an answer.

An assignment is a folder ``NAME`` with the solution, ``NAME.ipynb``, and beside it ``checks.py``, which
defines ``ASSIGNMENT``. The reference of every check is the solution itself, so no expected number is written
down anywhere.
"""
import importlib.util
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from course.answers import cells
from course.answers.limits import Limits
from tinynet.errors import InputError
from tinynet.files import sha256


@dataclass(frozen=True)
class Part:
    """Points for one thing that a task's answer must get right; independent of the task's other parts.

    Attributes
    ----------
    name : str
        Unique in its task, shown to the student.
    points : float
    call : callable
        ``call(answer, ...)`` uses the student's names (``answer.relu``) and returns an array, a number, a str
        or a dict of them. Its other parameters are filled, by name, with what the task's ``inputs`` drew. Its
        source is sent into the sandbox: it knows ``np``, the task's ``support`` and what it imports itself.
    rtol, atol : float
        A float is right if ``|got - want| <= atol + rtol * |want|``. Integers, truth values and text must be
        equal.
    rule : callable, optional
        For what only the student can have, such as the records of their own runs, where there is nothing to compare
        with: ``rule(text)`` returns what is wrong with the text that the call returned, empty if nothing is. It runs
        outside the sandbox, on a text that anybody may have written. If it raises, the text counts as no record.
    """

    name: str
    points: float
    call: Callable
    rtol: float = 1e-6
    atol: float = 1e-9
    rule: Callable | None = None


@dataclass(frozen=True)
class Task:
    """One answer cell and what is asked of it.

    Attributes
    ----------
    grade_id : str
        The answer cell's; its visible check is the cell ``grade_id + "-check"``.
    inputs : callable
        ``inputs(rng) -> dict`` of arrays, numbers and str, drawn outside the sandbox.
    parts : sequence of Part
    trials : int
        How often inputs are drawn; a part must be right every time.
    support : sequence of callable
        Functions and classes that the parts' calls use; their source is sent too.
    facts : callable, optional
        ``facts(text)`` sums up, in a line, what a part with a rule was told: it stands beside the student's written
        answers, for whoever marks them.
    """

    grade_id: str
    inputs: Callable
    parts: tuple
    trials: int = 3
    support: tuple = ()
    facts: Callable | None = None

    @property
    def points(self):
        """Sum of the parts' points."""
        return sum(part.points for part in self.parts)


@dataclass(frozen=True)
class Written:
    """A question answered in words and graded by hand.

    Attributes
    ----------
    grade_id : str
        The written cell's.
    points : float
    """

    grade_id: str
    points: float


@dataclass
class Assignment:
    """All tasks of one assignment. ``checks.py`` gives the first three; `load` adds what the notebook says.

    Attributes
    ----------
    tasks : sequence of Task
    written : sequence of Written
    limits : Limits
    name : str
        The folder's.
    cells : list of cells.Cell
        Of the solution.
    packages, modules : tuple of str
        What an answer may import besides the standard library: packages, and modules of tinynet.
    sha256 : str
        Of the solution and the checks.
    """

    tasks: tuple
    written: tuple = ()
    limits: Limits = field(default_factory=Limits)
    name: str = ""
    cells: list = field(default_factory=list)
    packages: tuple = ()
    modules: tuple = ()
    sha256: str = ""

    @property
    def given(self):
        """From grade id to source: the solution's given cells, which run before every answer."""
        return {cell.grade_id: cell.source for cell in self.cells if cell.kind == "given"}

    def asked(self, task):
        """Return the solution's cell of a task."""
        return next(cell for cell in self.cells if cell.grade_id == task.grade_id)


def load(folder):
    """Read an assignment and check that its notebook and its checks agree.

    Parameters
    ----------
    folder : str or Path
        ``solutions/NAME``.

    Returns
    -------
    assignment : Assignment

    Raises
    ------
    InputError
        If a file is missing or the two disagree.
    """
    folder = Path(folder)
    solution, checks = folder / f"{folder.name}.ipynb", folder / "checks.py"
    for path in (solution, checks):
        if not path.is_file():
            raise InputError(f"assignment {folder.name}: {path} does not exist; an assignment is a folder of "
                             "the notebook's name with the notebook and checks.py in it")
    book = cells.parse(solution.read_bytes())
    assignment = _run(checks).ASSIGNMENT
    assignment.name, assignment.cells = folder.name, book.cells
    if "course" not in book.metadata:
        raise InputError(f"assignment {folder.name}: the notebook's metadata does not say what an answer may "
                         'import, as in "course": {"packages": ["numpy"], "tinynet": ["tensor"]}')
    assignment.packages = tuple(book.metadata["course"]["packages"])
    assignment.modules = tuple(book.metadata["course"]["tinynet"])
    assignment.sha256 = sha256((sha256(solution) + sha256(checks)).encode())
    for fault in _faults(assignment):
        raise InputError(f"assignment {folder.name}: {fault}")
    return assignment


def draw(task, index, seed):
    """Draw a task's inputs.

    Parameters
    ----------
    task : Task
    index : int
        Its place in the assignment.
    seed : int
        The run's secret.

    Returns
    -------
    trials : list of dict
        From name to array, one dict for each trial.
    """
    sources = (np.random.SeedSequence(seed, spawn_key=(index, trial)) for trial in range(task.trials))
    return [{name: np.asarray(value) for name, value in task.inputs(np.random.default_rng(source)).items()}
            for source in sources]


def _run(path):
    spec = importlib.util.spec_from_file_location(f"checks_{path.parent.name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _faults(assignment):
    """Yield what is wrong with an assignment, each as the end of a sentence."""
    kinds = {}
    for cell in assignment.cells:
        if cell.grade_id in kinds and cell.grade_id is not None:
            yield f"two cells have the grade id {cell.grade_id}"
        kinds[cell.grade_id] = cell
    wanted = [(task.grade_id, "answer", None) for task in assignment.tasks]
    wanted += [(f"{task.grade_id}-check", "check", task.points) for task in assignment.tasks]
    wanted += [(question.grade_id, "written", question.points) for question in assignment.written]
    for grade_id, kind, points in wanted:
        cell = kinds.get(grade_id)
        if cell is None or cell.kind != kind or cell.points != points:
            found = "none" if cell is None else f"a cell of kind {cell.kind} with {cell.points} points"
            yield f"checks.py wants the {kind} cell {grade_id} with {points} points, the notebook has {found}"
    for task in assignment.tasks:
        parts = [part.name for part in task.parts]
        if len(set(parts)) < len(parts) or any("/" in name for name in parts):
            yield f"{task.grade_id}: the names of its parts, {parts}, are not different or have a /"
        names = set(task.inputs(np.random.default_rng(0)))
        for part in task.parts:
            if missing := set(list(inspect.signature(part.call).parameters)[1:]) - names:
                yield f"{task.grade_id}: {part.name} takes {sorted(missing)}, which its inputs do not draw"
