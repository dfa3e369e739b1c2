"""A lesson to try the rules on; the toy assignment, and submissions of it."""
import json
import os
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course.answers.limits import Limits
from course.grading.sandbox import Sandbox
from tinynet.errors import InputError

FOLDER = Path(__file__).parent / "grading"
SOLUTION = re.compile(r"### BEGIN SOLUTION.*?### END SOLUTION", re.DOTALL)


def code(source, *outputs, tags=()):
    """A code cell with its stored outputs."""
    return new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)} if tags else {})


@pytest.fixture
def lesson():
    """A small lesson as it is stored, which breaks no rule: five code cells between two of text."""
    figure = {"image/png": "iVBORw0KGgo=\n", "text/plain": "<Figure size 640x480 with 1 Axes>"}
    cells = [
        new_markdown_cell("# 01 Thirds\n\nWhat is a third?"),
        code("print(f'{1 / 3:.4f}')", new_output("stream", text="0.3333\n")),
        code("from matplotlib import pyplot as plt\nlines = plt.plot([1, 2])\nplt.show()",
             new_output("display_data", figure)),
        code("assert len(lines) == 1"),
        code("import time\nseconds = time.perf_counter()\nassert seconds > 0\nprint(seconds)",
             new_output("stream", text="1.0\n"), tags=["nbval-ignore-output"]),
        code("3 * 2", new_output("execute_result", {"text/plain": "6"}, execution_count=5)),
        new_markdown_cell("## Exercises\n\n1. Easy.\n2. Harder.\n3. Open.\n\n"
                          "## Sources\n\n* [A](https://example.org)"),
    ]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    for number, cell in enumerate(cells[1:6], 1):
        cell.execution_count = number
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                "language_info": {"name": "python"}}
    return nbformat.from_dict(new_notebook(cells=cells, metadata=metadata))


class Toy:
    """The toy assignment's notebook, to be changed and handed in."""

    solutions = FOLDER
    root = FOLDER.parents[2]
    text = (FOLDER / "toy" / "toy.ipynb").read_text(encoding="utf-8")

    def book(self, **sources):
        """Return the solution as JSON with other sources for the cells ``toy-NAME``; None removes the cell."""
        book = json.loads(self.text)
        for name, source in sources.items():
            cells = [cell for cell in book["cells"] if self.grade_id(cell) == f"toy-{name}"]
            cells[0]["source"] = source
        book["cells"] = [cell for cell in book["cells"] if cell["source"] is not None]
        return book

    def empty(self):
        """Return the notebook as students get it."""
        book = json.loads(self.text)
        for cell in book["cells"]:
            cell["source"] = SOLUTION.sub("raise NotImplementedError()", "".join(cell["source"]))
            if self.grade_id(cell) == "toy-words":
                cell["source"] = "YOUR ANSWER HERE"
        return book

    @staticmethod
    def grade_id(cell):
        return cell["metadata"].get("nbgrader", {}).get("grade_id")

    @staticmethod
    def hand_in(submissions, student, content):
        """Write a submission, from JSON or bytes, and return its path."""
        path = submissions / student / "toy" / "toy.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path


@pytest.fixture(scope="session")
def toy():
    return Toy()


@pytest.fixture(scope="session")
def bubblewrap():
    """Skip where there is no working bubblewrap; fail there if REQUIRE_SANDBOX is set, as it is in `.ci/run`."""
    try:
        with Sandbox(("numpy",), (), Limits()):
            pass
    except InputError as error:
        (pytest.fail if os.environ.get("REQUIRE_SANDBOX") else pytest.skip)(str(error))
