"""Running a student's program: started, watched, ended, and what it said read up to a limit.

`sandbox` and `unsandboxed` say how it is started.
"""
import json
import shutil
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from course.answers import library
from course.answers.arrange import put_programs
from course.answers.limits import death


@dataclass(frozen=True)
class Finished:
    """What came of a program.

    Attributes
    ----------
    output : bytes
        What it wrote as its results, cut off at the limit.
    log : bytes
        What it printed, cut off at the limit.
    problem : str
        Why it was ended or how it died; empty if it ended by itself with status 0.
    seconds : float
        By the clock.
    """

    output: bytes
    log: bytes
    problem: str
    seconds: float


class Stopped(Exception):
    """The grading run is being stopped."""


class Runner:
    """Runs answers, one process for each. A context manager; threads may share it.

    Parameters
    ----------
    packages, modules : sequence of str
        What an answer may import: see `library`.
    limits : limits.Limits
    """

    sandboxed = False               # a subclass says this, and defines path and start

    def __init__(self, packages, modules, limits):
        self.limits, self.names = limits, tuple(packages)
        self.packages = library.package_paths(packages)
        self._temporary = tempfile.TemporaryDirectory(prefix="tinynet-grading-", ignore_cleanup_errors=True)
        self.folder = Path(self._temporary.name)
        self.library = self.folder / "library"
        self.library.mkdir()
        library.build(self.library, modules)
        self._running, self._stopped = set(), False

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()
        self._temporary.cleanup()

    def stop(self):
        """End every program that is running; `run` raises `Stopped` from now on."""
        self._stopped = True
        for process in list(self._running):
            self.end(process)

    def run(self, job, inputs, output_limit):
        """Run `runner` on a job.

        Parameters
        ----------
        job : dict
            What `runner` reads from ``job.json``, but for the keys that this adds.
        inputs : bytes
            An ``.npz`` file.
        output_limit : int
            Bytes of results.

        Returns
        -------
        finished : Finished

        Raises
        ------
        Stopped
            If `stop` was called before the program had ended.
        """
        if self._stopped:
            raise Stopped
        box = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            box.chmod(0o755)                        # the folder around it is closed to others
            put_programs(box)
            job = job | self.limits.for_runner() | {"path": self.path(), "packages": self.names,
                                                    "sandboxed": self.sandboxed}
            (box / "job.json").write_text(json.dumps(job), encoding="utf-8")
            (box / "inputs.npz").write_bytes(inputs)
            finished = self._watch(self.start(box), output_limit)
            if self._stopped:
                raise Stopped
            return finished
        finally:
            shutil.rmtree(box, ignore_errors=True)

    def path(self):
        """Return what an answer's ``sys.path`` begins with."""
        raise NotImplementedError

    def start(self, box):
        """Start `runner` on a folder and return the process: results on stdout, what it prints on stderr."""
        raise NotImplementedError

    def end(self, process):
        """End a program at once."""
        process.kill()
        process.wait()

    def _popen(self, command, environment, **options):
        return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, start_new_session=True, **options)

    def _watch(self, process, output_limit):
        """Read both pipes up to their limits, and end the process when it passes one or its time is up."""
        self._running.add(process)
        begun, over = time.monotonic(), []
        streams = [(process.stdout, output_limit, "returned"), (process.stderr, self.limits.log, "printed")]
        kept = [bytearray() for _ in streams]
        readers = [threading.Thread(target=self._read, args=(process, *stream, data, over), daemon=True)
                   for stream, data in zip(streams, kept)]
        for reader in readers:
            reader.start()
        try:
            if self._stopped:
                self.end(process)
            process.wait(self.limits.wall)
            problem = over[0] if over else death(process.returncode, self.limits)
        except subprocess.TimeoutExpired:
            problem = f"took longer than {self.limits.wall:g} s"
        finally:
            self.end(process)
            self._running.discard(process)
        process.stdin.close()
        for reader, stream in zip(readers, streams):
            reader.join(2)
            if not reader.is_alive():       # an unsandboxed program's daemon may hold a pipe open
                stream[0].close()
        return Finished(bytes(kept[0]), bytes(kept[1]), problem, time.monotonic() - begun)

    def _read(self, process, pipe, limit, verb, data, over):
        """Read a pipe to its end; if more than the limit comes, say so in `over` and end the process."""
        while chunk := pipe.read1(1 << 16):
            if len(data) + len(chunk) > limit:
                data += chunk[:limit - len(data)]
                over.append(f"{verb} more than {limit / 1e6:.3g} MB")
                self.end(process)
                return
            data += chunk
