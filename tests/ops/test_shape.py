"""Operations that move numbers, and the gradients that move them back."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, basic_indices, integer_array_indices

from tinynet import InputError, Tensor, gradcheck, ops
from tinynet.backend import to_device

SHAPE = 5, 3, 2
indices = st.one_of(
    basic_indices(SHAPE, allow_newaxis=True),
    integer_array_indices(SHAPE),
    st.lists(st.booleans(), min_size=5, max_size=5).map(np.array),
    st.tuples(st.slices(5), st.just(np.array([2, 0, 2, 2]))),
    st.tuples(st.integers(-5, 4), st.just(Ellipsis), st.just(np.array([1, 1, 0]))),
)


@settings(max_examples=150)
@given(indices)
def test_a_slice_sends_each_gradient_back_to_where_it_came_from(index):
    x = Tensor(np.arange(30.0).reshape(SHAPE), requires_grad=True)
    y = x[index]
    np.testing.assert_array_equal(y.data, x.data[index])
    y.backward(np.ones(y.shape))
    times = [np.sum(y.data == number) for number in x.data.ravel()]         # how often each number was taken
    np.testing.assert_array_equal(x.grad.ravel(), times)


@settings(max_examples=50)
@given(index=indices)
def test_gradients_of_slices(index, device, rng):
    parts = tuple(to_device(part, device) if isinstance(part, np.ndarray) else part
                  for part in (index if isinstance(index, tuple) else (index,)))
    gradcheck(lambda x: x[parts], to_device(rng.standard_normal(SHAPE), device), rng=rng)


def test_an_index_may_be_labels_and_rows(device, rng):
    """The probability of the true class, as every loss takes it."""
    rows, labels = to_device(np.arange(5), device), to_device(np.array([0, 2, 1, 1, 0]), device)
    gradcheck(lambda x: x[rows, labels], to_device(rng.standard_normal((5, 3)), device), rng=rng)


@given(shape=array_shapes(max_dims=4, max_side=5), data=st.data())
def test_transpose(shape, data):
    """Axes in any order, some counted from the end: the gradient comes back in the order of x."""
    order = data.draw(st.permutations(range(len(shape))))
    axes = tuple(data.draw(st.sampled_from([axis, axis - len(shape)])) for axis in order)
    x = Tensor(np.random.default_rng(0).standard_normal(shape), requires_grad=True)
    y = x.transpose(axes)
    np.testing.assert_array_equal(y.data, np.transpose(x.data, axes))
    y.backward(y.data.copy())
    np.testing.assert_array_equal(x.grad, x.data)


@pytest.mark.parametrize("shape", [(30,), (2, 15), (-1, 6), (5, 1, 3, -1)])
def test_reshape_keeps_the_order(shape):
    x = Tensor(np.arange(30.0).reshape(SHAPE), requires_grad=True)
    for y in x.reshape(shape), x.reshape(*shape):
        np.testing.assert_array_equal(y.data, x.data.reshape(shape))
    y.backward(y.data.copy())
    np.testing.assert_array_equal(x.grad, x.data)


@pytest.mark.parametrize("shape, expected", [
    ((2, 3, 5, 7), (2, 105)), ((2, 3), (2, 3)), ((0, 3, 5), (0, 15)), ((4,), (4, 1))])
def test_flatten_leaves_a_row_per_sample(shape, expected):
    assert ops.flatten(Tensor(np.zeros(shape))).shape == expected


@given(lengths=st.lists(st.integers(0, 4), min_size=1, max_size=4), axis=st.integers(-3, 2), data=st.data())
def test_concat_with_frozen_inputs(lengths, axis, data):
    wanted = data.draw(st.lists(st.booleans(), min_size=len(lengths), max_size=len(lengths)))
    shapes = [SHAPE[:axis % 3] + (n,) + SHAPE[axis % 3 + 1:] for n in lengths]
    xs = [Tensor(np.full(shape, float(i)), wanted[i]) for i, shape in enumerate(shapes)]
    y = ops.concat(xs, axis)
    np.testing.assert_array_equal(y.data, np.concatenate([x.data for x in xs], axis))
    if any(wanted):
        y.backward(2 * y.data)
    for i, x in enumerate(xs):
        assert (x.grad is not None) == wanted[i]
        if wanted[i]:
            np.testing.assert_array_equal(x.grad, 2 * x.data)


def test_concat_joins_along_its_axis_and_refuses_what_does_not_fit(rng):
    a, b = Tensor(rng.standard_normal((2, 3, 5, 7))), Tensor(rng.standard_normal((2, 11, 5, 7)))
    assert ops.concat([a, b], axis=1).shape == ops.concat((a, b), axis=-3).shape == (2, 14, 5, 7)
    for xs, axis in ([a, b], 0), ([], 1), (a, 1), ([a, a], 4), ([a, Tensor(a.data.astype(np.float32))], 1):
        with pytest.raises(InputError, match="concat: .*(shapes|at least one)"):
            ops.concat(xs, axis)


def test_the_same_tensor_twice_in_a_concat():
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    ops.concat([x, x], axis=1).backward(np.array([[1, 2, 10, 20]], np.float32))
    assert x.grad.tolist() == [[11, 22]]


def test_pad2d_puts_each_side_where_it_belongs():
    x = Tensor(np.arange(6.0).reshape(1, 1, 2, 3))
    y = ops.pad2d(x, ((1, 3), (2, 4)), -1.0).data
    assert y.shape == (1, 1, 6, 9) and (y == -1).sum() == 48
    np.testing.assert_array_equal(y[:, :, 1:3, 2:5], x.data)


@pytest.mark.parametrize("shape, padding", [
    ((2, 3, 4), ((1, 1), (1, 1))), ((1, 1, 2, 2), (1, 1)), ((1, 1, 2, 2), ((0, -1), (0, 0)))])
def test_pad2d_that_is_impossible(shape, padding):
    with pytest.raises(InputError, match="top, bottom"):
        ops.pad2d(Tensor(np.zeros(shape)), padding)
