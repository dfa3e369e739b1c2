"""Conventions at the kinks, and numbers that overflow if computed carelessly."""
import numpy as np
import pytest

from tinynet import Tensor, ops

SHAPES = [(3, 5), (2, 3, 5, 7), (0, 3, 5, 7), ()]


def slopes(op, at):
    """The gradient of each element of op(x) at the numbers given."""
    x = Tensor(np.array(at), requires_grad=True)
    op(x).sum().backward()
    return x.grad.tolist()


@pytest.mark.parametrize("op, at, expected", [
    (ops.relu, [-1.0, -0.0, 0.0, 1e-300, 1.0], [0, 0, 0, 1, 1]),
    (ops.relu6, [-1.0, 0.0, 1.0, 6.0, 7.0], [0, 0, 1, 0, 0]),
    (ops.sigmoid, [0.0], [0.25]),
    (ops.tanh, [0.0], [1]),
])
def test_slopes(op, at, expected):
    assert slopes(op, at) == expected


@pytest.mark.parametrize("op, formula", [
    (ops.relu, lambda x: max(x, 0)),
    (ops.relu6, lambda x: min(max(x, 0), 6)),
    (ops.sigmoid, lambda x: 1 / (1 + np.exp(-x))),
    (ops.tanh, lambda x: (np.exp(2 * x) - 1) / (np.exp(2 * x) + 1)),
])
@pytest.mark.parametrize("shape", SHAPES)
def test_formulas(op, formula, shape, rng):
    x = 5 * rng.standard_normal(shape)
    y = op(Tensor(x))
    assert y.shape == shape
    np.testing.assert_allclose(y.data, np.vectorize(formula, otypes=[float])(x), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("op, at, expected", [
    (ops.sigmoid, [-1e4, 1e4], [0, 1]),
    (ops.tanh, [-1e4, 1e4], [-1, 1]),
    (ops.softmax, [-1e4, 0.0, 1e4], [0, 0, 1]),
    (ops.softmax, [1e4, 1e4], [0.5, 0.5]),
    (ops.log_softmax, [-1e4, 0.0, 1e4], [-2e4, -1e4, 0]),
])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_numbers_do_not_overflow(op, at, expected, dtype):
    x = Tensor(np.array(at, dtype), requires_grad=True)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        y = op(x)
        y.backward(np.ones_like(y.data))
    np.testing.assert_allclose(y.data, expected)
    assert np.isfinite(x.grad).all()


def test_softmax_is_a_distribution_along_its_axis(rng):
    x = rng.standard_normal((2, 5, 3))
    p = ops.softmax(Tensor(x), axis=1)
    np.testing.assert_allclose(p.data.sum(axis=1), 1)
    np.testing.assert_allclose(p.data, np.exp(x) / np.exp(x).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(ops.log_softmax(Tensor(x), axis=1).data, np.log(p.data))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_has_all_its_digits_where_it_is_small(dtype):
    x = np.array([-80, -40, -23, -20, -19, -17, -16, -1, 0, 1, 17, 30], dtype)
    leaf = Tensor(x, requires_grad=True)
    y = ops.sigmoid(leaf)
    y.backward(np.ones_like(x))
    exact = x.astype(np.longdouble)
    rtol = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(y.data, 1 / (1 + np.exp(-exact)), rtol=rtol)
    np.testing.assert_allclose(leaf.grad, np.exp(-exact) / (1 + np.exp(-exact)) ** 2, rtol=rtol)
    assert ops.log(ops.sigmoid(Tensor(np.array([-20], dtype)))).item() == pytest.approx(-20)
