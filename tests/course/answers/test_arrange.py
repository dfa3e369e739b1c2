import pytest

from course.answers import arrange
from course.answers.cells import Cell

ASKED = "def softmax(scores):\n    pass"
STUB = "def softmax(scores):\n    raise NotImplementedError()"
CHECK = Cell("check", "t-check", "assert softmax", True)
GIVEN = {"given": "import numpy as np"}


def answer(source, grade_id="t"):
    return Cell("answer", grade_id, source, True)


def other(source, code=True):
    return Cell("other", None, source, code)


def find(*cells):
    found, note = arrange.answers(cells, "t", ASKED)
    return [cell.source for cell in found], note


def test_answers_are_found_by_grade_id():
    assert find(other("x"), answer("a"), answer("b", "u")) == (["a"], "")
    found, note = find(answer("a"), answer("b"))
    assert found == ["a", "b"] and "2 cells have the grade id t" in note


@pytest.mark.parametrize("cells, found", [([STUB, "a"], ["a"]), (["a", STUB], ["a"]), (["a", STUB, "b"], ["a", "b"]),
                                          ([STUB, STUB], [STUB, STUB])])
def test_a_copy_that_is_not_filled_in_takes_nothing_away(cells, found):
    assert find(*map(answer, cells))[0] == found


@pytest.mark.parametrize("source", [
    "def other(): pass\n\ndef softmax(x): return x", "class softmax: pass", "softmax = mine", "if True:\n    def softmax(x): pass",
    "async def softmax(x): pass"])
def test_without_its_grade_id_an_answer_is_found_by_what_it_defines(source):
    found, note = find(other("softmax(3)"), other(source), other("x = softmax == 3"))
    assert found == [source] and "graded the cell that defines softmax instead" in note
    assert find(other("x"), answer(source, "u"))[0] == [source]         # two answers in one cell
    assert find(other(source), answer(source + " ", "u"))[0] == [source]


def test_beside_a_cell_that_is_no_code_any_more_an_answer_is_found_too():
    found, note = find(Cell("other", "t", ASKED, False), other("def softmax(x): return x"))
    assert found == ["def softmax(x): return x"] and "no code cell any more: graded the cell that defines softmax" in note


def test_what_is_gone_is_said():
    assert find(other("x"), Cell("given", "g", "softmax = 3", True)) == ([], "the cell with the grade id t is gone: not answered")
    assert "no code cell any more" in find(Cell("other", "t", ASKED, False))[1]
    assert find() == ([], "")


def job(*cells, chosen=1):
    return arrange.job(cells, [cells[chosen]], "t", GIVEN, [], [])


def test_cells_are_above_or_below_the_check():
    run = job(other("a"), answer("b"), other("c"), CHECK, other("d"), other("words", code=False), answer("e", "u"))
    assert run["given"] == ["import numpy as np"]
    assert run["above"] == [["other", "a"], ["answer", "b"], ["other", "c"]]
    assert run["below"] == [["check", "assert softmax"], ["other", "d"], ["other", "e"]]


def test_without_a_check_below_the_answer_itself_is_the_end():
    assert job(CHECK, answer("b"), other("c"))["above"][-1] == ["answer", "b"]


def test_equal_cells_are_told_apart():
    first, second = other("x = 1"), other("x = 1")
    run = arrange.job([first, second], [second], "t", GIVEN, [], [])
    assert run["above"] == [["other", "x = 1"], ["answer", "x = 1"]]


def test_a_given_cell_that_was_changed_runs_and_is_put_right_after():
    changed = Cell("given", "given", "import numpy as np\nimport math", True)
    assert job(changed, answer("b"))["above"] == [["other", changed.source], ["given", GIVEN["given"]], ["answer", "b"]]
    assert job(Cell("given", "given", GIVEN["given"], True), answer("b"))["above"] == [["answer", "b"]]
