"""Code of a reader's own - a layer, a noise, a batch norm, a loss, a trunk, an optimiser - is right or refused.

Whether a batch runs whole or in many parts, with one worker or four, in one go or stopped and gone on with.
"""
import collections
import functools

import numpy as np
import pytest

from tinynet import Function, InputError, Tensor, ops
from tinynet.compute import parallel
from tinynet.layers import (Conv2d, DropConnect, Dropout, DropPath, Flatten, FractionalMaxPool2d, GlobalAvgPool2d, Linear,
                            Module, Parameter, Random, ReLU, Sequential)
from tinynet.optim import SGD, Optimizer
from tinynet.transfer import Checkpoint, fit

N, K, SHAPE = 23, 3, (3, 6, 5)
ROW = 3 * 6 * 5


class Stop(Exception):
    """A kill, halfway."""


@pytest.fixture(params=["whole", "parts"])
def cut(request, monkeypatch):
    """Batches in one part, or in parts of two rows."""
    monkeypatch.setattr(parallel, "MICRO_BATCH_NUMBERS", 10 ** 9 if request.param == "whole" else 2 * ROW)
    return request.param


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((N, *SHAPE), dtype=np.float32), rng.integers(K, size=N)


def network(own, seed=0):
    rng = np.random.default_rng(seed)
    return Sequential(conv=Conv2d(3, 4, 3, rng=rng), own=own, relu=ReLU(), pool=GlobalAvgPool2d(), out=Linear(4, K, rng))


class Plain(Module):
    """max(x, 0) - 0.1 min(x, 0), by an op of one's own."""

    class Leaky(Function):
        def forward(self, x):
            self.slope = np.where(x > 0, 1, 0.1).astype(x.dtype)
            return x * self.slope

        def backward(self, gy):
            return gy * self.slope

    def forward(self, x):
        return self.Leaky()(x)


class PlainByRow(Plain):
    by_row = True


class OwnNorm(Module):
    """Batch norm as a reader writes it after lesson 08."""

    buffers = ("running_mean",)

    def __init__(self):
        self.scale, self.running_mean, self.seen = Parameter(np.ones((1, 4, 1, 1), np.float32)), np.zeros(4, np.float32), []

    def forward(self, x):
        if not self.training:
            return (x - self.running_mean.reshape(1, 4, 1, 1)) * self.scale
        mean = x.mean(axis=(0, 2, 3), keepdims=True)
        self.running_mean += 0.1 * (mean.data.reshape(4) - self.running_mean)
        self.seen.append(len(x))
        return (x - mean) * self.scale


class OwnNormThatInherits(OwnNorm, ReLU):
    """It inherits `by_row = True` from a layer that it is no longer like."""


class Noise(Random):
    """x plus noise, in training."""

    by_row = True

    def forward(self, x):
        return x + self.generator().standard_normal(x.shape) if self.training else x


class StepDepth(Random):
    """A branch that is alive in every other step."""

    by_row = True
    one_draw = True

    def __init__(self, rng):
        super().__init__(rng)
        self.branch = Conv2d(4, 4, 1, rng=np.random.default_rng(5))
        self.alive = []

    def forward(self, x):
        if not self.training:
            return x + 0.5 * self.branch(x)
        alive = self.generator().random() < 0.5
        self.alive.append(alive)
        return x + self.branch(x) if alive else x


class FramesDropout(Module):
    """Dropout whose rows are not those of the batch."""

    by_row = True

    def __init__(self, rng):
        self.drop = Dropout(0.5, rng)

    def forward(self, x):
        return self.drop(x.reshape(-1, 3)).reshape(*x.shape)


class PixelsDropConnect(Module):
    """DropConnect over the channels of each pixel."""

    by_row = True

    def __init__(self, rng):
        self.layer = DropConnect(4, 4, 0.3, rng)

    def forward(self, x):
        N, C, H, W = x.shape
        return self.layer(x.transpose((0, 2, 3, 1)).reshape(-1, C)).reshape(N, H, W, C).transpose((0, 3, 1, 2))


