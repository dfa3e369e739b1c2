"""The networks of the zoo against Keras' own, through every file that Keras writes, alone and under somebody's own classifier."""
import os

os.environ.setdefault("KERAS_BACKEND", "torch")     # before Keras is imported: it then needs no TensorFlow

import numpy as np
import pytest

from tests.models import oracles
from tinynet import Tensor, no_grad
from tinynet.models import pretrained

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]    # of Keras: what it will become
SIDE = 64


@pytest.fixture(scope="module")
def keras():
    pytest.importorskip("torch")
    pytest.importorskip("h5py")
    return pytest.importorskip("keras")


def stirred(keras, net):
    """The same network with biases and batch norms that do something."""
    rng = np.random.default_rng(0)
    for layer in net.layers:
        weights = layer.get_weights()
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) if i in (0, 3) else rng.normal(0, 0.2, w.shape) for i, w in enumerate(weights)])
        elif len(weights) == 2:
            layer.set_weights([weights[0], rng.normal(0, 0.1, weights[1].shape)])
    return net


def compare(theirs, base):
    x = np.random.default_rng(0).standard_normal((2, SIDE, SIDE, 3)).astype(np.float32)
    expected = theirs(x).detach().cpu().numpy()
    with no_grad():
        found = base.net(Tensor(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))).numpy()
    if expected.ndim == 4:                          # maps, of which our last stage is the mean
        expected = expected.mean((1, 2))
    else:
        found = np.exp(found) / np.exp(found).sum(-1, keepdims=True)
    oracles.assert_same([found], [expected])


NETS = {
    "mobilenet_v1": lambda a: a.MobileNet(weights=None, alpha=0.25, input_shape=(SIDE, SIDE, 3), classes=7),
    "mobilenet_v2": lambda a: a.MobileNetV2(weights=None, alpha=0.35, input_shape=(SIDE, SIDE, 3), classes=7),
    "resnet50": lambda a: a.ResNet50(weights=None, input_shape=(SIDE, SIDE, 3), include_top=False)}


@pytest.mark.parametrize("suffix", [".h5", ".keras", ".weights.h5"])
@pytest.mark.parametrize("name", NETS)
def test_networks_of_keras_applications(keras, name, suffix, tmp_path):
    net, path = stirred(keras, NETS[name](keras.applications)), tmp_path / f"net{suffix}"
    net.save_weights(path) if "weights" in suffix else net.save(path)
    base = pretrained(name, path)
    assert base.preprocessing.channels == ("BGR" if name == "resnet50" else "RGB")
    assert suffix == ".weights.h5" or base.preprocessing.crop == SIDE and f"{SIDE} pixels" in base.notes[0]
    compare(net, base)


@pytest.mark.parametrize("suffix", [".h5", ".keras", ".weights.h5"])
def test_a_network_under_somebodys_own_classifier(keras, suffix, tmp_path):
    layers = keras.layers
    trunk = stirred(keras, keras.applications.MobileNetV2(weights=None, alpha=0.35, include_top=False, input_shape=(SIDE, SIDE, 3)))
    net = keras.Sequential([keras.Input((SIDE, SIDE, 3)), trunk, layers.GlobalAveragePooling2D(), layers.Dense(16, activation="relu"),
                            layers.BatchNormalization(), layers.Dense(3, activation="softmax")])
    path = tmp_path / f"net{suffix}"
    net.save_weights(path) if "weights" in suffix else net.save(path)
    base = pretrained(str(path))
    assert base.net.stages[-1] == "drop" and any("left out " in note for note in base.notes)
    compare(trunk, base)


@pytest.mark.parametrize("activation", ["relu", "relu6"])
def test_a_mobilenet_written_by_hand_with_biases_and_no_names(keras, activation, tmp_path):
    layers = keras.layers
    x = image = keras.Input((SIDE, SIDE, 3))
    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
    filters = (16, 32, 32, 64, 64, 128, 128, 128, 128, 128, 128, 256, 256)

    def finished(x):
        return layers.Activation(activation)(layers.BatchNormalization()(x))
    x = finished(layers.Conv2D(8, 3, 2, padding="same")(x))
    for stride, n in zip(strides, filters):
        x = finished(layers.DepthwiseConv2D(3, stride, padding="same")(x))
        x = finished(layers.Conv2D(n, 1)(x))
    net = stirred(keras, keras.Model(image, layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling2D()(x))))
    net.save(tmp_path / "net.h5")
    base = pretrained(str(tmp_path / "net.h5"))
    assert base.model == "mobilenet_v1" and len(base.class_names) == 2 and "by their order" in base.notes[0]
    compare(net, base)


def test_names_of_old_keras_mean_its_old_network(keras, tmp_path):
    net = stirred(keras, keras.applications.ResNet50(weights=None, input_shape=(SIDE, SIDE, 3), include_top=False))

    def old(layer):
        config = layer.__class__.from_config(layer.get_config() | ({"epsilon": 1e-3} if "_bn" in layer.name else {}))
        name = layer.name
        for part in range(2, 6):
            for block in range(1, 7):
                for i, branch in enumerate(("1", "2a", "2b", "2c")):
                    for ending, word in ("_conv", "res"), ("_bn", "bn"):
                        if name == f"conv{part}_block{block}_{i}{ending}":
                            config.name = f"{word}{part}{'abcdef'[block - 1]}_branch{branch}"
        if name in ("conv1_conv", "conv1_bn"):
            config.name = {"conv1_conv": "conv1", "conv1_bn": "bn_conv1"}[name]
        return config
    before = keras.models.clone_model(net, clone_function=old)
    before.set_weights(net.get_weights())
    before.save(tmp_path / "net.h5")
    base = pretrained("resnet50", tmp_path / "net.h5")
    assert "eps=0.001" in base.notes[0] and base.preprocessing.channels == "BGR"
    compare(before, base)
