"""Layers that draw numbers do so in training alone."""
import numpy as np
import pytest

from tinynet import InputError, Tensor, no_grad, ops
from tinynet.compute import parallel
from tinynet.layers import (BatchNorm, Conv2d, DropConnect, Dropout, DropPath, FractionalMaxPool2d, Linear, Module, Sequential,
                            zeros)
from tinynet.layers.module import works_by_row


def test_dropout_drops_in_training_alone(device):
    layer = Dropout(0.5, np.random.default_rng(0))
    x = Tensor(np.ones((100, 101), np.float32)).to(device)
    assert set(np.unique(layer(x).numpy())) == {0, 2}
    assert layer.eval()(x) is x
    assert Dropout(0.0)(x) is x


def test_dropout_in_training_needs_a_generator():
    with pytest.raises(InputError, match="call net.eval.. for answers, or build it with rng="):
        Dropout()(Tensor(np.ones((2, 3))))
    Dropout().eval()(Tensor(np.ones((2, 3))))


# DropConnect, DropPath, FractionalMaxPool2d

def drop_connect(rng=None):
    return DropConnect(5, 3, 0.4, rng=rng, init=zeros if rng is None else lambda shape, rng: rng.random(shape, np.float32))


def drop_path(rng=None):
    return DropPath(Linear(5, 5, rng, zeros if rng is None else lambda shape, rng: rng.random(shape, np.float32)), 0.6, rng)


def fractional(rng=None):
    return FractionalMaxPool2d(1.5, rng)


def inputs(make, n=7):
    shape = (n, 2, 8, 11) if make is fractional else (n, 5)
    return Tensor(np.random.default_rng(3).standard_normal(shape).astype(np.float32))


every_noise = pytest.mark.parametrize("make", [drop_connect, drop_path, fractional])


@every_noise
def test_noise_in_training_alone(make, device):
    layer, x = make(np.random.default_rng(0)).to(device), inputs(make).to(device)
    assert layer.draws and len({layer(x).numpy().tobytes() for _ in range(10)}) > 1
    assert not layer.eval().draws
    rng_before = str(layer.rng.bit_generator.state)
    assert len({layer(x).numpy().tobytes() for _ in range(10)}) == 1 and str(layer.rng.bit_generator.state) == rng_before


@every_noise
def test_in_training_a_generator_is_needed(make):
    layer, x = make(), inputs(make)
    with pytest.raises(InputError, match=f"{type(layer).__name__} is in training mode .* call net.eval"):
        layer(x)
    layer.eval()(x)


def mean_of_passes(layer, x, passes):
    with no_grad():
        return np.mean([layer(x).data for _ in range(passes)], axis=0)


@pytest.mark.parametrize("make", [drop_connect, drop_path])
def test_the_expected_value_is_what_evaluation_returns(make):
    layer, x = make(np.random.default_rng(0)), inputs(make)
    mean = mean_of_passes(layer, x, 5000)
    y = layer.eval()(x).data
    np.testing.assert_allclose(mean, y, atol=0.1)
    assert np.abs(y).max() > 1


def test_fixed_regions_are_one_draw_of_all_and_not_their_mean():
    layer, x = fractional(np.random.default_rng(0)), inputs(fractional)
    drawn = {layer(x).data.tobytes() for _ in range(300)}
    y = layer.eval()(x).data
    assert y.tobytes() in drawn and len(drawn) == 35, "5 ways down, 7 across"
    assert np.abs(mean_of_passes(layer.train(), x, 100) - y).mean() > 0.1


