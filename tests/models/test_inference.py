"""A network made for answers gives those of the network it was made of, whatever that is."""
import re

import numpy as np
import pytest

from tinynet import Tensor, no_grad, ops
from tinynet.compute.parallel import run
from tinynet.errors import InputError
from tinynet.layers import BatchNorm, Conv2d, Linear, Module, ReLU, Sequential, zeros
from tinynet.models import ZOO, for_inference, inference
from tinynet.models.blocks import ConvNorm, InvertedResidual
from tinynet.models.inference import FixedConv, fold_batch_norm
from tinynet.transfer import freeze

SMALL = [name for name, model in ZOO.items() if model.numbers < 30e6]


def zoo_network(name):
    """A network of the zoo with random weights, drawn faster than its own."""
    net, rng = ZOO[name].build(), np.random.default_rng(0)
    for p in net.parameters():
        if p.ndim > 1:
            p.data[...] = rng.standard_normal(p.shape, np.float32) * (2 / p[0].size) ** 0.5
    return scramble(net)


def scramble(net, seed=0):
    """Give every batch norm statistics and weights as if it had been trained; return the network in evaluation mode."""
    rng = np.random.default_rng(seed)
    for norm in net.modules():
        if isinstance(norm, BatchNorm):
            for array, low, high in ((norm.weight.data, .5, 1.5), (norm.bias.data, -1, 1), (norm.running_mean, -1, 1),
                                     (norm.running_var, .5, 2)):
                array[...] = rng.uniform(low, high, array.shape)
    return net.eval()


def answers(net, x):
    with no_grad():
        return net(Tensor(x)).data


def assert_same_answers(net, x, tolerance=1e-5):
    twin, expected = for_inference(net), answers(net, x)
    assert abs(answers(twin, x) - expected).max() < tolerance * expected.std()
    return twin


@pytest.mark.parametrize("name", SMALL)
def test_every_network_of_the_zoo(name, rng, monkeypatch):
    net = zoo_network(name)
    shape = ZOO[name].image_shape if name in ("lenet", "squeezenet1_1") else (3, 51, 40)
    x = rng.standard_normal((1, *shape)).astype(np.float32)
    monkeypatch.setattr(inference, "PIXELS", np.inf)                            # folded, and no more
    twin = assert_same_answers(net, x)
    assert twin.stages == net.stages and not any(type(layer) is BatchNorm for layer in twin.modules())
    assert type(next(layer for layer in twin.modules() if not layer.children())) is FixedConv
    monkeypatch.setattr(inference, "PIXELS", 1)                                 # Winograd wherever there are 64 channels
    assert_same_answers(net, x, 1e-4)


def test_winograd_takes_part(rng, monkeypatch):
    seen, winograd = [], inference.winograd
    monkeypatch.setattr(inference, "winograd", lambda x, *rest: seen.append(x.shape) or winograd(x, *rest))
    net, x = freeze(Conv2d(64, 70, 3, padding=1, rng=rng)), rng.standard_normal((1, 64, 20, 20)).astype(np.float32)
    twin = assert_same_answers(net, x, 1e-4)
    assert seen == [x.shape]
    answers(twin, x[:, :, :19, :19])                                            # too few pixels
    twin(Tensor(x, requires_grad=True)).sum().backward()                        # gradients want the ordinary one
    for layer in Conv2d(63, 63, 3, padding=1, rng=rng), Conv2d(64, 129, 3, padding=1, rng=rng), \
            Conv2d(64, 64, 3, rng=rng), Conv2d(64, 64, 3, 2, 1, rng=rng), Conv2d(64, 64, 5, padding=1, rng=rng), \
            Conv2d(64, 64, 3, padding="same", rng=rng), Conv2d(128, 128, 3, padding=1, groups=2, rng=rng):
        assert_same_answers(layer, np.repeat(x, 2, axis=1)[:, :layer.weight.shape[1] * layer.groups])
    assert seen == [x.shape]


@pytest.mark.parametrize("activation", [None, ops.relu, ops.relu6, ops.tanh])
@pytest.mark.parametrize("bias", [False, True])
def test_a_gradient_goes_through_a_folded_layer(rng, activation, bias):
    net = freeze(scramble(ConvNorm(3, 4, 3, activation=activation, bias=bias, rng=rng)))
    net.conv.weight.data *= 5                                                   # some beyond 6
    x = 3 * rng.standard_normal((2, 3, 6, 5)).astype(np.float32)
    grads = []
    for layer in net, assert_same_answers(net, x):
        leaf = Tensor(x, requires_grad=True)
        (layer(leaf) ** 2).sum().backward()
        grads.append(leaf.grad)
    np.testing.assert_allclose(*grads, rtol=1e-3, atol=1e-3 * abs(grads[0]).max())


