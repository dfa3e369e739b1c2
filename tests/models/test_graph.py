"""Networks from ONNX graphs: stages at every cut point, parameters, training of a new head, and what is refused."""
import os

import numpy as np
import pytest
from PIL import Image

from tinynet import InputError, Tensor, no_grad, ops
from tinynet.data import Preprocessing
from tinynet.layers import Linear, Parameter, Sequential
from tinynet.layers.module import works_by_row
from tinynet.models.graph import graph_network, image_shape
from tinynet.transfer import ActivationCache, freeze, replace_head, unfreeze
from tinynet.weights import onnx as reader
from tinynet.weights.file import Node, WeightFile

RNG = np.random.default_rng(0)


def floats(*shape):
    return RNG.standard_normal(shape, dtype=np.float32)


def residual():
    """A convolution, a residual block with a batch norm, a pool and a dense layer, as an exporter writes them."""
    arrays = {"stem.weight": floats(4, 3, 3, 3), "stem.bias": floats(4), "layer1.0.conv1.weight": floats(4, 4, 3, 3),
              "layer1.0.bn.weight": floats(4), "layer1.0.bn.bias": floats(4), "layer1.0.bn.running_mean": floats(4),
              "layer1.0.bn.running_var": np.ones(4, np.float32), "fc.weight": floats(2, 4), "fc.bias": floats(2), "low": np.float32(0)}
    bn = [f"layer1.0.bn.{word}" for word in ("weight", "bias", "running_mean", "running_var")]
    nodes = [Node("Conv", "/stem/Conv", ["x", "stem.weight", "stem.bias"], ["a"], {"pads": [1, 1, 1, 1]}),
             Node("Relu", "/relu/Relu", ["a"], ["b"]),
             Node("Conv", "/layer1/layer1.0/conv1/Conv", ["b", "layer1.0.conv1.weight"], ["c"], {"pads": [1, 1, 1, 1]}),
             Node("BatchNormalization", "/layer1/layer1.0/bn/BatchNormalization", ["c", *bn], ["d"]),
             Node("Add", "/layer1/layer1.0/Add", ["d", "b"], ["e"]),
             Node("Clip", "/layer1/layer1.0/relu/Clip", ["e", "low", ""], ["f"]),
             Node("Sigmoid", "/unused/Sigmoid", ["f"], ["unused"]),
             Node("GlobalAveragePool", "/GlobalAveragePool", ["f"], ["g"]), Node("Flatten", "/Flatten", ["g"], ["h"]),
             Node("Gemm", "/fc/Gemm", ["h", "fc.weight", "fc.bias"], ["y"], {"transB": 1})]
    return WeightFile("ONNX", "OIHW", arrays, {"opset": "17", "input x": "(N, 3, 8, 8)", "output y": "(N, 2)"}, nodes)


def by_hand(w, x):
    x = ops.conv2d(x, Tensor(w["stem.weight"]), Tensor(w["stem.bias"]), padding=1, relu=True)
    bn = [w[f"layer1.0.bn.{word}"] for word in ("weight", "bias", "running_mean", "running_var")]
    y = ops.conv2d(x, Tensor(w["layer1.0.conv1.weight"]), padding=1)
    y = ops.relu(ops.fixed_norm(y, Tensor(bn[0]), Tensor(bn[1]), *bn[2:]) + x)
    return ops.linear(ops.global_avg_pool2d(y), Tensor(w["fc.weight"]), Tensor(w["fc.bias"]))


def test_it_computes_what_the_graph_says_in_stages_that_can_be_cut():
    weights = residual()
    net, x = graph_network(weights), Tensor(floats(3, 3, 8, 8))
    np.testing.assert_allclose(net(x).data, by_hand(weights.arrays, x).data, rtol=1e-5, atol=1e-6)
    assert net.stages == ["stem", "relu", "layer1_0", "layer1_0_relu", "globalaveragepool", "flatten", "fc"]
    np.testing.assert_allclose(net["layer1_0":](net[:"layer1_0"](x)).data, net(x).data)


def test_parameters_have_readable_names_and_statistics_are_not_trained():
    weights = residual()
    net = graph_network(weights)
    assert list(net.state_dict()) == [
        "stem.weight", "stem.bias", "layer1_0.conv1_weight", "layer1_0.bn_weight", "layer1_0.bn_bias", "layer1_0.bn_running_mean",
        "layer1_0.bn_running_var", "fc.weight", "fc.bias"]
    assert [name for name, _ in net.named_parameters()] == [name for name in net.state_dict() if "running" not in name]
    net["stem"].weight.data += 1
    assert (weights.arrays["stem.weight"] != net["stem"].weight.data).all()     # the file's arrays are not the network's


