"""What students get: everything they need, and nothing of the solutions, the checks or the grader."""
import ast
import os
import re
import shutil
import subprocess
import sys

import pytest

from course.__main__ import main
from course.generate import SOLUTIONS, solutions
from course.notebook import ROOT, code_cells, read
from course.release import _is_untouched, release
from tinynet.errors import InputError

NAMES = [path.stem for path in solutions()]
EMPTY = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    out = tmp_path_factory.mktemp("release") / "class of 26"
    assert main(["release", "--out", str(out)]) == 0
    return out


def files(folder):
    every = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [path for path in every if ".git" not in path.relative_to(folder).parts]


def texts(folder):
    """Return (path, text) of every file that is text; in a notebook's JSON quotes are made plain."""
    return [(path.relative_to(folder), path.read_text(encoding="utf-8").replace('\\"', '"')) for path in files(folder)
            if path.suffix not in (".png", ".safetensors")]


def python(folder, *arguments):
    """Run Python in the release, with the release's own packages and not this checkout's."""
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True,
                          encoding="utf-8", timeout=300)


def test_what_is_in_it(released):
    names = {path.relative_to(released).parts[0] for path in files(released)}
    assert names == {".gitattributes", ".gitignore", ".github", "LICENSE", "Makefile", "NOTICE", "README.md",
                     "assignments", "course", "environment.yml", "lessons", "pyproject.toml", "tinynet"}
    found = {path.relative_to(released).as_posix() for path in files(released)}
    wanted = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("tinynet/**/*")
              if path.is_file() and "__pycache__" not in path.parts}
    assert {name for name in found if name.startswith("tinynet/")} == wanted
    assert {name for name in found if name.startswith("assignments/")} == {
        "assignments/README.md", "assignments/test_assignments.py", "assignments/a4_your_own_data/rubric.md",
        *(f"assignments/{name}/{name}.ipynb" for name in NAMES)}
    assert ".github/workflows/assignments.yml" in found


def test_no_file_holds_a_hidden_check_or_the_grader(released):
    staff = [*(ROOT / "course" / "grading").glob("*.py"), *SOLUTIONS.glob("*/checks.py"),
             ROOT / "course" / "generate.py", ROOT / "course" / "release.py"]
    needles = ["### BEGIN", "### END", "bwrap", "seccomp", "checks.py"]
    for path in staff:
        assert not (released / path.relative_to(ROOT)).exists()
        needles += [f"def {node.name}(answer" for node in ast.parse(path.read_text(encoding="utf-8")).body
                    if isinstance(node, ast.FunctionDef)]
    assert len(needles) > 60
    for path, text in texts(released):
        assert not [needle for needle in needles if needle in text], path


def test_no_file_holds_a_line_of_a_solution(released):
    """Long lines only. A lesson may show what an assignment asks for, and so may tinynet."""
    taught = "\n".join(text for path, text in texts(released) if path.parts[0] in ("lessons", "tinynet"))
    lines = [line.strip() for name in NAMES for cell in code_cells(read(SOLUTIONS / name / f"{name}.ipynb"))
             for region in re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", cell.source, re.DOTALL)
             for line in region.splitlines() if len(line.strip()) > 40]
    shown = [line for line in lines if line in taught]
    assert len(lines) > 30 and len(shown) < 5, shown
    for path, text in texts(released):
        assert not [line for line in set(lines) - set(shown) if line in text], path
        assert "solutions" not in path.parts and "grading" not in path.parts


def test_it_has_a_history_of_its_own(released):
    if not shutil.which("git"):
        pytest.skip("needs git")

    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=released, capture_output=True, text=True, check=True).stdout

    assert git("rev-list", "--count", "--all").strip() == "1"
    assert git("status", "--porcelain") == ""
    assert set(git("-c", "core.quotepath=off", "ls-files").splitlines()) == {
        path.relative_to(released).as_posix() for path in files(released)}


def test_its_commands_are_the_students(released):
    shown = python(released, "-m", "course", "--help")
    assert shown.returncode == 0, shown.stderr
    assert "check" in shown.stdout and "execute" in shown.stdout
    assert not [word for word in ("grade", "generate", "release") if word in shown.stdout]


def test_an_untouched_assignment_has_no_points_yet(released):
    shown = python(released, "-m", "course", "check", "a2")
    assert shown.returncode == 1, shown.stderr
    assert "\n0 of 85 points so far" in shown.stdout


def test_one_question_is_one_test(released):
    shown = python(released, "-m", "pytest", "-q", "assignments", "-k", "a2-adam", "-p", "no:cacheprovider")
    assert "1 failed" in shown.stdout and "not answered yet" in shown.stdout, shown.stdout + shown.stderr


def test_a_folder_with_files_in_it_is_refused(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(InputError, match="not an empty folder"):
        release(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.fixture
def small(tmp_path):
    """A course of one assignment."""
    for place in ("solutions/a1/a1.ipynb", "assignments/a1/a1.ipynb", "course/student_ci.yml",
                  "course/student_README.md"):
        (tmp_path / "course root" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "course root" / place).write_text(EMPTY if place.endswith("ipynb") else "text", encoding="utf-8")
    return tmp_path / "course root"


def test_files_that_are_not_named_stay_here(small, tmp_path):
    for place in ("assignments/a1/old.ipynb", "assignments/a9/a9.ipynb", "notes.txt", "lessons/answers.ipynb",
                  "course/my.py"):
        (small / place).parent.mkdir(parents=True, exist_ok=True)
        (small / place).touch()
    release(tmp_path / "out", small)
    assert [path.relative_to(tmp_path / "out").as_posix() for path in files(tmp_path / "out")] == [
        ".github/workflows/assignments.yml", "README.md", "assignments/a1/a1.ipynb"]


def test_a_rubric_goes_with_its_assignment(small, tmp_path):
    (small / "solutions/a1/rubric.md").write_text("4 points", encoding="utf-8")
    with pytest.raises(InputError, match="a1/rubric.md is not that of the solution; run python -m course generate"):
        release(tmp_path / "out", small)
    (small / "assignments/a1/rubric.md").write_text("4 points", encoding="utf-8")
    release(tmp_path / "out", small)
    assert (tmp_path / "out" / "assignments/a1/rubric.md").read_text(encoding="utf-8") == "4 points"


def test_a_solution_in_an_assignment_stops_it(small, tmp_path):
    leaky = EMPTY.replace("{}", '{"note": "### BEGIN SOLUTION"}')
    (small / "assignments/a1/a1.ipynb").write_text(leaky, encoding="utf-8")
    with pytest.raises(InputError, match="a1.ipynb holds 'BEGIN SOLUTION'"):
        release(tmp_path / "out", small)
    assert not (tmp_path / "out").exists()


def test_an_assignment_that_was_not_generated_stops_it(small, tmp_path):
    (small / "assignments/a1/a1.ipynb").unlink()
    with pytest.raises(InputError, match="python -m course generate"):
        release(tmp_path / "out", small)


def test_an_assignment_that_somebody_solved_in_place_is_not_released():
    name = NAMES[0]
    released, solution = read(ROOT / "assignments" / name / f"{name}.ipynb"), read(SOLUTIONS / name / f"{name}.ipynb")
    assert _is_untouched(released, solution)
    answer = next(cell for cell in code_cells(released) if cell.source.endswith("raise NotImplementedError()"))
    answer.source = answer.source.replace("raise NotImplementedError()", "return 1")
    assert not _is_untouched(released, solution)
    released = read(ROOT / "assignments" / name / f"{name}.ipynb")
    released.cells.append(released.cells[-1])
    assert not _is_untouched(released, solution)
