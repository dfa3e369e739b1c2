"""A new head fits any network, whatever arrives at the cut and whatever its stages are called."""
import numpy as np
import pytest

from tinynet import InputError, Tensor, ops
from tinynet.layers import (BatchNorm, Conv2d, Dropout, Flatten, GlobalAvgPool2d, Linear, MaxPool2d, Module, ReLU,
                            Sequential)
from tinynet.transfer import replace_head, unfreeze
from tinynet.transfer.head import new_head

N, C, F, K = 5, 3, 7, 4
SHAPE = (C, 8, 11)


def small_net(rng):
    return Sequential(conv=Conv2d(C, F, 3, padding=1, rng=rng), norm=BatchNorm(F), relu=ReLU(),
                      conv2=Conv2d(F, F, 3, rng=rng), drop=GlobalAvgPool2d(), old=Linear(F, 11, rng))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_new_head_knows_nothing_and_its_stages_are_named(rng):
    net = replace_head(small_net(rng), K, "drop", SHAPE).eval()
    assert net.stages == ["conv", "norm", "relu", "conv2", "pool", "head"]
    p = ops.softmax(net(Tensor(rng.standard_normal((N, C, 8, 11), dtype=np.float32))))
    np.testing.assert_allclose(p.data, 1 / K)


def test_a_hidden_layer_has_he_weights_and_the_body_is_shared(rng):
    body = small_net(rng)
    net = replace_head(body, K, "drop", SHAPE, hidden=997, rng=rng)
    assert net["conv"] is body["conv"]
    W = net["head"]["hidden"].weight.data
    assert W.shape == (997, F) and abs(W.std() - np.sqrt(2 / F)) < 0.03
    assert net(Tensor(rng.standard_normal((N, C, 8, 11), dtype=np.float32))).shape == (N, K)


@pytest.mark.parametrize("arguments", [{"n_classes": 1}, {"n_classes": 3, "hidden": 0}])
def test_replace_head_refuses_what_cannot_be_a_classifier(arguments, rng):
    with pytest.raises(InputError, match="head: .* at least 2 classes"):
        replace_head(small_net(rng), cut="drop", image_shape=SHAPE, rng=rng, **arguments)


def test_a_hidden_layer_without_random_numbers_says_so(rng):
    with pytest.raises(InputError, match="pass rng="):
        replace_head(small_net(rng), K, "drop", SHAPE, hidden=5)


def test_a_head_alone_is_the_head_of_a_network_with_the_same_random_numbers():
    net = replace_head(small_net(np.random.default_rng(0)), K, "drop", SHAPE, hidden=5, rng=np.random.default_rng(7))
    head = new_head(F, K, hidden=5, rng=np.random.default_rng(7))
    assert list(head.state_dict()) == list(net["head"].state_dict())
    for one, other in zip(head.state_dict().values(), net["head"].state_dict().values()):
        np.testing.assert_array_equal(one, other)


class Branch(Module):
    """A stage of a residual network: parameters that are not the first thing an image meets."""

    def __init__(self, rng):
        self.inner = Conv2d(F, F, 3, padding=1, groups=F, rng=rng)

    def forward(self, x):
        return x + self.inner(x)


def networks(rng):
    """{name: (network, where to cut)}: maps or features arrive, at a stage of any kind, under any name."""
    conv = {"conv": Conv2d(C, F, 3, rng=rng), "relu": ReLU()}
    fully = {"pool": MaxPool2d(2), "flatten": Flatten(), "fc6": Linear(F * 3 * 4, 11, rng), "relu6": ReLU(),
             "fc7": Linear(11, 2, rng)}
    return {
        "maps before a pool": (Sequential(**conv, **fully), "pool"),
        "maps before flatten, a pool is kept": (Sequential(**conv, **fully), "flatten"),
        "features before a linear stage": (Sequential(**conv, **fully), "fc6"),
        "features before a stage without numbers": (Sequential(**conv, **fully), "relu6"),
        "before a depthwise stage": (Sequential(**conv, dw=Conv2d(F, F, 3, groups=F, rng=rng), old=Flatten()), "dw"),
        "before a residual stage": (Sequential(**conv, block=Branch(rng), old=GlobalAvgPool2d()), "block"),
        "before batch norm": (Sequential(**conv, norm=BatchNorm(F), old=GlobalAvgPool2d()), "norm"),
        "before a pool that is the last stage": (Sequential(**conv, gap=GlobalAvgPool2d()), "gap"),
        "nothing is dropped": (Sequential(**conv, pool=GlobalAvgPool2d()), None),
        "a head is kept": (Sequential(**conv, pool=GlobalAvgPool2d(), head=Linear(F, 11, rng), old=ReLU()), "old"),
        "dropout and batch norm are kept": (Sequential(**conv, norm=BatchNorm(F), drop=Dropout(0.5, rng),
                                                       old=Flatten()), "old"),
        "the first stage": (Sequential(**conv, old=Flatten()), "conv"),
    }


@pytest.mark.parametrize("name", networks(np.random.default_rng(0)))
@pytest.mark.parametrize("hidden", [None, 13])
def test_any_network_gets_a_head_that_trains(name, hidden, rng):
    body, cut = networks(rng)[name]
    kept, modes = body.stages[:body.stages.index(cut) if cut else None], [m.training for m in body.modules()]
    net = replace_head(body, K, cut, SHAPE, hidden=hidden, rng=rng)
    assert net.stages[:len(kept)] == kept and len(set(net.stages)) == len(net.stages)
    assert [m.training for m in body.modules()] == modes, "counting the features changed the network's mode"
    unfreeze(net, net.stages[-1])
    scores = net.eval()(Tensor(rng.standard_normal((N, *SHAPE), dtype=np.float32)))
    assert scores.shape == (N, K)
    ops.cross_entropy(scores, np.arange(N) % K).backward()
    assert all(p.grad is not None for p in net[-1].parameters())


def test_counting_the_features_leaves_running_statistics_alone(rng):
    body = Sequential(conv=Conv2d(C, F, 3, rng=rng), norm=BatchNorm(F), old=Flatten())
    replace_head(body, K, "old", SHAPE)
    assert not body["norm"].running_mean.any() and (body["norm"].running_var == 1).all()


def test_what_arrives_in_another_shape_is_refused(rng):
    class Frames(Module):
        def forward(self, x):
            return x.reshape(len(x), C, -1)

    with pytest.raises(InputError, match=r"\(1, 3, 88\) arrives at 'old'.*cut elsewhere"):
        replace_head(Sequential(frames=Frames(), old=Flatten()), K, "old", SHAPE)
