"""course/execute.py: fresh kernels, the same bytes each time, and no new file when a lesson fails."""
import pytest
from course.execute import LessonError, execute
from course.notebook import code_cells, read, write
from nbformat.v4 import new_code_cell, new_output


@pytest.fixture
def path(lesson, tmp_path):
    """The small lesson as an editor might leave it: not run, with random ids."""
    for number, cell in enumerate(lesson.cells):
        cell.id = f"{number:08x}"
    for cell in code_cells(lesson):
        cell.update(outputs=[], execution_count=None)
    write(lesson, tmp_path / "01_thirds.ipynb")
    return tmp_path / "01_thirds.ipynb"


def change(path, number, source, outputs=()):
    """Give one code cell of a notebook on disk another source and outputs; cells count from 1."""
    notebook = read(path)
    code_cells(notebook)[number - 1].update(source=source, outputs=list(outputs))
    write(notebook, path)


def test_two_runs_give_the_same_bytes(path, monkeypatch, capfd):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    assert execute([path]) == 0
    first = path.read_bytes()
    assert execute([path]) == 0
    assert path.read_bytes() == first
    cells = code_cells(read(path))
    assert [cell.execution_count for cell in cells] == [1, 2, 3, 4, 5]
    assert cells[0].outputs[0].text == "0.3333\n"
    assert set(cells[1].outputs[0].data) == {"image/png", "text/plain"}
    assert cells[4].outputs[0].data["text/plain"] == "6"
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    out, err = capfd.readouterr()
    assert out == "" and [line.split()[::2] for line in err.splitlines()] == [["01_thirds", "s"]] * 2


def test_an_output_that_varies_is_kept_unless_measured(path):
    change(path, 2, "lines = ['no figure']\nprint(lines)")
    change(path, 4, "assert True\n7", [new_output("execute_result", {"text/plain": "8"}, execution_count=99)])
    for measure, wanted in [(False, "8"), (True, "7")]:
        execute([path], measure)
        [output] = code_cells(read(path))[3].outputs
        assert (output.data["text/plain"], output.execution_count) == (wanted, 4)


@pytest.mark.parametrize("source, wanted", [
    ("1 / 0", "cell [1] failed: ZeroDivisionError: division by zero\n------"),
    ("import os\nos._exit(3)", "cell [1] ended the kernel"),
    ("while True: pass", "cell [1] took longer than 1 s"),
    ("import warnings\nwarnings.warn('mind the gap')", "not stored, since\n"),
])
def test_a_lesson_that_fails_keeps_its_file(path, monkeypatch, capfd, source, wanted):
    monkeypatch.setattr("course.execute.CELL_SECONDS", 1 if source.startswith("while") else 120)
    notebook = read(path)
    notebook.cells = [notebook.cells[0], notebook.cells[-1], new_code_cell(source)]
    write(notebook, path)
    before = path.read_bytes()
    assert execute([path]) == 1
    assert path.read_bytes() == before
    printed = capfd.readouterr().err
    assert printed.startswith(f"01_thirds failed\n{path}: {wanted}") and "\x1b" not in printed
    assert ("----> 1 1 / 0" in printed) == (source == "1 / 0")
    assert ("cell [1]: prints to stderr" in printed) == ("warn" in source)


@pytest.mark.parametrize("source, heard", [("6", False), ("import os\nos._exit(3)", True)])
def test_what_the_kernel_says_past_jupyter_is_told_only_where_it_dies(path, monkeypatch, capfd, tmp_path, source, heard):
    """As libzmq does, which complains in some kernels once all is done: between the lesson's name and its time."""
    (tmp_path / "noise").mkdir()
    (tmp_path / "noise" / "sitecustomize.py").write_text(
        "import atexit, os\nos.write(2, b'Assertion passed\\n')\natexit.register(os.write, os.dup(2), b'failed\\n')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "noise"))
    change(path, 5, source)
    assert execute([path]) == heard
    printed = capfd.readouterr().err
    assert ("Assertion passed\n" in printed) == heard
    assert heard or printed.startswith("01_thirds ") and printed.endswith(" s\n") and printed.count("\n") == 1


def test_after_a_lesson_that_fails_the_next_is_run(path, monkeypatch):
    def run(notebook, folder):
        ran.append(notebook.cells[0].source)
        raise LessonError("no")
    ran = []
    monkeypatch.setattr("course.execute._run", run)
    assert execute([path, path]) == 1
    assert len(ran) == 2
