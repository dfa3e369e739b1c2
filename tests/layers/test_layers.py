"""Each layer calls its op with its own parameters, and knows training from evaluation."""
import numpy as np
import pytest

from tinynet import InputError, Tensor, no_grad, ops
from tinynet.backend import to_numpy
from tinynet.layers import (AvgPool2d, BatchNorm2d, Conv2d, Dropout, Flatten, GlobalAvgPool2d, LeakyReLU,
                            Linear, MaxPool2d, ReLU, ReLU6, Sequential, Sigmoid, Softmax, Standardize, Tanh)


@pytest.mark.parametrize("layer, op, shape", [
    (MaxPool2d(3, 2, 1, True), lambda x: ops.max_pool2d(x, 3, 2, 1, True), (2, 3, 6, 10)),
    (AvgPool2d((2, 3)), lambda x: ops.avg_pool2d(x, (2, 3)), (2, 3, 6, 10)),
    (GlobalAvgPool2d(), ops.global_avg_pool2d, (2, 3, 5, 7)),
    (ReLU(), ops.relu, (3, 5)), (ReLU6(), ops.relu6, (3, 5)), (Sigmoid(), ops.sigmoid, (3, 5)),
    (Tanh(), ops.tanh, (3, 5)), (LeakyReLU(0.3), lambda x: ops.leaky_relu(x, 0.3), (3, 5)),
    (Softmax(), lambda x: ops.softmax(x, axis=1), (3, 5)),
    (Flatten(), ops.flatten, (3, 5, 7)),
], ids=lambda value: type(value).__name__)
def test_layers_without_parameters(layer, op, shape, device, rng):
    x = Tensor(4 * rng.standard_normal(shape)).to(device)
    np.testing.assert_array_equal(layer(x).numpy(), op(x).numpy())
    assert layer.parameters() == []


def test_linear(device, rng):
    layer = Linear(5, 3, rng).to(device)
    layer.bias.data += 1
    x = rng.standard_normal((2, 5)).astype(np.float32)
    weight, bias = layer.state_dict().values()
    assert weight.shape == (3, 5) and bias.shape == (3,)
    expected = x @ to_numpy(weight).T + to_numpy(bias)
    np.testing.assert_allclose(layer(Tensor(x).to(device)).numpy(), expected, rtol=1e-5)


def test_conv(device, rng):
    layer = Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(0, 1), groups=2, rng=rng).to(device)
    layer.bias.data += 1
    x = Tensor(rng.standard_normal((2, 4, 7, 5)).astype(np.float32)).to(device)
    assert layer.weight.shape == (6, 2, 3, 2)
    np.testing.assert_array_equal(layer(x).numpy(),
                                  ops.conv2d(x, layer.weight, layer.bias, (2, 1), (0, 1), 2).numpy())


def test_a_layer_without_bias(rng):
    layer = Conv2d(3, 5, 3, bias=False, rng=rng)
    assert list(layer.state_dict()) == ["weight"]
    assert layer(Tensor(np.zeros((1, 3, 3, 3), np.float32))).data.tolist() == [[[[0]]] * 5]


@pytest.mark.parametrize("make", [lambda rng: Linear(3, 5, rng), lambda rng: Conv2d(3, 5, 3, rng=rng)])
def test_weights_are_drawn_from_the_generator_or_0(make):
    drawn, same, zero = make(np.random.default_rng(0)), make(np.random.default_rng(0)), make(None)
    np.testing.assert_array_equal(drawn.weight.data, same.weight.data)
    assert drawn.weight.data.all() and not zero.weight.data.any() and not drawn.bias.data.any()
    assert all(p.dtype == np.float32 and p.requires_grad for p in drawn.parameters())


# Batch normalisation

@pytest.mark.parametrize("shape", [(7, 3), (2, 3, 5, 7)])
def test_batch_norm_remembers_an_average_of_unbiased_statistics(shape, device, rng):
    norm = BatchNorm2d(3, momentum=0.3).to(device)
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
    norm = BatchNorm2d(3)
    norm(Tensor(rng.normal(5, 2, (7, 3)).astype(np.float32)))
    norm.eval()
    before = norm.running_mean.copy()
    x = Tensor(rng.standard_normal((7, 3)).astype(np.float32))
    np.testing.assert_allclose(norm(x).data[2:3], norm(x[2:3]).data, rtol=1e-6)
    np.testing.assert_array_equal(norm.running_mean, before)


def test_a_frozen_batch_norm_does_not_notice_train(rng):
    norm = BatchNorm2d(3)
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
    norm = BatchNorm2d(3).train(training)
    for name in frozen:
        getattr(norm, name).requires_grad = False
    assert norm.uses_batch == uses_batch


# Standardize

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


# Dropout

def test_dropout_drops_in_training_alone(device):
    layer = Dropout(0.5, np.random.default_rng(0))
    x = Tensor(np.ones((100, 101), np.float32)).to(device)
    assert set(np.unique(layer(x).numpy())) == {0, 2}
    assert layer.eval()(x) is x
    assert Dropout(0.0)(x) is x


def test_dropout_in_training_needs_a_generator():
    with pytest.raises(InputError, match="rng="):
        Dropout()(Tensor(np.ones((2, 3))))
    Dropout().eval()(Tensor(np.ones((2, 3))))


@pytest.mark.parametrize("cuts", [[0, 7], [0, 1, 7], [0, 3, 4, 7]])
def test_replicas_drop_what_the_whole_batch_drops(cuts):
    """In every forward: the second continues where the first stopped."""
    x = np.ones((7, 3, 5), np.float32)
    whole = Dropout(0.4, np.random.default_rng(0))
    expected = [whole(Tensor(x)).data for _ in range(2)]
    for start, stop in zip(cuts, cuts[1:]):
        part = Dropout(0.4, np.random.default_rng(0))
        part.take_rows(start, 7)
        for masks in expected:
            np.testing.assert_array_equal(part(Tensor(x[start:stop])).data, masks[start:stop])
        assert part.rng.random() == np.random.default_rng(0).random(7 * 15 * 2 + 1)[-1]


def test_a_network_of_every_layer_trains_on_each_device(device, rng):
    """One step lowers the loss: all of it together, on one device."""
    net = Sequential(conv=Conv2d(3, 4, 3, padding=1, rng=rng), norm=BatchNorm2d(4), act=LeakyReLU(),
                     pool=MaxPool2d(2), depthwise=Conv2d(4, 4, 3, padding=1, groups=4, rng=rng), act2=ReLU6(),
                     mean=AvgPool2d(2), flat=Flatten(), drop=Dropout(0.1, rng), tanh=Tanh(),
                     head=Linear(16, 3, rng)).to(device)
    x = Tensor(rng.standard_normal((7, 3, 8, 8)).astype(np.float32)).to(device)
    labels = np.array([0, 1, 2, 0, 1, 2, 0])
    losses = []
    for _ in range(5):
        loss = ops.cross_entropy(net(x), labels)
        loss.backward()
        losses.append(loss.item())
        for p in net.parameters():
            p.data -= 0.1 * p.grad
            p.zero_grad()
    assert losses[-1] < losses[0]
    with no_grad():
        assert net.eval()(x).numpy().shape == (7, 3)
