"""gradcheck must find wrong gradients, or every test that uses it proves nothing."""
import numpy as np
import pytest

from tinynet import Function, Tensor, gradcheck, ops
from tinynet.backend import to_device


class Square(Function):
    """y = x², with a gradient that is wrong in a way of choice."""

    def __init__(self, wrong=lambda gradient: gradient):
        self.wrong = wrong

    def forward(self, x):
        self.x = x
        return x * x

    def backward(self, gy):
        return self.wrong(2 * gy * self.x)


def test_a_right_gradient_passes(device, rng):
    gradcheck(lambda x: Square()(x), to_device(rng.standard_normal((3, 5)), device), rng=rng)


@pytest.mark.parametrize("wrong", [
    lambda g: -g,
    lambda g: g * 1.0001,
    lambda g: g + 1e-3,
    lambda g: g[::-1].copy(),
    lambda g: g * np.nan,
    lambda g: np.where(np.arange(g.size).reshape(g.shape) == 7, 0, g),          # one element alone
    lambda g: g - g.mean(),                                                     # right but for its sum
])
def test_a_wrong_gradient_is_found(wrong, rng):
    with pytest.raises(AssertionError, match=r"input 0 \(3, 5\)"):
        gradcheck(lambda x: Square(wrong)(x), rng.standard_normal((3, 5)), rng=rng)


def test_errors_that_cancel_in_the_sum_are_found(rng):
    """The sum of a softmax is always 1: without weights, any multiple of its gradient would pass."""
    class TripleSoftmax(ops.activation.Softmax):
        def backward(self, gy):
            return 3 * super().backward(gy)

    with pytest.raises(AssertionError):
        gradcheck(lambda x: TripleSoftmax(axis=-1)(x), rng.standard_normal((3, 5)), rng=rng)


def test_the_wrong_input_is_named(rng):
    with pytest.raises(AssertionError, match=r"input 1 \(5,\)"):
        gradcheck(lambda a, b: a + Square(np.negative)(b), rng.random((3, 5)), rng.random(5), rng=rng)


def test_an_input_without_gradient_counts_as_0(rng):
    x, y = rng.standard_normal(3), rng.standard_normal(3)
    gradcheck(lambda x, y: x * 2, x, y, rng=rng)
    with pytest.raises(AssertionError, match="input 1"):
        gradcheck(lambda x, y: x * y.detach(), x, y, rng=rng)


def test_the_arrays_are_left_alone(rng):
    x = rng.standard_normal(3)
    x.flags.writeable = False
    gradcheck(lambda x: Square()(x), x, rng=rng)


def test_a_result_without_axes(rng):
    gradcheck(lambda x: Square()(x).sum(), rng.standard_normal(3), rng=rng)
    gradcheck(lambda x: Square()(x), np.array(3.0), rng=rng)


def test_float32_is_refused(rng):
    with pytest.raises(TypeError, match="an input is float32"):
        gradcheck(ops.add, np.ones(3), np.ones(3, np.float32), rng=rng)


def test_a_function_that_records_nothing_is_no_pass(rng):
    with pytest.raises(RuntimeError):
        gradcheck(lambda x: Tensor(x.data ** 2), np.ones(3), rng=rng)
