"""Every operator and method of a Tensor is the op it should be."""
import numpy as np
import pytest

from tinynet import Tensor, ops

A = np.random.default_rng(0).random((3, 5)) + 0.5
B = np.random.default_rng(1).random((3, 5)) + 0.5


@pytest.mark.parametrize("bound", [
    lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b, lambda a, b: -a,
    lambda a, b: a ** 2, lambda a, b: a @ b.T, lambda a, b: a[1:, 2],
    lambda a, b: 2 + a, lambda a, b: 2 - a, lambda a, b: 2 * a, lambda a, b: 2 / a,
    lambda a, b: A + b, lambda a, b: A - b, lambda a, b: A * b, lambda a, b: A / b, lambda a, b: A @ b.T,
    lambda a, b: a + B, lambda a, b: a - B, lambda a, b: a * B, lambda a, b: a / B, lambda a, b: a @ B.T,
    lambda a, b: a.reshape(5, 3), lambda a, b: a.reshape((5, 3)), lambda a, b: a.reshape(-1),
    lambda a, b: a.T, lambda a, b: a.transpose((1, 0)), lambda a, b: a.sum(axis=0),
    lambda a, b: a.mean(axis=1, keepdims=True), lambda a, b: a.max(),
])
def test_like_numpy(bound):
    y = bound(Tensor(A), Tensor(B))
    assert isinstance(y, Tensor)
    np.testing.assert_allclose(y.data, bound(A, B))


@pytest.mark.parametrize("name", ["sum", "mean", "max", "exp", "log", "relu", "sigmoid", "tanh", "transpose"])
def test_methods_are_the_ops_of_their_name(name):
    np.testing.assert_array_equal(getattr(Tensor(A), name)().data, getattr(ops, name)(Tensor(A)).data)


def test_a_tensor_is_a_sequence_of_its_rows():
    assert [row.data.tolist() for row in Tensor(A)] == A.tolist()


def test_augmented_assignment_makes_a_new_tensor():
    """So that a leaf, whose array others may hold, is never changed by x += 1."""
    array = np.ones(3)
    x = leaf = Tensor(array, requires_grad=True)
    x += 1
    x *= 3
    x.sum().backward()
    assert array.tolist() == [1, 1, 1] and leaf.grad.tolist() == [3, 3, 3]


def test_an_array_is_not_changed_by_a_tensor():
    """array += x would lose the tape."""
    array = np.ones(3)
    with pytest.raises(TypeError):
        array += Tensor([1.0, 2.0, 3.0])
