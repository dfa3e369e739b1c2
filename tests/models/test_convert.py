"""What a conversion keeps of a file beside its numbers: whose network it is, and how its images are prepared."""
import sys

import numpy as np
import pytest

from tests.models.test_match import file, hwio
from tinynet import InputError, Tensor
from tinynet.models import ZOO, convert, pretrained
from tinynet.weights.file import Node, WeightFile


def keras(model, facts):
    """A Keras file of a network of the zoo, whose layers have no names of their own."""
    state = ZOO[model].build(width=0.25, rng=np.random.default_rng(0)).state_dict()
    arrays = {}
    for name, array in state.items():
        layer, _, kind = name.rpartition(".")
        words = {"weight": "kernel" if array.ndim > 1 else "gamma", "running_mean": "moving_mean", "running_var": "moving_variance"}
        arrays[f"{layer.replace('.', '-')}/{words.get(kind, kind)}"] = hwio(array)
    return file(arrays, "Keras", "HWIO", facts=facts)


@pytest.mark.parametrize("shape, crop", [("(?, 96, 96, 3)", 96), ("(?, ?, ?, 3)", 224), ("(?, 96, 128, 3)", 224), ("(?, 10)", 224), ("", 224),
                                         ("(?, 0, 0, 3)", 224)])
def test_images_have_the_size_that_the_network_was_made_for(shape, crop):
    _, metadata = convert.convert(keras("mobilenet_v1", {"input": shape} if shape else {}), ZOO["mobilenet_v1"], "0" * 64)
    assert metadata["preprocessing"]["crop"] == crop and metadata["preprocessing"]["resize"] == round(crop * 256 / 224)


def graph(net, names, x):
    """An ONNX file that is said to compute what a network does."""
    arrays = {f"{names[layer]}.{kind}": array for name, array in net.state_dict().items() for layer, _, kind in [name.rpartition(".")]}
    return WeightFile("ONNX", "OIHW", arrays, {"opset": "17", "input x": str(x.shape), "output y": "(1, 1000)"}, [], "net.onnx")


@pytest.mark.parametrize("name", ["timm", "timm's own training"])
def test_of_two_publishers_of_the_same_names_the_one_is_taken_that_computes_what_the_graph_does(name, monkeypatch):
    model = ZOO["efficientnet_lite0"]
    source = next(source for source in model.sources if source.name == name)
    net = model.build(rng=np.random.default_rng(0), **source.options).eval()
    weights = graph(net, {ours: theirs for theirs, ours in source.layers.items()}, np.zeros((1, 3, 64, 64)))
    monkeypatch.setattr(convert, "graph_network", lambda file: net)
    arrays, metadata = convert.convert(weights, model, "0" * 64)
    assert metadata["source"] == name and metadata["rivals"] == []
    monkeypatch.setattr(convert, "graph_network", lambda file: Twice(net))
    with pytest.raises(InputError, match="computes something else"):
        convert.convert(weights, model, "0" * 64)


class Twice:
    def __init__(self, net):
        self.net = net

    def eval(self):
        return self

    def __call__(self, x):
        return Tensor(2 * self.net(x).data)


@pytest.mark.parametrize("shape, channels", [((1, 1, 28, 28), "L"), ((1, 3, 32, 32), "RGB"), ((1, 10), None), ((1, 4, 8, 8), None)])
def test_what_an_onnx_graph_wants_is_assumed_aloud_or_refused(shape, channels, tmp_path, monkeypatch):
    path, size = tmp_path / "own.onnx", int(np.prod(shape))
    path.write_bytes(b"its bytes are told by others")
    weights = WeightFile("ONNX", "OIHW", {"fc.weight": np.ones((2, size), np.float32)}, {"input x": str(shape), "output y": "(1, 2)"}, [
        Node("Flatten", "/Flatten", ["x"], ["h"]), Node("Gemm", "/fc/Gemm", ["h", "fc.weight"], ["y"], {"transB": 1})])
    for name, answer in ("read_weights", weights), ("weights_sha256", "0" * 64):
        monkeypatch.setattr(sys.modules[pretrained.__module__], name, lambda path, answer=answer: answer)
    if channels is None:
        with pytest.raises(InputError, match="a network of images"):
            pretrained(str(path))
        return
    base = pretrained(str(path))
    assert base.image_shape == shape[1:] and base.preprocessing.channels == channels and "is assumed" in base.notes[0]
    assert base.net(Tensor(base.preprocessing(np.zeros((50, 60, 3), np.uint8))[None])).shape == (1, 2)