class Momentum(Optimizer):
    """An optimiser of one's own: only `update` is written."""

    def __init__(self, params, lr, keep):
        super().__init__(params, lr)
        self.keep = keep

    def update(self, w, g, lr, state):
        state["v"] = self.keep * state.get("v", np.zeros_like(w)) + g
        w -= lr * state["v"]


class Returns(Momentum):
    """Leaves the weights as they are."""

    def update(self, w, g, lr, state):
        return w - lr * g


def test_an_update_that_returns_the_weights_is_refused(data):
    net = network(PlainByRow())
    parallel.gradients(net, ops.cross_entropy, *data)
    with pytest.raises(InputError, match="Returns: update returns an array, .* in place, as by w -= lr"):
        Returns(net.parameters(), 0.1, 0.9).step()


LAYERS = {
    "layer": Plain, "layer by row": PlainByRow, "batch norm": OwnNorm, "batch norm that inherits": OwnNormThatInherits,
    "noise": lambda: Noise(np.random.default_rng(1)), "noise MT19937": lambda: Noise(np.random.Generator(np.random.MT19937(1))),
    "stochastic depth": lambda: StepDepth(np.random.default_rng(2)), "frames": lambda: FramesDropout(np.random.default_rng(3)),
    "DropConnect": lambda: PixelsDropConnect(np.random.default_rng(4)),
    "DropPath": lambda: DropPath(Conv2d(4, 4, 1, rng=np.random.default_rng(5)), 0.5, np.random.default_rng(5)),
    "fractional max-pool": lambda: FractionalMaxPool2d(1.4, np.random.default_rng(6)),
}


def trained(own, data, workers=None, **options):
    """(history, weights) of a few epochs."""
    net = network(own)
    x, labels = data
    history = fit(net, x, labels, np.arange(N - 6), np.arange(N - 6, N), Momentum(net.parameters(), 0.05, 0.9), 4,
                  np.random.default_rng(3), batch_size=8, workers=workers, progress=False, **options)
    return history, {name: array.tobytes() for name, array in net.state_dict().items()}


@pytest.mark.parametrize("name", LAYERS)
def test_the_number_of_workers_changes_nothing(name, cut, data):
    one, *others = [trained(LAYERS[name](), data, workers) for workers in (1, 2, 4)]
    assert all(other == one for other in others)
    assert one[0]["train_loss"][-1] < 1.2 * one[0]["train_loss"][0]


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("name", LAYERS)
def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(name, workers, cut, data, tmp_path, monkeypatch):
    expected = trained(LAYERS[name](), data, workers)
    path, save = tmp_path / "c.safetensors", Checkpoint.save

    def kill_in_the_third_epoch(checkpoint, net, optimizer, rng, best, history, ema):
        save(checkpoint, net, optimizer, rng, best, history, ema)
        if len(history["train_loss"]) == 3:
            raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", kill_in_the_third_epoch)
        with pytest.raises(Stop):
            trained(LAYERS[name](), data, workers, checkpoint=Checkpoint(path, "run", every=0))
    assert path.exists()
    assert trained(LAYERS[name](), data, workers, checkpoint=Checkpoint(path, "run", every=0)) == expected


@pytest.mark.parametrize("name", ["layer", "layer by row", "batch norm", "batch norm that inherits"])
def test_parts_give_what_the_whole_gives(name, data, monkeypatch):
    results = []
    for numbers in 10 ** 9, 2 * ROW:
        monkeypatch.setattr(parallel, "MICRO_BATCH_NUMBERS", numbers)
        net = network(LAYERS[name]())
        results.append((*parallel.gradients(net, ops.cross_entropy, *data), [p.grad for p in net.parameters()]))
    (value, scores, grads), (value_2, scores_2, grads_2) = results
    assert value_2 == pytest.approx(value, rel=1e-5)
    np.testing.assert_allclose(scores_2, scores, rtol=1e-4, atol=1e-5)
    for a, b in zip(grads, grads_2):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("own", [OwnNorm, OwnNormThatInherits])
