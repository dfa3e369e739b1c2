"""A lesson to try the rules on."""
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output


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
