"""A lesson's cells, run from the top in this Python: ``python -m benchmarks.gpu_lesson lessons/09_gpu.ipynb``.

For a machine without Jupyter. The cells' own asserts are the check; figures are drawn and not shown.
"""
import json
import sys
import warnings
from pathlib import Path


def main(argv=None):
    """Run the cells of a notebook; one that fails ends the run with its error."""
    (file,) = sys.argv[1:] if argv is None else argv
    import matplotlib
    matplotlib.use("agg")
    warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")
    notebook, names = json.loads(Path(file).read_text(encoding="utf-8")), {"__name__": "__main__"}
    sources = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for k, source in enumerate(sources, 1):
        exec(compile(source, f"{file}, code cell {k}", "exec"), names)
    print(f"{file}: all {len(sources)} code cells ran")


if __name__ == "__main__":
    main()
