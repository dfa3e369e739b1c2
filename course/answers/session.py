"""Running a notebook's cells as Jupyter runs them, statement by statement, in the process of an answer."""
import __future__

import ast
import contextlib
import inspect
import io
import linecache
import re
import signal
import sys
import time
import traceback
import types

LONGEST_MESSAGE = 2000
CELLS = {"<answer": "your cell", "<other": "another cell of yours"}
MOST_FAILED = 3                 # failed lines of an answer that are told
PRINTED = 20_000                # characters that are printed as they come; of what follows the end is kept
KEPT = 10_000
SHORTEST = 0.05                 # seconds that a statement has even when the time is over: definitions take less
FOR_IPYTHON = re.compile(r"^([ \t]*)(?:[%!?].*|[^#'\"\n]*\w\?{1,2}[ \t]*|[\w, .*]+=[ \t]*[%!].*)$", re.MULTILINE)


class Printed(io.TextIOBase):
    """What is printed. Long prints cost no points: only the beginning and the end go out."""

    def __init__(self, out, room=PRINTED):
        self.out, self.room, self.end = out, room, ""

    def write(self, text):
        """Print a text or keep its end."""
        if self.room >= len(text):
            self.out.write(text)
        else:
            self.end = f"{self.end}{text}"[-KEPT:]
        self.room -= len(text)
        return len(text)

    def flush(self):
        """Send on what is printed."""
        if self.out:
            self.out.flush()

    def finish(self):
        """Print the end."""
        self.out.write(self.end)
        self.out.flush()


class Session:
    """A notebook that runs, one statement after the other; what fails is noted and the next one runs all the same.

    Parameters
    ----------
    whole : bool
        Whether cells that are no answer to the task run as they are. If not, they only define: what another
        cell does, and how long it takes, can then do no harm to this task.
    seconds : float
        The time of the answer's cells until they are called; the other cells have half of it.
    """

    def __init__(self, whole, seconds):
        self.whole, self.left = whole, {"answer": seconds, "given": seconds, "other": seconds / 2, "check": seconds / 2}
        self.nowhere = Printed(None, room=0)
        self.answer = types.ModuleType("__main__")
        self.names = self.answer.__dict__
        self.failed = []                # what to tell of the answer's own lines
        self._flags = 0                 # of `from __future__ import ...` above
        self._deadline, self._kind, self._number = None, "answer", 0
        sys.modules["__main__"] = sys.modules["answer"] = self.answer
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, self._ring)

    def run_all(self, job):
        """Run given cells, then those above the task's check; of those below take the names that are new."""
        for source in job["given"]:
            exec(self._compile(ast.parse(source), "<given>"), self.names)
        for kind, source in job["above"]:
            self.run(kind, source)
        kept = dict(self.names)
        for kind, source in job["below"]:
            self.run(kind, source)
        self.names |= kept

    def run(self, kind, source):
        """Run one cell of the kind "answer", "given", "check" or "other"."""
        mine = kind in ("answer", "given")
        if kind == "check" and not self.whole:
            return
        self._kind = kind
        with contextlib.nullcontext() if mine else contextlib.redirect_stdout(self.nowhere):
            self._run(source, self.whole or mine)

    def evaluate(self, source):
        """Run what stands after ``%time``; return its value if it is an expression."""
        try:
            code = compile(source.strip(), "<magic>", "eval")
        except SyntaxError:
            return self._run(source, True)
        return eval(code, self.names)

    def _run(self, source, everything):
        self._number += 1
        name = f"<{self._kind} {self._number}>"
        try:
            source = as_python(source)
            statements = ast.parse(source, name).body
        except BaseException as error:
            return self._note(error)
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        outermost = self._deadline is None          # not the rest of a %%time
        for statement in statements:
            if everything or only_defines(statement):
                try:
                    self._one(self._compile(ast.Module([statement], []), name))
                except BaseException as error:
                    if outermost:
                        self._stop_clock()          # it may have rung while it was being stopped
                    self._note(error)

    def _note(self, error):
        if self._kind == "answer" and len(self.failed) < MOST_FAILED:
            self.failed.append(message(error))

    def _compile(self, tree, name):
        flags = self._flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code = compile(tree, name, "exec", flags, dont_inherit=True, optimize=0)
        self._flags |= code.co_flags & __future__.annotations.compiler_flag
        return code

    def _one(self, code):
        """Run one statement, which is stopped when the time of its kind is over."""
        if self._deadline or not hasattr(signal, "setitimer"):      # inside another one, or on Windows
            return execute(code, self.names)
        begun, kind = time.monotonic(), self._kind
        allowed = max(self.left[kind], SHORTEST)
        self._deadline = begun + allowed
        signal.setitimer(signal.ITIMER_REAL, allowed, SHORTEST)     # again and again: the first may be caught
        try:
            execute(code, self.names)
        finally:
            self._stop_clock()
            self.left[kind] -= time.monotonic() - begun

    def _stop_clock(self):
        self._deadline = None
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _ring(self, number, frame):
        if self._deadline:
            raise TimeoutError("this took too long and was stopped")


def execute(code, names):
    """Run a statement, one with ``await`` too; there is no event loop, so nothing can be waited for."""
    coroutine = eval(code, names)
    if code.co_flags & inspect.CO_COROUTINE:
        for _ in coroutine.__await__():
            pass


def only_defines(statement):
    """Return whether a statement is def, class, import, or gives a name to what is there without a call."""
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = getattr(statement, "targets", None) or [statement.target]
        return all(map(is_name, targets)) and is_quiet(statement.value)
    return isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom))


def is_name(node):
    """Return whether a target of an assignment is a name, or several: no attribute or item of something else."""
    return isinstance(node, ast.Name) or isinstance(node, (ast.Tuple, ast.List)) and all(map(is_name, node.elts))


def is_quiet(node):
    """Return whether an expression is a constant, a lambda, a name, or a name of a name."""
    if isinstance(node, (ast.Lambda, ast.Name)):
        return True
    if isinstance(node, ast.Attribute):
        return is_quiet(node.value)
    try:
        ast.literal_eval(node)
    except BaseException:
        return False
    return True


def as_python(source):
    """Return a cell as Python: what is for IPython (``%time``, ``!ls``, ``name?``) becomes calls of get_ipython()."""
    try:
        ast.parse(source)
        return source
    except SyntaxError:
        pass
    try:
        from ipython_lines.inputtransformer2 import TransformerManager      # IPython's own: see `library`
        return TransformerManager().transform_cell(source)
    except Exception:
        return FOR_IPYTHON.sub(r"\1pass", source)


def message(error):
    """Return what a student needs of an exception: the lines of their cells and the last line."""
    if isinstance(error, SyntaxError) and str(error.filename).split(" ")[0] in CELLS:
        return f"line {error.lineno} of your cell: {str(error.text or '').strip()}\n{type(error).__name__}: {error.msg}"
    frames = [(frame, CELLS.get(frame.filename.split(" ")[0])) for frame in traceback.extract_tb(error.__traceback__)]
    lines = [f"line {frame.lineno} of {cell}{'' if frame.name == '<module>' else f', in {frame.name}'}: {frame.line}"
             for frame, cell in frames if cell]
    lines += traceback.format_exception_only(error)
    return "\n".join(line.rstrip("\n") for line in lines)[-LONGEST_MESSAGE:]