def test_it_is_trained_and_saved_like_any_network():
    net = graph_network(residual())
    other = graph_network(residual())
    other.load_state_dict(net.state_dict())
    net(Tensor(floats(3, 3, 8, 8))).sum().backward()
    assert all(np.abs(p.grad).sum() > 0 for p in net.parameters())
    head = Sequential(trunk=net[:"fc"], head=Linear(4, 5, np.random.default_rng(0)))
    assert head(Tensor(floats(2, 3, 8, 8))).shape == (2, 5)


def test_images_stay_apart():
    net, x = graph_network(residual()), floats(5, 3, 8, 8)
    assert works_by_row(net)
    rows = np.concatenate([net(Tensor(x[i:i + 1])).data for i in range(5)])
    np.testing.assert_allclose(net(Tensor(x)).data, rows, rtol=1e-5, atol=1e-6)


def test_transfer_takes_it_like_any_network(tmp_path):
    """A new head, frozen stages, and activations that a second network of the same file finds again."""
    preprocessing = Preprocessing(resize=8, crop=8, resample="bicubic", channels="RGB", mean=(0.0, 0.0, 0.0), scale=255.0)
    cache, computed, weights = ActivationCache(tmp_path / "cache"), [], residual()
    for pads in [1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 2, 2]:
        weights.nodes[2].attributes["pads"] = pads
        net = freeze(graph_network(weights))
        codes = cache.activations(net[:"globalaveragepool"], Pictures(), preprocessing, "globalaveragepool", progress=False)
        computed.append(codes.computed)
    assert computed == [3, 0, 3]
    net = unfreeze(replace_head(net, 5, "globalaveragepool", (3, 8, 8), rng=np.random.default_rng(0)), "head")
    assert net(Tensor(floats(2, 3, 8, 8))).shape == (2, 5) and net.stages[:4] == ["stem", "relu", "layer1_0", "layer1_0_relu"]


class Pictures:
    """Three pictures, as a dataset."""

    name, labels = "pictures", np.zeros(3, int)

    def __len__(self):
        return 3

    def key(self, i):
        return f"{i:064x}"

    def image(self, i):
        return Image.new("RGB", (8, 8), (50 * i, 100, 0))


def small(nodes, arrays=None, x="(1, 3, 4, 4)"):
    facts = {"opset": "17", "input x": x, "output y": "?"}
    return WeightFile("ONNX", "OIHW", arrays or {}, facts, nodes)


def test_a_batch_of_one_that_the_file_fixes_becomes_any_batch():
    net = graph_network(small([Node("Reshape", "", ["x", "shape"], ["y"])], {"shape": np.array([1, 3, 16])}))
    assert net(Tensor(floats(5, 3, 4, 4))).shape == (5, 3, 16)


def test_names_that_an_attribute_cannot_have_or_that_stand_twice():
    nodes = [Node("Relu", name, [f"v{i}" if i else "x"], [f"v{i + 1}" if i < 5 else "y"])
             for i, name in enumerate(["/training/Relu", "/0/Relu", "a-b", "/a.b/Relu", "", ""])]
    net = graph_network(small(nodes))
    assert net.stages == ["training_2", "n0", "a_b", "a_b_2", "relu", "relu_2"]
    mul = small([Node("Mul", "/m/Mul", ["x", "m.forward"], ["a"]), Node("Add", "/m/Add", ["a", "m.w-1"], ["b"]),
                 Node("Add", "/m/Add_1", ["b", "m.w.1"], ["c"]), Node("Add", "/m/Add_2", ["c", "x"], ["y"])],
                {"m.forward": floats(4), "m.w-1": floats(4), "m.w.1": floats(4)})
    assert list(graph_network(mul).state_dict()) == ["m.forward_", "m.w_1", "m.w_1_"]


def test_values_are_dropped_after_their_last_use():
    net = graph_network(residual())
    assert [done for *_, done in net["layer1_0"].plan.steps] == [["c"] if i == 1 else ["d", "b"] if i == 2 else [] for i in range(3)]


@pytest.mark.parametrize("weights, words", [
    (small([]), "0 nodes"), (WeightFile("PyTorch", "OIHW", {}), "0 nodes"), (small([Node("Relu", "", ["x"], ["z"])]), "not computed"),
    (small([Node("Shape", "/s/Shape", ["x"], ["y"])]), "'/s/Shape' is Shape"), (small([Node("Add", "", ["x", "w"], ["y"])]), "Add of 'w'"),
    (small([Node("Relu", "", ["a"], ["y"]), Node("Relu", "", ["x"], ["a"])]), "of 'a'"),
    (small([Node("MaxPool", "", ["x"], ["a", "y"], {"kernel_shape": [2, 2]})]), "not computed"),
    (WeightFile("ONNX", "OIHW", {}, {"input a": "", "input b": "", "output y": ""}, [Node("Add", "", "ab", "y")]), "2 inputs")])
