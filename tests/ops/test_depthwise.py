"""Depthwise convolution in both of its layouts, against the loop and against the matrix product."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet import Tensor, gradcheck, ops
from tinynet.backend import to_numpy
from tinynet.ops import depthwise
from tinynet.ops.conv import Conv2d
from tinynet.ops.depthwise import ChannelsLast, Depthwise, LongRuns, correlate_channels_last, layout_for


def slow_depthwise(x, W, b, stride, sides):
    """y[n, c, i, j] = b[c] + the sum over the taps of filter c, in plain loops."""
    (top, bottom), (left, right) = sides
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    R, S = W.shape[2:]
    y = np.zeros((*x.shape[:2], (x.shape[2] - R) // stride[0] + 1, (x.shape[3] - S) // stride[1] + 1))
    for n, c, i, j in np.ndindex(y.shape):
        rows, columns = slice(i * stride[0], i * stride[0] + R), slice(j * stride[1], j * stride[1] + S)
        y[n, c, i, j] = b[c] + (x[n, c, rows, columns] * W[c, 0]).sum()
    return y


@st.composite
def cases(draw):
    """(x, W, b, stride, sides): windows that fit, sides of the padding that differ, every stride alone and with others."""
    def number(low, high):
        return draw(st.integers(low, high))

    N, C, size = number(0, 2), number(1, 6), (number(1, 7), number(1, 5))
    sides = tuple((number(0, 4), number(0, 3)) for _ in size)
    kernel = tuple(number(1, min(5, n + sum(side))) for n, side in zip(size, sides))
    rng = np.random.default_rng(number(0, 99))
    arrays = (rng.standard_normal(shape) for shape in ((N, C, *size), (C, 1, *kernel), (C,)))
    return *arrays, (number(1, 3), number(1, 4)), sides


@given(cases())
def test_forward_equals_the_loop(case):
    x, W, b, stride, sides = case
    y = Depthwise(stride, sides)(*map(Tensor, (x, W, b)))
    np.testing.assert_allclose(y.data, slow_depthwise(*case), rtol=1e-10, atol=1e-12)


@settings(max_examples=60)
@given(case=cases())
def test_gradients_are_derivatives(case, device, rng):
    x, W, b, *options = case
    arrays = (Tensor(array).to(device).data for array in (x, W, b))
    gradcheck(lambda x, W, b: Depthwise(*options)(x, W, b), *arrays, rng=rng)


def results(make, x, W, b, gy, device="cpu"):
    leaves = [Tensor(array, requires_grad=True).to(device) for array in (x, W, b)]
    y = make()(*leaves)
    y.backward(Tensor(gy).to(device).data)
    return [to_numpy(array) for array in (y.data, *(leaf.grad for leaf in leaves))]


@pytest.mark.parametrize("channels, size, kernel, stride, layout", [
    (3, (13, 11), (3, 5), (1, 1), LongRuns), (3, (13, 11), (5, 3), (2, 1), ChannelsLast),
    (67, (7, 5), (5, 3), (1, 1), ChannelsLast), (259, (5, 4), (3, 2), (1, 1), ChannelsLast), (131, (7, 11), (3, 5), (2, 3), ChannelsLast)])
def test_both_layouts_equal_the_matrix_product(channels, size, kernel, stride, layout, device, rng, monkeypatch):
    """Values and gradients, float32, for portions of any size."""
    padding = kernel[0] // 2, kernel[1] // 2
    x, W, b = (rng.standard_normal(shape, np.float32)
               for shape in ((2, channels, *size), (channels, 1, *kernel), (channels,)))
    y = Conv2d(stride, padding, channels)(*map(Tensor, (x, W, b))).data
    assert layout_for(y, stride) is layout
    gy = rng.standard_normal(y.shape, np.float32)
    expected = results(lambda: Conv2d(stride, padding, channels), x, W, b, gy)
    for numbers in (1, 2 * kernel[1] * y[0, 0].size, 2 ** 18):
        monkeypatch.setattr(depthwise, "SHIFTED_NUMBERS", numbers)
        for array, other in zip(results(lambda: Depthwise(stride, tuple((n, n) for n in padding)), x, W, b, gy, device), expected, strict=True):
            assert array.dtype == np.float32
            np.testing.assert_allclose(array, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("channels", [3, 300])
@pytest.mark.parametrize("stride", [(1, 1), (2, 1), (1, 2)])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 3, 1)])
def test_maps_with_their_channels_last_in_memory_are_the_same(channels, stride, order, rng):
    x, W = (rng.standard_normal(shape) for shape in ((2, channels, 9, 8), (channels, 1, 3, 3)))
    sides = (0, 2), (1, 1)
    y = Depthwise(stride, sides)(Tensor(x), Tensor(W), None).data
    stored = x.transpose(order).copy().transpose(np.argsort(order))
    last = correlate_channels_last(stored, W[:, 0], stride, sides)
    assert y.flags.c_contiguous and last.transpose(0, 2, 3, 1).flags.c_contiguous
    np.testing.assert_allclose(last, y, rtol=1e-10, atol=1e-12)


def test_conv2d_chooses_it_for_a_filter_per_channel(rng):
    x = Tensor(rng.standard_normal((2, 6, 7, 5)), requires_grad=True)

    def creator(groups, F, **options):
        return type(ops.conv2d(x, Tensor(rng.standard_normal((F, 6 // groups, 3, 3))), groups=groups, **options).creator)

    assert creator(6, 6) is Depthwise
    assert creator(6, 12) is creator(3, 6) is Conv2d


def test_relu(rng):
    x, W, b = (Tensor(rng.standard_normal(shape)) for shape in ((2, 3, 7, 5), (3, 1, 3, 3), (3,)))
    y = ops.conv2d(x, W, b, groups=3).data
    np.testing.assert_array_equal(ops.conv2d(x, W, b, groups=3, relu=True).data, np.maximum(y, 0))


@pytest.mark.parametrize("trainable", [True, False])
def test_shifted_copies_are_not_kept(trainable, rng):
    x, W = rng.standard_normal((2, 3, 7, 11)), rng.standard_normal((3, 1, 3, 3))
    y = ops.conv2d(Tensor(x, requires_grad=True), Tensor(W, requires_grad=trainable), groups=3)
    kept = sum(value.nbytes for value in vars(y.creator).values() if isinstance(value, np.ndarray))
    assert kept == trainable * x.nbytes + W.nbytes
