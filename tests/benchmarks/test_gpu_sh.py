"""The script for a machine with a GPU: its parts, and what it does when one of them fails, with a Python that pretends."""
import importlib.util
import os
import re
import shutil
import subprocess
import sys

import pytest

from tinynet import backend

pytestmark = pytest.mark.skipif(not (shutil.which("bash") and shutil.which("timeout")), reason="needs bash and timeout")
KILL_AFTER = 5                      # seconds that a part which does not end is given more
PRETENDER = """#!/bin/sh
case "$*" in
    -c*) ;;
    "-m pytest"*) echo "FAILED tests/test_a.py::test_b"; echo "1 failed, 9 passed"; exit 1 ;;
    *gpu\\ networks) printf '2026-01-01, a card\\n\\n| case |\\n|---|\\n| network, vgg16 | 64 |\\n'; echo a warning >&2 ;;
    *--tf32) exit 124 ;;
    *profile*) grep -q vgg16 "$3" && echo profiled ;;
    *) echo "$3 ran" ;;
esac
"""


def run(root, *arguments, **environment):
    return subprocess.run(["bash", root / "benchmarks" / "gpu.sh", *arguments], capture_output=True, encoding="utf-8",
                          env=os.environ | environment)


def parts(root):
    """The name, the limit and the command of each part."""
    shown = run(root, "--dry-run")
    assert (shown.returncode, shown.stderr) == (0, "")
    return [(name, int(limit), command) for name, limit, *command in (line.split() for line in shown.stdout.splitlines())]


def test_all_parts_together_end_within_eight_minutes(root):
    assert sum(limit + KILL_AFTER for _, limit, _ in parts(root)) <= 480
    assert f"--kill-after={KILL_AFTER}" in (root / "benchmarks" / "gpu.sh").read_text(encoding="utf-8")


def test_what_the_parts_name_is_there(root):
    for _, _, (_, _, module, *arguments) in parts(root):
        assert importlib.util.find_spec(module)
        for path in (argument.rpartition("=")[2] for argument in arguments):
            assert "/" not in path or path.startswith("build/") or (root / path).exists()


def test_a_failed_part_does_not_stop_the_others(root, tmp_path):
    (tmp_path / "python").write_text(PRETENDER)
    (tmp_path / "python").chmod(0o755)
    done = run(root, PYTHON=str(tmp_path / "python"), OUT=str(tmp_path / "out"))
    assert done.returncode == 1
    lines = [re.sub(r"\d+ s:", "N s:", line) for line in done.stdout.splitlines()]
    assert lines[:3] == ["tests: failed with status 1, N s: 1 failed, 9 passed", "    FAILED tests/test_a.py::test_b",
                         "lesson09: ok, N s: lessons/09_gpu.ipynb ran"]
    assert any(line.startswith("networks-tf32: stopped after ") for line in lines)
    assert lines[-1] == "profile: ok, N s: profiled"
    assert (tmp_path / "out" / "gpu.md").read_text().partition("\n\n")[2] == "2026-01-01, a card\n\n| case |\n|---|\n| network, vgg16 | 64 |\n"
    assert len(list((tmp_path / "out").iterdir())) <= 8


def test_all_went_well_is_status_0(root, tmp_path):
    (tmp_path / "python").write_text("#!/bin/sh\n")
    (tmp_path / "python").chmod(0o755)
    assert run(root, PYTHON=str(tmp_path / "python"), OUT=str(tmp_path / "out")).returncode == 0


@pytest.mark.skipif(backend.gpu_problem() is None, reason="there is a GPU: running the script is the test")
def test_no_gpu_is_one_line(root, tmp_path):
    done = run(root, OUT=str(tmp_path / "out"), PYTHON=sys.executable)
    assert done.returncode == 1 and done.stdout == "" and not (tmp_path / "out").exists()
    assert done.stderr.startswith("nothing was measured: ") and done.stderr.count("\n") == 1
