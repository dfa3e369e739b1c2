"""What runs inside the sandbox: one task's answer, called on one task's inputs. It is sent there as a file.

It imports nothing of the course. The answer shares this process and can change anything in it, so the grader
believes nothing that it says: what comes out is a stream of frames (8 bytes of length, then an ``.npz``), one
for each part, and only numbers that are right earn points.
"""
import ast
import io
import json
import linecache
import os
import select
import sys
import traceback
import types
from pathlib import Path

NOBODY = 65534
LONGEST_MESSAGE = 2000


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
    answer, problem = load_answer(job)
    calls = {"np": np}
    exec(compile(job["calls"], "<call>", "exec"), calls)
    for part in job["parts"]:
        results = {f"{part['name']}/error": problem} if problem else run_part(part, calls, answer, inputs, np)
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


def load_answer(job):
    """Return the module with the student's names, and what went wrong (empty if nothing)."""
    answer = types.ModuleType("answer")
    sys.modules["answer"] = answer
    problem = "not answered"
    for source in job["given"]:
        exec(compile(source, "<given>", "exec"), answer.__dict__)
    for source in job["others"]:
        define(source, answer.__dict__)
    for source in job["answers"]:
        problem = ""                                # of several cells the last one counts
        try:
            linecache.cache["<answer>"] = (len(source), None, source.splitlines(keepends=True), "<answer>")
            exec(compile(parse(source), "<answer>", "exec"), answer.__dict__)
        except BaseException as error:
            problem = message(error)
    return answer, problem


def define(source, names):
    """Run the definitions of a cell, and nothing else of it: def, class, import and names for constants."""
    try:
        statements = parse(source).body
    except BaseException:
        return
    for statement in statements:
        constant = isinstance(statement, ast.Assign) and is_literal(statement.value)
        if constant or isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)):
            try:
                exec(compile(ast.Module([statement], []), "<another cell>", "exec"), names)
            except BaseException:
                pass                                # another task's fault costs this task nothing


def is_literal(node):
    """Return whether an expression is a constant."""
    try:
        ast.literal_eval(node)
    except BaseException:
        return False
    return True


def parse(source):
    """Return the syntax tree of a cell, without the lines that are for IPython (``%time``, ``!ls``)."""
    try:
        return ast.parse(source)
    except SyntaxError:
        lines = source.split("\n")
        return ast.parse("\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines))


def run_part(part, calls, answer, inputs, np):
    """Return the results of one part for every trial, by name ``part/trial/key``."""
    call = calls[part["call"]]
    wanted = call.__code__.co_varnames[1:call.__code__.co_argcount]
    results = {}
    try:
        for trial in range(part["trials"]):
            arrays = {name: inputs[f"{trial}/{name}"] for name in wanted}
            value = call(answer, **{name: x if x.ndim else x.item() for name, x in arrays.items()})
            for key, item in (value if isinstance(value, dict) else {"": value}).items():
                results[f"{part['name']}/{trial}/{key}"] = plain(item, np)
    except BaseException as error:
        results[f"{part['name']}/error"] = message(error)
    return results


def plain(value, np):
    """Return a value as an array of numbers or text."""
    array = np.array(value, subok=False)
    if array.dtype.kind not in "biufU":
        raise TypeError(f"a result is {type(value).__name__} ({array.dtype}), not numbers")
    return array.astype(array.dtype.newbyteorder("="))


def message(error):
    """Return what a student needs of an exception: the lines of their cell and the last line."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<answer>"]
    lines = [f"line {frame.lineno} of your cell, in {frame.name}: {frame.line}" for frame in frames]
    lines += traceback.format_exception_only(error)
    return "\n".join(line.rstrip("\n") for line in lines)[-LONGEST_MESSAGE:]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
