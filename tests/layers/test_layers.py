"""Each layer calls its op with its own parameters, and knows training from evaluation."""
import numpy as np
import pytest

from tinynet import InputError, Tensor, no_grad, ops
from tinynet.backend import to_numpy
from tinynet.layers import (AdaptiveAvgPool2d, AvgPool2d, BatchNorm, Conv2d, Dropout, Flatten, GlobalAvgPool2d, LocalResponseNorm,
                            Linear, MaxPool2d, ReLU, ReLU6, Sequential, Sigmoid, Softmax, Tanh, as_convolution, zeros)


@pytest.mark.parametrize("layer, op, shape", [
    (MaxPool2d(3, 2, 1, True), lambda x: ops.max_pool2d(x, 3, 2, 1, True), (2, 3, 6, 10)),
    (AvgPool2d((2, 3)), lambda x: ops.avg_pool2d(x, (2, 3)), (2, 3, 6, 10)),
    (AdaptiveAvgPool2d((3, 2)), lambda x: ops.adaptive_avg_pool2d(x, (3, 2)), (2, 3, 5, 7)),
    (LocalResponseNorm(3, 0.5, 0.7, 2.0), lambda x: ops.local_response_norm(x, 3, 0.5, 0.7, 2.0), (2, 5, 3, 7)),
    (GlobalAvgPool2d(), ops.global_avg_pool2d, (2, 3, 5, 7)),
    (ReLU(), ops.relu, (3, 5)), (ReLU6(), ops.relu6, (3, 5)), (Sigmoid(), ops.sigmoid, (3, 5)),
    (Tanh(), ops.tanh, (3, 5)),
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


@pytest.mark.parametrize("make", [lambda **how: Linear(3, 5, **how), lambda **how: Conv2d(3, 5, 3, **how)])
def test_weights_are_drawn_from_the_generator_or_0_if_asked_for(make):
    drawn, same, zero = make(rng=np.random.default_rng(0)), make(rng=np.random.default_rng(0)), make(init=zeros)
    with pytest.raises(InputError, match="need rng=.*init=zeros"):
        make()
    np.testing.assert_array_equal(drawn.weight.data, same.weight.data)
    assert drawn.weight.data.all() and not zero.weight.data.any() and not drawn.bias.data.any()
    assert all(p.dtype == np.float32 and p.requires_grad for p in drawn.parameters())


def test_a_network_of_every_layer_trains_on_each_device(device, rng):
    """One step lowers the loss: all of it together, on one device."""
    net = Sequential(conv=Conv2d(3, 4, 3, padding=1, rng=rng), norm=BatchNorm(4), act=ReLU(),
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


@pytest.mark.parametrize("make", [
    lambda rng: Linear(0, 3, rng), lambda rng: Linear(3, 2.5, rng), lambda rng: Conv2d(3, 4, 0, rng=rng),
    lambda rng: Conv2d(3, 0, 3, rng=rng), lambda rng: Conv2d(3, 4, 3, stride=0, rng=rng),
    lambda rng: Conv2d(3, 4, 3, padding=-1, rng=rng), lambda rng: Conv2d(3, 4, 3, padding="valid", rng=rng),
    lambda rng: Conv2d(3, 4, 3, groups=2, rng=rng), lambda rng: Conv2d(4, 3, 3, groups=2, rng=rng),
    lambda rng: Conv2d(4, 4, 3, groups=0, rng=rng), lambda rng: Conv2d(3, 4, (3, 3, 3), rng=rng),
    lambda rng: MaxPool2d(0), lambda rng: AvgPool2d(2, stride=0), lambda rng: MaxPool2d(2, padding=-1),
    lambda rng: BatchNorm(0), lambda rng: BatchNorm(3, momentum=1.5), lambda rng: BatchNorm(3, eps=0),
    lambda rng: Dropout(-3), lambda rng: Dropout(1.0), lambda rng: Dropout(float("nan"))])
def test_impossible_settings_are_refused_where_they_are_made(make, rng):
    with pytest.raises(InputError) as error:
        make(rng)
    assert "\n" not in str(error.value)


def answers_crop_by_crop(classify, x, height, width):
    """The slow way: cut out every window, and ask the classifier about each; (N, K, OH, OW)."""
    rows = [[classify(x[:, :, i:i + height, j:j + width]) for j in range(x.shape[3] - width + 1)]
            for i in range(x.shape[2] - height + 1)]
    return np.moveaxis(np.array(rows), (0, 1), (2, 3))


def test_a_linear_layer_is_a_convolution(device, rng):
    linear = Linear(5 * 2 * 3, 7, rng).to(device)
    linear.bias.data += 1
    convolution = as_convolution(linear, 2, 3)
    assert convolution.device == device
    x = rng.standard_normal((2, 5, 4, 7)).astype(np.float32)            # larger than the layer was made for
    flat = Sequential(Flatten(), linear)
    expected = answers_crop_by_crop(lambda crop: flat(Tensor(crop).to(device)).numpy(), x, 2, 3)
    assert expected.shape == (2, 7, 3, 5)
    np.testing.assert_allclose(convolution(Tensor(x).to(device)).numpy(), expected, rtol=1e-4, atol=1e-5)


def test_the_convolution_has_numbers_of_its_own_and_stays_frozen(rng):
    linear = Linear(12, 3, rng)
    linear.weight.requires_grad = False
    linear.weight.data = linear.weight.data.astype(np.float64)
    convolution = as_convolution(linear, 2, 3)
    assert [p.requires_grad for p in convolution.parameters()] == [False, True]
    assert convolution.weight.data.dtype == np.float64 and convolution.bias.data.dtype == np.float32
    convolution.weight.data[...] = convolution.bias.data[...] = 9
    assert abs(linear.weight.data).max() < 9 and not linear.bias.data.any()


@pytest.mark.parametrize("layer, size, words", [
    (Linear(12, 3, init=zeros), (2, 5), "12 features are no maps of 2 x 5, 10 pixels each"),
    (Linear(12, 3, init=zeros), (0, 3), "kernel (0, 3)"),
    (Linear(12, 3, init=zeros), (2.0, 3), "(2.0, 3)"),
    (Conv2d(3, 4, 2, init=zeros), (2, 2), "got a Conv2d; give a Linear"),
])
def test_what_is_no_map_is_no_convolution(layer, size, words):
    with pytest.raises(InputError) as caught:
        as_convolution(layer, *size)
    assert words in str(caught.value) and "\n" not in str(caught.value)
