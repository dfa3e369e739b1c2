"""An answer in words is found wherever it stands."""
import dataclasses

import pytest

from course.answers.cells import Cell
from course.grading import written

ASK = Cell("other", None, "## In words\n\nWhy?", False)
CHECK = Cell("check", "t-check", "assert x", True, 3)
ANSWER = Cell("written", "w", "Because.", False, 5)
EMPTY = dataclasses.replace(ANSWER, source="YOUR ANSWER HERE")
TITLE, END = Cell("other", None, "# Title", False), Cell("other", None, "## The end", False)
SOLUTION = [TITLE, CHECK, ASK, ANSWER, END]


def own(source, code=False):
    return Cell("other", None, source, code)


def find(*cells):
    return written.find(list(cells), SOLUTION, "w")


def test_in_its_place():
    assert find(TITLE, CHECK, ASK, ANSWER, END) == ("Because.", "")


@pytest.mark.parametrize("cells", [
    [TITLE, CHECK, ASK, EMPTY, END], [], [EMPTY], [TITLE, ASK, dataclasses.replace(EMPTY, source="  \n"), own(" "), END],
    [EMPTY, EMPTY], [TITLE, CHECK, ASK, END], [own("YOUR ANSWER HERE")],
    [dataclasses.replace(ASK, source="## In words \r\n\r\nWhy?"), EMPTY], [EMPTY, own("x = 1", code=True), END][::2]])
def test_not_answered(cells):
    assert find(*cells) == ("", "")


@pytest.mark.parametrize("cells, text, note", [
    ([ASK, dataclasses.replace(ANSWER, kind="other", code=True), END], "Because.", "code cell"),
    ([ASK, dataclasses.replace(ANSWER, kind="other"), END], "Because.", ""),
    ([ASK, EMPTY, own("Below."), END], "Below.", "below"),
    ([ASK, EMPTY, own("One."), own("Two."), END, own("Notes")], "One.\n\nTwo.", "below"),
    ([ASK, EMPTY, own("# words in a code cell", code=True), END], "# words in a code cell", "below"),
    ([ASK, own("No metadata."), END], "No metadata.", "below"),
    ([TITLE, CHECK, ASK, own("YOUR ANSWER HERE\n\nUnder it."), END], "Under it.", "below"),
    ([ANSWER, EMPTY], "Because.", ""), ([EMPTY, ANSWER], "Because.", ""), ([ANSWER, ANSWER], "Because.", ""),
    ([ANSWER, dataclasses.replace(ANSWER, source="And more.")], "Because.\n\nAnd more.", ""),
    ([TITLE, own("Above all."), ASK, EMPTY, END], "Above all.", "nothing in its place"),
    ([own("## In words\n\nWhy?\n\nBecause of this."), EMPTY], "## In words\n\nWhy?\n\nBecause of this.", "nothing in its place"),
    ([ASK, EMPTY, END, own("At the end.")], "At the end.", "nothing in its place"),
    ([own("All else is gone.")], "All else is gone.", "nothing in its place"),
    ([ASK, dataclasses.replace(EMPTY, source="Mine: YOUR ANSWER HERE")], "Mine:", ""),
])
def test_elsewhere(cells, text, note):
    found, said = find(*cells)
    assert found == text and note in said and bool(said) == bool(note)
