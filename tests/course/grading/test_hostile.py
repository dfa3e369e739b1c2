"""Submissions that want points they did not earn, somebody else's work, or the machine.

Each file in ``hostile/`` is put in the place of one answer; its docstring says what it tries. It prints LOOT
where it got what it should not get. What it cannot know by itself, it is told: ``@OUT@`` is where grades go. All of them are graded together, between honest submissions.
"""
import csv
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HOSTILE = sorted((Path(__file__).parent / "hostile").glob("*.py"))
SECRETS = {"environment": "canary-in-the-environment", "home": "canary-in-the-home", "honest": "canary-of-honest",
           "checks": "draw_scores", "solution": "overshoots"}


@pytest.fixture(scope="module")
def graded(toy, bubblewrap, tmp_path_factory):
    """Grade everything once; return the folder it happened in."""
    base = tmp_path_factory.mktemp("hostile")
    places = {name: base / name.lower() for name in ("SUBMISSIONS", "OUT", "HOME", "CANARY")}
    for name in ("HOME", "CANARY"):
        places[name].mkdir()
    told = places | {"ROOT": toy.root, "SITE": Path(np.__file__).parent.parent, "DEEP": "-" * 20_000}
    (places["HOME"] / "canary").write_text(SECRETS["home"])
    for path in HOSTILE:
        source = path.read_text(encoding="utf-8")
        for name, text in told.items():
            source = source.replace(f"@{name}@", str(text))
        toy.hand_in(places["SUBMISSIONS"], path.stem, toy.book(softmax=source, descend=None, words=None))
    honest = toy.book()
    honest["cells"].append({"cell_type": "code", "metadata": {}, "source": f"note = '{SECRETS['honest']}'"})
    toy.hand_in(places["SUBMISSIONS"], "honest", honest)
    toy.hand_in(places["SUBMISSIONS"], "zoe", toy.book())
    toy.hand_in(places["SUBMISSIONS"], "empty", toy.empty())
    before = fingerprints(places["SUBMISSIONS"], toy.solutions / "toy", places["HOME"])
    environment = os.environ | {"HOME": str(places["HOME"]), "TOKEN": SECRETS["environment"]}
    done = subprocess.run([sys.executable, "-m", "course", "grade", places["SUBMISSIONS"], "--assignment", "toy",
                           "--solutions", toy.solutions, "--out", places["OUT"], "--workers", "2"], cwd=toy.root,
                          env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert fingerprints(places["SUBMISSIONS"], toy.solutions / "toy", places["HOME"]) == before
    return base


def fingerprints(*folders):
    """Return the name and contents of every file in folders."""
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for folder in folders
            for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts}


def points(base, student):
    """Return a student's row of ``grades.csv`` for every task."""
    with open(base / "out" / "grades.csv", encoding="utf-8") as file:
        return {row["task"]: row["points"] for row in csv.DictReader(file) if row["student"] == student}


@pytest.mark.parametrize("name", [path.stem for path in HOSTILE])
def test_hostile_submission(graded, name):
    result = json.loads((graded / "out" / ".state" / f"{name}.json").read_text())
    printed = " ".join(task["printed"] for task in result["tasks"])
    assert points(graded, name) == {"toy-square": "6", "toy-softmax": "0", "toy-descend": "0", "toy-words": "0"}
    assert "LOOT" not in printed
    seed = str(result.pop("seed"))
    page = (graded / "out" / "feedback" / name / "toy" / "feedback.html").read_text()
    for text in (json.dumps(result), page):
        assert not [secret for secret in (*SECRETS.values(), seed) if secret in text]
    assert "<script" not in page and "<img" not in page


def test_there_are_enough_of_them():
    assert len(HOSTILE) >= 20


def test_others_get_what_they_earned(graded):
    full = {"toy-square": "6", "toy-softmax": "4", "toy-descend": "5", "toy-words": ""}
    assert points(graded, "honest") == points(graded, "zoe") == full
    assert points(graded, "empty") == dict.fromkeys(full, "0")


def test_nothing_changed_outside(graded):
    assert not list((graded / "canary").iterdir())
    assert {path.name for path in (graded / "out").iterdir()} == {
        ".state", "feedback", "grades.csv", "junit.xml", "marks.csv", "results.json", "written.html"}
