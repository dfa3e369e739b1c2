"""What runs in the process of an answer: a notebook's cells, then calls on one task's inputs. It is sent as a file.

It imports nothing of the course but `session` and `standins`. The answer shares this process and can change anything
in it, so the grader believes nothing that it says: what comes out is a stream of frames (8 bytes of length, then an
``.npz``), one for each part, and only numbers that are right earn points.
"""
import _thread
import io
import json
import os
import select
import sys
import threading
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    import session as sessions
    import standins
    del sys.path[0]
else:
    from . import session as sessions
    from . import standins

NOBODY = 65534
ALONE = ("subprocess.", "socket.", "os.fork", "os.posix_spawn", "os.system", "os.exec", "os.spawn")
THREADS = "start_new_thread", "start_joinable_thread"


def main(box):
    """Do the job in a folder: ``job.json`` and ``inputs.npz``."""
    job = json.loads((box / "job.json").read_text(encoding="utf-8"))
    if job["sandboxed"] and select.select([0], [], [], 0)[0]:       # the end of a pipe: the grader is gone
        return
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    frames = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)                                   # what the answer prints is not a result
    give_up_rights(job["limits"], job["sandboxed"])
    sys.path[:0] = job["path"]
    import numpy as np
    inputs = np.load(box / "inputs.npz", allow_pickle=False)
    printed = sys.stdout = sys.stderr = sessions.Printed(sys.stderr)        # its encoding takes whatever is printed
    session = start(job)
    if job.get("fenced"):
        os.environ.clear()
        os.environ.update(job["fenced"])
        Fence([box, os.getcwd(), sys.base_prefix, os.path.dirname(os.__file__), *sys.path]).close()
    session.run_all(job)
    calls = {"np": np}
    exec(compile(job["calls"], "<call>", "exec", optimize=0), calls)
    if session.failed:
        write(frames, {"failed": "\n".join(session.failed)}, np)
    for part in job["parts"]:
        write(frames, run_part(part, calls, session, inputs, np), np)
    printed.finish()


def write(frames, results, np):
    """Write one frame."""
    buffer = io.BytesIO()
    np.savez(buffer, **results)
    frames.write(len(buffer.getvalue()).to_bytes(8, "big") + buffer.getvalue())
    frames.flush()


def give_up_rights(limits, sandboxed):
    """Set limits that cannot be raised again, and stop being root for good."""
    try:
        import resource
    except ImportError:                             # Windows, which has no sandbox either
        return
    for name, value in limits.items():
        hard = value + 1 if name == "CPU" else value        # SIGXCPU, which can be ignored, then SIGKILL
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, hard))
    if sandboxed and os.getuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)


class Fence:
    """Refuses what the sandbox has not: files elsewhere, other processes, threads, sockets. A help, no protection.

    Parameters
    ----------
    folders : list of str or Path
        Where files may be opened.
    """

    def __init__(self, folders):
        self.folders = tuple(os.path.join(os.path.realpath(folder), "") for folder in folders if str(folder))
        self.devices = os.devnull, "/dev/zero", "/dev/urandom"

    def close(self):
        """Begin to refuse."""
        for module in (_thread, threading):
            for name in {*THREADS, *(f"_{name}" for name in THREADS)} & vars(module).keys():
                setattr(module, name, self.no_thread)
        sys.addaudithook(self.refuse)

    def no_thread(self, *arguments, **options):
        """Say what the C library says in the sandbox."""
        raise RuntimeError("can't start new thread: an answer is one process with one thread")

    def refuse(self, event, arguments):
        """Raise for what is not there."""
        if event.startswith(ALONE):
            raise PermissionError(f"an answer is one process with one thread and no network ({event})")
        if event == "open" and isinstance(arguments[0], (str, os.PathLike)) and arguments[0] not in self.devices:
            if not os.path.realpath(arguments[0]).startswith(self.folders):
                raise FileNotFoundError(f"{arguments[0]} is not there when this is graded: an answer has no files "
                                        "of yours")


def start(job):
    """Return a session with Jupyter's names and the stand-ins where a notebook looks for them."""
    session = sessions.Session(job["whole"], job["seconds"])
    session.names |= dict.fromkeys(("In", "Out", "_", "__", "___", "exit", "quit", "help"), standins.BLANK)
    session.names |= {"display": standins.display, "get_ipython": standins.get_ipython}
    standins.SHELL.run = session.evaluate
    sys.meta_path.insert(0, standins.Finder({"tinynet", "ipython_lines", *job["packages"]}))
    return session


def run_part(part, calls, session, inputs, np):
    """Return the results of one part for every trial, by name ``part/trial/key``."""
    call = calls[part["call"]]
    wanted = call.__code__.co_varnames[1:call.__code__.co_argcount]
    results = {}
    try:
        for trial in range(part["trials"]):
            arrays = {name: inputs[f"{trial}/{name}"] for name in wanted}
            value = call(session.answer, **{name: x if x.ndim else x.item() for name, x in arrays.items()})
            for key, item in (value if isinstance(value, dict) else {"": value}).items():
                results[f"{part['name']}/{trial}/{key}"] = plain(item, np)
    except BaseException as error:
        said = sessions.message(error)
        if isinstance(error, AttributeError) and getattr(error, "obj", None) is session.answer:
            unanswered = [text for text in session.failed if text.rsplit("\n", 1)[-1].startswith("NotImplementedError")]
            said = "NotImplementedError" if unanswered else f"your notebook does not define {error.name}"
        results[f"{part['name']}/error"] = "\n".join([*session.failed, said])[-sessions.LONGEST_MESSAGE:]
    return results


def plain(value, np):
    """Return a value as an array of numbers or text."""
    array = np.real_if_close(np.array(value, subok=False))
    if array.dtype.kind not in "biufU":
        raise TypeError(f"a result is {type(value).__name__} ({array.dtype}), not numbers")
    return array.astype(array.dtype.newbyteorder("="))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
