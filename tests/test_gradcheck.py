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


class Spoils(Function):
    """y = 2 x, right but for what it does on the way."""

    def __init__(self, forward, backward):
        self.spoil_x, self.spoil_gy = forward, backward

    def forward(self, x):
        y = 2 * x
        if self.spoil_x:
            x += 1
        return y

    def backward(self, gy):
        gx = 2 * gy
        if self.spoil_gy:
            gy *= 3
        return gx


def test_an_input_that_is_changed_is_found(device, rng):
    x = to_device(rng.standard_normal((3, 5)), device)
    gradcheck(lambda x: Spoils(False, False)(x), x, rng=rng)
    with pytest.raises(AssertionError, match="changes input 0"):
        gradcheck(lambda x: Spoils(True, False)(x), x, rng=rng)


def test_a_gradient_that_is_changed_is_found(device, rng):
    """By the read-only view of NumPy, or where there is none by comparing."""
    x = to_device(rng.standard_normal((3, 5)), device)
    with pytest.raises((AssertionError, ValueError), match="gradient it was given"):
        gradcheck(lambda x: Spoils(False, True)(x), x, rng=rng)


def test_a_wrong_gradient_made_in_place_is_found(device, rng):
    class Doubles(Spoils):
        def forward(self, x):
            return x + 0

        def backward(self, gy):
            gy *= 2
            return gy

    with pytest.raises((AssertionError, ValueError)):
        gradcheck(lambda x: Doubles(False, False)(x), to_device(rng.standard_normal(5), device), rng=rng)
