"""SqueezeNet 1.1: the published weights, in the published network, give the published answers."""
import hashlib
import struct

import numpy as np
import pytest

from tinynet.errors import InputError
from tinynet.models import class_names, squeezenet1_1
from tinynet.models.squeezenet import PREPROCESSING, PRETRAINED, PROVENANCE
from tinynet.ops import softmax
from tinynet.tensor import Tensor, no_grad
from tinynet.weights import load_weights

# output of every stage for one 227 x 227 image
STAGES = {
    "conv1": (64, 113, 113), "pool1": (64, 56, 56),
    "fire2": (128, 56, 56), "fire3": (128, 56, 56), "pool3": (128, 28, 28),
    "fire4": (256, 28, 28), "fire5": (256, 28, 28), "pool5": (256, 14, 14),
    "fire6": (384, 14, 14), "fire7": (384, 14, 14), "fire8": (512, 14, 14), "fire9": (512, 14, 14),
    "drop9": (512, 14, 14), "conv10": (1000, 14, 14), "pool10": (1000,),
}
TOP1 = {"chelsea": (285, 0.431), "coffee": (967, 0.949), "rocket": (733, 0.235), "astronaut": (422, 0.209)}


@pytest.fixture(scope="module")
def net():
    return squeezenet1_1().eval()


@pytest.fixture
def reference(shared):
    return np.load(shared / "reference" / "squeezenet11_ref.npz")


def run(net, x):
    """Return {stage: its output}."""
    outputs, x = {}, Tensor(x)
    with no_grad():
        for stage in net.stages:
            x = net[stage](x)
            outputs[stage] = x.numpy()
    return outputs


def test_stages_and_their_shapes(net):
    rng = np.random.default_rng(3)
    outputs = run(net, rng.normal(0, 50, (2, 3, 227, 227)).astype(np.float32))
    assert {stage: y.shape[1:] for stage, y in outputs.items()} == STAGES
    assert all(y.dtype == np.float32 and len(y) == 2 for y in outputs.values())


def test_weights_are_those_that_were_published(net):
    """Offline proof: as the file examples/squeezenet_v1.1.bin of Tencent/ncnn, they have its git blob id."""
    state = net.state_dict()
    layers = [name.removesuffix(".weight") for name in state if name.endswith(".weight")]
    assert layers[0] == "conv1" and layers[-1] == "conv10" and len(layers) == 26
    content = b"".join(struct.pack("<I", 0) + state[f"{layer}.weight"].astype("<f4").tobytes()
                       + state[f"{layer}.bias"].astype("<f4").tobytes() for layer in layers)
    assert len(content) == 4_942_088
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    assert blob == "2b39bf8c42d8e36ebf2c032d880570179731af76"


def test_file_says_where_it_comes_from(net):
    tensors, metadata = load_weights(PRETRAINED)
    assert metadata["model"] == "squeezenet1_1" and metadata["provenance"] == PROVENANCE
    assert PROVENANCE["file_sha256"].startswith("f286bbf4") and PROVENANCE["licence"] == "BSD-2-Clause"
    assert {stage: tuple(shape) for stage, shape in metadata["stages"].items()} == STAGES
    assert len(metadata["tensors_sha256"]) == 64
    assert sum(array.size for array in tensors.values()) == 1_235_496
    assert set(tensors) == set(net.state_dict())


def test_preprocessing_is_the_files_own():
    _, metadata = load_weights(PRETRAINED)
    assert metadata["preprocessing"] == PREPROCESSING.to_dict()


@pytest.mark.parametrize("stage", ["conv1", "pool1", "fire2", "fire3", "pool3",
                                   "fire5", "pool5", "fire7", "fire9", "conv10"])
def test_stage_equals_the_reference(net, reference, stage, record_property):
    expected = reference[stage]
    found = run(net, reference["input"][:len(expected)])[stage]
    assert found.shape == expected.shape
    error = np.abs(found - expected).max() / np.abs(expected).max()
    record_property("error / largest magnitude", float(error))
    assert error < 1e-4


def test_logits_equal_the_reference(net, reference):
    logits = run(net, reference["input"])["pool10"]
    np.testing.assert_allclose(logits, reference["logits"], rtol=0, atol=1e-3)
    p = softmax(Tensor(logits)).numpy()
    for row, name in zip(p, reference["names"], strict=True):
        index, probability = TOP1[name]
        assert row.argmax() == index and row.max() == pytest.approx(probability, abs=5e-4)


@pytest.mark.parametrize("name", TOP1)
def test_photo_to_class(net, name):
    photos = pytest.importorskip("skimage.data", reason="needs scikit-image, which brings the photos")
    x = PREPROCESSING(getattr(photos, name)())
    p = softmax(Tensor(run(net, x[None])["pool10"])).numpy()[0]
    index, probability = TOP1[name]
    assert p.argmax() == index
    assert p.max() == pytest.approx(probability, abs=0.01)  # releases of Pillow differ by a grey level
    if name == "chelsea":
        assert class_names()[index] == "Egyptian cat"


def test_random_weights_come_from_the_generator():
    first, again, other = (squeezenet1_1(pretrained=False, rng=np.random.default_rng(seed)).state_dict()
                           for seed in (1, 1, 2))
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
        if name.endswith(".weight"):
            assert not np.array_equal(first[name], other[name])
            fan_in = first[name][0].size
            assert first[name].std() == pytest.approx(np.sqrt(2 / fan_in), rel=0.1)      # He
        else:
            assert not first[name].any()


def test_pretrained_trunk_with_classes_of_ones_own(net):
    own = squeezenet1_1(n_classes=3, rng=np.random.default_rng(5)).eval()
    state, published = own.state_dict(), net.state_dict()
    assert list(state) == list(published)
    assert state["conv10.weight"].any() and state["conv10.weight"].shape == (3, 512, 1, 1)
    assert state["conv10.bias"].shape == (3,)
    for name in state:
        if not name.startswith("conv10"):
            np.testing.assert_array_equal(state[name], published[name])
    assert run(own, np.zeros((1, 3, 227, 227), np.float32))["pool10"].shape == (1, 3)


@pytest.mark.parametrize("arguments", [{"pretrained": False}, {"n_classes": 3}])
def test_random_weights_without_a_generator(arguments):
    with pytest.raises(InputError, match="rng"):
        squeezenet1_1(**arguments)


def test_input_of_another_size(net):
    y = run(net, np.zeros((1, 3, 67, 97), np.float32))
    assert y["conv1"].shape == (1, 64, 33, 48)
    assert y["pool1"].shape == (1, 64, 16, 24)        # 48 columns: the last window hangs over (ceil)
    assert y["pool10"].shape == (1, 1000)