def test_a_batch_norm_of_ones_own_sees_whole_batches_and_remembers_all_of_them(own, cut, data):
    net = network(layer := own())
    fit(net, *data, np.arange(17), np.arange(0), SGD(net.parameters(), 0.01), 2, np.random.default_rng(0), batch_size=8,
        progress=False)
    assert layer.seen == [8, 9, 8, 9], "the last batch of one row joined the one before"


@pytest.mark.parametrize("make", [lambda rng: Noise(rng), lambda rng: FramesDropout(rng)])
def test_every_row_of_every_step_draws_numbers_of_its_own(make, cut):
    net = Sequential(scale=Linear(ROW, ROW, init=lambda shape, rng: np.eye(ROW, dtype=np.float32), rng=1),
                     own=make(np.random.default_rng(0)))
    x = np.ones((6, ROW), np.float32)
    seen = np.concatenate([parallel.gradients(net, lambda s, y, total: s.sum() / total, x, np.zeros(6, int))[1]
                           for _ in range(3)])
    assert len(np.unique(seen, axis=0)) == 18


def test_one_draw_is_shared_by_the_parts_of_a_step_and_differs_between_steps(cut, data):
    layer = StepDepth(np.random.default_rng(0))
    net = network(layer)
    losses = {round(parallel.gradients(net, ops.cross_entropy, *data)[0], 5) for _ in range(30)}
    assert len(losses) == 2, "a step is alive or not, as a whole"


# Losses

def l2(net, lam=0.1):
    return lam * (net["out"].weight * net["out"].weight).sum()


