"""Running a student's program where it can do no harm and find nothing: bubblewrap, limits, a call filter.

What the program sees: the system's shared libraries, Python's standard library, the packages and modules that
the assignment names (`library`), one task's inputs, an empty home of limited size. All but the home is
read-only. There is no network, no ``/proc``, no ``/etc``, no environment, no other process; it is one process
with one thread, not root. What it says comes back through two pipes and is cut off at a number of bytes.
"""
import json
import os
import shutil
import signal
import sys
import sysconfig
from pathlib import Path

from course.answers.limits import environment, python
from course.answers.runner import NOBODY
from tinynet.errors import InputError

from . import seccomp
from .process import Runner

HOME, BOX, LIBRARY = "/home/student", "/box", "/library"
HOW_TO_GET_IT = ("bubblewrap 0.8 or newer on Linux is needed: `apt install bubblewrap` (Debian, Ubuntu) or "
                 "`dnf install bubblewrap` (Fedora); a container must let it make namespaces (docker run "
                 "--privileged); on macOS and Windows use a Linux virtual machine. Or see what "
                 "`--unsandboxed` says that it risks")


class Sandbox(Runner):
    """Runs answers in bubblewrap. A context manager; threads may share it.

    Parameters
    ----------
    packages, modules : sequence of str
        What an answer may import: see `library`.
    limits : limits.Limits

    Raises
    ------
    InputError
        If bubblewrap is missing or cannot work here, with how to get it.
    """

    sandboxed = True

    def __init__(self, packages, modules, limits):
        self.bwrap = shutil.which("bwrap")
        self.filter = seccomp.program()
        if self.bwrap is None or self.filter is None:
            what = "bubblewrap is not installed" if self.bwrap is None else "this processor is not supported"
            raise InputError(f"grading: {what}; {HOW_TO_GET_IT}")
        super().__init__(packages, modules, limits)
        self._inner = {}                            # bubblewrap's process: the first one in its sandbox
        for path in self.packages:                  # where it will be mounted
            target = self.library / path.name
            target.mkdir() if path.is_dir() else target.touch()
        (self.folder / "nothing").mkdir()
        for folder in (self.library, self.folder / "nothing"):
            folder.chmod(0o755)
        self._mounts = _with_parents(self._system() + self._own())
        empty = {"given": [], "above": [], "below": [], "whole": False, "calls": "", "parts": []}
        trial = self.run(empty, b"PK\5\6" + bytes(18), 0)
        if trial.problem:
            reason = trial.log.decode("utf-8", "replace").strip().split("\n")[-1] or trial.problem
            raise InputError(f"grading: bubblewrap does not work here ({reason}); {HOW_TO_GET_IT}")

    def path(self):
        """Return what an answer's ``sys.path`` begins with."""
        return [LIBRARY]

    def start(self, box):
        """Start `runner` on a folder and return the process: results on stdout, what it prints on stderr."""
        reading, writing = os.pipe()
        told, telling = os.pipe()
        try:
            os.write(writing, self.filter)          # some hundred bytes: a pipe holds them
            os.close(writing)
            mounts = [*self._mounts, "--ro-bind", str(box), BOX, "--remount-ro", "/", "--chdir", HOME]
            mounts += ["--seccomp", str(reading), "--info-fd", str(telling), "--"]
            program = [*python(Path(sys.executable).resolve()), f"{BOX}/runner.py", BOX]
            command = [self.bwrap, *_isolation(), *mounts, *program]
            process = self._popen(command, {}, pass_fds=[reading, telling])
        finally:
            os.close(reading)
            os.close(telling)
        with open(told, "rb") as info:
            if text := info.read():
                self._inner[process] = json.loads(text)["child-pid"]
        return process

    def end(self, process):
        """End a program and its sandbox at once, even one that bubblewrap is still building."""
        inner = self._inner.pop(process, None)
        if inner and process.poll() is None:
            try:
                os.kill(inner, signal.SIGKILL)
            except ProcessLookupError:
                pass
        super().end(process)

    def _system(self):
        """Return the mounts of Python and of the system's shared libraries, installed packages hidden."""
        many = sysconfig.get_config_var("MULTIARCH")
        paths = dict.fromkeys([f"/usr/lib/{many}", f"/lib/{many}", "/usr/lib64", "/lib64",
                               sysconfig.get_config_var("LIBDIR"), sysconfig.get_path("stdlib")])
        folders = [Path(path) for path in paths if path != "/usr/lib" and Path(path).is_dir()]
        mounts = []
        for folder in folders + [Path(sys.executable).resolve()]:
            mounts += ["--ro-bind", str(folder), str(folder)]
        for folder in folders:
            for name in ("site-packages", "dist-packages"):
                for hidden in (*folder.glob(name), *folder.glob(f"python*/{name}")):
                    mounts += ["--ro-bind", str(self.folder / "nothing"), str(hidden)]
        return mounts

    def _own(self):
        """Return the mounts of what an answer may use: its library, a home, the devices that are no harm."""
        mounts = ["--ro-bind", str(self.library), LIBRARY]
        for path in self.packages:
            mounts += ["--ro-bind", str(path), f"{LIBRARY}/{path.name}"]
        for device in ("/dev/null", "/dev/zero", "/dev/urandom"):
            mounts += ["--dev-bind", device, device]
        return mounts + ["--perms", "1777", "--size", str(self.limits.disk), "--tmpfs", HOME]


def _isolation():
    """Return what separates a sandbox from the system, besides its mounts and the filter."""
    nobody = str(NOBODY)
    options = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
               "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"]
    for name, value in environment(HOME).items():
        options += ["--setenv", name, value]
    if os.geteuid() == 0:           # `runner` becomes nobody itself: root can mount what nobody cannot reach
        return options + ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    return options + ["--unshare-user", "--disable-userns", "--uid", nobody, "--gid", nobody]


def _with_parents(mounts):
    """Return mounts after their targets' parents: those that bubblewrap makes itself are closed to others."""
    targets = [mounts[at + 2] for at, word in enumerate(mounts) if word in ("--ro-bind", "--dev-bind")]
    parents = dict.fromkeys(str(parent) for target in (*targets, HOME, BOX)
                            for parent in reversed(Path(target).parents[:-1]))
    return [word for parent in parents for word in ("--dir", parent)] + mounts