def test_what_cannot_be_run_is_refused_when_the_network_is_made(weights, words):
    with pytest.raises(InputError) as caught:
        graph_network(weights)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_result_that_has_lost_the_batch():
    net = graph_network(small([Node("Add", "", ["x", "w"], ["y"])], {"w": floats(2, 1, 1, 1, 1)}))
    with pytest.raises(InputError, match="3 images became"):
        net(Tensor(floats(3, 3, 4, 4)))


def torch_nets():
    torch = pytest.importorskip("torch")
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self, joined):
            super().__init__()
            self.conv = nn.Conv2d(6, 6, 3, padding=1, groups=2)
            self.bn, self.joined = nn.BatchNorm2d(6), joined

        def forward(self, x):
            y = torch.nn.functional.leaky_relu(self.bn(self.conv(x)), 0.1)
            return torch.cat([x, y], 1) if self.joined else torch.nn.functional.relu6(x + y)

    return {
        "plain": nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.Flatten(), nn.LazyLinear(5), nn.Softmax(1)),
        "residual": nn.Sequential(nn.Conv2d(3, 6, 3, 2), Block(False), nn.AvgPool2d(3, 2, 1), Block(False), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        "joined": nn.Sequential(nn.Conv2d(3, 6, 3, 2), nn.Hardswish(), Block(True), nn.Conv2d(12, 4, 1), nn.Sigmoid()),
    }


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:You are using the legacy:DeprecationWarning")
@pytest.mark.parametrize("opset", [9, 11, 13, 17])
@pytest.mark.parametrize("name", ["plain", "residual", "joined"])
def test_what_torch_exports_against_onnxruntime(name, opset, tmp_path):
    torch, runtime = pytest.importorskip("torch"), pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    torch.manual_seed(0)
    if (name, opset) == ("plain", 9):
        pytest.skip("before opset 10 a ceil_mode is written as padding that onnxruntime refuses")
    net, x, path = torch_nets()[name], torch.randn(2, 3, 21, 20), tmp_path / "net.onnx"
    net(x)
    if opset < 14 and name == "joined":
        net[1] = torch.nn.ReLU6()                                               # HardSwish came with opset 14
    torch.onnx.export(net.eval(), x, path, dynamo=False, opset_version=opset, input_names=["x"], output_names=["y"],
                      training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
    expected, = runtime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": x.numpy()})
    ours = graph_network(reader.read(path))
    with no_grad():
        np.testing.assert_allclose(ours(Tensor(x.numpy())).data, expected, rtol=1e-4, atol=1e-5)
    assert len(ours.stages) > 3 and any(isinstance(value, Parameter) for value in vars(ours[0]).values())


@pytest.mark.parity
def test_the_real_graphs_that_onnx_carries(pytestconfig):
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    folder = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data", "light")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    for name in "bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet", "zfnet512":
        path = os.path.join(folder, f"light_{name}.onnx")
        session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        x = floats(*session.get_inputs()[0].shape)
        net = graph_network(reader.read(path))
        with no_grad():
            y = net(Tensor(x)).data
        if name != "squeezenet":                        # all its scores are equal, and large: the softmax shows only rounding
            np.testing.assert_allclose(y, session.run(None, {session.get_inputs()[0].name: x})[0], rtol=1e-5, err_msg=name)


def channels_last(shape="(N, 8, 8, 3)"):
    weights = residual()
    weights.facts["input x"] = shape
    weights.nodes[0].inputs[0] = "turned"
    weights.nodes.insert(0, Node("Transpose", "transpose", ["x"], ["turned"], {"perm": [0, 3, 1, 2]}))
    return weights


@pytest.mark.parametrize("shape, expected", [("(N, 8, 8, 3)", (3, 8, 8)), ("(?, ?, ?, 3)", (3, 224, 224)), ("(1, 28, 28, 1)", (1, 28, 28)),
                                             ("(1, 3, 5, 3)", (3, 5, 3)), ("(N, C, H, W)", (3, 224, 224)), ("(1, 10)", (10,))])
def test_the_shape_of_an_image_has_its_channels_first(shape, expected):
    assert image_shape(channels_last(shape)) == expected


def test_a_graph_of_images_with_channels_last_takes_ours():
    weights = channels_last()
    net, x = graph_network(weights), Tensor(floats(3, 3, 8, 8))
    assert net.stages[0] == "channels_last" and works_by_row(net)
    np.testing.assert_allclose(net(x).data, by_hand(weights.arrays, x).data, rtol=1e-5, atol=1e-6)
