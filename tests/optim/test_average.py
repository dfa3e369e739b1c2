"""EMA against the written-out mean, against PyTorch's, and what becomes of the network whose weights it replaces."""
import copy
import json

import numpy as np
import pytest

from tinynet import InputError, Tensor, ops
from tinynet.backend import array_module, to_numpy
from tinynet.layers import BatchNorm, Linear, Module, Sequential, zeros
from tinynet.optim import EMA, SGD, Adam


def build(dtype=np.float32):
    rng = np.random.default_rng(0)
    net = Sequential(hidden=Linear(5, 7, rng), norm=BatchNorm(7), out=Linear(7, 3, rng))
    for module in net.modules():
        for name, value in vars(module).items():
            if hasattr(value, "dtype"):
                setattr(module, name, value.astype(dtype)) if name in module.buffers else setattr(value, "data", value.data.astype(dtype))
    return net


def steps(net, n, after=lambda: None, seed=1):
    """Train for n steps; return the arrays after each."""
    rng, optimizer, seen = np.random.default_rng(seed), Adam(net.parameters(), lr=0.05), []
    for _ in range(n):
        x = rng.standard_normal((11, 5)).astype(net["hidden"].weight.dtype)
        optimizer.zero_grad()
        ops.cross_entropy(net.train()(Tensor(x)), rng.integers(3, size=11)).backward()
        optimizer.step()
        after()
        seen.append({name: array.copy() for name, array in net.state_dict().items()})
    return seen


@pytest.mark.parametrize("decay", [0, 0.5, 0.9, 0.9999])
def test_it_is_the_mean_of_all_steps_with_weights_that_fall_with_age(decay):
    net = build(np.float64)
    ema = EMA(net, decay)
    seen = steps(net, 9, ema.update)
    ages = np.arange(8, -1, -1)
    weights = np.array([float(decay) ** age for age in ages])                # 0 ** 0 is 1
    for name, average in ema.average.items():
        arrays = np.array([step[name] for step in seen])
        assert name == "hidden.bias" or np.ptp(arrays, axis=0).max() > 1e-3, f"{name} does not change: this shows nothing"
        assert average == pytest.approx(np.tensordot(weights / weights.sum(), arrays, 1), abs=1e-12), name
    assert ema.updates == 9


def test_the_weights_before_the_first_step_never_count():
    net = build()
    ema = EMA(net, 0.99)
    net["hidden"].weight.data += 100
    seen = steps(net, 1, ema.update)
    assert all((ema.average[name] == array).all() for name, array in seen[0].items())


