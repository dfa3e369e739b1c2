"""Running a student's program as an ordinary program of this user: watched and limited, but not confined."""
import os
import sys

from course.answers.limits import THREADS, python

from .process import Runner

RISK = """\
UNSANDBOXED: students' programs run as you. Each of them can
  - read, change and delete every file of yours: solutions, checks, submissions, these grades, your keys;
  - use the network, start programs that outlive this one, and fill the memory and the disk;
  - so give itself, or anyone, any grade, now or later.
Grade like this only what you have read, or on a machine with nothing else on it, and believe no grade."""


class Unsandboxed(Runner):
    """Runs answers as ordinary programs of this user: unsafe, see `RISK`."""

    sandboxed = False

    def path(self):
        """Return what an answer's ``sys.path`` begins with."""
        return [str(self.library), *sorted({str(package.parent) for package in self.packages})]

    def start(self, box):
        """Start `runner` on a folder and return the process."""
        (box / "home").mkdir()
        return self._popen([*python(sys.executable), str(box / "runner.py"), str(box)], os.environ | THREADS,
                           cwd=box / "home")
