"""Arithmetic with broadcasting, constants and dtypes."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from tinynet import InputError, Tensor, gradcheck, ops
from tinynet.backend import to_device, to_numpy
from tinynet.ops.arithmetic import unbroadcast

two_shapes = mutually_broadcastable_shapes(num_shapes=2, max_dims=4, min_side=0, max_side=3)


@pytest.mark.parametrize("op", [ops.add, ops.subtract, ops.multiply, ops.divide])
@settings(max_examples=30)
@given(shapes=two_shapes)
def test_gradients_of_broadcast_operands(op, shapes, device, rng):
    gradcheck(op, *(to_device(rng.random(shape) + 0.5, device) for shape in shapes.input_shapes), rng=rng)


@given(shapes=two_shapes)
def test_unbroadcast_counts_the_uses(shapes):
    """A gradient of ones, summed back, says how often each number was used."""
    for shape in shapes.input_shapes:
        uses = unbroadcast(np.ones(shapes.result_shape), shape)
        assert uses.shape == shape
        if uses.size:
            assert (uses == np.prod(shapes.result_shape, dtype=int) // uses.size).all()


NUMBERS = [2, 2.5, True, np.float64(2.5), np.float32(2.5), np.int64(2), np.full(5, 2.5), [1, 2, 3, 4, 5]]


@pytest.mark.parametrize("compute", [
    lambda x, c: x + c, lambda x, c: c + x, lambda x, c: x - c, lambda x, c: c - x,
    lambda x, c: x * c, lambda x, c: c * x, lambda x, c: x / c, lambda x, c: c / x])
@pytest.mark.parametrize("constant", NUMBERS, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 5), ()])
def test_a_constant_takes_the_tensors_dtype(compute, constant, dtype, shape, rng):
    x = Tensor((rng.random(shape) + 0.5).astype(dtype), requires_grad=True)
    y = compute(x, constant)
    assert y.dtype == dtype
    np.testing.assert_allclose(y.data, compute(x.data.astype(np.float64), np.asarray(constant)), rtol=1e-6)
    y.sum().backward()
    assert x.grad.dtype == dtype and x.grad.shape == shape


@pytest.mark.parametrize("constant", [0.5, np.float64(0.5), np.array([0.5, 0.25])], ids=repr)
def test_whole_numbers_do_not_truncate_a_constant(constant):
    np.testing.assert_array_equal((Tensor([2, 4]) * constant).data, np.array([2, 4]) * constant)


def test_a_constant_array_of_the_host_goes_where_the_tensor_is(device):
    y = Tensor([1.0, 2.0]).to(device) * np.array([3.0, 5.0])
    np.testing.assert_array_equal(to_numpy(y.data), [3, 10])


@pytest.mark.parametrize("constant", [None, "3", [None], {}], ids=repr)
@pytest.mark.parametrize("compute", [lambda x, c: x + c, lambda x, c: c * x])
def test_what_is_no_number_is_refused(compute, constant):
    """Above all None, such as the bias of a layer without one, which NumPy turns into nan."""
    with pytest.raises(TypeError):
        compute(Tensor([1.0, 2.0]), constant)


def test_shapes_that_do_not_broadcast():
    with pytest.raises(ValueError, match="broadcast"):
        Tensor(np.ones((3, 5))) + Tensor(np.ones((3, 7)))


@pytest.mark.parametrize("n", [0, 1, 2, 3, -1, -2, 0.5, np.float32(2), np.int64(3)])
def test_powers(n, rng):
    x = rng.random((3, 5)) + 0.5
    gradcheck(lambda x: x ** n, x, rng=rng)
    assert (Tensor(x.astype(np.float32)) ** n).dtype == np.float32


@pytest.mark.parametrize("n, slope", [(0, 0), (1, 1), (2, 0), (1.5, 0)])
def test_slope_of_a_power_at_0(n, slope):
    x = Tensor([0.0], requires_grad=True)
    (x ** n).backward()
    assert x.grad.tolist() == [slope]


@pytest.mark.parametrize("n", [Tensor([2.0]), np.ones(2), "2", None])
def test_an_exponent_is_a_number(n):
    with pytest.raises(TypeError, match="exp"):
        Tensor([2.0]) ** n


def test_exp_and_log_undo_each_other(rng):
    x = rng.standard_normal((3, 5))
    np.testing.assert_allclose(ops.log(ops.exp(Tensor(x))).data, x)


@given(st.floats(-5, 5), st.floats(0.5, 5))
def test_numbers_without_axes(a, b):
    for op, expected in (ops.add, a + b), (ops.subtract, a - b), (ops.multiply, a * b), (ops.divide, a / b):
        y = op(Tensor(np.float64(a)), Tensor(np.float64(b)))
        assert y.shape == () and y.item() == expected


@pytest.mark.parametrize("op", [ops.add, ops.subtract, ops.multiply, ops.divide])
def test_integers_beside_floats_become_floats_of_their_kind(op):
    x, n = Tensor(np.ones(3, np.float32), requires_grad=True), Tensor(np.arange(1, 4))
    for y in op(x, n), op(n, x), op(x, n.data):
        assert y.dtype == np.float32
        y.sum().backward()
    assert x.grad.dtype == np.float32
    assert op(n, n).dtype.kind in "if", "integers among themselves stay as NumPy has them"


@pytest.mark.parametrize("op, shapes", [
    (ops.add, [(3,), (3,)]), (ops.multiply, [(3,), ()]), (ops.matmul, [(2, 3), (3, 2)]), (ops.linear, [(2, 3), (4, 3)]),
    (ops.conv2d, [(1, 2, 5, 5), (3, 2, 3, 3)]), (lambda a, b: ops.concat([a, b], 0), [(3,), (3,)]),
    (lambda a, b: ops.batch_norm(a, b, b), [(4, 3), (3,)])])
def test_two_kinds_of_floats_are_refused_where_they_meet(op, shapes):
    a, b = (Tensor(np.ones(shape, dtype)) for shape, dtype in zip(shapes, (np.float64, np.float32)))
    with pytest.raises(InputError, match="float64.*float32|float32.*float64"):
        op(a, b)


@pytest.mark.parametrize("base", [0, -1, "2", None, [2]])
def test_a_base_that_is_no_positive_number(base):
    with pytest.raises(TypeError):
        base ** Tensor([1.0])
