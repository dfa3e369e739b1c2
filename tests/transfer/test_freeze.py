"""Freezing: what is frozen costs nothing and never changes."""
import numpy as np
import pytest

from tinynet import InputError, Tensor, ops
from tinynet.layers import BatchNorm, Conv2d, GlobalAvgPool2d, Linear, ReLU, Sequential
from tinynet.optim import SGD, Adam
from tinynet.transfer import freeze, replace_head, unfreeze

N, C, F, K = 5, 3, 7, 4
OPTIMIZERS = {
    "sgd": lambda params: SGD(params, lr=0.1, weight_decay=0.5),
    "momentum": lambda params: SGD(params, lr=0.1, momentum=0.9, weight_decay=0.5),
    "nesterov": lambda params: SGD(params, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.5),
    "adam": lambda params: Adam(params, lr=0.1, weight_decay=0.5),
}


def small_net(rng):
    return Sequential(conv=Conv2d(C, F, 3, padding=1, rng=rng), norm=BatchNorm(F), relu=ReLU(),
                      conv2=Conv2d(F, F, 3, rng=rng), drop=GlobalAvgPool2d(), old=Linear(F, 11, rng))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_frozen_parameters_keep_their_bytes_and_have_neither_gradient_nor_state(name, rng):
    net = unfreeze(replace_head(small_net(rng), K, at="drop"), "head").train()
    frozen = dict(net[:"head"].named_parameters())
    statistics = net["norm"].running_mean.tobytes(), net["norm"].running_var.tobytes()
    before = {name: p.data.tobytes() for name, p in frozen.items()}
    head_before = net["head"]["softmax"].weight.data.copy()
    optimizer = OPTIMIZERS[name](net.parameters())
    for _ in range(20):
        x = Tensor(rng.standard_normal((N, C, 8, 11), dtype=np.float32))
        optimizer.zero_grad()
        ops.cross_entropy(net(x), rng.integers(K, size=N)).backward()
        optimizer.step()
    assert {name: p.data.tobytes() for name, p in frozen.items()} == before
    assert (net["norm"].running_mean.tobytes(), net["norm"].running_var.tobytes()) == statistics
    assert all(p.grad is None for p in frozen.values())
    trained = [i for i, p in enumerate(optimizer.parameters()) if p.requires_grad]
    assert set(optimizer.state) <= set(trained) and len(trained) == 2
    assert not np.array_equal(net["head"]["softmax"].weight.data, head_before), "the head did not learn"


def test_nothing_is_recorded_below_the_first_trained_stage(rng):
    net = unfreeze(replace_head(small_net(rng), K, at="drop"), "conv2")
    x = Tensor(rng.standard_normal((N, C, 8, 11), dtype=np.float32))
    assert net[:"conv2"](x).creator is None
    assert net[:"drop" if "drop" in net.stages else "pool"](x).creator is not None


@pytest.mark.parametrize("stage, trained", [("head", 2), ("conv2", 4), ("conv", 8)])
def test_unfreeze_trains_from_a_stage_on(stage, trained, rng):
    net = unfreeze(replace_head(small_net(rng), K, at="drop"), stage)
    assert [p.requires_grad for p in net.parameters()] == [False] * (8 - trained) + [True] * trained


def test_unfreeze_names_the_stages_when_one_is_unknown(rng):
    with pytest.raises(InputError, match="no stage 'fire99'.*conv, norm, relu"):
        unfreeze(small_net(rng), "fire99")


def test_freeze_forgets_gradients(rng):
    net = small_net(rng)
    net(Tensor(rng.standard_normal((N, C, 8, 11), dtype=np.float32))).sum().backward()
    assert all(p.grad is None and not p.requires_grad for p in freeze(net).parameters())


def test_a_new_head_knows_nothing_and_its_stages_are_named(rng):
    net = replace_head(small_net(rng), K, at="drop").eval()
    assert net.stages == ["conv", "norm", "relu", "conv2", "pool", "head"]
    p = ops.softmax(net(Tensor(rng.standard_normal((N, C, 8, 11), dtype=np.float32))))
    np.testing.assert_allclose(p.data, 1 / K)


def test_a_hidden_layer_has_he_weights_and_the_body_is_shared(rng):
    body = small_net(rng)
    net = replace_head(body, K, at="drop", hidden=997, rng=rng)
    assert net["conv"] is body["conv"]
    W = net["head"]["hidden"].weight.data
    assert W.shape == (997, F) and abs(W.std() - np.sqrt(2 / F)) < 0.03
    assert net(Tensor(rng.standard_normal((N, C, 8, 11), dtype=np.float32))).shape == (N, K)


@pytest.mark.parametrize("arguments", [{"n_classes": 1}, {"n_classes": 3, "hidden": 0}])
def test_replace_head_refuses_what_cannot_be_a_classifier(arguments, rng):
    with pytest.raises(InputError, match="replace_head: .* at least 2 classes"):
        replace_head(small_net(rng), at="drop", rng=rng, **arguments)


def test_a_hidden_layer_without_random_numbers_says_so(rng):
    with pytest.raises(InputError, match="pass rng="):
        replace_head(small_net(rng), K, at="drop", hidden=5)
