"""Run lessons in fresh kernels and store what they show."""
import sys
import time

from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from .guard import faults
from .kernel import client, run
from .notebook import code_cells, read, shown, tidy, varies, write

CELL_SECONDS = 120              # nbval's limit in `make test` too


class LessonError(Exception):
    """A lesson cannot be stored: a cell failed, or what it shows breaks a rule of `course.guard`."""


def execute(paths, measure=False):
    """Run lessons one by one and write them back, with a line on stderr for each.

    A lesson that fails keeps the file it had, and the next one is run.

    Parameters
    ----------
    paths : list of Path
    measure : bool
        Whether to store new outputs for the cells tagged ``nbval-ignore-output`` that have one already.

    Returns
    -------
    status : int
        0 if every lesson was written, 1 if one was not.
    """
    status = 0
    for path in paths:
        lesson, start = read(path), time.perf_counter()
        print(f"{path.stem} ", end="", file=sys.stderr, flush=True)
        try:
            rerun(lesson, path.parent, measure)
        except LessonError as error:
            print(f"failed\n{path}: {error}", file=sys.stderr)
            status = 1
        else:
            write(lesson, path)
            print(f"{time.perf_counter() - start:.1f} s", file=sys.stderr)
    return status


def rerun(notebook, folder, measure=False):
    """Run a notebook in a fresh kernel of this Python; what it stores then is tidy and free of faults.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Changed in place.
    folder : Path
        The kernel's working folder.
    measure : bool
        As in `execute`.

    Raises
    ------
    LessonError
        If a cell fails, takes too long or ends the kernel, or if it breaks a rule of `course.guard`.
    """
    cells = code_cells(notebook)
    before = [cell.outputs if varies(cell) and not measure else [] for cell in cells]
    _run(notebook, folder)
    for cell, outputs in zip(cells, before):
        cell.outputs = outputs or cell.outputs
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = cell.execution_count
    tidy(notebook)
    if found := faults(notebook):
        raise LessonError("\n    ".join(["not stored, since", *found]))


def _run(notebook, folder):
    reached = 0

    def note(cell, cell_index):
        nonlocal reached
        reached += cell.cell_type == "code"

    runs = client(notebook, folder, timeout=CELL_SECONDS, record_timing=False, coalesce_streams=True,
                  on_cell_start=note)
    try:
        run(runs)
    except CellExecutionError as error:
        trace = shown(code_cells(notebook)[reached - 1].outputs[-1])
        raise LessonError(f"cell [{reached}] failed: {error.ename}: {error.evalue}\n{trace}") from None
    except CellTimeoutError:
        raise LessonError(f"cell [{reached}] took longer than {CELL_SECONDS} s") from None
    except DeadKernelError:
        raise LessonError(f"cell [{reached}] ended the kernel (out of memory, or a crash?)") from None
