"""Sums, means and maxima over any axes."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from tinynet import Tensor, gradcheck
from tinynet.backend import to_device


@st.composite
def reductions(draw):
    """(shape, axis, keepdims) with axis None, a number or a tuple, some counted from the end."""
    shape = draw(array_shapes(min_dims=1, max_dims=4, max_side=5))
    some = draw(st.lists(st.sampled_from(range(len(shape))), unique=True))
    some = tuple(draw(st.sampled_from([i, i - len(shape)])) for i in some)
    return shape, draw(st.sampled_from([None, some] + list(some[:1]))), draw(st.booleans())


@pytest.mark.parametrize("name", ["sum", "mean", "max"])
@settings(max_examples=50)
@given(case=reductions())
def test_forward_and_gradients(name, case, device, rng):
    shape, axis, keepdims = case
    x = rng.permutation(np.linspace(-1, 1, np.prod(shape))).reshape(shape)
    y = getattr(Tensor(x), name)(axis=axis, keepdims=keepdims)
    np.testing.assert_allclose(y.data, getattr(x, name)(axis=axis, keepdims=keepdims), rtol=1e-12, atol=1e-12)
    gradcheck(lambda x: getattr(x, name)(axis=axis, keepdims=keepdims), to_device(x, device), rng=rng)


def test_equal_maxima_share_the_gradient_equally():
    x = Tensor([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]], requires_grad=True)
    x.max(axis=1).backward(np.array([6, 3], np.float32))
    assert x.grad.tolist() == [[0, 3, 3], [1, 1, 1]]


def test_equal_maxima_over_all_axes():
    x = Tensor([[1.0, 3.0], [3.0, 3.0]], requires_grad=True)
    x.max().backward()
    np.testing.assert_allclose(x.grad, [[0, 1 / 3], [1 / 3, 1 / 3]])


@pytest.mark.parametrize("name", ["sum", "mean"])
def test_a_batch_without_rows(name):
    x = Tensor(np.zeros((0, 3, 5, 7)), requires_grad=True)
    y = getattr(x, name)(axis=(2, 3))
    assert y.shape == (0, 3)
    y.backward(np.zeros((0, 3)))
    assert x.grad.shape == x.shape


def test_an_axis_may_be_numpys_integer():
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    x.sum(axis=np.int64(1)).backward(np.array([5.0, 7.0]))
    assert x.grad.tolist() == [[5] * 3, [7] * 3]


def test_a_mean_of_many_float32_is_exact_enough():
    assert Tensor(np.full(10_000_000, 0.1, np.float32)).mean().item() == pytest.approx(0.1, rel=1e-6)
