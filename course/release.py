"""``python -m course release --out DIR``: what students get, with a history of its own.

Only what the lists below name is copied, so a file that somebody left lying about is not. The history begins
with one commit: a solution that was ever committed here is not in it.
"""
import os
import shutil
import subprocess
from pathlib import Path

from tinynet.errors import InputError

from .generate import RUBRIC, solutions
from .notebook import ROOT, read

FILES = (
    ".gitattributes", ".gitignore", "LICENSE", "Makefile", "NOTICE", "environment.yml", "pyproject.toml",
    "tinynet/**/*.py", "tinynet/report/*.html", "tinynet/serve/page.*", "tinynet/models/*.txt",
    "tinynet/models/pretrained/*.safetensors",
    "lessons/[0-9][0-9]_*.ipynb", "assignments/README.md", "assignments/test_assignments.py",
    "course/__init__.py", "course/__main__.py", "course/book.py", "course/check.py", "course/data.py", "course/execute.py",
    "course/guard.py", "course/kernel.py", "course/notebook.py", "course/answers/*.py",
    "course/book/_config.yml", "course/book/_toc.yml", "course/book/**/*.md", "course/images/*.png",
)
ELSEWHERE = {"course/student_ci.yml": ".github/workflows/assignments.yml", "course/student_README.md": "README.md"}
SECRETS = ("BEGIN SOLUTION", "BEGIN HIDDEN TESTS", "BEGIN MARK SCHEME", "course.grading.contract")
AUTHOR = ("-c", "user.name=tinynet course", "-c", "user.email=course@localhost", "-c", "commit.gpgsign=false")


def add_command(commands):
    """Add ``release`` to the commands of ``python -m course``."""
    parser = commands.add_parser("release", help="pack what students get: no solutions, no grader (staff)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new or empty folder")
    parser.set_defaults(run=lambda arguments: release(arguments.out))


def release(out, root=ROOT):
    """Copy what students get into a new folder and, where git is installed, make it a repository.

    Parameters
    ----------
    out : Path
        Does not exist yet, or is empty.
    root : Path
        The course.

    Returns
    -------
    status : int
        0.

    Raises
    ------
    InputError
        If the folder is not empty, an assignment was not generated, or a file holds a solution or a check;
        then nothing is written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"release: {out} is not an empty folder; name a new one")
    files = _files(root)
    for source in files.values():
        _refuse_secrets(source)
    for name, source in files.items():
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    print(f"{len(files)} files in {out}")
    if shutil.which("git"):
        _commit(out)
    else:
        print("git is not installed, so it is not a repository yet")
    return 0


def _files(root):
    """Return what is released, from its place in the release to its place here."""
    paths = [path for pattern in FILES for path in sorted(root.glob(pattern))]
    found = {path.relative_to(root).as_posix(): path for path in paths}
    found |= {target: root / source for source, target in ELSEWHERE.items()}
    for solution in solutions(root / "solutions"):
        name = f"assignments/{solution.stem}/{solution.name}"
        if not (root / name).is_file():
            raise InputError(f"release: {name} does not exist; run python -m course generate")
        if not _is_untouched(read(root / name), read(solution)):
            raise InputError(f"release: {name} is not what {solution.name} generates, perhaps somebody solved it there; "
                             "run python -m course generate")
        found[name] = root / name
        if (rubric := solution.with_name(RUBRIC)).exists():
            name = f"assignments/{solution.stem}/{RUBRIC}"
            if not (root / name).is_file() or (root / name).read_bytes() != rubric.read_bytes():
                raise InputError(f"release: {name} is not that of the solution; run python -m course generate")
            found[name] = root / name
    return found


def _is_untouched(released, solution):
    """Return whether a student's notebook has the solution's cells, with nothing in those that are to be solved."""
    if len(released.cells) != len(solution.cells):
        return False
    for cell, source in zip(released.cells, solution.cells):
        if not source.metadata.get("nbgrader", {}).get("solution"):
            expected = source.source
        elif source.cell_type == "markdown":
            expected = "YOUR ANSWER HERE"
        else:
            expected = None if cell.source.endswith("raise NotImplementedError()") else ""
        if expected is not None and cell.source != expected or cell.get("outputs"):
            return False
    return True


def _refuse_secrets(path):
    content = path.read_bytes()
    for secret in SECRETS:
        if secret.encode() in content:
            raise InputError(f"release: {path} holds {secret!r}, which students must not get; "
                             "run python -m course generate")


def _commit(folder):
    """Make the folder a repository with one commit, whatever repository or settings surround it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    for command in (["init", "--quiet", "--template=", "--initial-branch=main"], ["add", "--all"],
                    [*AUTHOR, "commit", "--quiet", "--no-verify", "--message=The course"]):
        subprocess.run(["git", *command], cwd=folder, env=clean, check=True)
