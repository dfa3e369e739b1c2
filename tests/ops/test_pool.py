"""Pooling against the loop over every window, and its conventions."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet import InputError, Tensor, gradcheck, ops
from tinynet.backend import to_device
from tinynet.ops.window import output_size


def windows(size, kernel, stride, padding, ceil_mode):
    """For each output (i, j): the rows and columns under its window, the padding's included."""
    n_out = [output_size(*axis, ceil_mode) for axis in zip(size, kernel, stride, padding)]
    for i, j in np.ndindex(*n_out):
        rows, columns = (range(k * s - p, min(k * s - p + r, n + p))
                         for k, s, p, r, n in zip((i, j), stride, padding, kernel, size))
        yield (i, j), [(row, column) for row in rows for column in columns]


def slow_pool(x, gy, reduce, kernel, stride, padding, ceil_mode):
    """(y, gx) where reduce(values) returns one window's result and each value's share of the gradient."""
    size = x.shape[2:]
    n_out = [output_size(*axis, ceil_mode) for axis in zip(size, kernel, stride, padding)]
    y, gx = np.zeros(x.shape[:2] + tuple(n_out)), np.zeros_like(x)
    for n, c in np.ndindex(x.shape[:2]):
        for (i, j), pixels in windows(size, kernel, stride, padding, ceil_mode):
            inside = [0 <= row < size[0] and 0 <= column < size[1] for row, column in pixels]
            values = [x[n, c, row, column] if ok else None for (row, column), ok in zip(pixels, inside)]
            y[n, c, i, j], shares = reduce(values)
            for (row, column), ok, share in zip(pixels, inside, shares):
                if ok:
                    gx[n, c, row, column] += share * gy[n, c, i, j]
    return y, gx


def first_maximum(values):
    """The largest, and slope 1 for the first that equals it; the padding, None, never wins."""
    largest = max(value for value in values if value is not None)
    winner = values.index(largest)
    return largest, [float(k == winner) for k in range(len(values))]


def average(values):
    """The mean, in which the padding counts as zeros."""
    return sum(value or 0 for value in values) / len(values), [1 / len(values)] * len(values)


POOLS = [(ops.max_pool2d, first_maximum), (ops.avg_pool2d, average)]
SHAPE = 2, 3


@st.composite
def pools(draw):
    """(size, kernel, stride, padding, ceil_mode) such that the window fits."""
    kernel = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    size = tuple(draw(st.integers(max(1, k - 2 * p), 8)) for k, p in zip(kernel, padding))
    return size, kernel, (draw(st.integers(1, 5)), draw(st.integers(1, 6))), padding, draw(st.booleans())


@pytest.mark.parametrize("op, reduce", POOLS)
@given(case=pools(), seed=st.integers(0, 9))
def test_forward_and_backward_equal_the_loop(op, reduce, case, seed):
    """On few different numbers, so that windows are full of ties."""
    size, *window, ceil_mode = case
    rng = np.random.default_rng(seed)
    x = Tensor(rng.integers(-2, 3, SHAPE + size).astype(np.float64), requires_grad=True)
    y = op(x, *window, ceil_mode=ceil_mode)
    gy = rng.standard_normal(y.shape)
    y.backward(gy)
    expected, gx = slow_pool(x.data, gy, reduce, *window, ceil_mode)
    np.testing.assert_allclose(y.data, expected, rtol=1e-12)
    np.testing.assert_allclose(x.grad, gx, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("op", [ops.max_pool2d, ops.avg_pool2d])
@settings(max_examples=40)
@given(case=pools())
def test_gradients_are_derivatives(op, case, device, rng):
    size, *window, ceil_mode = case
    x = to_device(rng.permutation(np.linspace(-1, 1, np.prod(SHAPE + size))).reshape(SHAPE + size), device)
    gradcheck(lambda x: op(x, *window, ceil_mode=ceil_mode), x, rng=rng)


def test_the_stride_is_the_kernel_by_default(rng):
    x = Tensor(rng.standard_normal((2, 3, 7, 11)))
    for op in ops.max_pool2d, ops.avg_pool2d:
        np.testing.assert_array_equal(op(x, (2, 3)).data, op(x, (2, 3), (2, 3)).data)


@pytest.mark.parametrize("value", [0.0, -np.inf, 7.0])
def test_among_equal_pixels_the_first_gets_the_gradient(value):
    x = Tensor(np.full((1, 1, 4, 6), value), requires_grad=True)
    ops.max_pool2d(x, (2, 3)).backward(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]))
    np.testing.assert_array_equal(x.grad[0, 0], [[1, 0, 0, 2, 0, 0], [0] * 6, [3, 0, 0, 4, 0, 0], [0] * 6])


