"""The command, on submissions of every kind but the hostile ones (`test_hostile`)."""
import csv
import json
import os
import shutil
import subprocess
import sys
import time

import pytest
from filelock import FileLock

from course.__main__ import main

FULL = {"toy-square": 6, "toy-softmax": 4, "toy-descend": 5}
NOTHING = dict.fromkeys(FULL, 0)
SQUARE = """
class Square(Function):
    def __init__(self, a):
        self.a = a

    def forward(self, x):
        self.x = x
        return {forward}

    def backward(self, gy):
        return {backward}
"""
SOFTMAX = "def softmax(scores):\n    e = np.exp({})\n    return {}\n"
DESCEND = """
def descend(gradient, w, rate, steps):
    path = [w{}]
    for step in range(steps):
        path.append(path[-1] {} gradient(path[{}]))
    return np.stack(path)
"""
RIGHT = {"forward": "self.a * x**2", "backward": "2 * self.a * self.x * gy"}
SHIFTED = "scores - scores.max(axis=1, keepdims=True)"
NORMED = "def normed(e):\n    return e / e.sum(axis=1, keepdims=True)\n"
SHIFT = f"def shifted(scores):\n    return {SHIFTED}\n"
MUTANTS = {     # task, points left, source
    "no_factor": ("square", 4, SQUARE.format(**RIGHT | {"forward": "x**2"})),
    "no_two": ("square", 2, SQUARE.format(**RIGHT | {"backward": "self.a * self.x * gy"})),
    "gradient_not_passed_on": ("square", 2, SQUARE.format(**RIGHT | {"backward": "2 * self.a * self.x + 0 * gy"})),
    "backward_raises": ("square", 2, SQUARE.format(**RIGHT | {"backward": "self.y"})),
    "no_max_shift": ("softmax", 0, SOFTMAX.format("scores", "e / e.sum(axis=1, keepdims=True)")),
    "wrong_axis": ("softmax", 0, SOFTMAX.format(SHIFTED, "e / e.sum(axis=0)")),
    "ascends": ("descend", 0, DESCEND.format("", "+ rate *", -1)),
    "from_the_start": ("descend", 0, DESCEND.format("", "- rate *", 0)),
    "no_start": ("descend", 0, DESCEND.format("", "- rate *", -1).replace("(path)", "(path[1:])")),
}


@pytest.fixture(scope="module")
def command(toy):
    """Run the command in this process."""
    def grade(base, *options):
        return main(["grade", str(base / "in"), "--assignment", "toy", "--solutions", str(toy.solutions),
                     "--out", str(base / "out"), "--workers", "2", *options])
    return grade


@pytest.fixture(scope="module")
def class_of(toy, bubblewrap, command, tmp_path_factory):
    """Grade one submission of every kind and return the folder."""
    base = tmp_path_factory.mktemp("class")
    for name, (task, _, source) in MUTANTS.items():
        toy.hand_in(base / "in", name, toy.book(**{task: source}))
    toy.hand_in(base / "in", "full", toy.book())
    toy.hand_in(base / "in", "empty", toy.empty())
    helped = toy.book(softmax="def softmax(scores):\n    return normed(np.exp(shifted(scores)))")
    helped["cells"] += [code(f"import no_such_package\nraise SystemExit\n{NORMED}"), code(f"{SHIFT}\nshifted(unknown)")]
    toy.hand_in(base / "in", "own_helper", helped)
    stripped = toy.book()
    for cell in stripped["cells"]:
        cell["metadata"] = {}
    toy.hand_in(base / "in", "stripped", stripped)
    twice = toy.book(softmax="def softmax(scores):\n    raise NotImplementedError()")
    answer = next(cell for cell in toy.book()["cells"] if toy.grade_id(cell) == "toy-softmax")
    toy.hand_in(base / "in", "twice", twice | {"cells": [*twice["cells"], answer]})
    changed = {"square-check": None, "softmax-check": "assert True", "given": "1 / 0"}
    toy.hand_in(base / "in", "locked_cells_changed", toy.book(**changed))
    toy.hand_in(base / "in", "syntax", toy.book(softmax="def softmax(scores)\n    return scores"))
    toy.hand_in(base / "in", "latin", json.dumps(toy.book(), ensure_ascii=False).encode("latin-1", "replace"))
    toy.hand_in(base / "in", "garbage", b"\x89PNG\r\n")
    (base / "in" / "nothing").mkdir()
    (base / "in" / "file.txt").write_text("hello")
    if os.name == "posix":
        (base / "in" / "linked").symlink_to(base / "in" / "full")
        toy.hand_in(base / "in", "<b>& evil\n", toy.book())
    toy.hand_in(base / "in", "tries", toy.book(softmax=f"{SOFTMAX.format(SHIFTED, 'e / e.sum(axis=1, keepdims=True)')}\nmine(3)"))
    talks = "print('first')\nfor i in range(5000): print(i)\nprint('last')\ndef softmax(scores): return scores"
    toy.hand_in(base / "in", "talks", toy.book(softmax=talks))
    toy.hand_in(base / "in", "J\u00fcrgen", toy.book())
    elsewhere = toy.book(words="YOUR ANSWER HERE")
    elsewhere["cells"].append({"cell_type": "markdown", "metadata": {}, "source": "It overshoots, as I think."})
    toy.hand_in(base / "in", "words_below", elsewhere)
    assert command(base) == 0
    return base


