"""A notebook's cells without Jupyter."""
import json

import pytest

from benchmarks import gpu_lesson


def notebook(tmp_path, *sources):
    file = tmp_path / "lesson.ipynb"
    cells = [{"cell_type": "markdown", "source": ["no code"]}, *({"cell_type": "code", "source": [source]} for source in sources)]
    file.write_text(json.dumps({"cells": cells}))
    return [str(file)]


def test_cells_share_their_names(tmp_path, capsys):
    gpu_lesson.main(notebook(tmp_path, "a = 1\ndef f():\n    return a", "assert f() == 1\nprint('seen')"))
    assert capsys.readouterr().out.splitlines()[0] == "seen"


def test_a_cell_that_fails_ends_the_run(tmp_path, capsys):
    with pytest.raises(AssertionError):
        gpu_lesson.main(notebook(tmp_path, "assert False", "print('unseen')"))
    assert capsys.readouterr().out == ""
