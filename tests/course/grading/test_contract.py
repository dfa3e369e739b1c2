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
    assert assignment.given == ["import numpy as np\nfrom tinynet import Function, Tensor"]
    assert assignment.packages == ("numpy",) and assignment.modules == ("backend", "errors", "tensor")


def change(folder, act):
    path = folder / "toy.ipynb"
    book = json.loads(path.read_text(encoding="utf-8"))
    cells = {cell["metadata"].get("nbgrader", {}).get("grade_id"): cell for cell in book["cells"]}
    act(book, cells)
    path.write_text(json.dumps(book), encoding="utf-8")


@pytest.mark.parametrize("act, fault", [
    (lambda book, cells: cells["toy-square-check"]["metadata"]["nbgrader"].update(points=7), "toy-square-check with 6 points"),
    (lambda book, cells: cells["toy-words"]["metadata"]["nbgrader"].update(points=7), "toy-words with 5 points"),
    (lambda book, cells: cells["toy-square"]["metadata"]["nbgrader"].update(solution=False), "answer cell toy-square"),
    (lambda book, cells: cells["toy-square"]["metadata"].clear(), "answer cell toy-square with None points, the notebook has none"),
    (lambda book, cells: book["cells"].append(cells["toy-square"]), "two cells have the grade id toy-square"),
    (lambda book, cells: book["metadata"].pop("course"), "does not say what an answer may import"),
])
def test_a_notebook_that_disagrees_is_refused(folder, act, fault):
    change(folder, act)
    with pytest.raises(InputError, match=fault):
        contract.load(folder)


def test_calls_that_want_what_is_not_drawn_are_refused(folder):
    checks = folder / "checks.py"
    checks.write_text(checks.read_text(encoding="utf-8").replace("answer, x, a, gy", "answer, x, a, gz"), encoding="utf-8")
    with pytest.raises(InputError, match="backward takes \\['gz'\\]"):
        contract.load(folder)


def test_parts_with_one_name_are_refused(folder):
    checks = folder / "checks.py"
    checks.write_text(checks.read_text(encoding="utf-8").replace('"backward", 4', '"forward", 4'), encoding="utf-8")
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
    drawn = [trial["w"] for trials in (first, contract.draw(task, 2, seed=2), contract.draw(task, 1, seed=1)) for trial in trials]
    assert len({array.tobytes() for array in drawn}) == 9
