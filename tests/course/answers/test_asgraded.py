"""The check's own run of an answer refuses what the sandbox refuses."""
import pytest

from course.answers.asgraded import AsGraded
from course.answers.cells import Cell

CHECK = Cell("check", "t-check", "assert f() == 1", True, 1)


@pytest.fixture(scope="module")
def graded():
    with AsGraded(["numpy"], ["backend", "errors", "tensor"]) as graded:
        yield graded


def check(graded, source):
    answer = Cell("answer", "t", source, True)
    return graded.check([answer, CHECK], [answer], CHECK, {"given": "import numpy as np"})


@pytest.mark.parametrize("body", [
    "import numpy.linalg, tempfile, json, zoneinfo\n    with tempfile.TemporaryFile(dir='.') as file:\n        file.write(b'1')",
    "np.save('a.npy', np.ones(3))\n    assert np.load('a.npy').sum() == 3", "np.random.default_rng().random()",
    "from tinynet import Tensor\n    Tensor(np.ones(3))", "import os\n    os.environ['HOME'], os.environ['OMP_NUM_THREADS']",
    "import os\n    os.environ['MINE'] = '1'\n    assert os.getenv('MINE')", "import unittest.mock, decimal, sqlite3, multiprocessing, asyncio, logging",
])
def test_what_the_sandbox_has_is_there(graded, body):
    assert check(graded, f"def f():\n    {body}\n    return 1") == ("", "")


@pytest.mark.parametrize("body, fault", [
    ("import threading\n    threading.Thread(target=print).start()", "one process with one thread|start_new_thread"),
    ("import subprocess, sys\n    subprocess.run([sys.executable, '-V'])", "one process with one thread"),
    ("import os\n    os.system('true')", "one process with one thread"),
    ("import socket\n    socket.socket()", "one process with one thread"),
    ("import os\n    os.environ['PATH']", "KeyError: 'PATH'"),
    ("open({path!r})", "is not there when this is graded"), ("import os\n    open(os.path.relpath({path!r}))", "is not there"),
    ("np.loadtxt({path!r})", "not there|not found"), ("open('mine.txt')", "No such file"), ("import pytest", "imports pytest, which"),
    ("import tinynet.ops", "tinynet.ops"), ("import no_such_package", "imports no_such_package, which"),
    ("while True: pass", "computed longer than 5 s|took longer than 10 s"), ("import os\n    os._exit(0)", "ended early"),
    ("raise NotImplementedError()", "not answered yet"),
])
def test_what_the_sandbox_has_not_is_refused(graded, tmp_path, body, fault):
    (tmp_path / "x.txt").write_text("1")
    wrong, _ = check(graded, f"def f():\n    {body.format(path=str(tmp_path / 'x.txt'))}\n    return 1")
    assert [part for part in fault.split("|") if part in wrong], wrong