def test_a_loss_that_reaches_for_the_networks_weights_is_refused(cut, data):
    net = network(PlainByRow())
    temperature = Parameter(np.ones((), np.float32))
    for loss in (lambda s, y, total: ops.cross_entropy(s, y, total) + l2(net),
                 lambda s, y, total: ops.cross_entropy(s * temperature, y, total)):
        with pytest.raises(InputError, match="the loss reaches a weight .* pass penalty="):
            parallel.gradients(net, loss, *data)
        assert all(p.grad is None for p in [*net.parameters(), temperature])


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_penalty_is_counted_once(workers, cut, data):
    net, plain = network(PlainByRow()), network(PlainByRow())
    value, _ = parallel.gradients(net, ops.cross_entropy, *data, workers, penalty=l2)
    without, _ = parallel.gradients(plain, ops.cross_entropy, *data, workers)
    assert value == pytest.approx(without + l2(net).item(), rel=1e-6)
    W = net["out"].weight
    np.testing.assert_allclose(W.grad, plain["out"].weight.grad + 0.2 * W.data, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(net["conv"].weight.grad, plain["conv"].weight.grad)


def test_fit_with_a_penalty_is_weight_decay(cut, data):
    results = []
    for decay, penalty in (0.2, None), (0.0, functools.partial(l2, lam=0.1)):
        net = network(PlainByRow())
        groups = [{"params": net["conv"].parameters()}, {"params": [net["out"].weight], "weight_decay": decay},
                  {"params": [net["out"].bias]}]
        fit(net, *data, np.arange(N), np.arange(0), SGD(groups, 0.1), 3, np.random.default_rng(0), progress=False,
            penalty=penalty)
        results.append(net.state_dict())
    for name, array in results[0].items():
        np.testing.assert_allclose(results[1][name], array, rtol=1e-4, atol=1e-6)


def own_square(scores, labels, total):
    """The squared distance from one-hot, right: a sum over total."""
    away = scores - np.eye(K)[labels]
    return (away * away).sum() / total


def test_a_loss_of_ones_own_adds_up(data, monkeypatch):
    values = []
    for numbers in 10 ** 9, 2 * ROW:
        monkeypatch.setattr(parallel, "MICRO_BATCH_NUMBERS", numbers)
        values.append(parallel.gradients(network(PlainByRow()), own_square, *data)[0])
    assert values[0] == pytest.approx(values[1], rel=1e-5)


def test_a_loss_that_forgets_the_total_is_refused_where_it_would_be_wrong(data, monkeypatch):
    def plain_sum(scores, labels, total):
        return own_square(scores, labels, 1)

    whole, _ = parallel.gradients(network(PlainByRow()), plain_sum, *data)
    monkeypatch.setattr(parallel, "MICRO_BATCH_NUMBERS", 2 * ROW)
    with pytest.raises(InputError, match="must be the sum over the rows divided by total"):
        parallel.gradients(network(PlainByRow()), lambda s, y, total: ops.cross_entropy(s, y), *data)
    assert parallel.gradients(network(PlainByRow()), plain_sum, *data)[0] == pytest.approx(whole, rel=1e-5)     # adds up too


def spread(scores, labels, total):
    """A sum over total, but each row's part depends on the others': their mean."""
    away = scores - scores.mean(axis=0)
    return ops.cross_entropy(scores, labels, total) + (away * away).sum() / total


def test_a_loss_that_compares_rows_is_refused_where_it_would_be_wrong(data, monkeypatch):
    whole, _ = parallel.gradients(network(PlainByRow()), spread, *data)
    net = network(PlainByRow())
    monkeypatch.setattr(parallel, "MICRO_BATCH_NUMBERS", 2 * ROW)
    with pytest.raises(InputError, match="losses of the parts of the batch add up to .* for a loss that compares"):
        parallel.gradients(net, spread, *data)
    assert net.parameters()[0].grad is None
    net.by_row = False                                      # as the message says
    assert parallel.gradients(net, spread, *data)[0] == pytest.approx(whole, rel=1e-5)


# What hides a weight

class Cell:
    """No Module, and so nobody finds its weight."""

    def __init__(self):
        self.weight = Parameter(np.ones((4, 1, 1), np.float32))


class HiddenWeight(Module):
    """Keeps a weight where nobody looks."""

    by_row = True

    def __init__(self, where):
        self.kept = {"object": Cell(), "deque": collections.deque([Cell().weight]), "nowhere yet": None}.get(where)
        if where == "closure of self":                      # a copy of the layer would still read the first one's
            self.weight = Cell().weight
            self.read = lambda: self.weight
        elif where == "closure":
            weight = Cell().weight
            self.read = lambda: weight

    def forward(self, x):
        if isinstance(self.kept, Cell):
            return x * self.kept.weight
        if isinstance(self.kept, collections.deque):
            return x * self.kept[0]
        if not hasattr(self, "read") and not hasattr(self, "weight"):
            self.weight = Cell().weight
        return x * (self.read() if hasattr(self, "read") else self.weight)


@pytest.mark.parametrize("where", ["object", "deque", "closure", "nowhere yet"])
def test_a_weight_that_nobody_finds_is_refused(where, cut, data):
    with pytest.raises(InputError, match=r"reads a weight \(4, 1, 1\) that is none of its parameters"):
        parallel.gradients(network(HiddenWeight(where)), ops.cross_entropy, *data)


def test_a_copy_that_reads_the_firsts_weight_is_refused(cut, data):
    net = network(HiddenWeight("closure of self"))
    if cut == "whole":
        parallel.gradients(net, ops.cross_entropy, *data)
        assert net["own"].weight.grad is not None
    else:
        with pytest.raises(InputError, match="none of its parameters"):
            parallel.gradients(net, ops.cross_entropy, *data)


# What hides a generator, and what the threads are told

class HiddenNoise(Module):
    by_row = True

    def __init__(self):
        self.noise = np.random.default_rng(0).standard_normal

    def forward(self, x):
        return x + self.noise(x.shape)


def test_a_generator_anywhere_else_is_refused_by_name(cut, data):
    net = network(HiddenNoise())
    match = "HiddenNoise.noise draws random numbers .* derive the class from layers.Random"
    with pytest.raises(InputError, match=match):
        fit(net, *data, np.arange(N), np.arange(0), SGD(net.parameters(), 0.1), 1, np.random.default_rng(0), progress=False)
    with pytest.raises(InputError, match=match):
        parallel.run(net.eval(), data[0])


@pytest.mark.parametrize("workers", [1, 2])
def test_errstate_reaches_the_workers(workers, cut, data):
    class Overflows(Module):
        by_row = True

        def forward(self, x):
            return Tensor(np.float32(1e38) * np.full(x.shape, 10, np.float32)) + x

    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        parallel.run(Sequential(own=Overflows(), flat=Flatten()), data[0], workers)
