"""What is profiled, and how a trace is read; a GPU is not needed for that."""
import pytest

from benchmarks import gpu_profile
from tinynet import backend

TABLE = """
| case | batch | tinynet ms | PyTorch ms | ratio (min-max) | tinynet MB | PyTorch MB | results differ by |
| network, alexnet | 64 | 2.00 | 1.00 | 2.00 (1.00-3.00) | 1 | 1 | 1e-06 |
| network, vgg16 | 256 | 90.00 | 1.00 | 90.00 (1.00-3.00) | 1 | 1 | 1e-06 |
| network, vgg16 | 64 | - | - | OutOfMemoryError: no | | | |
| finetune, step | 64 | 10.00 | 1.00 | 10.00 (1.00-3.00) | 1 | 1 | 1e-06 |
| ops, tape, forward | 64 | 50.00 | 1.00 | 50.00 (1.00-3.00) | 1 | 1 | 1e-06 |
| network, resnet18 | 64 | 3.00 | 1.00 | 3.00 (1.00-3.00) | 1 | 1 | 1e-06 (too much) |
| trunk, forward | 64 | 1.00 | 1.00 | 1.00 (1.00-3.00) | 1 | 1 | 1e-06 |
"""
EVENTS = [("kernel", "copy", 500.0), ("kernel", "gemm", 4000.0), ("kernel", "copy", 500.0), ("cpu_op", "gemm", 9e9), ("gpu_memcpy", "HtoD", 2.0)]
TRACE = {"traceEvents": [{"cat": cat, "name": name, "dur": dur} for cat, name, dur in EVENTS] + [{"ph": "M", "name": "process_name"}]}


def test_the_slowest_are_the_largest_ratios():
    assert [(case.case, case.op, case.batch) for case in gpu_profile.slowest(TABLE)] == [
        ("finetune", "step", 64), ("network", "resnet18", 64), ("network", "alexnet", 64)]


def test_kernels_are_counted_and_added_up():
    assert list(gpu_profile.kernels(TRACE).items()) == [("gemm", (1, 4000.0)), ("copy", (2, 1000.0)), ("HtoD", (1, 2.0))]


def test_report_is_about_one_run(capsys):
    gpu_profile.report("a net", TRACE, 50.02)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "a net: 10.00 ms, 1 launches, the card busy for 10% of the time"
    assert lines[1].split() == ["0.800", "ms", "0", "x", "gemm"]


def test_host_lists_functions(capsys):
    gpu_profile.host(lambda: sorted(range(9)))
    assert "{built-in method builtins.sorted}" in capsys.readouterr().out


@pytest.mark.skipif(backend.gpu_problem() is None, reason="there is a GPU: running the script is the test")
def test_no_gpu_is_said():
    with pytest.raises(SystemExit, match="nothing was measured: "):
        gpu_profile.main(["README.md"])
