"""Convolution against the loop over every output, every filter and every tap."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet import InputError, Tensor, gradcheck, ops
from tinynet.ops import conv
from tinynet.ops.conv import col2im, im2col
from tinynet.ops.window import output_size, pair, same_padding


def slow_conv2d(x, W, b, stride, padding, groups):
    """y[n, f, i, j] = b[f] + the sum over the filter's channels and taps, in plain loops."""
    N, _, H, width = x.shape
    F, C, R, S = W.shape
    OH, OW = (output_size(*axis) for axis in zip((H, width), (R, S), stride, padding))
    y = np.zeros((N, F, OH, OW))
    for n, f, i, j in np.ndindex(y.shape):
        y[n, f, i, j] = b[f]
        for c, r, s in np.ndindex(C, R, S):
            row, column = i * stride[0] + r - padding[0], j * stride[1] + s - padding[1]
            if 0 <= row < H and 0 <= column < width:
                y[n, f, i, j] += x[n, f // (F // groups) * C + c, row, column] * W[f, c, r, s]
    return y


@st.composite
def convolutions(draw):
    """(x, W, b, stride, padding, groups), the numbers random and the window fitting."""
    def number(low, high):
        return draw(st.integers(low, high))

    groups, C, F, N = number(1, 3), number(1, 3), number(1, 3), number(0, 2)
    padding = number(0, 2), number(0, 3)
    size = number(1, 7), number(1, 5)
    kernel = tuple(number(1, min(4, n + 2 * p)) for n, p in zip(size, padding))
    rng = np.random.default_rng(number(0, 99))
    shapes = (N, C * groups, *size), (F * groups, C, *kernel), (F * groups,)
    return *(rng.standard_normal(shape) for shape in shapes), (number(1, 3), number(1, 4)), padding, groups


@given(convolutions())
def test_forward_equals_the_loop(case):
    x, W, b, *options = case
    y = ops.conv2d(Tensor(x), Tensor(W), Tensor(b), *options)
    np.testing.assert_allclose(y.data, slow_conv2d(*case), rtol=1e-10, atol=1e-12)


@settings(max_examples=60)
@given(case=convolutions())
def test_gradients_are_derivatives(case, device, rng):
    x, W, b, *options = case
    gradcheck(lambda x, W, b: ops.conv2d(x, W, b, *options), *map(on(device), (x, W, b)), rng=rng)


def on(device):
    return lambda array: Tensor(array).to(device).data


@given(convolutions())
def test_col2im_is_the_transpose_of_im2col(case):
    """<im2col(x), cols> = <x, col2im(cols)> for every x and cols."""
    x, W, _, stride, padding, _ = case
    cols = im2col(x, W.shape[2:], stride, padding)
    other = np.random.default_rng(1).standard_normal(cols.shape)
    back = col2im(other, x.shape, W.shape[2:], stride, padding)
    np.testing.assert_allclose((cols * other).sum(), (x * back).sum(), rtol=1e-9, atol=1e-9)


def test_the_filter_is_not_flipped():
    x = np.arange(12.0).reshape(1, 1, 3, 4)
    W = np.array([[[[0.0, 1.0], [0.0, 0.0]]]])          # picks the upper right pixel of each window
    np.testing.assert_array_equal(ops.conv2d(Tensor(x), Tensor(W)).data[0, 0], x[0, 0, :2, 1:])


def test_depthwise_filters_see_their_own_channel_alone(rng):
    x, W = rng.standard_normal((2, 3, 5, 7)), rng.standard_normal((3, 1, 3, 2))
    y = ops.conv2d(Tensor(x), Tensor(W), groups=3).data
    for c in range(3):
        alone = ops.conv2d(Tensor(x[:, c:c + 1]), Tensor(W[c:c + 1])).data
        np.testing.assert_allclose(y[:, c:c + 1], alone)


def test_a_number_means_both_directions(rng):
    x, W = Tensor(rng.standard_normal((2, 3, 7, 11))), Tensor(rng.standard_normal((5, 3, 3, 2)))
    np.testing.assert_array_equal(ops.conv2d(x, W, stride=2, padding=1).data,
                                  ops.conv2d(x, W, stride=(2, 2), padding=(1, 1)).data)


@pytest.mark.parametrize("trainable, images", [(True, 1), (False, 0)])
def test_columns_are_not_kept(trainable, images, rng):
    """They are R S times as large as the image, which is kept for trainable filters alone."""
    x, W = rng.standard_normal((2, 3, 7, 11)), rng.standard_normal((5, 3, 3, 3))
    y = ops.conv2d(Tensor(x, requires_grad=True), Tensor(W, requires_grad=trainable))
    kept = sum(value.nbytes for value in vars(y.creator).values() if isinstance(value, np.ndarray))
    assert kept == images * x.nbytes + W.nbytes


@pytest.mark.parametrize("at_a_time, lengths", [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (9, [5])])
@pytest.mark.parametrize("groups", [1, 3])
def test_results_do_not_depend_on_how_many_images_are_done_at_a_time(at_a_time, lengths, groups, rng, monkeypatch):
    x, W, b = rng.standard_normal((5, 6, 7, 11)), rng.standard_normal((3, 6 // groups, 3, 2)), rng.standard_normal(3)
    gy = rng.standard_normal((5, 3, 5, 10))

    def results(numbers):
        made = []
        monkeypatch.setattr(conv, "COLUMN_NUMBERS", numbers)
        monkeypatch.setattr(conv, "im2col", lambda x, *window: made.append(len(x)) or im2col(x, *window))
        leaves = [Tensor(array, requires_grad=True) for array in (x, W, b)]
        y = ops.conv2d(*leaves, groups=groups)
        y.backward(gy)
        return made, [y.data, *(leaf.grad for leaf in leaves)]

    numbers = (6 * 3 * 2) * (5 * 10)                    # in one image's columns
    made, arrays = results(at_a_time * numbers + numbers - 1)
    assert made == 2 * lengths
    for array, expected in zip(arrays, results(10 ** 9)[1], strict=True):
        np.testing.assert_allclose(array, expected, rtol=1e-12, atol=1e-12)


def test_on_the_gpu_the_whole_batch_is_done_at_once(device, rng, monkeypatch):
    made = []
    monkeypatch.setattr(conv, "COLUMN_NUMBERS", 1)
    monkeypatch.setattr(conv, "im2col", lambda x, *window: made.append(len(x)) or im2col(x, *window))
    ops.conv2d(*(Tensor(rng.standard_normal(shape)).to(device) for shape in ((5, 3, 7, 11), (2, 3, 3, 3))))
    assert made == ([1] * 5 if device == "cpu" else [5])


def test_a_1x1_filter_copies_nothing(rng):
    x = rng.standard_normal((2, 3, 5, 7))
    assert np.shares_memory(im2col(x, (1, 1), (1, 1), (0, 0)), x)


@pytest.mark.parametrize("x, W, b, groups, word", [
    ((2, 3, 5, 7), (5, 4, 3, 3), None, 1, "x has 3 channels, W expects 4"),
    ((2, 6, 5, 7), (5, 3, 3, 3), None, 2, "multiple of groups"),
    ((2, 6, 5, 7), (6, 6, 3, 3), None, 2, "W expects 12"),
    ((2, 3, 5, 7), (5, 3, 6, 3), None, 1, "does not fit"),
    ((3, 5, 7), (5, 3, 3, 3), None, 1, "(N, C, H, W)"),
    ((2, 3, 5, 7), (5, 3, 3, 3), (3,), 1, "b must be (5,)"),
    ((2, 3, 5, 7), (5, 3, 3, 3), None, 0, "groups 0"),
])
def test_shapes_that_do_not_fit(x, W, b, groups, word):
    with pytest.raises(InputError) as error:
        ops.conv2d(Tensor(np.ones(x)), Tensor(np.ones(W)), b and Tensor(np.ones(b)), groups=groups)
    assert word in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("size, kernel, stride", [
    ((8, 7), (3, 3), 2), ((8, 7), (5, 4), 1), ((5, 9), (2, 5), (3, 2)), ((3, 4), (7, 1), 4), ((6, 6), (1, 1), 2)])
def test_same_padding_gives_an_output_per_step_and_one_more_pixel_on_the_far_side(size, kernel, stride, rng, device):
    x = Tensor(rng.standard_normal((2, 3, *size)), requires_grad=True)
    W = Tensor(rng.standard_normal((5, 3, *kernel)), requires_grad=True)
    steps = pair(stride)
    sides = [same_padding(*axis) for axis in zip(size, kernel, steps)]
    assert all(before <= after <= before + 1 for before, after in sides)
    if device == "gpu":
        x, W = x.to(device), W.to(device)
    y = ops.conv2d(x, W, stride=stride, padding="same")
    assert y.shape[2:] == tuple(-(-n // step) for n, step in zip(size, steps))
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), *sides))
    expected = ops.conv2d(Tensor(padded), Tensor(W.numpy()), stride=stride)
    np.testing.assert_allclose(y.numpy(), expected.data, rtol=1e-12, atol=1e-12)
    gradcheck(lambda x, W: ops.conv2d(x, W, stride=stride, padding="same"), x.numpy(), W.numpy(), rng=rng)


def test_padding_that_is_no_padding():
    x, W = Tensor(np.ones((2, 3, 5, 7))), Tensor(np.ones((5, 3, 3, 3)))
    for images, padding in ((x, "valid"), (Tensor(np.ones((3, 5, 7))), "same")):
        with pytest.raises(InputError, match="padding|N, C, H, W"):
            ops.conv2d(images, W, padding=padding)
