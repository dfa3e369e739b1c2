"""Noise: what it keeps, how much it scales, that it expects what it was given; and regions that leave nothing out."""
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet import InputError, Tensor, no_grad, ops
from tinynet.ops.random import part_edges


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


# Rows

@pytest.mark.parametrize("survival", [0.1, 0.5, 0.8, 1.0])
def test_rows_are_dropped_or_scaled_as_a_whole(survival, device):
    x = np.full((10_007, 3, 5), 3.0, np.float32)
    y = ops.drop_path(Tensor(x).to(device), survival, np.random.default_rng(0)).numpy()
    kept = y[:, 0, 0] != 0
    assert y.dtype == np.float32 and (y == y[:, :1, :1]).all()
    np.testing.assert_allclose(y[kept], 3 / survival, rtol=1e-6)
    assert kept.mean() == pytest.approx(survival, abs=0.02)
    assert y.mean() == pytest.approx(3, rel=0.05)                   # the expected value is x


def test_one_number_is_drawn_per_row():
    rng, reference = np.random.default_rng(3), np.random.default_rng(3)
    ops.drop_path(Tensor(np.ones((5, 7, 2))), 0.4, rng)
    reference.bit_generator.advance(5)
    assert rng.random() == reference.random()


@pytest.mark.parametrize("survival", [-0.1, 0, 1.5, float("nan")])
def test_survival_that_is_no_probability(survival):
    with pytest.raises(InputError, match=f"drop_path: survival is {survival}; .*above 0 and at most 1"):
        ops.drop_path(Tensor([1.0]), survival, np.random.default_rng(0))


def test_a_number_has_no_rows():
    with pytest.raises(InputError, match="rows are needed"):
        ops.drop_path(Tensor(1.0), 0.5, np.random.default_rng(0))


# Regions

