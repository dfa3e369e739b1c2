"""The assignments: their parts fit, and students get nothing of them that they should not."""
import ast
import copy
import dataclasses
import re

import pytest

from course import check
from course.generate import RUBRIC, SOLUTIONS, solutions
from course.answers import library
from course.answers.asgraded import AsGraded
from course.answers.cells import Cell
from course.grading import contract
from course.notebook import LESSONS, ROOT, code_cells, read
from tests.course.mutants import MUTANTS

ASSIGNMENTS = ROOT / "assignments"
NAMES = ["a1_autograd_layers", "a2_optimisers", "a3_transfer", "a4_your_own_data", "a5_train_better"]
BY_HAND = {"README.md", "test_assignments.py"}
REGION = re.compile(r"^( *)### BEGIN SOLUTION\n.*?^ *### END SOLUTION$", re.DOTALL | re.MULTILINE)
STUB = r"\1# YOUR CODE HERE\n\1raise NotImplementedError()"


def solution(name):
    return read(SOLUTIONS / name / f"{name}.ipynb")


def released(name):
    return read(ASSIGNMENTS / name / f"{name}.ipynb")


def mark(cell, key):
    return cell.metadata.get("nbgrader", {}).get(key)


def defined(path):
    """Return the names of a module's public functions and classes."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return {node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name[0] != "_"}


def without_checksums(notebook):
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        cell.metadata.get("nbgrader", {}).pop("checksum", None)
    return notebook


def stripped(notebook):
    """What nbgrader's converter makes of a solution, but for checksums; `test_generate` compares it with the converter."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader["cell_type"] = cell.cell_type
            cell.metadata["deletable"] = False
            if mark(cell, "locked"):
                cell.metadata["editable"] = False
        if mark(cell, "solution"):
            cell.source = REGION.sub(STUB, cell.source) if cell.cell_type == "code" else "YOUR ANSWER HERE"
    return notebook


def test_the_solutions_are_those_of_the_curriculum():
    assert [path.stem for path in solutions()] == NAMES


@pytest.mark.parametrize("name", NAMES)
class TestSolution:
    def test_its_checks_fit_and_its_points_add_to_100(self, name):
        assignment = contract.load(SOLUTIONS / name)
        assert sum(part.points for part in [*assignment.tasks, *assignment.written]) == 100
        assert len(assignment.written) == 1

    def test_the_points_are_those_its_text_names(self, name):
        cells = solution(name).cells
        points = [mark(cell, "points") for cell in cells if mark(cell, "points")]
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        assert [int(n) for n in re.findall(r"^## \d+\. .*\((\d+) points\)$", text, re.MULTILINE)] == points

    def test_every_task_is_small_and_says_what_it_is_given(self, name):
        for cell in code_cells(solution(name)):
            if mark(cell, "solution"):
                definition, = ast.parse(cell.source).body
                assert ast.get_docstring(definition), cell.source
                regions = REGION.finditer(cell.source)
                lines = [line for region in regions for line in region[0].splitlines()[1:-1] if line.strip()]
                assert 1 <= len(lines) <= 20, cell.source

    def test_every_check_names_its_tolerance_and_what_to_read(self, name):
        for cell in code_cells(solution(name)):
            if mark(cell, "grade"):
                assert cell.source.count("rtol=") == cell.source.count("assert_allclose(")
                assert re.match(r"lesson \d\d, |the formula of this task, ", cell.metadata.course.read)

    def test_what_to_read_again_exists(self, name):
        advice = [cell.metadata.course.read for cell in code_cells(solution(name)) if mark(cell, "grade")]
        for number in sorted({line[7:9] for line in advice if line.startswith("lesson")}):
            lessons = list(LESSONS.glob(f"{number}_*.ipynb"))
            if not lessons:
                pytest.skip(f"there is no lesson {number} yet")
            text = "\n".join(cell.source for cell in read(lessons[0]).cells)
            for line in advice:
                for heading in re.findall(r"'([^']+)'", line if line[7:9] == number else ""):
                    assert re.search(rf"^##+ {re.escape(heading)}$", text, re.MULTILINE), line

    def test_passes_its_own_visible_checks_from_top_to_bottom(self, name):
        outcomes = check.check(SOLUTIONS / name / f"{name}.ipynb")
        assert [outcome.message for outcome in outcomes] == [""] * len(outcomes)

    def test_is_stored_without_outputs(self, name):
        cells = code_cells(solution(name))
        assert [cell for cell in cells if cell.outputs or cell.execution_count] == [], "clear the outputs of all cells"

    def test_no_answer_can_be_imported(self, name):
        """What an answer may import of tinynet defines no name of an answer, and none of the rest of tinynet."""
        notebook = solution(name)
        files = {(library.TINYNET / module).with_suffix(".py") for module in notebook.metadata.course.tinynet}
        there = set().union(*map(defined, files))
        assert not there & set().union(*map(defined, set(library.TINYNET.rglob("*.py")) - files))
        for cell in code_cells(notebook):
            if mark(cell, "solution"):
                tree = ast.parse(cell.source)
                assert not {tree.body[0].name, tree.body[0].name.lower()} & there
                assert not [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]

    def test_a_line_that_imports_the_answer_fails(self, name):
        """The check of a notebook, which students run, refuses what the grader's sandbox does not have."""
        metadata = solution(name).metadata.course
        cell = Cell("answer", "t", "", True)
        with AsGraded(metadata.packages, metadata.tinynet) as graded:
            for line in ("from tinynet.ops import conv2d", "import tinynet.ops", "from tinynet.optim.adam import Adam",
                         "from tinynet import ops", "from tinynet import InputError, layers", "import scipy.signal"):
                answer = dataclasses.replace(cell, source=line)
                _, failed = graded.check([answer], [answer], Cell("check", "t-check", "assert True", True), {})
                assert "Error: " in failed, line


