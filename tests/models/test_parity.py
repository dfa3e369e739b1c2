"""The networks of the zoo against torchvision's and timm's own, through every file that PyTorch people write."""
import io
import warnings

import numpy as np
import pytest

from tests.models import oracles
from tinynet.models import ZOO, pretrained
from tinynet.models.match import match
from tinynet.weights import WeightFile, read_weights

pytestmark = pytest.mark.parity
SIDE = 64
TORCHVISION = ["squeezenet1_1", "resnet18", "resnet34", "resnet50", "mobilenet_v2", "alexnet"]
TIMM = [                                            # ours, theirs, the beginning of its file's name
    ("mobilenet_v2", "mobilenetv2_100", "mobilenetv2_100"), ("mobilenet_v2", "mobilenetv2_140", "mobilenetv2_140"),
    ("efficientnet_lite0", "tf_efficientnet_lite0", "tf_efficientnet_lite0"),
    ("efficientnet_lite0", "efficientnet_lite0", "efficientnet_lite0_ra"),
    ("efficientnet_lite1", "tf_efficientnet_lite1", "tf_efficientnet_lite1"),
    ("efficientnet_lite2", "tf_efficientnet_lite2", "tf_efficientnet_lite2"),
    ("resnet18", "resnet18", "resnet18_a1"), ("resnet50", "resnet50", "resnet50_a1")]


def compare(theirs, ours, side=SIDE):
    rng = np.random.default_rng(0)
    x, weights = rng.standard_normal((2, 3, side, side)), rng.standard_normal((2, 1000))
    oracles.assert_same(oracles.our_scores_and_gradient(ours, x, weights), oracles.scores_and_gradient(theirs, x, weights), 1e-6)


def in_memory(net, name="net.pth"):
    return WeightFile("PyTorch", "OIHW", {key: value.numpy() for key, value in net.state_dict().items()}, name=name)


@pytest.mark.parametrize("name", TORCHVISION)
def test_same_scores_and_gradient_as_torchvision(name):
    net = oracles.with_statistics(getattr(oracles.torchvision_models(), name)(weights=None), SIDE)
    found = match(in_memory(net), ZOO[name])
    assert not found.by_order and found.source.name == "torchvision" and not found.left_out
    compare(net, found.net)


def test_same_scores_as_torchvisions_vgg():
    import torch
    net = oracles.torchvision_models().vgg11(weights=None).eval()
    found = match(in_memory(net), ZOO["vgg11"])
    x = np.random.default_rng(0).standard_normal((2, 3, 96, 64)).astype(np.float32)
    from tinynet import Tensor, no_grad
    with torch.no_grad(), no_grad():
        oracles.assert_same([found.net(Tensor(x)).numpy()], [net(torch.tensor(x)).numpy()])


@pytest.mark.parametrize("ours, theirs, file_name", TIMM)
def test_same_scores_and_gradient_as_timm(ours, theirs, file_name):
    net = oracles.with_statistics(oracles.timm().create_model(theirs, pretrained=False), SIDE)
    compare(net, match(in_memory(net, f"{file_name}.pth"), ZOO[ours]).net)


@pytest.mark.parametrize("how", ["zip", "legacy", "wrapped", "parallel", "half", "bfloat16", "safetensors"])
def test_every_way_to_save_a_network(how, tmp_path):
    torch = pytest.importorskip("torch")
    net = oracles.with_statistics(oracles.torchvision_models().resnet18(weights=None), SIDE)
    state, path = net.state_dict(), tmp_path / "resnet18.pth"
    if how in ("half", "bfloat16"):
        kind = {"half": torch.float16, "bfloat16": torch.bfloat16}[how]
        state = {key: value.to(kind) if value.dtype == torch.float32 else value for key, value in state.items()}
        net.load_state_dict(state)                  # rounded, as in the file
    if how == "safetensors":
        from safetensors.torch import save_file
        save_file(state, path)
    elif how == "wrapped":
        torch.save({"epoch": 90, "arch": "resnet18", "state_dict": state, "best_acc1": torch.tensor(69.8), "optimizer": {}}, path)
    elif how == "parallel":
        torch.save({f"module.{key}": value for key, value in state.items()}, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=how != "legacy")
    for model in "resnet18", str(path):             # named, and recognised; the second time from what was converted
        base = pretrained(model, path if model == "resnet18" else None)
        assert base.model == "resnet18" and base.notes == [] and base.classifier == "fc"
        compare(net, base.net)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "squeezenet1_1"])
def test_onnx_files_that_torch_exports(name, tmp_path):
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    net = oracles.with_statistics(getattr(oracles.torchvision_models(), name)(weights=None), SIDE)
    path = tmp_path / f"{name}.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")             # the exporter's own, of what it will become
        torch.onnx.export(net, torch.zeros(1, 3, SIDE, SIDE), path, dynamo=False, opset_version=17)
    graph, named = pretrained(str(path)), pretrained(name, path)
    assert graph.model not in ZOO and named.model == name
    import torch as t
    x = np.random.default_rng(0).standard_normal((2, 3, SIDE, SIDE)).astype(np.float32)
    from tinynet import Tensor, no_grad
    with t.no_grad(), no_grad():
        expected = net(t.tensor(x)).numpy()
        for base in graph, named:
            oracles.assert_same([base.net(Tensor(x)).numpy()], [expected])


def test_a_checkpoint_that_was_cut_is_told_from_one_without_a_classifier(tmp_path):
    torch = pytest.importorskip("torch")
    net = oracles.torchvision_models().resnet18(weights=None)
    state = net.state_dict()
    buffer = io.BytesIO()
    torch.save({key: value for key, value in state.items() if not key.startswith("fc.")}, buffer)
    (tmp_path / "trunk.pth").write_bytes(buffer.getvalue())
    base = pretrained(str(tmp_path / "trunk.pth"))
    assert base.net.stages[-1] == "pool5" and base.class_names == [] and "no classifier" in base.notes[0]
    torch.save({key: value for key, value in state.items() if "layer4" not in key}, tmp_path / "hole.pth")
    with pytest.raises(Exception, match="nothing for conv5_1.conv1.conv.weight"):
        pretrained("resnet18", tmp_path / "hole.pth")
    assert read_weights(tmp_path / "hole.pth").arrays
