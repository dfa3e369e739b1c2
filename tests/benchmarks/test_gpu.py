"""Without a GPU the script runs, says so and prints no table."""
import pytest

from benchmarks import gpu
from tinynet import backend


@pytest.mark.skipif(backend.gpu_problem() is None, reason="there is a GPU: running the script is the test")
def test_no_gpu_is_said(capsys):
    gpu.main(["--tf32"])
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("nothing was measured: ")
