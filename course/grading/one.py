"""Grading one submission: its answers are run task by task, on inputs that the solution was run on too."""
import time
from dataclasses import dataclass

import numpy as np

from course.answers import arrange, session
from tinynet.errors import InputError

from . import compare, contract, wire, written

FAILED = 4 * session.MOST_FAILED * session.LONGEST_MESSAGE + 4000       # bytes for what failed without costing points
LOG_KEPT = 4000                 # characters of what a task printed: the last ones
ROOM = 4 << 20                  # bytes for a text that a rule judges: it has the length it has, not the solution's


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
    box : process.Runner

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
        job = _job(assignment, task, assignment.cells, [assignment.asked(task)])
        finished = box.run(job | {"whole": True}, inputs, wire.LARGEST)
        results = wire.read(finished.output)
        faults = [f"{key} {value}" for key, value in results.items() if key.endswith("/error") or key == "failed"]
        faults += [f"{key} is not finite" for key, array in results.items()
                   if array.dtype.kind == "f" and not np.isfinite(array).all()]
        faults += [f"{part.name} returned nothing" for part in task.parts
                   if not any(key.startswith(f"{part.name}/") for key in results)]
        faults += [f"{part.name}: {fault}" for part in task.parts
                   if part.rule and (fault := compare.apply(part.rule, results, part.name))]
        if finished.problem or faults:
            detail = finished.log.decode("utf-8", "replace")[-500:]
            raise InputError(f"assignment {assignment.name}: the solution of {task.grade_id} fails: "
                             f"{'; '.join([finished.problem] * bool(finished.problem) + faults)} {detail}")
        room = sum(ROOM if part.rule else 16_000 for part in task.parts)
        references.append(Reference(inputs, results, 4 * len(finished.output) + FAILED + room))
    return references


def grade_one(work, assignment, references, box):
    """Grade one submission.

    Parameters
    ----------
    work : submission.Submission
    assignment : contract.Assignment
    references : list of Reference
    box : process.Runner

    Returns
    -------
    result : dict
        What `tables` and `pages` show: student, sha256, notes, tasks and written answers.
    """
    end = time.monotonic() + assignment.limits.total
    tasks = [_grade_task(work, assignment, task, reference, box, end)
             for task, reference in zip(assignment.tasks, references, strict=True)]
    answers = []
    for question in assignment.written:
        text, note = written.find(work.cells, assignment.cells, question.grade_id)
        work.notes += [note] if note else []
        answers.append({"task": question.grade_id, "max": question.points, "text": text})
    return {"student": work.student, "sha256": work.sha256, "notes": work.notes, "tasks": tasks, "written": answers}


def _grade_task(work, assignment, task, reference, box, end):
    chosen, note = arrange.answers(work.cells, task.grade_id, assignment.asked(task).source)
    work.notes += [note] if note else []

    def run(whole):
        """Run the task, with the definitions of the other cells or with all that they do."""
        if time.monotonic() > end:
            late = f"not run: the tasks before it took longer than {assignment.limits.total:g} s"
            return _Run(task, reference, late)
        job = _job(assignment, task, work.cells, chosen) | {"whole": whole}
        return _Run.of(task, reference, box.run(job, reference.inputs, reference.limit))

    best = run(whole=False) if chosen else _Run(task, reference, "not answered")
    if best.problem:
        work.notes += [f"{task.grade_id}: {best.problem}"] if chosen else []
    elif any(verdict.message for verdict in best.verdicts):
        best = best.with_better_parts_of(run(whole=True))
    parts = [{"part": part.name, "points": verdict.points, "max": part.points, "message": verdict.message}
             for part, verdict in zip(task.parts, best.verdicts)]
    return {"task": task.grade_id, "points": sum(part["points"] for part in parts), "max": task.points,
            "parts": parts, "printed": best.log, "failed": best.failed, "facts": best.facts}


class _Run:
    """What came of one run of a task: a verdict for each part, and what to tell the student besides."""

    def __init__(self, task, reference, problem, got=None, log=""):
        got = got or {}
        self.problem, self.log = problem, log
        self.verdicts = [compare.judge(part, reference.results, got, problem) for part in task.parts]
        self.failed = str(got.get("failed", ""))[:compare.LONGEST_MESSAGE]
        first = next((part.name for part in task.parts if part.rule and f"{part.name}/0/" in got), None)
        self.facts = compare.apply(task.facts, got, first) if task.facts and first else ""

    @classmethod
    def of(cls, task, reference, finished):
        log = finished.log.decode("utf-8", "replace")[-LOG_KEPT:]
        try:
            return cls(task, reference, finished.problem, wire.read(finished.output), log)
        except wire.Forged as error:
            return cls(task, reference, f"forged or damaged results: {error}", log=log)

    def with_better_parts_of(self, other):
        """Return the other run, each part with the better verdict of both; if the other one broke down, this one."""
        if other.problem:
            return self
        other.facts = other.facts or self.facts
        other.verdicts = [max(pair, key=lambda verdict: verdict.points) for pair in zip(other.verdicts, self.verdicts)]
        return other


def _job(assignment, task, cells, chosen):
    parts = [{"name": part.name, "call": part.call.__name__, "trials": task.trials} for part in task.parts]
    shipped = [*task.support, *(part.call for part in task.parts)]
    return arrange.job(cells, chosen, task.grade_id, assignment.given, shipped, parts)
