"""The rules for a lesson: those that nbval does not have, and those without which it would check nothing."""
import re

from .notebook import code_cells, shown, varies

MAX_LINES = 25                  # of a cell
MAX_VARYING = 1 / 5             # of the code cells may be tagged nbval-ignore-output
MIN_SHOWING = 1 / 2             # of the code cells must have an output
N_EXERCISES = 3

SILENCED = re.compile(r"^[^#\n]*;[ \t]*(#.*)?$", re.MULTILINE)
ASSERTS = re.compile(r"^[^#\n]*\bassert(\b|_\w+\()", re.MULTILINE)
MARKER = re.compile(r"^\s*#\s*(NBVAL_|PYTEST_VALIDATE_)", re.MULTILINE)
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
DIGITS = re.compile(r"\d\.\d{7,}")
ABSOLUTE = re.compile(r"""(?<![^\s"'=(\[:>])(/[\w.+~@-]+){2,}|\b[A-Za-z]:\\\w""")


def faults(notebook):
    """List what is wrong with a lesson, as it is stored.

    Parameters
    ----------
    notebook : nbformat.NotebookNode

    Returns
    -------
    faults : list of str
        One line each, most beginning with the code cell's number as Jupyter shows it: "cell [3]".
        Empty for a lesson that may be committed.
    """
    cells = code_cells(notebook)
    found = [*_notebook(notebook), *_counts(cells), *_text(notebook)]
    for number, cell in enumerate(cells, 1):
        beside = "\n".join(near.source for near in cells[number - 1:number + 1])
        here = [*_source(cell), *_outputs(cell), *_checked(cell, beside)]
        found += [f"cell [{number}]: {fault}" for fault in here]
    return found


def _notebook(notebook):
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "the kernel is not named python3"
    ids = [cell.get("id", "") for cell in notebook.cells]
    if len(set(ids)) < len(ids) or not all(re.fullmatch(r"cell-\d+", name) for name in ids):
        yield "the cell ids are not cell-0, cell-1, ..., each once"
    for cell in notebook.cells:
        if cell.source.count("\n") >= MAX_LINES:
            yield f"{cell.get('id')}, {cell.source.splitlines()[0]!r}: more than {MAX_LINES} lines"


def _counts(cells):
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        yield "not run from top to bottom in a fresh kernel: the execution counts are not 1, 2, 3, ..."
    if sum(bool(cell.outputs) for cell in cells) < MIN_SHOWING * len(cells) or not cells:
        yield f"fewer than {MIN_SHOWING:.0%} of the code cells show an output: there is little to compare"
    if sum(map(varies, cells)) > MAX_VARYING * len(cells):
        yield f"more than {MAX_VARYING:.0%} of the code cells are tagged nbval-ignore-output"


def _text(notebook):
    prose = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    sections = dict(re.findall(r"^## +(.+?) *\n(.*?)(?=^## |\Z)", prose + "\n", re.MULTILINE | re.DOTALL))
    found = len(re.findall(r"^(?:\d+[.)]|###) ", sections.get("Exercises", ""), re.MULTILINE))
    if found != N_EXERCISES:
        yield f"'## Exercises' lists {found} exercises, not {N_EXERCISES} (lines that begin '1. ' or '### ')"
    if "https://" not in sections.get("Sources", ""):
        yield "'## Sources' is missing or has no link"


def _source(cell):
    if SILENCED.search(cell.source):
        yield "a line ends in ';', which nbval does not see as IPython does; end a plot with plt.show()"
    if MARKER.search(cell.source) or "nbval-skip" in cell.metadata.get("tags", []):
        yield "nbval is told to skip or by a comment; the one way is the tag nbval-ignore-output"


def _outputs(cell):
    for output in cell.outputs:
        words = shown(output)
        if output.output_type == "stream" and output.name == "stderr":
            yield f"prints to stderr (a warning or a progress bar?): {words[-80:]!r}"
        if match := ADDRESS.search(words):
            yield f"shows an address in memory: {match[0]}"
        if match := ABSOLUTE.search(words):
            yield f"shows a path of this machine: {match[0]}"
        if not varies(cell) and (match := DIGITS.search(words)):
            yield f"shows more digits than all processors agree on: {match[0]}; print it rounded, as with .4f"


def _checked(cell, beside):
    draws = any(kind.startswith("image/") for output in cell.outputs for kind in output.get("data", {}))
    if (draws or varies(cell)) and not ASSERTS.search(beside):
        what = "draws a picture" if draws else "has an output that nbval does not compare"
        yield f"{what}, and neither it nor the next code cell has an assert"
