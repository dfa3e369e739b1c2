"""The two losses against loops over samples and classes, and labels that are none."""
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet import InputError, Tensor, gradcheck, ops
from tinynet.backend import to_device


def slow_cross_entropy(scores, labels):
    """The mean of -log softmax(row)[label]."""
    total = 0
    for row, label in zip(scores, labels):
        total -= math.log(math.exp(row[label]) / sum(math.exp(s) for s in row))
    return total / len(labels)


def slow_hinge(scores, labels):
    """The mean over rows of the sum over wrong classes of how far they intrude on the margin."""
    return sum(max(0, s - row[label] + 1) for row, label in zip(scores, labels)
               for k, s in enumerate(row) if k != label) / len(scores)


@st.composite
def batches(draw):
    """(scores, labels)."""
    n, k = draw(st.integers(1, 7)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return rng.normal(0, 3, (n, k)), rng.integers(0, k, n)


@given(batch=batches())
def test_cross_entropy(batch, device, rng):
    scores, labels = batch
    expected = slow_cross_entropy(scores, labels)
    assert ops.cross_entropy(Tensor(scores), labels).item() == pytest.approx(expected, rel=1e-9, abs=1e-12)
    gradcheck(lambda x: ops.cross_entropy(x, labels), to_device(scores, device), rng=rng)


@given(batch=batches())
def test_hinge(batch, device, rng):
    scores, labels = batch
    expected = slow_hinge(scores, labels)
    assert ops.hinge(Tensor(scores), labels).item() == pytest.approx(expected, rel=1e-9, abs=1e-12)
    gradcheck(lambda x: ops.hinge(x, labels), to_device(scores, device), rng=rng)


def test_a_net_that_knows_nothing_pays_log_k():
    loss = ops.cross_entropy(Tensor(np.zeros((3, 7))), np.array([0, 3, 6]))
    assert loss.item() == pytest.approx(math.log(7))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_scores_do_not_overflow(dtype):
    scores = Tensor(np.array([[1e4, -1e4, 0], [-1e4, 1e4, 0]], dtype), requires_grad=True)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        loss = ops.cross_entropy(scores, np.array([0, 0]))
        loss.backward()
    assert loss.item() == 1e4               # 0 for the row that is right, 2e4 for the one that is wrong
    assert scores.grad.tolist() == [[0, 0, 0], [-0.5, 0.5, 0]]


def test_on_the_edge_of_the_margin_the_slope_is_0():
    scores = Tensor([[2.0, 1.0, 1.5]], requires_grad=True)
    loss = ops.hinge(scores, np.array([0]))
    loss.backward()
    assert loss.item() == 0.5 and scores.grad.tolist() == [[-1, 0, 1]]


@pytest.mark.parametrize("loss", [ops.cross_entropy, ops.hinge])
def test_losses_of_parts_add_up_to_the_whole(loss, rng):
    scores, labels = rng.standard_normal((7, 5)), np.array([0, 1, 2, 3, 4, 0, 1])
    whole = Tensor(scores, requires_grad=True)
    value = loss(whole, labels, 7)
    value.backward()
    parts = [Tensor(scores[:3], requires_grad=True), Tensor(scores[3:], requires_grad=True)]
    values = [loss(part, rows, 7) for part, rows in zip(parts, (labels[:3], labels[3:]))]
    assert sum(v.item() for v in values) == pytest.approx(value.item())
    for v in values:
        v.backward()
    np.testing.assert_allclose(np.concatenate([part.grad for part in parts]), whole.grad)


@pytest.mark.parametrize("labels", [
    [2, 0], Tensor([2, 0]), np.array([2, 0], np.uint8), np.array([2, 0], np.int32)], ids=repr)
def test_labels_of_any_integer_type(labels, device):
    scores = [[1.0, 2.0, 4.0], [0.0, 3.0, 1.0]]
    for loss, expected in ((ops.cross_entropy, slow_cross_entropy(scores, [2, 0])),
                           (ops.hinge, slow_hinge(scores, [2, 0]))):
        assert loss(Tensor(scores).to(device), labels).item() == pytest.approx(expected)


@pytest.mark.parametrize("loss", [ops.cross_entropy, ops.hinge])
@pytest.mark.parametrize("shape, labels, word", [
    ((2, 3), [0, 3], "run from 0 to 3"), ((2, 3), [1, 3], "run from 1 to 3"), ((2, 3), [-1, 2], "0 .. 2"),
    ((2, 3), [0, 1, 2], "give 2 integers"), ((2, 3), [[0], [1]], "give 2 integers"),
    ((2, 3), [0.0, 1.0], "float64"), ((2, 3), [True, False], "bool"),
    ((0, 3), np.zeros(0, int), "no rows"), ((3,), [0, 1, 2], "(N, K)")])
def test_labels_that_are_none(loss, shape, labels, word):
    with pytest.raises(InputError) as error:
        loss(Tensor(np.zeros(shape)), np.array(labels))
    assert word in str(error.value) and str(error.value).startswith(loss.__name__)
