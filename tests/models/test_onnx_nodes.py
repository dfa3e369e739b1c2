"""Every operation of tinynet as ONNX nodes, against onnxruntime and against our own reader; and what is refused."""
import inspect

import numpy as np
import pytest

import tinynet.ops
from tests.models import oracles
from tinynet import Function, InputError, Tensor, no_grad, ops
from tinynet.layers import Conv2d, Dropout, Flatten, GlobalAvgPool2d, Linear, Module, Sequential
from tinynet.models import ZOO
from tinynet.models.graph import Graph
from tinynet.models.onnx_nodes import NODES, OPSET, Nodes, trace

RNG = np.random.default_rng(0)
X = (4, 7, 9)                       # of one image


def floats(*shape):
    """Numbers of this shape, the same at every call."""
    return np.random.default_rng(shape).standard_normal(shape, dtype=np.float32)


C, BN = floats(4, 1, 1), [Tensor(floats(4)), Tensor(floats(4) - 1), floats(4) + 1, abs(floats(4)) + 0.5]
CASES = [  # shape of an image, what is computed of a batch of them
    (X, lambda x: x + C), (X, lambda x: 2 - x), (X, lambda x: x * x), (X, lambda x: C / (x * x + 1)), (X, lambda x: -x),
    (X, abs), (X, ops.exp), (X, lambda x: ops.log(abs(x) + 1)), (X, lambda x: (x * x + 1) ** 1.5), (X, lambda x: ops.sqrt(abs(x) + 1)),
    (X, lambda x: 2.0 ** x),
    ((5,), lambda x: x @ floats(5, 3)), ((5,), lambda x: ops.linear(x, Tensor(floats(3, 5)), Tensor(floats(3)))),
    ((5,), lambda x: ops.linear(x, Tensor(floats(3, 5)))),
    (X, lambda x: ops.conv2d(x, Tensor(floats(6, 4, 3, 2)))),
    (X, lambda x: ops.conv2d(x, Tensor(floats(6, 2, 3, 2)), Tensor(floats(6)), (2, 1), (1, 0), 2)),
    (X, lambda x: ops.conv2d(x, Tensor(floats(6, 4, 3, 4)), None, (2, 3), "same", relu=True)),
    (X, lambda x: ops.conv2d(x, Tensor(floats(4, 1, 3, 4)), Tensor(floats(4)), 2, "same", 4)),
    (X, lambda x: ops.conv2d(x, Tensor(floats(4, 1, 5, 2)), None, 1, (2, 1), 4)),
    (X, ops.relu), (X, lambda x: ops.relu6(4 * x)), (X, ops.sigmoid), (X, ops.tanh), (X, ops.softmax),
    (X, lambda x: ops.softmax(x, 1)), (X, lambda x: ops.log_softmax(x, 2)),
    (X, lambda x: ops.fixed_norm(x, *BN, 0.01)), ((4,), lambda x: ops.fixed_norm(x, *BN)),
    (X, lambda x: ops.local_response_norm(x, 3, 0.5, 0.7, 2.0)),
    (X, lambda x: ops.max_pool2d(x, (3, 2))), (X, lambda x: ops.max_pool2d(x, 3, 2, 1)),
    (X, lambda x: ops.max_pool2d(x, (2, 4), (2, 3), (1, 0), True)), (X, lambda x: ops.max_pool2d(x, 2, 3, 1, True)),
    (X, lambda x: ops.avg_pool2d(x, (3, 2), (2, 1), 1)), (X, lambda x: ops.avg_pool2d(x, (3, 2), (3, 2), (1, 0), True)),
    (X, lambda x: ops.avg_pool2d(x, 2, 3, 1, True)),
    (X, lambda x: ops.adaptive_avg_pool2d(x, (3, 4))), (X, lambda x: ops.relu(ops.adaptive_avg_pool2d(x, (7, 9)))),
    (X, lambda x: ops.fractional_max_pool2d(x, 1.7)), (X, ops.global_avg_pool2d),
    (X, lambda x: x.sum((1, -1))), (X, lambda x: x.mean(2, keepdims=True)), (X, lambda x: x.max((2, 3))),
    (X, lambda x: x.var((2, 3))),
    (X, lambda x: x - x.mean()),                                                # over the batch too: as it is computed here
    (X, ops.flatten), (X, lambda x: x.reshape(len(x) * 4, 63)), (X, lambda x: x.reshape(2, -1, 2, 7, 9)),
    (X, lambda x: x.reshape(len(x), 2, 2, 7, 9).transpose((0, 2, 1, 3, 4)).reshape(len(x), 4, 7, 9)),    # channels shuffled
    (X, lambda x: x.transpose((0, 2, 3, -3))), (X, lambda x: x.T), (X, lambda x: ops.pad2d(x, ((1, 2), (0, 3)), -1.5)),
    (X, lambda x: ops.concat([x, ops.relu(x), x * 2], 1)), (X, lambda x: ops.concat([x, x], -1)),
    (X, lambda x: x[:, 1]), (X, lambda x: x[:, -1, 2:-1, ::2]), (X, lambda x: x[..., ::-1]),
    (X, lambda x: x[:, None, 1:3, ..., 4]), (X, lambda x: x[..., 1, None]), (X, lambda x: x[:, :, 6:1:-2]),
    (X, lambda x: x[:, 3:0:-1][:, ::-2]), (X, lambda x: x[:1] + x),
]