def test_drop_connect_is_a_linear_with_a_mask_on_its_weights(device):
    layer = DropConnect(5, 3, 0.4, np.random.default_rng(0)).to(device)
    linear = Linear(5, 3, np.random.default_rng(0)).to(device)
    assert list(layer.state_dict()) == list(linear.state_dict())
    np.testing.assert_array_equal(layer.weight.numpy(), linear.weight.numpy())
    layer.bias.data += 1
    x, state = inputs(drop_connect).to(device), layer.rng.bit_generator.state
    y = layer(x)
    y.sum().backward()
    again = np.random.default_rng()
    again.bit_generator.state = state
    mask = (again.random((3, 5)) >= 0.4).astype(np.float32) / np.float32(0.6)
    np.testing.assert_allclose(y.numpy(), x.numpy() @ (linear.weight.numpy() * mask).T + 1, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(Tensor(layer.weight.grad).numpy(), mask * x.numpy().sum(axis=0), rtol=1e-5)
    np.testing.assert_allclose(layer.eval()(x).numpy(), linear(x).numpy() + 1, rtol=1e-5)


def test_without_noise_they_are_plain_and_need_no_generator(rng):
    x = Tensor(rng.standard_normal((4, 5)).astype(np.float32))
    branch = Linear(5, 5, rng)
    path, connect = DropPath(branch, 1), DropConnect(5, 3, 0, init=zeros)
    np.testing.assert_array_equal(path(x).data, x.data + branch(x).data)
    assert not path.draws and not connect.draws and not connect(x).data.any()


def test_drop_path_takes_each_row_through_the_branch_or_past_it(device):
    layer = DropPath(Conv2d(3, 3, 3, padding=1, rng=np.random.default_rng(0)), 0.6, np.random.default_rng(1)).to(device)
    x = Tensor(np.random.default_rng(2).standard_normal((200, 3, 5, 7)).astype(np.float32)).to(device)
    y, past = layer(x).numpy(), x.numpy()
    through = past + layer.branch(x).numpy() / np.float32(0.6)
    kept = np.abs(y - through).max(axis=(1, 2, 3)) < 1e-5
    assert 0.5 < kept.mean() < 0.7
    np.testing.assert_array_equal(y[~kept], past[~kept])


def test_a_dropped_row_gives_its_branch_no_gradient(rng):
    layer = DropPath(Linear(5, 5, rng), 0.5, np.random.default_rng(0))
    layer(Tensor(np.ones((1, 5), np.float32))).sum().backward()         # this seed: kept
    kept = [layer.branch.weight.grad.any()]
    for _ in range(19):
        layer.branch.weight.zero_grad()
        layer(Tensor(np.ones((1, 5), np.float32))).sum().backward()
        kept.append(layer.branch.weight.grad.any())
    assert 5 < sum(kept) < 15


def test_a_branch_of_another_shape_is_refused_and_not_broadcast(rng):
    with pytest.raises(InputError, match=r"DropPath: x is \(4, 5\) and its branch made \(4, 1\) of it"):
        DropPath(Linear(5, 1, rng), 0.5, rng)(Tensor(np.ones((4, 5), np.float32)))


@pytest.mark.parametrize("make, word", [
    (lambda: DropConnect(5, 3, 1.0, 0), "DropConnect: p is 1.0"),
    (lambda: DropConnect(0, 3, 0.5, 0), "DropConnect: its weights"),
    (lambda: DropConnect(5, 3), "DropConnect: random weights need rng"),
    (lambda: DropPath(Sequential(), 0), "DropPath: survival is 0"),
    (lambda: DropPath(Sequential(), 1.1), "at most 1"), (lambda: FractionalMaxPool2d(0.5), "FractionalMaxPool2d: ratio is 0.5")])
def test_impossible_settings_are_refused_where_they_are_made(make, word):
    with pytest.raises(InputError, match=word):
        make()


# Parts of a batch

class First(Module):
    """Something to train in front of what is looked at."""

    by_row = True

    def __init__(self, noise):
        self.scale, self.noise = Linear(1, 1, init=lambda shape, rng: np.ones(shape, np.float32), rng=1), noise

    def forward(self, x):
        y = self.noise(self.scale(x.reshape(-1, 1)).reshape(*x.shape))
        return y.reshape(len(y), -1)


@pytest.mark.parametrize("make, alike", [(drop_connect, True), (fractional, True), (drop_path, False)])
def test_who_draws_once_draws_alike_for_all_parts_of_a_batch(make, alike, monkeypatch):
    net = First(make(np.random.default_rng(0)))
    assert works_by_row(net)
    x = np.repeat(inputs(make, 1).data, 6, axis=0)
    monkeypatch.setattr(parallel, "MICRO_BATCH_NUMBERS", 2 * x[0].size)
    steps = [parallel.gradients(net, lambda s, y, total: s.sum() / total, x, np.zeros(6, int), 2)[1] for _ in range(10)]
    assert all((rows[:2] == rows[2:4]).all() for rows in steps) == alike
    assert all((rows == rows[0]).all() for rows in steps) == alike
    assert len({rows.tobytes() for rows in steps}) > 3, "and anew in every step"


def test_a_branch_with_batch_norm_sees_whole_batches(monkeypatch):
    monkeypatch.setattr(parallel, "MICRO_BATCH_NUMBERS", 10)
    layer = DropPath(Sequential(norm=BatchNorm(5)), 0.5, np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((8, 5)).astype(np.float32)
    parallel.gradients(layer, ops.cross_entropy, x, np.zeros(8, int))
    np.testing.assert_allclose(layer.branch["norm"].running_mean, 0.1 * x.mean(axis=0), rtol=1e-5, atol=1e-7)