@pytest.mark.parity
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_it_is_torchs_but_for_the_weight_of_the_first_step(dtype, tolerance):
    """AveragedModel counts the first weights as if they had always been: (1 - dᵗ) ours + dᵗ w₁."""
    torch = pytest.importorskip("torch")
    swa = pytest.importorskip("torch.optim.swa_utils")
    net, decay, n = build(dtype), 0.9, 30
    other = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.BatchNorm1d(7), torch.nn.Linear(7, 3)).to(
        torch.float64 if dtype == np.float64 else torch.float32)
    theirs = swa.AveragedModel(other, multi_avg_fn=swa.get_ema_multi_avg_fn(decay), use_buffers=True)
    names = dict(zip(["0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "2.weight", "2.bias"],
                     net.state_dict()))
    ema = EMA(net, decay)

    def update():
        ema.update()
        with torch.no_grad():
            for name, value in other.state_dict().items():
                if name in names:
                    value.copy_(torch.tensor(net.state_dict()[names[name]]))
        theirs.update_parameters(other)

    first = steps(net, n, update)[0]
    for name, value in theirs.module.state_dict().items():
        if name in names:
            mine = (1 - decay ** n) * ema.average[names[name]] + decay ** n * first[names[name]]
            assert mine == pytest.approx(value.numpy(), abs=tolerance), name


def test_the_average_takes_the_place_of_the_weights_and_they_come_back():
    net = build()
    ema = EMA(net, 0.8)
    own = steps(net, 5, ema.update)[-1]
    arrays, versions = net.state_dict(), [p.version for p in net.parameters()]
    with ema.averaged():
        assert all((array == ema.average[name]).all() for name, array in net.state_dict().items())
        assert any((array != own[name]).any() for name, array in net.state_dict().items())
        inside = [p.version for p in net.parameters()]
    assert all(b > a for a, b in zip(versions, inside))
    assert all(b > a for a, b in zip(inside, [p.version for p in net.parameters()]))
    for name, array in net.state_dict().items():
        assert array is arrays[name] and array.tobytes() == own[name].tobytes(), name


def test_the_weights_come_back_after_an_error_and_after_changes():
    net = build()
    ema = EMA(net, 0.8)
    own = steps(net, 3, ema.update)[-1]
    average = copy.deepcopy(ema.average)
    with pytest.raises(KeyboardInterrupt), ema.averaged():
        net["hidden"].weight.data[...] = 7
        raise KeyboardInterrupt
    for name, array in net.state_dict().items():
        assert array.tobytes() == own[name].tobytes(), name
    ema.update()                                            # and it can go on
    assert ema.updates == 4
    assert all((ema.average[name] != a).any() for name, a in average.items())


def test_a_tape_over_the_swap_is_refused():
    net = build().eval()
    ema = EMA(net)
    ema.update()
    loss = ops.cross_entropy(net(Tensor(np.ones((2, 5), np.float32))), np.array([0, 1]))
    with ema.averaged():
        pass
    with pytest.raises(RuntimeError, match="changed"):
        loss.backward()


@pytest.mark.parametrize("stop", [0, 1, 3])
def test_saved_and_gone_on_with_it_is_bit_for_bit_the_same(stop):
    whole = EMA(build(), 0.9)
    seen = steps(whole.net, 6, whole.update)
    first, again = EMA(build(), 0.9), EMA(build(), 0.9)
    for step in range(6):
        ema = first if step < stop else again
        if step == stop:
            saved = first.state_dict()
            json.dumps({name: value for name, value in saved.items() if name != "average"})
            again.load_state_dict(saved)
        ema.net.load_state_dict(seen[step])
        ema.update()
    assert again.updates == 6 and first.updates == stop
    assert all(a.tobytes() == again.average[name].tobytes() for name, a in whole.average.items())


def test_what_is_saved_does_not_change_with_what_goes_on():
    net = build()
    ema = EMA(net)
    ema.update()
    saved = ema.state_dict()
    kept = copy.deepcopy(saved)
    other = EMA(build())
    other.load_state_dict(saved)
    steps(net, 2, ema.update)
    steps(other.net, 2, other.update)
    assert all((saved["average"][name] == a).all() for name, a in kept["average"].items())
    assert saved["updates"] == 1


def test_a_state_of_another_average_is_refused_and_nothing_changes():
    ema = EMA(build(), 0.9)
    ema.update()
    kept = copy.deepcopy(ema.average)
    other_net, other_decay = EMA(Sequential(out=Linear(5, 3, init=zeros)), 0.9), EMA(build(), 0.99)
    other_net.update()
    other_decay.update()
    for other in other_net, other_decay:
        with pytest.raises(InputError, match="EMA: "):
            ema.load_state_dict(other.state_dict())
        with pytest.raises(InputError, match="EMA: "):
            EMA(build(), 0.9).load_state_dict(other.state_dict())
        assert ema.updates == 1 and all((ema.average[name] == a).all() for name, a in kept.items())


class Counter(Module):
    """A layer of the reader's own, with a buffer that is a whole number."""

    buffers = ("count",)

    def __init__(self):
        self.count = np.zeros(1, np.int64)

    def forward(self, x):
        self.count += 1
        return x


def test_a_buffer_of_whole_numbers_is_taken_as_it_is():
    net = Sequential(count=Counter(), out=Linear(5, 3, init=zeros))
    ema = EMA(net, 0.9)
    for _ in range(4):
        net(Tensor(np.ones((2, 5), np.float32)))
        ema.update()
    assert ema.average["count.count"] == 4
    with ema.averaged():
        net(Tensor(np.ones((2, 5), np.float32)))
    assert net["count"].count == 4


def test_frozen_parameters_stay_what_they_are_bit_for_bit():
    net = build()
    for p in net["hidden"].parameters():
        p.requires_grad = False
    ema = EMA(net, 0.97)
    steps(net, 40, ema.update)
    assert ema.average["hidden.weight"].tobytes() == net["hidden"].weight.data.tobytes()
    assert (ema.average["out.weight"] != net["out"].weight.data).any()


def test_the_average_is_where_the_network_is(device):
    net = Sequential(out=Linear(5, 3, np.random.default_rng(0)))
    expected = EMA(copy.deepcopy(net), 0.5)
    net.to(device)
    ema = EMA(net, 0.5)

    def change(net, by):
        for p in net.parameters():
            p.data += by

    for by in (1.0, 2.0, 4.0):
        change(expected.net, by)
        change(net, by)
        expected.update()
        ema.update()
    assert all(array_module(a) is array_module(net["out"].weight.data) for a in ema.average.values())
    again = EMA(net, 0.5)
    again.load_state_dict(ema.state_dict())
    for each in ema, again:
        with each.averaged():
            for name, array in net.state_dict().items():
                assert array_module(array) is array_module(net["out"].weight.data)
                assert (to_numpy(array) == expected.average[name]).all()
    expected.update()
    again.update()                                          # what was loaded is taken to the device ...
    assert all(array_module(a) is array_module(net["out"].weight.data) for a in again.average.values())
    net.to("cpu")                                           # ... and back
    with again.averaged():
        assert (net["out"].weight.data == expected.average["out.weight"]).all()
    again.update()
    assert all(array_module(a) is np for a in again.average.values())


@pytest.mark.parametrize("decay", [1, 1.0, -0.1, float("nan"), "0.9", None, True])
def test_an_impossible_decay_is_refused(decay):
    with pytest.raises(InputError, match=r"EMA: decay is .*; it must be a number"):
        EMA(build(), decay)


def test_it_says_what_is_wrong():
    ema = EMA(build())
    with pytest.raises(InputError, match="before the first update"), ema.averaged():
        pass
    ema.update()
    with ema.averaged():
        with pytest.raises(InputError, match="would average the average"):
            ema.update()
        with pytest.raises(InputError, match="inside averaged"), ema.averaged():
            pass
        assert (ema.net["out"].weight.data == ema.average["out.weight"]).all()
    ema.net.more = Linear(3, 2, init=zeros)
    with pytest.raises(InputError, match="other parameters than the network's"):
        ema.update()


def test_an_average_of_a_noisy_descent_is_nearer_to_the_minimum():
    """A quadratic with noisy gradients, step after step around the minimum: lesson 13's picture."""
    rng, net = np.random.default_rng(0), Sequential(out=Linear(7, 5, init=zeros))
    ema, optimizer = EMA(net, 0.99), SGD(net.parameters(), lr=0.3)
    for _ in range(1000):
        for p in net.parameters():
            p.grad = p.data - 1 + rng.standard_normal(p.shape).astype(np.float32)
        optimizer.step()
        ema.update()
    distance = np.abs(net["out"].weight.data - 1).mean()
    with ema.averaged():
        assert np.abs(net["out"].weight.data - 1).mean() < 0.4 * distance