def code(source):
    return {"cell_type": "code", "metadata": {}, "source": source}


def grades(base):
    """Return every student's points, as {student: {task: points}}."""
    found = {}
    with open(base / "out" / "grades.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["task"] != "toy-words":
                found.setdefault(row["student"], {})[row["task"]] = float(row["points"])
    return found


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_loses_points_exactly_in_its_task(class_of, name):
    task, points, _ = MUTANTS[name]
    assert grades(class_of)[name] == FULL | {f"toy-{task}": points}


@pytest.mark.parametrize("name, expected", [
    ("full", FULL), ("tries", FULL), ("J\u00fcrgen", FULL), ("own_helper", FULL), ("stripped", FULL), ("twice", FULL), ("locked_cells_changed", FULL),
    ("latin", FULL), ("syntax", FULL | {"toy-softmax": 0}), ("empty", NOTHING), ("garbage", NOTHING),
    ("nothing", NOTHING),
    pytest.param("<b>& evil\\n", FULL, marks=pytest.mark.skipif(os.name != "posix", reason="no name on Windows")),
])
def test_points_by_the_rules(class_of, name, expected):
    assert grades(class_of)[name] == expected


@pytest.mark.parametrize("name, note", [
    ("stripped", "toy-softmax is gone"), ("twice", "2 cells have the grade id toy-softmax"),
    ("latin", "not UTF-8"), ("garbage", "not a notebook"), ("nothing", "missing"),
])
def test_what_was_odd_is_reported(class_of, name, note):
    results = json.loads((class_of / "out" / "results.json").read_text(encoding="utf-8"))
    notes = {result["student"]: " ".join(result["notes"]) for result in results["submissions"]}
    assert note in notes[name] and notes["full"] == "" and "file.txt" in " ".join(results["notes"])


def test_feedback_shows_a_students_own_numbers(class_of):
    page = feedback(class_of, "no_two")
    assert "gx[0, 0] is" in page and "<strong>11 of 20 points</strong> so far" in page
    assert "SyntaxError" in feedback(class_of, "syntax")


def test_feedback_shows_the_lines_that_fail_and_cost_nothing(class_of):
    page = feedback(class_of, "tries")
    assert "<strong>15 of 20 points</strong>" in page and "toy-softmax: lines of your cell that fail" in page
    assert "NameError: name &#x27;mine&#x27; is not defined" in page
    assert "lines of your cell that fail" not in feedback(class_of, "full")


def test_feedback_shows_the_end_of_what_was_printed(class_of):
    page = feedback(class_of, "talks")
    assert "4999\nlast\n</pre>" in page and "first" not in page and len(page) < 10_000


def test_a_folder_has_the_students_name(class_of):
    assert "15 of 20 points" in feedback(class_of, "J\u00fcrgen")


def test_words_below_their_cell_wait_for_a_mark(class_of):
    assert "words_below,toy,toy-words,,5" in (class_of / "out" / "grades.csv").read_text(encoding="utf-8")
    assert "It overshoots, as I think." in (class_of / "out" / "written.html").read_text(encoding="utf-8")
    assert "words_below,toy-words,,5," in (class_of / "out" / "marks.csv").read_text(encoding="utf-8")
    assert "toy-words: the answer stands in a cell below its own" in feedback(class_of, "words_below")


def feedback(base, student):
    return (base / "out" / "feedback" / student / "toy" / "feedback.html").read_text(encoding="utf-8")


def test_marks_are_merged_without_grading_again(class_of, command):
    before = stamps(class_of)
    marks = (class_of / "out" / "marks.csv").read_text(encoding="utf-8")
    (class_of / "marked.csv").write_text(marks.replace("full,toy-words,,5,", "full,toy-words,4,5,nice"), encoding="utf-8")
    assert command(class_of, "--marks", str(class_of / "marked.csv")) == 0
    assert "full,toy,toy-words,4,5" in (class_of / "out" / "grades.csv").read_text(encoding="utf-8")
    page = feedback(class_of, "full")
    assert "19 of 20 points<" in page and "nice" in page
    assert stamps(class_of) == before
    for kept in ((), ("--marks", str(class_of / "out" / "marks.csv"))):
        assert command(class_of, *kept) == 0
        assert "full,toy,toy-words,4,5" in (class_of / "out" / "grades.csv").read_text(encoding="utf-8")


def test_marks_without_a_column_change_nothing(class_of, command, capsys):
    grades = (class_of / "out" / "grades.csv").read_bytes()
    (class_of / "wrong.csv").write_text("full,toy-words,4,5,nice\n", encoding="utf-8")
    assert command(class_of, "--marks", str(class_of / "wrong.csv")) == 2
    assert "has no column student" in capsys.readouterr().err
    assert (class_of / "out" / "grades.csv").read_bytes() == grades


def stamps(base):
    """Return when every kept result was written."""
    return {path.name: path.stat().st_mtime_ns for path in (base / "out" / ".state").glob("*.json")}


def test_nobody_is_graded_with_anothers_files(toy, bubblewrap, command, tmp_path):
    full = toy.hand_in(tmp_path / "in", "full", toy.book())
    empty = toy.hand_in(tmp_path / "in", "empty", toy.empty())
    assert command(tmp_path) == 0
    assert grades(tmp_path) == {"full": FULL, "empty": NOTHING}
    shutil.copy(tmp_path / "out" / ".state" / "full.json", tmp_path / "out" / ".state" / "empty.json")
    assert command(tmp_path) == 0
    assert grades(tmp_path) == {"full": FULL, "empty": NOTHING}
    books = full.read_bytes(), empty.read_bytes()
    full.write_bytes(books[1])
    empty.write_bytes(books[0])
    (tmp_path / "out" / ".state" / "full.json").write_text("{")
    assert command(tmp_path) == 0
    assert grades(tmp_path) == {"empty": FULL, "full": NOTHING}


@pytest.mark.skipif(os.name != "posix", reason="needs kill")
def test_a_run_that_is_killed_goes_on_where_it_stopped(toy, bubblewrap, tmp_path):
    for number in range(4):
        toy.hand_in(tmp_path / "in", f"early{number}", toy.book())
    toy.hand_in(tmp_path / "in", "middle", toy.book(softmax="import time\ndef softmax(scores): time.sleep(2)"))
    toy.hand_in(tmp_path / "in", "zoe", toy.empty())
    command = [sys.executable, "-m", "course", "grade", tmp_path / "in", "--assignment", "toy",
               "--solutions", toy.solutions, "--out", tmp_path / "out", "--workers", "1"]
    running = subprocess.Popen(command, cwd=toy.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    state = tmp_path / "out" / ".state"
    while not (state / "early2.json").exists():
        assert running.poll() is None
        time.sleep(0.02)
    running.kill()
    running.wait()
    before = stamps(tmp_path)
    assert "early2.json" in before and not (tmp_path / "out" / "grades.csv").exists()
    subprocess.run(command, cwd=toy.root, check=True, capture_output=True)
    assert before.items() <= stamps(tmp_path).items()
    assert grades(tmp_path) == {f"early{number}": FULL for number in range(4)} | {
        "middle": FULL | {"toy-softmax": 0}, "zoe": NOTHING}


def test_optimised_python_grades_the_same(toy, bubblewrap, tmp_path):
    """A part that asserts, in a solution folder of its own."""
    folder = shutil.copytree(toy.solutions / "toy", tmp_path / "solutions" / "toy")
    checks = (folder / "checks.py").read_text(encoding="utf-8")
    old = "    return answer.softmax(scores)"
    assert old in checks
    (folder / "checks.py").write_text(checks.replace(old, "    p = answer.softmax(scores)\n    assert p.max() <= 1\n    return 1.0"))
    toy.hand_in(tmp_path / "in", "ann", toy.book(softmax="def softmax(scores):\n    return scores"))
    done = subprocess.run([sys.executable, "-O", "-m", "course", "grade", tmp_path / "in", "--assignment", "toy", "--solutions",
                           tmp_path / "solutions", "--out", tmp_path / "out"], cwd=toy.root, capture_output=True, text=True,
                          env=os.environ | {"PYTHONOPTIMIZE": "2"})
    assert done.returncode == 0, done.stderr
    assert grades(tmp_path) == {"ann": FULL | {"toy-softmax": 0}}


def test_two_runs_do_not_write_to_one_place(toy, command, tmp_path, capsys):
    toy.hand_in(tmp_path / "in", "ann", toy.book())
    (tmp_path / "out" / ".state").mkdir(parents=True)
    with FileLock(tmp_path / "out" / ".state" / "lock"):
        assert command(tmp_path) == 2
    assert "another run" in capsys.readouterr().err


@pytest.mark.parametrize("options, fault", [
    (["--workers", "0"], "--workers is 0"), (["--assignment", "a9"], "does not exist"),
    (["--out", "{in}/grades"], "lies in"),
])
def test_mistakes_of_staff(toy, command, tmp_path, capsys, options, fault):
    toy.hand_in(tmp_path / "in", "ann", toy.book())
    assert command(tmp_path, *(option.replace("{in}", str(tmp_path / "in")) for option in options)) == 2
    assert fault in capsys.readouterr().err


def test_unsandboxed_says_what_it_risks(toy, command, tmp_path, capsys):
    toy.hand_in(tmp_path / "in", "ann", toy.book(softmax="def softmax(scores):\n    return scores"))
    assert command(tmp_path, "--unsandboxed") == 0
    assert "UNSANDBOXED" in capsys.readouterr().out
    assert grades(tmp_path) == {"ann": FULL | {"toy-softmax": 0}}


def test_a_grader_that_fails_on_one_submission_goes_on(toy, bubblewrap, command, tmp_path, monkeypatch):
    from course.grading import submission

    def read(folder, *arguments, read=submission.read):
        return read(folder, *arguments) if folder.name == "ann" else 1 / 0

    monkeypatch.setattr(submission, "read", read)
    for student in ("ann", "bob"):
        toy.hand_in(tmp_path / "in", student, toy.book())
    assert command(tmp_path) == 0
    assert grades(tmp_path) == {"ann": FULL, "bob": NOTHING}
    assert "grade this by hand" in (tmp_path / "out" / "results.json").read_text(encoding="utf-8")
    assert "bob.json" not in stamps(tmp_path)


def test_a_solution_that_fails_is_named(toy, bubblewrap, command, tmp_path, capsys):
    folder = shutil.copytree(toy.solutions / "toy", tmp_path / "solutions" / "toy")
    book = toy.book(softmax="def softmax(scores):\n    return scores / 0")
    (folder / "toy.ipynb").write_text(json.dumps(book), encoding="utf-8")
    toy.hand_in(tmp_path / "in", "ann", toy.book())
    assert command(tmp_path, "--solutions", str(tmp_path / "solutions")) == 2
    assert "the solution of toy-softmax fails: rows/0/ is not finite" in capsys.readouterr().err
