"""Grading one submission: its answers are run task by task, on inputs that the solution was run on too."""
import time
from dataclasses import dataclass

import numpy as np

from tinynet.errors import InputError

from . import compare, contract, submission, wire

LOG_KEPT = 4000                 # characters of what a task printed
UNANSWERED = ("", "YOUR ANSWER HERE")


@dataclass(frozen=True)
class Reference:
    """A task's inputs and what the solution makes of them.

    Attributes
    ----------
    inputs : bytes
        An ``.npz``.
    results : dict
        From ``part/trial/key`` to ndarray.
    limit : int
        Bytes of results that an answer may return.
    """

    inputs: bytes
    results: dict
    limit: int


def prepare(assignment, seed, box):
    """Draw the inputs of every task and run the solution on them, in processes of its own.

    Parameters
    ----------
    assignment : contract.Assignment
    seed : int
    box : sandbox.Sandbox or unsandboxed.Unsandboxed

    Returns
    -------
    references : list of Reference
        One for each task.

    Raises
    ------
    InputError
        If the solution of a task fails, or returns what is not finite.
    """
    references = []
    for index, task in enumerate(assignment.tasks):
        inputs = wire.inputs(contract.draw(task, index, seed))
        source = next(cell.source for cell in assignment.cells if cell.grade_id == task.grade_id)
        others = [cell.source for cell in assignment.cells if cell.code and cell.kind in ("answer", "other")]
        finished = box.run(wire.job(assignment, task, others, [source]), inputs, wire.LARGEST)
        results = wire.read(finished.output)
        faults = [f"{key} {value}" for key, value in results.items() if key.endswith("/error")]
        faults += [f"{key} is not finite" for key, array in results.items()
                   if array.dtype.kind == "f" and not np.isfinite(array).all()]
        faults += [f"{part.name} returned nothing" for part in task.parts
                   if not any(key.startswith(f"{part.name}/") for key in results)]
        if finished.problem or faults:
            detail = finished.log.decode("utf-8", "replace")[-500:]
            raise InputError(f"assignment {assignment.name}: the solution of {task.grade_id} fails: "
                             f"{'; '.join([finished.problem] * bool(finished.problem) + faults)} {detail}")
        references.append(Reference(inputs, results, 4 * len(finished.output) + 16_000 * len(task.parts)))
    return references


def grade_one(work, assignment, references, box):
    """Grade one submission.

    Parameters
    ----------
    work : submission.Submission
    assignment : contract.Assignment
    references : list of Reference
    box : sandbox.Sandbox or unsandboxed.Unsandboxed

    Returns
    -------
    result : dict
        What `report` and `pages` show: student, sha256, notes, tasks and written answers.
    """
    end = time.monotonic() + assignment.limits.total
    tasks = [_grade_task(work, assignment, task, reference, box, end)
             for task, reference in zip(assignment.tasks, references, strict=True)]
    written = []
    for question in assignment.written:
        texts = [cell.source for cell in work.cells if cell.grade_id == question.grade_id and not cell.code]
        text = "\n\n".join(texts).strip()
        written.append({"task": question.grade_id, "max": question.points,
                        "text": "" if text in UNANSWERED else text})
    return {"student": work.student, "sha256": work.sha256, "notes": work.notes, "tasks": tasks,
            "written": written}


def _grade_task(work, assignment, task, reference, box, end):
    solution = next(cell.source for cell in assignment.cells if cell.grade_id == task.grade_id)
    cells = submission.answers(work, solution, task.grade_id)
    others = [cell.source for cell in work.cells
              if cell.code and cell.kind in ("answer", "other") and cell not in cells]
    problem, log, got = "not answered", "", {}
    if cells and time.monotonic() > end:
        problem = f"not run: the tasks before it took longer than {assignment.limits.total:g} s"
    elif cells:
        job = wire.job(assignment, task, others, [cell.source for cell in cells])
        finished = box.run(job, reference.inputs, reference.limit)
        problem, log = finished.problem, finished.log.decode("utf-8", "replace")[-LOG_KEPT:]
        try:
            got = wire.read(finished.output)
        except wire.Forged as error:
            problem = f"forged or damaged results: {error}"
    if problem not in ("", "not answered"):
        work.notes.append(f"{task.grade_id}: {problem}")
    parts = []
    for part in task.parts:
        verdict = compare.judge(part, reference.results, got, problem)
        parts.append({"part": part.name, "points": verdict.points, "max": part.points,
                      "message": verdict.message})
    return {"task": task.grade_id, "points": sum(part["points"] for part in parts), "max": task.points,
            "parts": parts, "printed": log}
