"""Conventions at the kinks, and numbers that overflow if computed carelessly."""
import numpy as np
import pytest

from tinynet import InputError, Tensor, no_grad, ops

SHAPES = [(3, 5), (2, 3, 5, 7), (0, 3, 5, 7), ()]


def slopes(op, at):
    """The gradient of each element of op(x) at the numbers given."""
    x = Tensor(np.array(at), requires_grad=True)
    op(x).sum().backward()
    return x.grad.tolist()


@pytest.mark.parametrize("op, at, expected", [
    (ops.relu, [-1.0, -0.0, 0.0, 1e-300, 1.0], [0, 0, 0, 1, 1]),
    (ops.relu6, [-1.0, 0.0, 1.0, 6.0, 7.0], [0, 0, 1, 0, 0]),
    (ops.leaky_relu, [-1.0, 0.0, 1.0], [0.01, 0.01, 1]),
    (ops.sigmoid, [0.0], [0.25]),
    (ops.tanh, [0.0], [1]),
])
def test_slopes(op, at, expected):
    assert slopes(op, at) == expected


@pytest.mark.parametrize("op, formula", [
    (ops.relu, lambda x: max(x, 0)),
    (ops.relu6, lambda x: min(max(x, 0), 6)),
    (ops.leaky_relu, lambda x: x if x > 0 else 0.01 * x),
    (lambda x: ops.leaky_relu(x, 0.3), lambda x: x if x > 0 else 0.3 * x),
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


@pytest.mark.parametrize("shape, axes", [
    ((2, 3, 5, 7), (0, 1, 2, 3)), ((2, 5, 7, 3), (0, 3, 1, 2)), ((3, 5), (1, 0))])
def test_relu_in_place_gives_the_same(shape, axes, device, rng):
    """Over the result of an op that does not keep it, whatever its order in memory."""
    data = rng.standard_normal(shape).transpose(axes)
    results = []
    for inplace in False, True:
        x = Tensor(data, requires_grad=True).to(device)
        z = x * 2
        y = ops.relu(z, inplace=inplace)
        assert np.shares_memory(z.numpy(), y.numpy()) == (inplace and device == "cpu")
        y.backward(z.data * 0 + 3)
        results.append((y.numpy(), Tensor(x.grad).numpy()))
    np.testing.assert_array_equal(results[0], results[1])


@pytest.mark.parametrize("make", [
    lambda x: x,
    lambda x: x.exp(),
    lambda x: x.sigmoid(),
    lambda x: x.relu(),
    lambda x: x.reshape(5, 3),
    lambda x: x.T,
    lambda x: x[1:],
    lambda x: ops.softmax(x),
    lambda x: ops.max_pool2d(x.reshape(1, 1, 3, 5), 2),
])
def test_relu_refuses_to_destroy_what_backward_needs(make, rng):
    x = Tensor(rng.standard_normal((3, 5)), requires_grad=True)
    with pytest.raises(InputError, match="inplace"):
        ops.relu(make(x), inplace=True)
    with no_grad():
        y = make(x)
    ops.relu(y * 1, inplace=True)
