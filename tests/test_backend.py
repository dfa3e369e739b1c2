"""Where arrays are, and how they get elsewhere."""
import numpy as np
import pytest

from tests.strict_device import cupy as strict_cupy
from tinynet import InputError, backend
from tinynet.backend import array_module, gpu_problem, to_device, to_numpy


def test_code_follows_the_data(device):
    x = to_device(np.ones(3), device)
    assert array_module(x) is array_module(None, 2.0, x, x) is (np if device == "cpu" else backend.cupy)
    assert array_module() is array_module(np.ones(3), 2.0, None) is np


def test_there_and_back(device):
    host = np.arange(15.0).reshape(3, 5)
    x = to_device(host, device)
    assert type(x) is array_module(x).ndarray and type(to_numpy(x)) is np.ndarray
    np.testing.assert_array_equal(to_numpy(x), host)


def test_nothing_is_copied_that_is_there_already(device):
    x = to_device(np.ones(3), device)
    assert to_device(x, device) is x
    host = np.ones(3)
    assert to_device(host, "cpu") is to_numpy(host) is host


def test_an_unknown_device():
    with pytest.raises(InputError, match="'tpu'.*'cpu' or 'gpu'"):
        to_device(np.ones(3), "tpu")


def no_driver():
    raise RuntimeError("cudaErrorInsufficientDriver: too old\nsecond line")


@pytest.mark.parametrize("count, word", [
    (None, "not installed"), (lambda: 0, "finds no GPU"), (no_driver, "too old")])
def test_why_there_is_no_gpu_is_said(monkeypatch, count, word):
    monkeypatch.setattr(backend, "cupy", count and strict_cupy)
    if count:
        monkeypatch.setattr(strict_cupy.cuda.runtime, "getDeviceCount", count)
    assert word in gpu_problem() and "\n" not in gpu_problem()
    with pytest.raises(InputError, match=word):
        to_device(np.ones(3), "gpu")


def test_a_usable_gpu_is_no_problem(monkeypatch):
    monkeypatch.setattr(backend, "cupy", strict_cupy)
    assert gpu_problem() is None
