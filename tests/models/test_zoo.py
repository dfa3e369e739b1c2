"""Every row of the zoo is true of its network, and every table of names of its layers."""
import numpy as np
import pytest

from tinynet import InputError, Tensor, no_grad
from tinynet.layers.module import works_by_row
from tinynet.models import DEFAULT, ZOO
from tinynet.models.zoo import BETTER

SMALL = [name for name, model in ZOO.items() if model.numbers < 30e6]     # the others take gigabytes to fill with numbers


def layers(net):
    """Names of the layers with weights of their own."""
    return {name.rpartition(".")[0] for name in net.state_dict()}


def test_the_default_is_in_the_zoo_and_its_weights_are_here():
    assert DEFAULT in ZOO and BETTER in ZOO and ZOO[DEFAULT].weights.package == "tinynet"
    assert all(name == model.name for name, model in ZOO.items())


@pytest.mark.parametrize("name", ZOO)
def test_a_row_is_true_of_its_network(name):
    model = ZOO[name]
    net = model.build().eval()
    assert sum(p.size for p in net.parameters()) == model.numbers
    assert model.classifier in net.stages and works_by_row(net)
    image = np.zeros((300, 400, 3), np.uint8)
    assert model.preprocessing(image).shape == model.image_shape
    assert len(net.state_dict()[[n for n in net.state_dict() if n.endswith(".bias")][-1]]) == model.n_classes


@pytest.mark.parametrize("name", SMALL)
def test_scores_come_out_for_the_image_that_is_wanted(name):
    model = ZOO[name]
    net = model.build(n_classes=7, rng=np.random.default_rng(0)).eval()
    with no_grad():
        scores = net(Tensor(np.random.default_rng(1).standard_normal((2, *model.image_shape)).astype(np.float32))).numpy()
    assert scores.shape == (2, 7) and np.isfinite(scores).all() and scores.std() > 0


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v2", "resnet18", "efficientnet_lite0"])
@pytest.mark.parametrize("side", [96, 161])
def test_networks_that_end_in_a_mean_take_other_sizes(name, side):
    net = ZOO[name].build(rng=np.random.default_rng(0)).eval()
    with no_grad():
        assert net(Tensor(np.zeros((1, 3, side, side), np.float32))).shape == (1, 1000)


@pytest.mark.parametrize("name", ["alexnet", "vgg11"])
def test_networks_with_dense_layers_take_other_sizes_through_their_adaptive_pool(name):
    net = ZOO[name].build().eval()
    features = net[:"flatten"]
    with no_grad():
        maps = features(Tensor(np.zeros((1, 3, 161, 97), np.float32)))
    assert maps.shape[1] * maps.shape[2] * maps.shape[3] == net["fc6"].weight.shape[1]


@pytest.mark.parametrize("name", ZOO)
def test_every_table_names_every_layer_once(name):
    for source in ZOO[name].sources:
        net = ZOO[name].build(**source.options | source.variants[0])
        ours = [our for our in source.layers.values() if our in layers(net)]
        assert set(ours) == layers(net), source.name
        if source.name not in ("Caffe", "Keras", "Transformers"):   # a batch norm is two layers in Caffe; two spellings
            assert len(ours) == len(set(ours)), source.name


@pytest.mark.parametrize("name", SMALL)
def test_what_comes_before_the_classifier_is_the_same_for_any_number_of_classes(name):
    few, many = (ZOO[name].build(n_classes=n) for n in (7, 70))
    shapes = [{name: array.shape for name, array in net[:ZOO[name].classifier].state_dict().items()} for net in (few, many)]
    assert shapes[0] == shapes[1]


def test_a_network_without_width_is_refused():
    with pytest.raises(InputError, match="width"):
        ZOO["mobilenet_v2"].build(width=0)


@pytest.mark.parametrize("width, first, last", [(1.0, 32, 1280), (0.35, 16, 1280), (1.4, 48, 1792), (0.75, 24, 1280)])
def test_mobilenets_widths_are_those_of_the_paper(width, first, last):
    net = ZOO["mobilenet_v2"].build(width=width)
    assert net["conv0"].conv.weight.shape[0] == first and net["fc"].weight.shape[1] == last


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "efficientnet_lite0", "lenet"])
def test_same_scores_on_every_device(name, device):
    model = ZOO[name]
    net = model.build(rng=np.random.default_rng(0)).eval()
    side = 28 if name == "lenet" else 64
    x = Tensor(np.random.default_rng(1).standard_normal((2, model.preprocessing.n_channels, side, side)).astype(np.float32))
    with no_grad():
        expected = net(x).numpy()
        found = net.to(device)(x.to(device)).numpy()
    assert np.abs(found - expected).max() < 1e-4 * expected.std()
