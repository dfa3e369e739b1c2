import json
import shutil

import numpy as np
import pytest

from course.grading import contract
from tinynet.errors import InputError


@pytest.fixture
def folder(toy, tmp_path):
    """A copy of the toy assignment."""
    return shutil.copytree(toy.solutions / "toy", tmp_path / "toy", ignore=shutil.ignore_patterns("__pycache__"))


def test_load(toy):
    assignment = contract.load(toy.solutions / "toy")
    assert assignment.name == "toy" and [task.points for task in assignment.tasks] == [6, 4, 5]
    assert assignment.given == {"toy-given": "import numpy as np\nfrom tinynet import Function, Tensor"}
    assert assignment.packages == ("numpy",) and assignment.modules == ("backend", "errors", "tensor")


def change(folder, name, **mark):
    """Give a cell other nbgrader metadata."""
    path = folder / "toy.ipynb"
    book = json.loads(path.read_text(encoding="utf-8"))
    for cell in book["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == name:
            cell["metadata"]["nbgrader"].update(mark)
    path.write_text(json.dumps(book), encoding="utf-8")


@pytest.mark.parametrize("name, mark, fault", [
    ("toy-square-check", {"points": 7}, "toy-square-check with 6 points"),
    ("toy-words", {"points": 7}, "toy-words with 5 points"),
    ("toy-square", {"solution": False}, "answer cell toy-square"),
    ("toy-square", {"grade_id": "other"}, "answer cell toy-square with None points, the notebook has none"),
    ("toy-given", {"grade_id": "toy-square"}, "two cells have the grade id toy-square"),
])
def test_a_notebook_that_disagrees_is_refused(folder, name, mark, fault):
    change(folder, name, **mark)
    with pytest.raises(InputError, match=fault):
        contract.load(folder)


def test_a_notebook_that_does_not_say_what_answers_may_import_is_refused(folder):
    book = json.loads((folder / "toy.ipynb").read_text(encoding="utf-8"))
    del book["metadata"]["course"]
    (folder / "toy.ipynb").write_text(json.dumps(book), encoding="utf-8")
    with pytest.raises(InputError, match="does not say what an answer may import"):
        contract.load(folder)


def replace(folder, old, new):
    """Change the text of ``checks.py``."""
    text = (folder / "checks.py").read_text(encoding="utf-8")
    assert old in text
    (folder / "checks.py").write_text(text.replace(old, new), encoding="utf-8")


def test_calls_that_want_what_is_not_drawn_are_refused(folder):
    replace(folder, "answer, x, a, gy", "answer, x, a, gz")
    with pytest.raises(InputError, match="backward takes \\['gz'\\]"):
        contract.load(folder)


def test_parts_with_one_name_are_refused(folder):
    replace(folder, '"backward", 4', '"forward", 4')
    with pytest.raises(InputError, match="not different"):
        contract.load(folder)


@pytest.mark.parametrize("name", ["toy.ipynb", "checks.py"])
def test_missing_files(folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match="does not exist"):
        contract.load(folder)


def test_inputs_depend_on_the_secret_the_task_and_the_trial(toy):
    task = contract.load(toy.solutions / "toy").tasks[2]
    first = contract.draw(task, 2, seed=1)
    assert len(first) == 3 and all(isinstance(array, np.ndarray) for array in first[0].values())
    np.testing.assert_equal(contract.draw(task, 2, seed=1), first)
    others = contract.draw(task, 2, seed=2) + contract.draw(task, 1, seed=1)
    assert len({trial["w"].tobytes() for trial in first + others}) == 9
