"""Dropout: what it keeps, how much it scales, and that it expects what it was given."""
import numpy as np
import pytest

from tinynet import InputError, Tensor, ops


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
def test_numbers_are_dropped_or_scaled_exactly(p, device):
    x = np.full((100, 101), 3.0, np.float32)
    y = ops.dropout(Tensor(x).to(device), p, np.random.default_rng(0)).numpy()
    kept = y != 0
    assert y.dtype == np.float32 and np.unique(y[kept]) == np.float32(3) * (np.float32(1) / np.float32(1 - p))
    assert kept.mean() == pytest.approx(1 - p, abs=0.02)
    assert y.mean() == pytest.approx(3, rel=0.05)                   # the expected value is x


def test_the_gradient_goes_where_the_numbers_went(rng):
    x = Tensor(rng.standard_normal((5, 7)), requires_grad=True)
    y = ops.dropout(x, 0.4, rng)
    y.backward(np.ones((5, 7)))
    np.testing.assert_allclose(x.grad, y.data / x.data)


def test_both_devices_drop_the_same(device):
    x = Tensor(np.ones((5, 7)))
    one, other = (ops.dropout(t, 0.4, np.random.default_rng(3)).numpy() for t in (x, x.to(device)))
    np.testing.assert_array_equal(one, other)


def test_one_number_is_drawn_per_element():
    """On which the masks of micro-batches rely."""
    rng, reference = np.random.default_rng(3), np.random.default_rng(3)
    ops.dropout(Tensor(np.ones((5, 7))), 0.4, rng)
    reference.bit_generator.advance(35)
    assert rng.random() == reference.random()


@pytest.mark.parametrize("p", [-0.1, 1.0, 2, float("nan")])
def test_probabilities_that_are_none(p):
    with pytest.raises(InputError, match=f"p is {p}"):
        ops.dropout(Tensor([1.0]), p, np.random.default_rng(0))
