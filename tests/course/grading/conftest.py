"""The toy assignment, and submissions of it."""
import json
import os
import re
from pathlib import Path

import pytest

from course.grading.contract import Limits
from course.grading.sandbox import Sandbox
from tinynet.errors import InputError

FOLDER = Path(__file__).parent
SOLUTION = re.compile(r"### BEGIN SOLUTION.*?### END SOLUTION", re.DOTALL)


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