@pytest.mark.parametrize("activation", [None, ops.relu, ops.relu6, ops.tanh])
def test_channels_stay_last_in_memory_behind_a_depthwise_layer(rng, activation):
    options = {"padding": 1, "activation": activation, "rng": rng}
    net = scramble(Sequential(ConvNorm(6, 6, 3, 2, 6, **options),
                              ConvNorm(6, 4, 1, padding="same", activation=activation, bias=True, rng=rng),
                              ConvNorm(4, 4, 3, 1, 4, **options), ConvNorm(4, 5, 1, 2, **options)))
    x = 9 * rng.standard_normal((3, 6, 9, 8)).astype(np.float32)
    twin = assert_same_answers(net, x)
    stored = [answers(twin[:k], x).transpose(0, 2, 3, 1).flags.c_contiguous for k in (1, 2, 3, 4)]
    assert stored == [True, True, True, False]
    last = x.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2)
    assert answers(twin[:3], x[:0]).shape == (0, 4, 5, 4)
    for k in (1, 3):                                                            # a depthwise layer, a pointwise one
        np.testing.assert_allclose(answers(twin[:k], last), answers(net[:k], x), rtol=1e-4, atol=1e-4)
    assert run(twin[:2], np.repeat(x, 9, axis=0), 2).flags.c_contiguous         # as whoever asks expects it
    grads = []
    for layers in net, twin:
        leaf = Tensor(x, requires_grad=True)
        (freeze(layers)(leaf) ** 2).sum().backward()
        grads.append(leaf.grad)
    np.testing.assert_allclose(*grads, rtol=1e-3, atol=1e-3 * abs(grads[0]).max())


@pytest.mark.parametrize("layer", [Conv2d(6, 6, 3, groups=6, init=zeros), Conv2d(6, 4, 1, init=zeros)])
@pytest.mark.parametrize("shape", [(6,), (2, 5, 1, 1), (1, 5, 4, 4), (1, 6, 1, 0), (1, 6, 4, 4)])
def test_what_does_not_fit_is_refused_as_before(layer, shape):
    """As for the last shape, which would fit, float64."""
    with pytest.raises(InputError) as expected:
        layer(Tensor(np.zeros(shape)))
    with pytest.raises(InputError, match=re.escape(str(expected.value))):
        for_inference(freeze(layer))(Tensor(np.zeros(shape)))


def test_stages_in_a_row(rng):
    conv = Conv2d(3, 4, 3, bias=False, rng=rng)
    net = scramble(Sequential(conv=conv, norm=BatchNorm(4), relu=ReLU(), again=Conv2d(4, 3, 1, rng=rng), shared=conv))
    twin = assert_same_answers(net, rng.standard_normal((2, 3, 8, 7)).astype(np.float32))
    assert twin.stages == net.stages and not any(type(layer) is BatchNorm for layer in twin.modules())
    assert net["norm"].running_mean is not None and type(net["conv"]) is Conv2d     # as it was
    before = answers(twin, np.ones((1, 3, 8, 7), np.float32))
    net["conv"].weight.data *= 2
    np.testing.assert_array_equal(answers(twin["norm"], before), before)


class Own(Sequential):
    """A reader's network that looks into its layers."""

    by_row = True

    def forward(self, x):
        return self.a.norm(self.a.conv(x)) + self.a.norm.bias.data.sum()


def test_what_cannot_be_folded_is_left_alone(rng):
    training = ConvNorm(3, 4, 3, rng=rng)
    assert for_inference(training) is training                                  # its norm uses the batch
    frozen = freeze(scramble(ConvNorm(3, 4, 3, rng=rng)).train())
    assert type(for_inference(frozen)) is FixedConv                             # ... and this one never does
    own = scramble(Own(a=ConvNorm(3, 4, 3, rng=rng)))
    assert for_inference(own) is own
    x = rng.standard_normal((2, 3, 8, 7)).astype(np.float32)
    assert_same_answers(Sequential(own, scramble(InvertedResidual(4, 4, rng=rng))), x)
    first = scramble(Sequential(BatchNorm(3), Conv2d(3, 4, 3, rng=rng), ReLU(), BatchNorm(4)))
    assert [type(stage) for stage in assert_same_answers(first, x).modules()].count(BatchNorm) == 2
    flat = scramble(Sequential(Linear(5, 4, rng), BatchNorm(4)))
    assert type(assert_same_answers(flat, rng.standard_normal((9, 5)).astype(np.float32))["1"]) is BatchNorm


@pytest.mark.parametrize("where", ["net", "conv", "norm"])
def test_a_forward_put_in_its_place_is_used(rng, where):
    net = scramble(ConvNorm(3, 4, 3, rng=rng))
    layer = net if where == "net" else getattr(net, where)
    layer.forward = lambda x, forward=layer.forward: forward(x) * 2
    assert_same_answers(net, rng.standard_normal((2, 3, 8, 7)).astype(np.float32))


def test_a_subclass_is_not_taken_for_its_class(rng):
    class Doubled(Conv2d):
        by_row = True

        def forward(self, x):
            return 2 * super().forward(x)

    net = scramble(Sequential(Doubled(3, 4, 3, rng=rng), BatchNorm(4)))
    assert type(assert_same_answers(net, rng.standard_normal((2, 3, 8, 7)).astype(np.float32))["0"]) is Doubled


def test_on_each_device(device, rng):
    net = freeze(scramble(InvertedResidual(4, 4, rng=rng)))
    x = rng.standard_normal((2, 4, 8, 7)).astype(np.float32)
    expected = answers(net, x)
    twin = for_inference(net.to(device))
    assert isinstance(twin, Module) and twin.device == device.replace("strict", "gpu")
    y = twin(Tensor(x).to(device)).numpy()
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


def test_folding_is_exact_in_float64(rng):
    conv, norm = Conv2d(3, 4, 3, rng=rng), BatchNorm(4)
    for layer in conv, norm:
        for p in layer.parameters():
            p.data = rng.standard_normal(p.shape)
    norm.running_mean, norm.running_var = rng.standard_normal(4), rng.random(4)
    x = Tensor(rng.standard_normal((2, 3, 6, 5)))
    weight, bias = fold_batch_norm(conv, norm)
    np.testing.assert_allclose(ops.conv2d(x, Tensor(weight), Tensor(bias)).data, norm.eval()(conv(x)).data, atol=1e-12)