class Does(Module):
    """A layer of one line."""

    def __init__(self, function):
        self.function = function

    def forward(self, x):
        return self.function(x)


def used(function, shape):
    """The classes of the operations behind it."""
    with_tape = function(Tensor(np.ones((2, *shape), np.float32), requires_grad=True))
    found, waiting = set(), [with_tape]
    while waiting:
        made = waiting.pop()
        if made.creator is not None:
            found.add(type(made.creator))
            waiting += [x for x in made.creator.inputs if isinstance(x, Tensor)]
    return found


def test_every_operation_is_in_the_table_but_noise_losses_and_the_batchs_own_statistics():
    modules = [module for _, module in inspect.getmembers(tinynet.ops, inspect.ismodule)]
    modules += [inspect.getmodule(function) for _, function in inspect.getmembers(tinynet.ops, inspect.isfunction)]
    classes = {value for module in modules for value in vars(module).values() if inspect.isclass(value)}
    found = {value for value in classes if issubclass(value, Function)}
    assert {value.__name__ for value in found - set(NODES)} == {
        "Function", "Pool", "Dropout", "DropPath", "BatchNorm", "CrossEntropy", "Hinge",
        "Winograd"}                                         # `for_inference` alone makes use of it
    assert set.union(*(used(function, shape) for shape, function in CASES)) == set(NODES), "each has a case"


