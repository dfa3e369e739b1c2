"""``python -m course generate``: assignments made from their solutions by nbgrader's converter."""
import shutil
import tempfile
from pathlib import Path

from tinynet.errors import InputError

from .check import ASSIGNMENTS
from .notebook import ROOT, read, write

SOLUTIONS = ROOT / "solutions"
RUBRIC = "rubric.md"            # how a report is marked: students get it as it stands


def add_command(commands):
    """Add ``generate`` to the commands of ``python -m course``."""
    parser = commands.add_parser("generate", help="make assignments/ from solutions/ (staff)")
    parser.set_defaults(run=lambda arguments: generate(SOLUTIONS, ASSIGNMENTS))


def solutions(folder=SOLUTIONS):
    """Return the solution notebooks, ``NAME/NAME.ipynb``, sorted."""
    return sorted(path for path in folder.glob("*/*.ipynb") if path.stem == path.parent.name)


def generate(folder, out):
    """Write the students' notebook of every solution, and the rubric beside it, and leave all other files alone.

    Parameters
    ----------
    folder : Path
        The solutions.
    out : Path
        Receives ``NAME/NAME.ipynb``: the same bytes at every run.

    Returns
    -------
    status : int
        0.

    Raises
    ------
    InputError
        If nbgrader is missing or refuses a notebook.
    """
    for path in solutions(folder):
        released = convert(path)
        target = out / path.stem / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        write(released, target)
        print(target)
        if (path.parent / RUBRIC).exists():
            shutil.copyfile(path.parent / RUBRIC, target.parent / RUBRIC)
    return 0


def convert(path):
    """Return what nbgrader releases of a solution.

    The converter sees the notebook alone, in an empty folder: no other file can leak, and no configuration or
    database of the user's changes the result.

    Parameters
    ----------
    path : Path
        ``NAME/NAME.ipynb``.

    Returns
    -------
    notebook : nbformat.NotebookNode
        Without solutions and outputs, checks locked.

    Raises
    ------
    InputError
        If nbgrader is missing or refuses the notebook.
    """
    try:
        from nbgrader.converters import GenerateAssignment
        from nbgrader.converters.base import NbGraderException
        from nbgrader.coursedir import CourseDirectory
        from traitlets.config import Config
    except ImportError:
        raise InputError("generate: nbgrader is not installed; pip install -e '.[instructor]'") from None
    with tempfile.TemporaryDirectory() as base:
        base = Path(base).resolve()
        (base / "source" / path.stem).mkdir(parents=True)
        shutil.copy(path, base / "source" / path.stem)
        config = Config()
        config.CourseDirectory.root = str(base)
        config.CourseDirectory.assignment_id = path.stem
        config.GenerateAssignment.no_database = True
        config.SaveCells.enabled = False                    # it would write to the database
        try:
            GenerateAssignment(coursedir=CourseDirectory(config=config), config=config).start()
        except NbGraderException:
            raise InputError(f"generate: nbgrader refuses {path}; its messages above say why") from None
        return read(base / "release" / path.stem / path.name)