@given(n_out=st.integers(1, 40), more=st.integers(0, 100), seed=st.integers(0, 99), pseudorandom=st.booleans())
def test_parts_leave_no_pixel_out_and_differ_by_one_at_most(n_out, more, seed, pseudorandom):
    size = n_out + more
    for rng in None, np.random.default_rng(seed):
        edges = part_edges(size, n_out, rng, pseudorandom)
        assert edges[0] == 0 and edges[-1] == size and len(edges) == n_out + 1
        assert set(np.diff(edges)) <= {size // n_out, -(-size // n_out)}


def cuts(size, n_out, pseudorandom):
    rng = np.random.default_rng(0)
    drawn = [tuple(np.diff(part_edges(size, n_out, rng, pseudorandom)).tolist()) for _ in range(3000)]
    return {cut: drawn.count(cut) / 3000 for cut in set(drawn)}


@pytest.mark.parametrize("size, n_out", [(8, 5), (12, 7), (8, 6)])
def test_pseudorandom_cuts_are_grahams(size, n_out):
    """All that a_i = ceil(size / n_out (i + u)) gives for some u."""
    u = np.linspace(0.0005, 0.9995, 1000)
    a = np.ceil(size / n_out * (np.arange(n_out + 1) + u[:, None]) - 1e-9)
    assert set(cuts(size, n_out, True)) == set(map(tuple, np.diff(a).astype(int).tolist()))


@pytest.mark.parametrize("pseudorandom, expected", [
    (True, {tuple(np.roll((2, 2, 1, 2, 1), k).tolist()) for k in range(5)}),
    (False, set(itertools.permutations((2, 2, 2, 1, 1))))])
def test_every_cut_of_its_kind_is_equally_likely(pseudorandom, expected):
    found = cuts(8, 5, pseudorandom)
    assert set(found) == expected
    assert max(found.values()) < 1.3 / len(expected) and min(found.values()) > 0.7 / len(expected)


def test_the_regions_without_a_generator_are_fixed_and_one_of_the_pseudorandom(rng):
    x = Tensor(rng.standard_normal((2, 3, 8, 11)))
    y = ops.fractional_max_pool2d(x, 1.4)
    assert y.shape == (2, 3, 5, 7)
    np.testing.assert_array_equal(y.data, ops.fractional_max_pool2d(x, 1.4, None, False).data)
    assert tuple(np.diff(part_edges(8, 5)).tolist()) in cuts(8, 5, True)


def test_rows_and_columns_are_cut_independently():
    x, rng = Tensor(np.arange(64.0).reshape(1, 1, 8, 8)), np.random.default_rng(0)
    pairs = {(tuple(y[:, 0] // 8), tuple(y[0] % 8)) for y in (ops.fractional_max_pool2d(x, 1.5, rng).data[0, 0]
                                                             for _ in range(300))}
    assert len(pairs) == 25, "5 ways down times 5 across"


@pytest.mark.parametrize("rng", [None, np.random.default_rng(0)])
def test_a_whole_ratio_is_max_pooling(rng, device):
    x = Tensor(np.random.default_rng(1).standard_normal((2, 3, 6, 9))).to(device)
    np.testing.assert_array_equal(ops.fractional_max_pool2d(x, 3, rng).numpy(), ops.max_pool2d(x, 3).numpy())
    np.testing.assert_array_equal(ops.fractional_max_pool2d(x, 1, rng).numpy(), x.numpy())


def test_among_equal_pixels_of_a_region_the_first_gets_the_gradient():
    x = Tensor(np.zeros((1, 1, 3, 5)), requires_grad=True)         # regions 2 and 1 high, 2, 1 and 2 wide
    y = ops.fractional_max_pool2d(x, 1.5)
    y.backward(np.arange(1.0, 7).reshape(1, 1, 2, 3))
    np.testing.assert_array_equal(x.grad[0, 0], [[1, 0, 2, 3, 0], [0] * 5, [4, 0, 5, 6, 0]])
    tie = Tensor([[[[0.0, 5.0, 5.0], [5.0, 0.0, 5.0], [5.0, 5.0, 5.0]]]], requires_grad=True)
    ops.fractional_max_pool2d(tie, 3).sum().backward()
    assert tie.grad[0, 0].tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]     # along the row first


def test_not_a_number_is_not_hidden():
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 1, 1] = np.nan
    assert np.isnan(ops.fractional_max_pool2d(Tensor(x), 1.5).data).sum() == 1


def test_without_a_tape_no_winner_is_kept():
    x, function = Tensor(np.ones((2, 3, 4, 6)), requires_grad=True), ops.random.FractionalMaxPool2d(*(np.arange(0, 7, 2),) * 2)
    with no_grad():
        function(Tensor(np.ones((2, 3, 6, 6))))
    assert not hasattr(function, "winners") and ops.fractional_max_pool2d(x, 1.5).creator.winners.shape == (2, 3, 2, 4)


@pytest.mark.parametrize("shape, ratio, word", [
    ((2, 3, 4, 4), 0.9, "ratio is 0.9"), ((2, 3, 4, 4), float("nan"), "at least 1"), ((2, 3, 4, 4), float("inf"), "at least 1"),
    ((2, 3, 4, 2), 2.5, "at least the ratio"), ((3, 4, 4), 1.5, "must be .N, C, H, W.")])
def test_maps_that_cannot_be_made_so_much_smaller(shape, ratio, word):
    with pytest.raises(InputError, match=f"^fractional_max_pool2d: .*{word}"):
        ops.fractional_max_pool2d(Tensor(np.ones(shape)), ratio)


@pytest.mark.parametrize("op", [
    lambda x, rng: ops.dropout(x, 0.4, rng), lambda x, rng: ops.drop_path(x, 0.4, rng),
    lambda x, rng: ops.fractional_max_pool2d(x, 1.5, rng)])
def test_no_rows_are_no_mistake(op, device):
    x = Tensor(np.ones((0, 3, 5, 7), np.float32), requires_grad=True).to(device)
    y = op(x, np.random.default_rng(0))
    y.sum().backward()
    assert y.shape[:2] == (0, 3) and x.grad.shape == x.shape