@pytest.mark.parity
@pytest.mark.parametrize("shape, function", CASES, ids=range(len(CASES)))
def test_against_onnxruntime_for_any_number_of_images(shape, function):
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    h, graph = onnx.helper, Nodes({})
    target = trace(graph, Does(function), "x", shape)
    nodes = [h.make_node(node.op, node.inputs, node.outputs, **node.attributes) for node in graph.nodes]
    constants = [onnx.numpy_helper.from_array(np.asarray(array, order="C"), name) for name, array in graph.constants.items()]
    axes = function(Tensor(np.ones((2, *shape), np.float32))).ndim
    model = h.make_model(h.make_graph(nodes, "g", [h.make_tensor_value_info("x", 1, ["N", *shape])],
                                      [h.make_tensor_value_info(target, 1, [None] * axes)], constants),
                         opset_imports=[h.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for n in 1, 2, 5:
        x = np.random.default_rng(n).standard_normal((n, *shape), dtype=np.float32)
        with no_grad():
            expected = function(Tensor(x)).data
        found, = session.run(None, {"x": x})
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=3e-6)


@pytest.mark.parametrize("name, side", [("lenet", 28), ("squeezenet1_1", 67), ("mobilenet_v1", 65), ("resnet18", 66),
                                        ("efficientnet_lite0", 67)])
def test_our_own_reader_finds_the_same_network_again(name, side):
    net = oracles.with_numbers(ZOO[name].build(n_classes=7))
    graph, shape = Nodes(net.state_dict()), (ZOO[name].preprocessing.n_channels, side, side)
    target = trace(graph, net, "image", shape)
    named = {name: array for name, array in graph.constants.items() if name in net.state_dict()}
    assert target == net.stages[-1] and {*named} == {*net.state_dict()}, "constants and stages keep their names"
    assert all(np.shares_memory(array, net.state_dict()[name]) for name, array in named.items())
    again = Graph(graph.nodes, graph.constants, "image", target, OPSET)
    x = Tensor(floats(3, *shape))
    with no_grad():
        expected = net(x).data
        assert expected.std() > 0
        np.testing.assert_allclose(again(x).data, expected, rtol=1e-3, atol=1e-4 * expected.std())


def test_on_the_gpu_the_same_is_written(device):
    net, graphs = oracles.with_numbers(ZOO["mobilenet_v1"].build(n_classes=7)), []
    for where in "cpu", device:
        graphs.append(Nodes(net.to(where).state_dict()))
        trace(graphs[-1], net[:"block3"], "image", (3, 15, 13))
    assert graphs[0].nodes == graphs[1].nodes and len(graphs[0].constants) > 20
    for name, array in graphs[1].constants.items():
        assert type(array) is np.ndarray and np.array_equal(array, graphs[0].constants[name])


# What is refused

class Leaky(Function):
    """An operation of a reader's own."""

    def forward(self, x):
        self.slope = np.where(x > 0, 1, 0.1).astype(x.dtype)
        return x * self.slope

    def backward(self, gy):
        return gy * self.slope


def refused(function, layer=None):
    net = Sequential(conv=Conv2d(3, 4, 3, rng=RNG), own=layer or Does(function), pool=GlobalAvgPool2d())
    with pytest.raises(InputError) as error:
        trace(Nodes(net.state_dict()), net, "image", (3, 8, 8))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_an_operation_of_ones_own_is_refused_by_name_until_it_is_told(monkeypatch):
    message = refused(lambda x: Leaky()(x))
    assert message.startswith("export: stage 'own' (Does) uses Leaky, which has no ONNX nodes")
    assert "NODES[Leaky] = ..." in message
    monkeypatch.setitem(NODES, Leaky, lambda graph, function, shape, x: graph.add("LeakyRelu", x, alpha=0.1))
    graph = Nodes({})
    assert trace(graph, Sequential(own=Does(lambda x: Leaky()(x))), "x", (5,)) == "own"
    assert [(node.op, node.name, node.outputs, node.attributes) for node in graph.nodes] == [
        ("LeakyRelu", "own/LeakyRelu", ["own"], {"alpha": 0.1})]


@pytest.mark.parametrize("function", [
    lambda x: Tensor(x.data * 2), lambda x: x * x.data.mean(), lambda x: x - Tensor(np.sort(x.data, axis=2)),
    lambda x: x / len(x), lambda x: x + Tensor(np.ones(x.shape, np.float32)), lambda x: x if len(x) == 2 else -x,
    lambda x: ops.relu(x) if len(x) == 2 else -x, lambda x: ops.max_pool2d(x, len(x)), lambda x: x[len(x) // 2:],
    lambda x: x + RNG.standard_normal(x.shape[1:]), lambda x: Tensor(np.ones((2, 4, 6, 6), np.float32)),
])
def test_what_goes_past_the_tape_is_refused(function):
    assert "stage 'own' (Does) does not compute the same of two images as of three" in refused(function)


@pytest.mark.parametrize("function, reason", [
    (lambda x: x.reshape(len(x), 4 * len(x), -1), "more than one depends on how many images"),
    (lambda x: x[:, [0, 2]], "picks by an array"),
    (lambda x: ops.batch_norm(x, Tensor(C[:, 0, 0]), Tensor(C[:, 0, 0]))[0], "uses BatchNorm, which has no ONNX nodes"),
])
def test_what_onnx_has_no_words_for_is_refused(function, reason):
    assert reason in refused(function)


def test_training_mode_is_left_as_it_was_and_dropout_does_nothing():
    net = Sequential(flat=Flatten(), drop=Dropout(0.5), out=Linear(12, 2, rng=RNG)).train()
    graph = Nodes(net.state_dict(), {"flat"})
    assert trace(graph, net, "image", (3, 2, 2), "whole") == "whole.out" and net.training and net["drop"].training
    assert [node.op for node in graph.nodes] == ["Reshape", "Gemm"] and graph.nodes[0].inputs[1] == "whole.flat/constant"
    graph = Nodes(net.state_dict(), {"flat"})
    trace(graph, net, "image", (3, 2, 2))
    assert graph.nodes[0].outputs == ["flat/Reshape"], "a name that is taken is not given again"
