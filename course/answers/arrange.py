"""Putting a notebook's cells in the order in which they run for one task."""
import inspect
import re
import shutil
import textwrap
from pathlib import Path

from . import runner, session, standins

UNFINISHED = re.compile(r"^[ \t]*raise NotImplementedError", re.MULTILINE)
DEFINES = re.compile(r"^(?:def|class)\s+(\w+)", re.MULTILINE)


def answers(cells, grade_id, asked):
    """Pick the cells that answer a task.

    Parameters
    ----------
    cells : list of cells.Cell
        Of the whole notebook.
    grade_id : str
    asked : str
        Source of the answer's cell in the solution or in the assignment: it defines the names asked for.

    Returns
    -------
    found : list of cells.Cell
        Those with the grade id, in order; if there is none, those that define the same names.
    note : str
        What was odd, or empty.
    """
    code = [cell for cell in cells if cell.code]
    found = [cell for cell in code if cell.grade_id == grade_id]
    if len(found) > 1:
        finished = [cell for cell in found if not UNFINISHED.search(cell.source)]
        note = f"{len(found)} cells have the grade id {grade_id}: they run one after the other, and the last one counts"
        return finished or found, note
    if found or not cells:
        return found, ""
    names = "|".join(DEFINES.findall(asked))
    defines = re.compile(rf"^[ \t]*(?:(?:async\s+)?def|class)\s+(?:{names})\b|^[ \t]*(?:{names})\s*=[^=]", re.MULTILINE)
    candidates = [cell for cell in code if names and cell.kind in ("answer", "other") and defines.search(cell.source)]
    found = [cell for cell in candidates if cell.grade_id is None] or candidates
    gone = not any(cell.grade_id == grade_id for cell in cells)
    what = f"graded the cell that defines {names.replace('|', ' or ')} instead" if found else "not answered"
    what += "" if gone or found else "; in Jupyter, select it and press Esc, y"
    return found, f"the cell with the grade id {grade_id} is {'gone' if gone else 'no code cell any more'}: {what}"


def job(cells, chosen, grade_id, given, shipped, parts):
    """Return the description of a run of one task, as `runner` takes it.

    A task is asked for in the state in which a notebook that runs from the top is when it comes to the task's
    check. What stands below the check runs after that; only names that are new are taken from there.

    Parameters
    ----------
    cells : list of cells.Cell
        Of the whole notebook.
    chosen : list of cells.Cell
        What `answers` found.
    grade_id : str
        The task's; its check is the cell ``grade_id + "-check"``.
    given : dict
        From grade id to the source of a given cell as the assignment has it. They run first; where the
        notebook's own copy is another, that runs in its place and is put right after.
    shipped : sequence of callable
        What the parts call: their source is sent.
    parts : list of dict
        As `runner.run_part` takes them.

    Returns
    -------
    job : dict
    """
    places = [place for place, cell in enumerate(cells) if any(cell is one for one in chosen)]
    last = max(places, default=-1)
    check = [place for place, cell in enumerate(cells) if place > last and cell.grade_id == f"{grade_id}-check"]
    cut = check[0] if check else last + 1
    steps = [_steps(cell, place in places, given) for place, cell in enumerate(cells)]
    return {"given": list(given.values()), "above": sum(steps[:cut], []), "below": sum(steps[cut:], []),
            "calls": "\n\n".join(textwrap.dedent(inspect.getsource(item)) for item in dict.fromkeys(shipped)),
            "parts": parts}


def _steps(cell, chosen, given):
    """Return what a cell adds to a run, as [kind, source] each."""
    if chosen:
        return [["answer", cell.source]]
    ours = given.get(cell.grade_id) if cell.kind == "given" else None
    if ours is not None:
        return [] if cell.source == ours else [["other", cell.source], ["given", ours]]
    return [["check" if cell.kind == "check" else "other", cell.source]] if cell.code else []


def put_programs(folder):
    """Copy `runner` and what it needs beside it into a folder; return the runner's path there."""
    for module in (session, standins, runner):
        shutil.copy(module.__file__, folder)
    return folder / Path(runner.__file__).name
