"""Without a GPU the script says so and prints no table; what tinynet would do there runs on the stand-in."""
import importlib.util

import numpy as np
import pytest

from benchmarks import gpu, inputs, peers
from benchmarks.cases import CASES, Case
from benchmarks.measure import difference
from tests import strict_device
from tinynet import backend
from tinynet.models import ZOO

NETWORKS = "resnet18", "mobilenet_v2"                   # the lightest with and without filters for each channel alone
LIGHT = [case for case in gpu.GROUPS["cases"] if case.case == "ops"] + [
    next(case for case in CASES if case.case == "trunk" and case.batch == 1), *(Case("network", name, 1, ()) for name in NETWORKS)]


@pytest.fixture
def pretend(monkeypatch):
    """A machine whose runs take as long as they say, {library: milliseconds}, and give what they say."""
    taken, given = dict.fromkeys(gpu.NAMES, 1.0), {name: [np.ones(3)] for name in gpu.NAMES}
    monkeypatch.setattr(gpu, "milliseconds", lambda run, name: taken[name])
    monkeypatch.setattr(gpu, "empty_pools", lambda: None)
    monkeypatch.setattr(gpu, "pools_mb", lambda: (12.4, 5.6))
    monkeypatch.setattr(peers, "prepare", lambda name, case: lambda: given[name])
    return taken, given


@pytest.mark.skipif(backend.gpu_problem() is None, reason="there is a GPU: running the script is the test")
def test_no_gpu_is_said(capsys):
    with pytest.raises(SystemExit, match="nothing was measured: "):
        gpu.main(["networks", "--tf32"])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("case", LIGHT, ids=[f"{case.case}, {case.op}" for case in LIGHT])
def test_cases_run_on_the_device_and_give_the_same(case, monkeypatch):
    on_cpu = peers.prepare("tinynet", case)()
    monkeypatch.setattr(backend, "cupy", strict_device.cupy)
    on_gpu = peers.prepare("tinynet cuda", case)()
    for found, expected in zip(on_gpu, on_cpu, strict=True):
        assert isinstance(found, strict_device.ndarray)
        scale = max(1e-30, abs(expected).max())
        np.testing.assert_allclose(peers.as_numpy(found) / scale, expected / scale, atol=1e-5)


def test_every_network_that_has_a_peer_is_measured_at_each_size():
    measured = {(case.op, case.batch) for case in gpu.GROUPS["networks"]}
    assert measured == {(name, n) for name in ZOO if name != "lenet" for n in (16, 64, 256)}       # LeNet is published in Caffe alone
    assert len(measured) == len(gpu.GROUPS["networks"])


@pytest.mark.parity
@pytest.mark.parametrize("name", ["mobilenet_v1", "efficientnet_lite1"])
def test_the_peers_network_is_the_same(name):
    for package in ("torch", "torchvision", "timm"):                # looked for, not imported: torchvision cannot be, by itself
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs {package}")
    ours, theirs = ([peers.as_numpy(array) for array in peers.prepare(peer, Case("network", name, 1, ()))()] for peer in ("tinynet", "pytorch"))
    assert difference(ours, theirs) < 1e-4


def test_random_weights_have_the_names_that_the_peer_has():
    net, state, _ = inputs.network("mobilenet_v1")
    assert len(state) == len(net.state_dict()) and "blocks.0.0.conv_dw.weight" in state
    assert any(array.any() for array in state.values())


def test_a_row_holds_times_ratio_memory_and_difference(pretend):
    taken, given = pretend
    taken[gpu.OURS], given[gpu.OURS] = 4.0, [np.full(3, 1.0001)]
    assert gpu.row(Case("network", "vgg16", 64, ()), 1e-3) == "| network, vgg16 | 64 | 4.00 | 1.00 | 4.00 (4.00-4.00) | 12 | 6 | 1e-04 |"
    assert gpu.row(Case("network", "vgg16", 64, ()), 1e-5).endswith("| 1e-04 (too much) |")


def test_what_is_slow_gets_fewer_rounds(pretend, monkeypatch):
    calls = []
    for slow, rounds in ((1, gpu.ROUNDS), (gpu.PATIENCE, 3)):
        monkeypatch.setattr(gpu, "milliseconds", lambda run, name, slow=slow: calls.append(name) or slow)
        calls.clear()
        gpu.row(Case("network", "vgg16", 64, ()), 1e-3)
        assert len(calls) == 2 * (gpu.WARM_UPS + rounds)


def test_a_case_that_fails_costs_its_own_row(pretend, monkeypatch):
    def prepare(name, case):
        raise MemoryError("out of | memory\nallocating 1 byte")
    monkeypatch.setattr(peers, "prepare", prepare)
    assert gpu.row(Case("network", "vgg16", 256, ()), 1e-3) == (
        "| network, vgg16 | 256 | - | - | MemoryError: out of / memory allocating 1 byte | | | |")
