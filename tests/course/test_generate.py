"""Assignments made by nbgrader's converter; skipped where nbgrader is not installed (it is in the extra `instructor`)."""
import builtins

import nbformat
import pytest

from course.check import ASSIGNMENTS
from course.generate import SOLUTIONS, convert, generate, solutions
from course.notebook import read, text
from tests.course.test_assignments import stripped, without_checksums
from tinynet.errors import InputError

NAMES = [path.stem for path in solutions()]


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    pytest.importorskip("nbgrader", reason="needs nbgrader: pip install -e '.[instructor]'")
    out = tmp_path_factory.mktemp("assignments")
    (out / "README.md").write_text("stays", encoding="utf-8")
    assert generate(SOLUTIONS, out) == 0
    return out


@pytest.mark.parametrize("name", NAMES)
def test_the_assignments_here_are_what_the_solutions_generate(generated, name):
    path = f"{name}/{name}.ipynb"
    assert (generated / path).read_bytes() == (ASSIGNMENTS / path).read_bytes(), "run python -m course generate"


@pytest.mark.parametrize("name", NAMES)
def test_the_tests_own_stripping_is_the_converters(generated, name):
    """So that where nbgrader is missing, `test_assignments` still proves that the assignments are up to date."""
    book = read(generated / name / f"{name}.ipynb")
    assert without_checksums(book) == stripped(read(SOLUTIONS / name / f"{name}.ipynb"))


def test_only_notebooks_and_rubrics_are_written_and_other_files_stay(generated):
    found = {path.relative_to(generated).as_posix() for path in generated.rglob("*") if path.is_file()}
    assert found == {"README.md", "a4_your_own_data/rubric.md", *(f"{name}/{name}.ipynb" for name in NAMES)}
    assert (generated / "a4_your_own_data/rubric.md").read_bytes() == (SOLUTIONS / "a4_your_own_data/rubric.md").read_bytes()
    assert (generated / "README.md").read_text(encoding="utf-8") == "stays"


def test_a_second_run_gives_the_same_bytes(generated):
    path = SOLUTIONS / NAMES[0] / f"{NAMES[0]}.ipynb"
    assert text(convert(path)) == (generated / NAMES[0] / path.name).read_text(encoding="utf-8")


def test_a_solution_that_nbgrader_refuses_is_named(generated, tmp_path):
    book = read(SOLUTIONS / NAMES[0] / f"{NAMES[0]}.ipynb")
    book.cells = [cell for cell in book.cells if cell.cell_type == "code"]
    book.cells[1].source = book.cells[1].source.replace("### END SOLUTION", "")
    path = tmp_path / "broken" / "broken.ipynb"
    path.parent.mkdir()
    nbformat.write(book, path)
    with pytest.raises(InputError, match="nbgrader refuses .*broken.ipynb"):
        convert(path)


def test_without_nbgrader_it_says_how_to_get_it(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments):
        if name.startswith("nbgrader"):
            raise ImportError(name)
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match="instructor"):
        convert(SOLUTIONS / NAMES[0] / f"{NAMES[0]}.ipynb")
