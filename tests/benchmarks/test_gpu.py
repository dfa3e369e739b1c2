"""Without a GPU the script says so and prints no table; what tinynet would do there runs on the stand-in."""
import numpy as np
import pytest

from benchmarks import gpu, peers
from tests import strict_device
from tinynet import backend

LIGHT = [case for case in gpu.CASES if case.case == "ops" or case.batch == 1]


@pytest.mark.skipif(backend.gpu_problem() is None, reason="there is a GPU: running the script is the test")
def test_no_gpu_is_said(capsys):
    gpu.main(["--tf32"])
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("nothing was measured: ")


@pytest.mark.parametrize("case", LIGHT, ids=[f"{case.case}, {case.op}" for case in LIGHT])
def test_cases_run_on_the_device_and_give_the_same(case, monkeypatch):
    on_cpu = peers.prepare("tinynet", case)()
    monkeypatch.setattr(backend, "cupy", strict_device.cupy)
    on_gpu = peers.prepare("tinynet cuda", case)()
    for found, expected in zip(on_gpu, on_cpu, strict=True):
        assert isinstance(found, strict_device.ndarray)
        scale = max(1e-30, abs(expected).max())
        np.testing.assert_allclose(peers.as_numpy(found) / scale, expected / scale, atol=1e-5)
