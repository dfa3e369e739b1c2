"""``python -m course grade``: every submission of an assignment, graded on inputs drawn from a secret.

What is done is kept in ``OUT/.state``, one file for each student, so a run that was killed goes on where it
stopped. A kept result is used only for the same student, the same bytes, the same assignment and the same
grader. Whatever is graded later gets new inputs: who learned the old ones from feedback has learned nothing.
"""
import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout
from tqdm import tqdm

from tinynet.errors import InputError
from tinynet.files import atomic_write, sha256
from tinynet.compute.threads import usable_cores

from . import contract, marks, one, pages, submission, tables
from .process import Stopped
from .sandbox import Sandbox
from .unsandboxed import RISK, Unsandboxed


def add_command(commands):
    """Add ``grade`` to the commands of ``python -m course``."""
    parser = commands.add_parser("grade", help="grade submissions of an assignment in a sandbox (staff)")
    parser.add_argument("submissions", type=Path, metavar="SUBMISSIONS",
                        help="a folder of STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb, as nbgrader collects them")
    parser.add_argument("--assignment", required=True, metavar="NAME", help="as in: a1_autograd_layers")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where grades and feedback go")
    parser.add_argument("--solutions", type=Path, default=Path("solutions"), metavar="DIR",
                        help="where NAME/NAME.ipynb and NAME/checks.py are (default: solutions)")
    parser.add_argument("--due", type=_moment, metavar="TIME",
                        help="note what came later, as in: 2026-11-30T23:59")
    parser.add_argument("--marks", type=Path, metavar="FILE",
                        help="marks of written answers: a copy of DIR/marks.csv, filled in")
    parser.add_argument("--workers", type=int, default=usable_cores(), metavar="N",
                        help="sandboxes at once, by default one for each core; each may use 2 GB")
    parser.add_argument("--unsandboxed", action="store_true",
                        help="run students' programs as yourself: unsafe, and says why")
    parser.set_defaults(run=grade)


def grade(arguments):
    """Grade every submission and write all reports.

    Parameters
    ----------
    arguments : argparse.Namespace
        What `add_command` describes.

    Returns
    -------
    status : int
        0.

    Raises
    ------
    InputError
        If bubblewrap does not work, a folder or the assignment is faulty, or another run writes to the same
        place.
    """
    out = arguments.out
    if arguments.submissions.resolve() in (out.resolve(), *out.resolve().parents):
        raise InputError(f"grade: --out {out} lies in {arguments.submissions}, where every folder is a "
                         "student's; choose another")
    if arguments.workers < 1:
        raise InputError(f"grade: --workers is {arguments.workers}; give a whole number above 0")
    assignment = contract.load(arguments.solutions / arguments.assignment)
    if arguments.marks:
        marks.rows(arguments.marks)                 # a mistake in it is told before anything is graded
    folders, notes = submission.students(arguments.submissions)
    state = out / ".state"
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o700)                              # it holds secrets
    try:
        with FileLock(state / "lock", timeout=0):
            results = _grade_all(arguments, assignment, folders, state)
            given, changed = marks.kept(state, results, marks.read(arguments.marks, results) if arguments.marks else {})
            notes += changed + tables.twins(results)
            notes += marks.list_open(out / "marks.csv", results) if assignment.written else []
            tables.write(out, assignment, results, given, notes)
            pages.write(out, assignment, results, given)
    except Timeout:
        raise InputError(f"grade: another run is writing to {out}; wait for it or choose another") from None
    for line in notes + [f"{result['student']}: {note}" for result in results for note in result["notes"]]:
        print(submission.printable(line))
    print(f"{len(results)} submissions graded: {out / 'grades.csv'}")
    return 0


def _grade_all(arguments, assignment, folders, state):
    """Return every student's result, in order, graded now or kept from a run before."""
    if arguments.unsandboxed:
        print(RISK)
    kind = Unsandboxed if arguments.unsandboxed else Sandbox
    seed = secrets.randbits(128)
    with kind(assignment.packages, assignment.modules, assignment.limits) as box:
        references = one.prepare(assignment, seed, box)
        code = "".join(sha256(path) for path in sorted(Path(__file__).parents[1].glob("*/*.py")))
        key = sha256(f"{kind.__name__} {assignment.sha256} {arguments.due} {code}".encode())

        def work(folder):
            try:
                work = submission.read(folder, assignment.name, arguments.due)
                path = state / f"{submission.folder_name(work.student)}.json"
                result = _kept(path, work, key)
                if result is None:
                    result = one.grade_one(work, assignment, references, box) | {"seed": seed, "key": key}
                    with atomic_write(path) as file:
                        file.write(json.dumps(result).encode())
                return result
            except Exception as error:              # one submission's trouble is not the others'
                if isinstance(error, Stopped):
                    raise
                failed = submission.Submission(submission.printable(folder.name))
                failed.notes.append(f"THE GRADER FAILED, grade this by hand: {type(error).__name__}: {error}")
                return one.grade_one(failed, assignment, references, box)

        with ThreadPoolExecutor(arguments.workers) as pool:
            try:
                return list(tqdm(pool.map(work, folders), total=len(folders), desc="graded", disable=None))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                box.stop()
                raise


def _kept(path, work, key):
    """Return a student's result from a run before, if it is of this very work."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        same = (result["student"], result["sha256"], result["key"]) == (work.student, work.sha256, key)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return result if same else None


def _moment(text):
    return datetime.fromisoformat(text).astimezone()