def test_the_tie_goes_along_the_row_first():
    x = Tensor([[[[0.0, 5.0], [5.0, 0.0]]]], requires_grad=True)
    ops.max_pool2d(x, 2).sum().backward()
    np.testing.assert_array_equal(x.grad[0, 0], [[0, 1], [0, 0]])


def test_a_window_of_more_than_256_pixels():
    x = Tensor(np.arange(2.0 * 17 * 19).reshape(1, 2, 17, 19), requires_grad=True)
    ops.max_pool2d(x, (17, 19)).sum().backward()
    np.testing.assert_array_equal(x.grad, x.data == x.data.max(axis=(2, 3), keepdims=True))


def test_padding_never_wins_a_maximum_but_counts_in_a_mean():
    x = Tensor(np.full((1, 1, 2, 3), -4.0))
    assert (ops.max_pool2d(x, 3, 2, 1).data == -4).all()
    np.testing.assert_allclose(ops.avg_pool2d(x, 3, 2, 1).data[0, 0], [[-16 / 9, -16 / 9]])


def test_what_hangs_over_the_edge_does_not_count_in_a_mean():
    x = Tensor(np.ones((1, 1, 3, 5)))
    assert ops.avg_pool2d(x, 2, ceil_mode=True).data.tolist() == [[[[1, 1, 1], [1, 1, 1]]]]


def test_squeezenets_pools_round_up():
    x = Tensor(np.zeros((1, 1, 113, 56)))
    assert ops.max_pool2d(x, 3, 2, ceil_mode=True).shape == (1, 1, 56, 28)
    assert ops.max_pool2d(x, 3, 2).shape == (1, 1, 56, 27)


def test_global_average(rng):
    x = rng.standard_normal((2, 3, 5, 7))
    np.testing.assert_allclose(ops.global_avg_pool2d(Tensor(x)).data, x.reshape(2, 3, -1).sum(axis=2) / 35)


@pytest.mark.parametrize("op", [ops.max_pool2d, ops.avg_pool2d])
@pytest.mark.parametrize("kernel, stride, padding, word", [
    ((6, 2), None, 0, "does not fit"), (0, None, 0, "at least 1"), (2, 0, 0, "at least 1"),
    (2, None, -1, "at least 0"),
    ((3, 2), None, (2, 1), "more than half"), ((3, 2), None, (1, 2), "more than half")])
def test_windows_that_do_not_fit(op, kernel, stride, padding, word):
    with pytest.raises(InputError) as error:
        op(Tensor(np.ones((2, 3, 5, 7))), kernel, stride, padding)
    assert word in str(error.value) and str(error.value).startswith(op.__name__)


@pytest.mark.parametrize("op", [ops.max_pool2d, ops.avg_pool2d])
def test_a_window_may_hang_over_a_map_smaller_than_itself(op, rng):
    x = rng.standard_normal((2, 3, 2, 2))
    y = op(Tensor(x), 3, 2, 0, True)
    assert y.shape == (2, 3, 1, 1)
    np.testing.assert_allclose(y.data[..., 0, 0], x.max(axis=(2, 3)) if op is ops.max_pool2d else x.mean(axis=(2, 3)))
    gradcheck(lambda x: op(x, 3, 2, 0, True), x, rng=rng)
    with pytest.raises(InputError, match="does not fit"):
        op(Tensor(x), 3, 2, 0, False)
    with pytest.raises(InputError, match="does not fit"):
        op(Tensor(x[..., :1, :1]), 3, 2, 0, True)           # it would start outside
