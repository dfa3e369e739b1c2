"""Batch norm knows training, evaluation and being frozen; Standardize keeps what it was fitted to."""
import numpy as np
import pytest

from tinynet import Tensor
from tinynet.backend import to_numpy
from tinynet.layers import BatchNorm, Standardize


@pytest.mark.parametrize("shape", [(7, 3), (2, 3, 5, 7)])
def test_batch_norm_remembers_an_average_of_unbiased_statistics(shape, device, rng):
    norm = BatchNorm(3, momentum=0.3).to(device)
    axes = (0, 2, 3)[:len(shape) - 1] if len(shape) == 4 else (0,)
    mean, var = np.zeros(3), np.ones(3)
    for _ in range(3):
        x = rng.normal(5, 2, shape).astype(np.float32)
        norm(Tensor(x).to(device))
        mean = 0.7 * mean + 0.3 * x.mean(axis=axes)
        var = 0.7 * var + 0.3 * x.var(axis=axes, ddof=1)
    np.testing.assert_allclose(to_numpy(norm.running_mean), mean, rtol=1e-5)
    np.testing.assert_allclose(to_numpy(norm.running_var), var, rtol=1e-5)
    assert norm.running_var.dtype == np.float32


def test_in_evaluation_each_image_stands_alone(rng):
    norm = BatchNorm(3)
    norm(Tensor(rng.normal(5, 2, (7, 3)).astype(np.float32)))
    norm.eval()
    before = norm.running_mean.copy()
    x = Tensor(rng.standard_normal((7, 3)).astype(np.float32))
    np.testing.assert_allclose(norm(x).data[2:3], norm(x[2:3]).data, rtol=1e-6)
    np.testing.assert_array_equal(norm.running_mean, before)


def test_a_frozen_batch_norm_does_not_notice_train(rng):
    norm = BatchNorm(3)
    for p in norm.parameters():
        p.requires_grad = False
    x = Tensor(rng.normal(5, 2, (7, 3)).astype(np.float32), requires_grad=True)
    expected = norm.eval()(x).data
    y = norm.train()(x)
    np.testing.assert_array_equal(y.data, expected)
    assert not norm.running_mean.any() and not norm.uses_batch
    y.sum().backward()                                          # a straight line: the same slope everywhere
    np.testing.assert_allclose(x.grad, 1 / np.sqrt(1 + 1e-5), rtol=1e-6)


@pytest.mark.parametrize("frozen, training, uses_batch", [
    ((), True, True), (("weight",), True, True), (("bias",), True, True), (("weight", "bias"), True, False),
    ((), False, False)])
def test_when_batch_norm_uses_the_batch(frozen, training, uses_batch):
    norm = BatchNorm(3).train(training)
    for name in frozen:
        getattr(norm, name).requires_grad = False
    assert norm.uses_batch == uses_batch


def test_standardize(device, rng):
    x = rng.normal(5, 2, (101, 3)).astype(np.float32)
    x[:, 1] = 0.1                                       # never varies, and its mean is not exactly 0.1
    layer = Standardize(3).to(device)
    np.testing.assert_array_equal(layer(Tensor(x).to(device)).numpy(), x)
    layer.fit(Tensor(x).to(device).data)
    y = layer(Tensor(x).to(device)).numpy()
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(axis=0), [1, 0, 1], atol=1e-5)
    assert to_numpy(layer.std)[1] == 1
    assert layer.parameters() == [] and list(layer.state_dict()) == ["mean", "std"]
