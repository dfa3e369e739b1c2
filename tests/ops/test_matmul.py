"""Matrix products against sums over the inner index."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from tinynet import InputError, Tensor, gradcheck, ops
from tinynet.backend import to_device


@given(shapes=mutually_broadcastable_shapes(signature="(n,d),(d,k)->(n,k)", max_dims=2, max_side=4))
def test_leading_axes_broadcast(shapes, device, rng):
    A, B = (rng.standard_normal(shape) for shape in shapes.input_shapes)
    expected = (A[..., :, :, None] * B[..., None, :, :]).sum(axis=-2)
    np.testing.assert_allclose(ops.matmul(Tensor(A), Tensor(B)).data, expected, rtol=1e-10, atol=1e-12)
    gradcheck(ops.matmul, to_device(A, device), to_device(B, device), rng=rng)


@given(n=st.integers(0, 3), d=st.integers(1, 5), k=st.integers(1, 7))
def test_linear(n, d, k, device, rng):
    x, W, b = rng.standard_normal((n, d)), rng.standard_normal((k, d)), rng.standard_normal(k)
    y = ops.linear(Tensor(x), Tensor(W), Tensor(b))
    expected = np.array([[sum(x[i] * W[j]) + b[j] for j in range(k)] for i in range(n)]).reshape(n, k)
    np.testing.assert_allclose(y.data, expected, rtol=1e-10, atol=1e-12)
    gradcheck(ops.linear, *(to_device(array, device) for array in (x, W, b)), rng=rng)


def test_a_constant_takes_the_tensors_dtype(rng):
    x = Tensor(rng.standard_normal((3, 5)).astype(np.float32), requires_grad=True)
    y = x @ rng.standard_normal((5, 7))
    y.backward(np.ones_like(y.data))
    assert y.dtype == x.grad.dtype == np.float32


@pytest.mark.parametrize("A, B", [((3, 5), (3, 5)), ((5,), (5, 3)), ((3, 5), (5,))])
def test_matrices_that_do_not_fit(A, B):
    with pytest.raises(InputError, match="matmul: A .* and B .* do not fit"):
        Tensor(np.ones(A)) @ Tensor(np.ones(B))


@pytest.mark.parametrize("x, b, word", [
    ((3, 7), (2,), "x must be (N, 5)"), ((3, 5, 1), (2,), "x must be (N, 5)"),
    ((3, 5), (1,), "b must be (2,)"), ((3, 5), (2, 1), "b must be (2,)")])
def test_linear_shapes_that_do_not_fit(x, b, word):
    with pytest.raises(InputError) as error:
        ops.linear(Tensor(np.ones(x)), Tensor(np.ones((2, 5))), Tensor(np.ones(b)))
    assert word in str(error.value)


@pytest.mark.parametrize("op, shapes", [
    (ops.linear, [(5, 3), (7, 3)]), (ops.matmul, [(5, 3), (3, 7)]), (ops.multiply, [(5, 3), (5, 3)]),
    (ops.divide, [(5, 3), (5, 3)]),
    (lambda x, W: ops.conv2d(x, W.reshape(1, 1, 3, 7)), [(5, 1, 9, 9), (3, 7)]),
    (lambda x, g: ops.fixed_norm(x, g, Tensor(np.zeros(3)), np.zeros(3), np.ones(3)), [(5, 3), (3,)])])
def test_a_frozen_weight_lets_its_input_go(op, shapes):
    """What backward will not read is not kept: the input of a frozen layer can be freed."""
    x, W = (Tensor(np.ones(shape), requires_grad=True) for shape in shapes)
    W.requires_grad = False
    y = op(x + 0, W)
    kept = [value for value in vars(y.creator).values() if isinstance(value, np.ndarray)]
    assert all(value.size != x.size or np.shares_memory(value, W.data) for value in kept)
    x.requires_grad, W.requires_grad = True, True
    y = op(x, W)
    assert any(isinstance(value, np.ndarray) and np.shares_memory(value, x.data) for value in vars(y.creator).values())
