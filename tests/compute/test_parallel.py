"""Micro-batches on threads must give what the whole batch gives, whoever computes them, and end cleanly."""
import copy

import numpy as np
import pytest

from tinynet import InputError, Tensor, ops
from tinynet.backend import to_device, to_numpy
from tinynet.compute import parallel
from tinynet.layers import (BatchNorm, Conv2d, Dropout, Flatten, Linear, MaxPool2d, Module, Parameter, ReLU,
                            Sequential, Tanh)
from tinynet.tensor import is_recording

ROW = 3 * 6 * 5                                             # numbers per image


@pytest.fixture
def two_rows(monkeypatch):
    """Micro-batches of two images."""
    monkeypatch.setattr(parallel, "MICRO_BATCH_NUMBERS", 2 * ROW + ROW // 2)


@pytest.fixture
def x(rng):
    return rng.standard_normal((7, 3, 6, 5)).astype(np.float32)


LABELS = np.array([0, 1, 2, 1, 0, 2, 2])


def make_net(*extra, seed=0):
    """A small network, with more layers before its head."""
    rng = np.random.default_rng(seed)
    stages = [Conv2d(3, 4, 3, rng=rng), ReLU(), MaxPool2d(2), *extra, Flatten(), Linear(8, 3, rng)]
    return Sequential(*stages)


def gradients(net, x, labels=LABELS, loss=ops.cross_entropy, workers=1):
    """(loss, scores, a gradient per parameter), with none left behind."""
    value, scores = parallel.gradients(net, loss, x, labels, workers)
    grads = [None if p.grad is None else to_numpy(p.grad) for p in net.parameters()]
    for p in net.parameters():
        p.zero_grad()
    return value, to_numpy(scores), grads


def unsplit(net, x, labels=LABELS, loss=ops.cross_entropy):
    """The same without micro-batches."""
    scores = net(Tensor(x))
    value = loss(scores, labels)
    value.backward()
    grads = [None if p.grad is None else to_numpy(p.grad) for p in net.parameters()]
    for p in net.parameters():
        p.zero_grad()
    return value.item(), scores.numpy(), grads


def assert_same(found, expected, rtol=1e-5, atol=1e-6):
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    np.testing.assert_allclose(found[1], expected[1], rtol=rtol, atol=atol)
    for a, b in zip(found[2], expected[2], strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


sizes_seen = []


class Note(Module):
    """Notes how many rows arrive. A global list, since replicas copy what a module holds."""

    by_row = True

    def forward(self, x):
        sizes_seen.append(len(x))
        return x


@pytest.fixture(autouse=True)
def nothing_seen():
    sizes_seen.clear()


# Cutting

@pytest.mark.parametrize("shape, numbers, expected", [
    ((7, 3, 6, 5), 200, [2, 2, 2, 1]), ((7, 3, 6, 5), 10, [1] * 7), ((7, 3, 6, 5), 10 ** 6, [7]),
    ((1, 90), 90, [1]), ((6, 90), 270, [3, 3]), ((5,), 2, [2, 2, 1]), ((3, 0), 7, [3]), ((0, 90), 90, [])])
def test_micro_batches(monkeypatch, shape, numbers, expected):
    monkeypatch.setattr(parallel, "MICRO_BATCH_NUMBERS", numbers)
    parts = parallel.micro_batches(np.zeros(shape))
    assert [part.stop - part.start for part in parts] == expected
    rows = range(shape[0])
    assert [row for part in parts for row in rows[part]] == list(rows)


def test_on_the_gpu_a_batch_is_not_cut(device, two_rows, x):
    parts = parallel.micro_batches(to_device(x, device))
    assert len(parts) == (4 if device == "cpu" else 1)


# Inference

@pytest.mark.parametrize("workers", [1, 2, 3, None])
def test_run_gives_what_the_network_gives(two_rows, x, workers, device):
    net = Sequential(note=Note(), net=make_net()).eval().to(device)
    x = to_device(x, device)
    expected = net(Tensor(x)).numpy()
    sizes_seen.clear()
    y = parallel.run(net, x, workers)
    np.testing.assert_allclose(to_numpy(y), expected, rtol=1e-5, atol=1e-6)
    assert type(y) is type(x) and sorted(sizes_seen) == ([1, 2, 2, 2] if device == "cpu" else [7])


@pytest.mark.parametrize("workers", [1, 3])
def test_run_cuts_what_has_become_small_anew(two_rows, rng, workers):
    x = rng.standard_normal((12, 3, 6, 5)).astype(np.float32)
    net = Sequential(Note(), Conv2d(3, 4, 3, rng=rng), Note(), MaxPool2d(2), Note(), Conv2d(4, 8, 1, rng=rng), Note(),
                     Flatten(), Note(), Linear(16, 3, rng), Note()).eval()
    expected = net(Tensor(x)).numpy()                       # 90 numbers an image, 48, 8, 16 and 3
    sizes_seen.clear()
    np.testing.assert_allclose(parallel.run(net, x, workers), expected, rtol=1e-5, atol=1e-6)
    assert sorted(sizes_seen) == [2] * 6 * 2 + [3] * 4 * 2 + [12] * 2        # four parts at least, of rows only one
    np.testing.assert_allclose(parallel.run(net[:4], x, workers), net[:4](Tensor(x)).numpy(), rtol=1e-5)


def test_run_leaves_another_network_than_a_sequential_whole(two_rows, x):
    class Own(Sequential):
        by_row = True

        def forward(self, x):
            return super().forward(x) + 1

    net = Own(Note(), Flatten(), Linear(ROW, 3, np.random.default_rng(0)), Note()).eval()
    expected = net(Tensor(x)).numpy()
    sizes_seen.clear()
    np.testing.assert_allclose(parallel.run(net, x), expected, rtol=1e-5)
    assert sorted(sizes_seen) == [1, 1] + [2] * 6


def test_run_does_not_depend_on_the_number_of_workers(two_rows, x):
    net = make_net().eval()
    np.testing.assert_array_equal(parallel.run(net, x, 2), parallel.run(net, x, 3))


@pytest.mark.parametrize("workers", [1, 2])
def test_run_records_nothing(two_rows, x, workers):
    class Recorded(Note):
        by_row = True

        def forward(self, x):
            sizes_seen.append(is_recording())
            return x

    parallel.run(make_net(Recorded()), x, workers)
    assert sizes_seen == [False] * 7 and is_recording()


def test_run_reads_a_memory_mapped_file(two_rows, x, tmp_path):
    np.save(tmp_path / "x.npy", x)
    net = make_net().eval()
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    np.testing.assert_array_equal(parallel.run(net, mapped, 2), parallel.run(net, x, 2))


# Training

@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("loss", [ops.cross_entropy, ops.hinge], ids=["cross_entropy", "hinge"])
def test_gradients_of_micro_batches_add_up(two_rows, x, loss, workers):
    net = make_net(Note())
    expected = unsplit(net, x, loss=loss)
    sizes_seen.clear()
    assert_same(gradients(net, x, loss=loss, workers=workers), expected)
    assert sorted(sizes_seen) == [1, 2, 2, 2]


def test_gradients_do_not_depend_on_the_number_of_workers(two_rows, x):
    one, other = (gradients(make_net(), x, workers=workers) for workers in (2, 3))
    assert_same(one, other, rtol=0, atol=0)


def test_gradients_on_each_device(x, device):
    net = make_net()
    expected = unsplit(net, x)
    assert_same(gradients(net.to(device), to_device(x, device)), expected)


def test_gradients_add_to_those_already_there(two_rows, x):
    net = make_net()
    _, _, (expected, *_) = gradients(net, x, workers=2)
    for _ in range(2):
        parallel.gradients(net, ops.cross_entropy, x, LABELS, 2)
    np.testing.assert_allclose(net.parameters()[0].grad, 2 * expected, rtol=1e-5)


def test_frozen_parameters_get_no_gradient(two_rows, x):
    net = make_net()
    net[0].weight.requires_grad = net[0].bias.requires_grad = False
    expected = unsplit(net, x)
    found = gradients(net, x, workers=2)
    assert_same(found, expected)
    assert [gradient is None for gradient in found[2]] == [True, True, False, False]


def test_a_weight_used_in_two_places(two_rows, x):
    layer = Linear(8, 8, np.random.default_rng(0))
    net = make_net(Flatten(), layer, Tanh(), layer)
    expected = unsplit(net, x)
    assert_same(gradients(net, x, workers=2), expected)


# Dropout

def dropouts(shared):
    one = np.random.default_rng(5)
    other = one if shared else np.random.default_rng(6)
    return [Dropout(0.4, one), Tanh(), Dropout(0.3, other)]


@pytest.mark.parametrize("shared", [True, False], ids=["one generator", "two generators"])
def test_dropout_depends_on_the_step_and_the_part_and_on_nothing_else(two_rows, x, shared):
    """Neither on the number of workers, in this step and the next, nor where the generators stand afterwards."""
    nets = [make_net(*dropouts(shared)) for _ in range(3)]
    for _ in range(2):
        expected, *others = [gradients(net, x, workers=workers) for net, workers in zip(nets, (1, 2, 4))]
        for found in others:
            assert_same(found, expected, rtol=0, atol=0)
    for a, *others in zip(*[net.modules() for net in nets]):
        if isinstance(a, Dropout):
            assert all(a.rng.bit_generator.state == b.rng.bit_generator.state for b in others)


def test_every_micro_batch_and_every_step_drops_other_numbers(two_rows, x):
    net = Sequential(drop=Dropout(0.5, np.random.default_rng(0)), flat=Flatten())
    x = np.ones((6, 3, 6, 5), np.float32)
    scores = [parallel.gradients(with_weight(net), total_of_scores, x, LABELS[:6], 2)[1] for _ in range(2)]
    rows = np.concatenate(scores)
    assert len(np.unique(rows, axis=0)) == len(rows) == 12
    assert abs((rows == 0).mean() - 0.5) < 0.05


def with_weight(net):
    """The network with something to train in front."""
    return Sequential(scale=Scale(), net=net)


class Scale(Module):
    by_row = True

    def __init__(self):
        self.weight = Parameter(np.ones((), np.float32))

    def forward(self, x):
        return x * self.weight


def total_of_scores(scores, labels, total):
    return scores.sum() / total


def test_dropout_in_evaluation_draws_nothing(two_rows, x):
    net = make_net(*dropouts(shared=False)).eval()
    before = copy.deepcopy(net[3].rng.bit_generator.state)
    assert_same(gradients(net, x, workers=2), unsplit(net, x))
    assert net[3].rng.bit_generator.state == before


def test_dropout_that_draws_nothing_needs_no_generator(two_rows, x):
    gradients(make_net(Dropout(0.4)).eval(), x, workers=2)
    gradients(make_net(Dropout(0.0)), x, workers=2)


# Batch normalisation

@pytest.mark.parametrize("frozen, training, whole", [
    (False, True, True), (True, True, False), (False, False, False)])
def test_a_batch_norm_that_uses_the_batch_sees_all_of_it(two_rows, x, frozen, training, whole):
    nets = [make_net(BatchNorm(4), Note()).train(training) for _ in range(3)]
    for net in nets:
        for p in net[3].parameters():
            p.requires_grad = not frozen
    expected = unsplit(nets[0], x)
    sizes_seen.clear()
    assert_same(gradients(nets[1], x, workers=2), expected)
    assert sorted(sizes_seen) == ([7] if whole else [1, 2, 2, 2])
    np.testing.assert_allclose(parallel.run(nets[2], x, 2), expected[1], rtol=1e-5, atol=1e-6)
    for net in nets[1:]:
        np.testing.assert_array_equal(net[3].running_mean, nets[0][3].running_mean)


# Replicas

def test_a_replica_shares_arrays_but_not_gradients():
    net = make_net(BatchNorm(4), Dropout(0.5, np.random.default_rng(0)))
    net[0].bias.requires_grad = False
    net.parameters()[0].grad = np.ones(1)
    net[4].eval()
    twin = parallel.replica(net, {id(net[4]): 3}, 2)
    assert twin.stages == net.stages
    assert [m.training for m in twin.modules()] == [m.training for m in net.modules()]
    assert list(net.state_dict()) == list(twin.state_dict())
    assert all(array is net.state_dict()[name] for name, array in twin.state_dict().items())
    for p, own in zip(net.parameters(), twin.parameters(), strict=True):
        assert type(own) is Parameter and own is not p
        assert own.grad is None and own.requires_grad == p.requires_grad
    assert twin[4].rng.random() == np.random.default_rng([3, 2]).random()
    assert net[4].rng.random() == np.random.default_rng(0).random()


# Mistakes

@pytest.mark.parametrize("call", [lambda net, x: parallel.run(net, x),
                                  lambda net, x: parallel.gradients(net, ops.cross_entropy, x, LABELS[:0])])
def test_a_batch_without_rows(call):
    with pytest.raises(InputError, match="no rows"):
        call(make_net(), np.zeros((0, 3, 6, 5), np.float32))


def test_a_mistake_in_one_micro_batch_surfaces(two_rows, x):
    with pytest.raises(InputError, match="labels run from 2 to 3"):
        gradients(make_net(), x, np.array([0, 1, 2, 1, 2, 3, 0]), workers=2)


def test_run_refuses_a_network_whose_answers_are_random():
    net = Sequential(drop=Dropout(0.5, np.random.default_rng(0)))
    with pytest.raises(InputError, match="call net.eval"):
        parallel.run(net, np.ones((2, 3), np.float32))
    np.testing.assert_array_equal(parallel.run(net.eval(), np.ones((2, 3), np.float32)), 1)
