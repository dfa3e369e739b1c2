"""Batch normalisation: what it makes of a batch, and how it breaks."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet import InputError, Tensor, gradcheck, ops
from tinynet.backend import to_device, to_numpy

shapes = st.one_of(st.tuples(st.integers(2, 7), st.integers(1, 5)),
                   st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(2, 5), st.integers(1, 3)))


def axes(shape):
    return (0,) if len(shape) == 2 else (0, 2, 3)


@given(shape=shapes)
def test_a_normalised_batch_has_mean_beta_and_deviation_gamma(shape, device, rng):
    C = shape[1]
    x, gamma, beta = rng.normal(3, 2, shape), rng.standard_normal(C), rng.standard_normal(C)
    y, mean, var = ops.batch_norm(*(Tensor(array).to(device) for array in (x, gamma, beta)), eps=0)
    np.testing.assert_allclose(y.numpy().mean(axis=axes(shape)), beta, atol=1e-9)
    np.testing.assert_allclose(y.numpy().std(axis=axes(shape)), abs(gamma), rtol=1e-9)
    np.testing.assert_allclose(to_numpy(mean), x.mean(axis=axes(shape)))
    np.testing.assert_allclose(to_numpy(var), x.var(axis=axes(shape)))


@settings(max_examples=50)
@given(shape=shapes)
def test_gradients_are_derivatives(shape, device, rng):
    C = shape[1]
    inputs = [to_device(rng.standard_normal(shape), device) for shape in (shape, C, C)]
    mean, var = (to_device(rng.random(C), device) for _ in range(2))
    gradcheck(lambda x, gamma, beta: ops.batch_norm(x, gamma, beta, 0.1)[0], *inputs, rng=rng)
    gradcheck(lambda x, gamma, beta: ops.fixed_norm(x, gamma, beta, mean, var, 0.1), *inputs, rng=rng)


@given(shape=shapes)
def test_with_the_batchs_own_statistics_both_agree(shape, rng):
    x, gamma, beta = rng.standard_normal(shape), rng.standard_normal(shape[1]), rng.standard_normal(shape[1])
    y, mean, var = ops.batch_norm(Tensor(x), Tensor(gamma), Tensor(beta))
    fixed = ops.fixed_norm(Tensor(x), Tensor(gamma), Tensor(beta), mean, var)
    np.testing.assert_allclose(y.data, fixed.data, rtol=1e-7, atol=1e-9)


def test_a_constant_channel_is_0_and_has_a_finite_gradient():
    x = Tensor(np.full((3, 2), 7.0), requires_grad=True)
    y, _, _ = ops.batch_norm(x, Tensor(np.ones(2)), Tensor(np.zeros(2)))
    y.backward(np.array([[1.0, 2], [3, 4], [5, 6]]))
    assert not y.data.any() and np.isfinite(x.grad).all()


def test_float32_far_from_0_loses_little(rng):
    """Mean of squares minus square of the mean would lose all of it."""
    x = rng.standard_normal((100, 2)) + 1e4
    _, _, var = ops.batch_norm(Tensor(x.astype(np.float32)), Tensor([1.0, 1.0]), Tensor([0.0, 0.0]))
    np.testing.assert_allclose(var, x.var(axis=0), rtol=1e-2)


def test_one_number_per_channel_has_no_variance():
    with pytest.raises(InputError, match="one number per channel"):
        ops.batch_norm(Tensor(np.ones((1, 3))), Tensor(np.ones(3)), Tensor(np.ones(3)))


@pytest.mark.parametrize("norm", [ops.batch_norm, lambda *xs: ops.fixed_norm(*xs, np.zeros(3), np.ones(3))])
@pytest.mark.parametrize("shape", [(2, 5), (2, 3, 5), (3,), (2, 5, 3, 3)])
def test_channels_that_do_not_fit(norm, shape):
    with pytest.raises(InputError, match=r"x must be \(N, 3\)"):
        norm(Tensor(np.ones(shape)), Tensor(np.ones(3)), Tensor(np.ones(3)))


def test_an_empty_batch_has_no_statistics():
    for shape in (0, 3), (0, 3, 5, 5), (1, 3):
        with pytest.raises(InputError, match="one number per channel or none"):
            ops.batch_norm(Tensor(np.ones(shape)), Tensor(np.ones(3)), Tensor(np.zeros(3)))
