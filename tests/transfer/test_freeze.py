"""Freezing: what is frozen costs nothing and never changes."""
import numpy as np
import pytest

from tinynet import InputError, Tensor, ops
from tinynet.layers import BatchNorm, Conv2d, GlobalAvgPool2d, Linear, ReLU, Sequential
from tinynet.optim import SGD, Adam
from tinynet.transfer import freeze, replace_head, unfreeze

N, C, F, K = 5, 3, 7, 4
SHAPE = (C, 8, 11)
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
    net = unfreeze(replace_head(small_net(rng), K, "drop", SHAPE), "head").train()
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
    net = unfreeze(replace_head(small_net(rng), K, "drop", SHAPE), "conv2")
    x = Tensor(rng.standard_normal((N, C, 8, 11), dtype=np.float32))
    assert net[:"conv2"](x).creator is None
    assert net[:"drop" if "drop" in net.stages else "pool"](x).creator is not None


@pytest.mark.parametrize("stage, trained", [("head", 2), ("conv2", 4), ("conv", 8)])
def test_unfreeze_trains_from_a_stage_on(stage, trained, rng):
    net = unfreeze(replace_head(small_net(rng), K, "drop", SHAPE), stage)
    assert [p.requires_grad for p in net.parameters()] == [False] * (8 - trained) + [True] * trained


def test_unfreeze_names_the_stages_when_one_is_unknown(rng):
    with pytest.raises(InputError, match="no stage 'fire99'.*conv, norm, relu"):
        unfreeze(small_net(rng), "fire99")


def test_freeze_forgets_gradients(rng):
    net = small_net(rng)
    net(Tensor(rng.standard_normal((N, C, 8, 11), dtype=np.float32))).sum().backward()
    assert all(p.grad is None and not p.requires_grad for p in freeze(net).parameters())
