"""course/guard.py: a good lesson has no fault, and each way of spoiling it is found and named."""
import nbformat
import pytest
from course.guard import faults
from nbformat.v4 import new_code_cell, new_output

FIRST, FIGURE, CHECK, TIMING, LAST = range(1, 6)        # the code cells of the fixture `lesson`


def prints(text, name="stdout"):
    """Spoil a lesson by what its first cell shows."""
    return lambda lesson: lesson.cells[FIRST].outputs.append(new_output("stream", name=name, text=text))


def says(source, cell=FIRST):
    """Spoil a lesson by what one of its cells says."""
    return lambda lesson: lesson.cells[cell].update(source=source)


def tagged(cell, tag):
    return lambda lesson: lesson.cells[cell].metadata.update(tags=[tag])


def stripped(lesson):
    for cell in lesson.cells[FIRST:LAST + 1]:
        cell.update(outputs=[], execution_count=None)


def half_run(lesson):
    lesson.cells[LAST].execution_count = None


def run_twice(lesson):
    lesson.cells[LAST].execution_count = 9


def silent(lesson):
    lesson.cells[FIRST].outputs = lesson.cells[LAST].outputs = []


def other_kernel(lesson):
    lesson.metadata.kernelspec.name = "my-conda"


def random_id(lesson):
    lesson.cells[0].id = "1f2e3d4c"


def same_id(lesson):
    lesson.cells[0].id = lesson.cells[1].id


def another_varies(lesson):
    tagged(FIGURE, "nbval-ignore-output")(lesson)


def raises(lesson):
    trace = ["\x1b[31mFile \x1b[32m/home/ada/tinynet/ops.py:3\x1b[39m"]
    lesson.cells[FIRST].outputs.append(new_output("error", ename="ValueError", evalue="", traceback=trace))


def shows_html(lesson):
    lesson.cells[LAST].outputs[0].data["text/html"] = "<td>0.12345678</td>"


def replaced(old, new):
    return lambda lesson: lesson.cells[-1].update(source=lesson.cells[-1].source.replace(old, new))


def test_a_good_lesson_has_no_fault(lesson):
    assert faults(lesson) == []


@pytest.mark.parametrize("spoil, wanted", [
    (half_run, "not run from top to bottom"),
    (run_twice, "not run from top to bottom"),
    (silent, "fewer than 50% of the code cells show an output"),
    (other_kernel, "the kernel is not named python3"),
    (random_id, "the cell ids are not"),
    (same_id, "the cell ids are not"),
    (another_varies, "more than 20% of the code cells are tagged"),
    (tagged(FIRST, "nbval-skip"), "cell [1]: nbval is told to skip"),
    (says("# NBVAL_IGNORE_OUTPUT\nprint(1)"), "cell [1]: nbval is told to skip"),
    (says("print(1);"), "cell [1]: a line ends in ';'"),
    (says("plt.plot(x);  # the curve"), "cell [1]: a line ends in ';'"),
    (says("x = 1\n" * 25 + "x"), "cell-1, 'x = 1': more than 25 lines"),
    (says("text\n" * 26, cell=0), "cell-0, 'text': more than 25 lines"),
    (says("# assert nothing", CHECK), "cell [2]: draws a picture"),
    (says("import time\nprint(time.time())", TIMING), "cell [4]: has an output that nbval does not compare"),
    (prints("UserWarning: mind the gap\n", "stderr"), "cell [1]: prints to stderr"),
    (prints("\n", "stderr"), "cell [1]: prints to stderr"),
    (prints("<Line2D object at 0x7f08d8d4f350>"), "cell [1]: shows an address in memory: 0x7f08d8d4f350"),
    (prints("saved in /tmp/x.npy"), "cell [1]: shows a path of this machine: /tmp/x.npy"),
    (prints("PosixPath('/home/ada/cats')"), "cell [1]: shows a path of this machine: /home/ada/cats"),
    (prints(r"C:\Users\ada\cats"), r"cell [1]: shows a path of this machine: C:\U"),
    (raises, "cell [1]: shows a path of this machine: /home/ada/tinynet/ops.py"),
    (prints("[0.33333334]"), "cell [1]: shows more digits than all processors agree on: 0.33333334"),
    (shows_html, "cell [5]: shows more digits"),
    (replaced("3. Open.", ""), "'## Exercises' lists 2 exercises, not 3"),
    (replaced("## Exercises", "## Tasks"), "'## Exercises' lists 0 exercises, not 3"),
    (replaced("## Sources", "## Links"), "'## Sources' is missing or has no link"),
    (replaced("https://example.org", ""), "'## Sources' is missing or has no link"),
])
def test_each_fault_is_found_and_named(lesson, spoil, wanted):
    spoil(lesson)
    [fault] = faults(lesson)
    assert fault.startswith(wanted)


def test_a_stripped_lesson_is_refused(lesson):
    stripped(lesson)
    assert [fault.split(":")[0] for fault in faults(lesson)] == [
        "not run from top to bottom in a fresh kernel", "fewer than 50% of the code cells show an output"]


def test_an_empty_notebook_is_refused():
    assert len(faults(nbformat.v4.new_notebook())) >= 3


@pytest.mark.parametrize("text", [
    "0.3333", "12.5 MB/s", "loss 1e-07", "3/4 and 1/2", "conv1/relu", "0xff", "a: b", "a / b"])
def test_what_is_harmless_passes(lesson, text):
    prints(text)(lesson)
    assert faults(lesson) == []


def test_a_semicolon_inside_a_comment_passes(lesson):
    lesson.cells[FIRST].source += "\n# first this;\n# then that"
    assert faults(lesson) == []


def test_a_cell_that_varies_may_show_all_digits(lesson):
    lesson.cells[TIMING].outputs[0].text = "0.123456789\n"
    assert faults(lesson) == []


def test_a_check_by_numpy_counts_as_an_assert(lesson):
    lesson.cells[CHECK].source = "np.testing.assert_allclose(x, y)"
    assert faults(lesson) == []


def test_the_assert_must_stand_in_the_next_code_cell(lesson):
    lesson.cells.insert(CHECK, new_code_cell("x = 1", id="cell-9", execution_count=3))
    for number, cell in enumerate(lesson.cells[FIRST:LAST + 2], 1):
        cell.execution_count = number
    assert [fault.split(",")[0] for fault in faults(lesson)] == ["cell [2]: draws a picture"]