@pytest.mark.parametrize("name", NAMES)
class TestReleased:
    def test_is_what_its_solution_generates(self, name):
        assert without_checksums(released(name)) == stripped(solution(name)), "run python -m course generate"

    def test_holds_no_line_of_a_solution(self, name):
        text = [line.strip() for cell in released(name).cells for line in cell.source.splitlines()]
        for cell in solution(name).cells:
            if mark(cell, "solution"):
                regions = REGION.finditer(cell.source) if cell.cell_type == "code" else [re.match("(?s).*", cell.source)]
                lines = {line.strip() for region in regions for line in region[0].splitlines()} - {"", "pass"}
                assert lines and not lines & set(text)

    def test_holds_no_output_and_no_hidden_check(self, name):
        assert not [cell for cell in code_cells(released(name)) if cell.outputs or cell.execution_count]
        text = (ASSIGNMENTS / name / f"{name}.ipynb").read_text(encoding="utf-8")
        checks = (SOLUTIONS / name / "checks.py").read_text(encoding="utf-8")
        for definition in ast.parse(checks).body:
            if isinstance(definition, ast.FunctionDef):
                assert f"def {definition.name}(" not in text.replace("def trunk(", "")
        assert "SOLUTION" not in text and "HIDDEN" not in text and "Rubric" not in text


def test_nothing_else_is_in_the_assignments():
    found = {path.relative_to(ASSIGNMENTS).as_posix() for path in ASSIGNMENTS.rglob("*")
             if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts)}
    rubrics = {f"{name}/{RUBRIC}" for name in NAMES if (SOLUTIONS / name / RUBRIC).exists()}
    assert found == BY_HAND | rubrics | {f"{name}/{name}.ipynb" for name in NAMES}
    for rubric in rubrics:
        assert (ASSIGNMENTS / rubric).read_bytes() == (SOLUTIONS / rubric).read_bytes(), "run python -m course generate"


def test_every_link_of_the_readme_leads_somewhere():
    for link in re.findall(r"\]\(([^)#]+)\)", (ASSIGNMENTS / "README.md").read_text(encoding="utf-8")):
        assert (ASSIGNMENTS / link).is_file(), link


def test_the_check_refuses_a_number_in_an_array_as_the_grade_does():
    assignment = contract.load(SOLUTIONS / "a1_autograd_layers")
    old, new, lost = MUTANTS["a1-cross-entropy"]["loss in an array"]
    answer, visible = (next(cell for cell in assignment.cells if cell.grade_id == name)
                       for name in ("a1-cross-entropy", "a1-cross-entropy-check"))
    answer = dataclasses.replace(answer, source=answer.source.replace(old, new))
    with AsGraded(assignment.packages, assignment.modules) as graded:
        wrong, _ = graded.check([answer, visible], [answer], visible, assignment.given)
    assert wrong == "AssertionError: the loss is a number, not an array" and lost == {"loss", "large scores"}
