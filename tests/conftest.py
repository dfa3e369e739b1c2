"""Fixtures every test file can ask for."""
import uuid
from pathlib import Path

import numpy as np
import pytest
import setuptools  # noqa: F401  (nbgrader needs it, and it must come before anything imports distutils)
from hypothesis import HealthCheck, settings

from tests import strict_device
from tinynet import backend

# The same examples at every run, so that a failure on one machine is seen on the next. The fixtures of these
# tests do not change between examples.
settings.register_profile("tinynet", derandomize=True, database=None, deadline=None,
                          suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("tinynet")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def root():
    """The folder of the checkout."""
    return ROOT


@pytest.fixture
def shared():
    """The folder of photographs and reference activations that lie beside the checkout, or a skip."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared (photographs and reference activations, not part of the project)")
    return folder


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    """Where weights are fetched and converted to: a folder of each test's own, made only when something is kept."""
    folder = tmp_path_factory.getbasetemp() / "homes" / uuid.uuid4().hex[:12]
    monkeypatch.setenv("TINYNET_HOME", str(folder))
    return folder


@pytest.fixture
def rng():
    """Random numbers, the same at every run."""
    return np.random.default_rng(0)


@pytest.fixture(params=["cpu", "strict"] + ["gpu"] * (backend.gpu_problem() is None))
def device(request, monkeypatch):
    """Each device in turn: "cpu", then "gpu" as a strict stand-in for CuPy and, given a GPU, as CuPy."""
    if request.param == "strict":
        monkeypatch.setattr(backend, "cupy", strict_device.cupy)
    return "cpu" if request.param == "cpu" else "gpu"
