"""Running one task's answer as grading runs it, but on the visible check and as an ordinary program of this user."""
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from tinynet.errors import InputError

from . import arrange, library
from .limits import THREADS, Limits, death, environment, python

PARTS = [{"name": "check", "call": "visible", "trials": 1}]


class AsGraded:
    """Runs answers one by one. A context manager.

    Parameters
    ----------
    packages, modules : sequence of str
        What an answer may import: see `library`.
    """

    def __init__(self, packages, modules):
        self.limits, self.names = Limits(), tuple(packages)
        self._temporary = tempfile.TemporaryDirectory(prefix="course-check-", ignore_cleanup_errors=True)
        self.folder = Path(self._temporary.name)
        (self.folder / "library").mkdir()
        library.build(self.folder / "library", modules)
        arrange.put_programs(self.folder)
        packages = sorted({str(path.parent) for path in library.package_paths(packages)})
        self.path = [str(self.folder / "library"), *packages]

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._temporary.cleanup()

    def check(self, cells, chosen, check, given):
        """Run a task's check on an answer.

        Parameters
        ----------
        cells, chosen, given
            As in `arrange.job`.
        check : cells.Cell
            The visible check.

        Returns
        -------
        wrong : str
            What is wrong; empty if the check passes.
        failed : str
            Lines of the answer's cell that fail; they cost nothing by themselves.
        """
        job = arrange.job(cells, chosen, check.grade_id.removesuffix("-check"), given, [visible, first_wrong], PARTS)
        wrong, failed, ended = self._run(job | {"whole": False}, check.source)
        if wrong and not ended:
            again = self._run(job | {"whole": True}, check.source)
            if not again[2]:
                wrong, failed, _ = again
        return wrong, failed

    def _run(self, job, source):
        """Return what is wrong, what failed, and whether the program did not come to its end."""
        with tempfile.TemporaryDirectory(dir=self.folder, ignore_cleanup_errors=True) as home:
            job = job | self.limits.for_runner() | {"path": self.path, "packages": self.names, "sandboxed": False,
                                                    "fenced": environment(home)}
            Path(self.folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
            np.savez(self.folder / "inputs.npz", **{"0/source": np.array(source)})
            command = [*python(sys.executable), str(self.folder / "runner.py"), str(self.folder)]
            with subprocess.Popen(command, cwd=home, env=os.environ | THREADS, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                try:
                    output, log = process.communicate(timeout=self.limits.wall)
                    problem = death(process.returncode, self.limits)
                except subprocess.TimeoutExpired:
                    process.kill()
                    output, log = process.communicate()
                    problem = f"took longer than {self.limits.wall:g} s"
                finally:
                    process.kill()
        if b'File "<given>"' in log and problem:
            why = log.decode(errors="replace").splitlines()[-1]
            raise InputError(f"check: a cell that was given fails ({why}); put it back as it was, and "
                             "install the course in this Python: pip install -e .")
        if len(log) > self.limits.log:
            problem = f"printed more than {self.limits.log / 1e6:.3g} MB"
        found = _results(output)
        failed = found.get("failed", "")
        wrong = found.get("check/error", found.get("check/0/said", problem or "the program ended early"))
        if any(text.rsplit("\n", 1)[-1].startswith("NotImplementedError") for text in (wrong, failed if wrong else "")):
            wrong, failed = "not answered yet", ""
        return problem or wrong, failed, bool(problem)


def _results(output):
    """Return the texts in the frames that `runner` wrote."""
    found, at = {}, 0
    while at + 8 <= len(output):
        end = at + 8 + int.from_bytes(output[at:at + 8], "big")
        if end > len(output):
            break
        with np.load(io.BytesIO(output[at + 8:end]), allow_pickle=False) as arrays:
            found |= {name: str(arrays[name]) for name in arrays}
        at = end
    return found


def visible(answer, source):
    """Run a visible check, and return what it says. Runs in the answer's process."""
    import traceback
    try:
        exec(compile(source, "<check>", "exec", optimize=0), dict(vars(answer)))
    except AssertionError as error:
        return {"said": first_wrong(error.__traceback__) or "".join(traceback.format_exception_only(error)).strip()}
    return {"said": ""}


def first_wrong(traceback):
    """Return the first wrong number of a failed ``assert_allclose``, or None. Runs in the answer's process."""
    while traceback and traceback.tb_frame.f_code.co_name != "assert_allclose":
        traceback = traceback.tb_next
    if not traceback:
        return None
    found = traceback.tb_frame.f_locals
    got, want = np.asarray(found["actual"]), np.asarray(found["desired"])
    if got.shape != want.shape and want.shape:
        return f"the shape is {got.shape} and should be {want.shape}"
    want = np.broadcast_to(want, got.shape)
    wrong = np.argwhere(~np.isclose(got, want, found["rtol"], found["atol"]))
    place = tuple(map(int, wrong[0]))
    return (f"{len(wrong)} of {got.size} numbers are wrong; the first, at {list(place)}, is {got[place]} and should be "
            f"{want[place]} (relative tolerance {found['rtol']:g})")
