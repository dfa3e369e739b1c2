"""Every ONNX operator against onnxruntime, in the versions where it meant something else too, and what is refused."""
import numpy as np
import pytest

from tinynet import InputError, Tensor, no_grad, ops
from tinynet.models.onnx_ops import OPERATORS, build
from tinynet.weights.file import Node

RNG = np.random.default_rng(0)
X = (2, 4, 7, 9)


def floats(*shape):
    return RNG.standard_normal(shape, dtype=np.float32)


def ints(*numbers):
    return np.array(numbers, np.int64)


C, BN = floats(4, 1, 1), [floats(4), floats(4), floats(4), RNG.random(4, dtype=np.float32) + 0.5]
CASES = [  # operator, opset, shape of x, its further inputs, attributes
    ("Conv", 17, X, [floats(6, 4, 3, 2)], {}),
    ("Conv", 17, X, [floats(6, 4, 3, 2), floats(6)], {"strides": [2, 1], "pads": [1, 0, 1, 0]}),
    ("Conv", 17, X, [floats(6, 4, 3, 3), floats(6)], {"strides": [2, 2], "pads": [0, 1, 2, 3]}),
    ("Conv", 17, X, [floats(6, 2, 3, 2)], {"group": 2, "auto_pad": "SAME_UPPER", "strides": [2, 3]}),
    ("Conv", 17, X, [floats(4, 1, 5, 4)], {"group": 4, "auto_pad": "SAME_LOWER", "strides": [2, 2]}),
    ("Conv", 17, X, [floats(6, 4, 3, 3)], {"auto_pad": "VALID"}),
    ("MaxPool", 17, X, [], {"kernel_shape": [3, 2]}),
    ("MaxPool", 17, X, [], {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ("MaxPool", 17, X, [], {"kernel_shape": [3, 2], "strides": [2, 3], "pads": [0, 0, 1, 1]}),
    ("MaxPool", 17, X, [], {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
    ("MaxPool", 17, X, [], {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}),
    ("MaxPool", 8, X, [], {"kernel_shape": [2, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    ("AveragePool", 17, X, [], {"kernel_shape": [3, 2], "strides": [2, 1]}),
    ("AveragePool", 17, X, [], {"kernel_shape": [3, 2], "pads": [1, 1, 1, 1]}),
    ("AveragePool", 17, X, [], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}),
    ("AveragePool", 17, X, [], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 0, 1, 1]}),
    ("AveragePool", 17, X, [], {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}),
    ("AveragePool", 17, X, [], {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    ("GlobalAveragePool", 17, X, [], {}),
    ("BatchNormalization", 17, X, BN, {"epsilon": 0.01}), ("BatchNormalization", 9, X, BN, {}),
    ("Relu", 17, X, [], {}), ("Sigmoid", 17, X, [], {}), ("Tanh", 17, X, [], {}), ("HardSwish", 17, X, [], {}),
    ("HardSigmoid", 17, X, [], {}), ("HardSigmoid", 17, X, [], {"alpha": 0.3, "beta": 0.4}),
    ("LeakyRelu", 17, X, [], {}), ("LeakyRelu", 17, X, [], {"alpha": 0.2}), ("PRelu", 17, X, [abs(C)], {}),
    ("Clip", 17, X, [np.float32(0), np.float32(6)], {}), ("Clip", 17, X, [np.float32(-0.5), np.float32(0.25)], {}),
    ("Clip", 17, X, [np.float32(0)], {}), ("Clip", 17, X, [None, np.float32(0.5)], {}), ("Clip", 17, X, [], {}),
    ("Clip", 6, X, [], {"min": 0.0, "max": 6.0}), ("Clip", 6, X, [], {"max": 0.1}),
    ("Add", 17, X, [C], {}), ("Sub", 17, X, [C], {}), ("Mul", 17, X, [C], {}), ("Div", 17, X, [abs(C) + 1], {}),
    ("Mul", 17, X, [np.float32(0.5)], {}), ("Div", 17, X, [np.float32(6)], {}), ("Sum", 17, X, [C, C * 2], {}), ("Sum", 17, X, [], {}),
    ("Concat", 17, X, [floats(2, 3, 7, 9)], {"axis": 1}), ("Concat", 17, X, [floats(2, 4, 7, 2), floats(2, 4, 7, 1)], {"axis": -1}),
    ("Gemm", 17, (2, 5), [floats(5, 3)], {}), ("Gemm", 17, (2, 5), [floats(3, 5), floats(3)], {"transB": 1}),
    ("Gemm", 17, (2, 5), [floats(3, 5), floats(1, 3)], {"transB": 1, "alpha": 0.5, "beta": 2.0}),
    ("MatMul", 17, (2, 5), [floats(5, 3)], {}), ("MatMul", 17, (2, 4, 5), [floats(5, 3)], {}),
    ("Flatten", 17, X, [], {}), ("Flatten", 17, X, [], {"axis": 1}),
    ("Reshape", 17, X, [ints(0, -1)], {}), ("Reshape", 17, X, [ints(-1, 252)], {}), ("Reshape", 17, X, [ints(2, 2, 2, -1, 9)], {}),
    ("Reshape", 17, X, [ints(0, 0, -1)], {}), ("Transpose", 17, X, [], {"perm": [0, 2, 3, 1]}),
    ("Squeeze", 17, (2, 4, 1, 1), [ints(2, 3)], {}), ("Squeeze", 17, (2, 4, 1, 1), [ints(-1)], {}), ("Squeeze", 17, (2, 4, 1, 1), [], {}),
    ("Squeeze", 9, (2, 4, 1, 1), [], {"axes": [2]}), ("Unsqueeze", 17, (2, 4), [ints(1, -1)], {}), ("Unsqueeze", 9, (2, 4), [], {"axes": [2, 3]}),
    ("ReduceMean", 17, X, [], {"axes": [2, 3]}), ("ReduceMean", 17, X, [], {"axes": [-1, -2], "keepdims": 0}),
    ("ReduceMean", 18, X, [ints(2, 3)], {"keepdims": 0}),
    ("Softmax", 17, (2, 5), [], {}), ("Softmax", 17, X, [], {"axis": 1}), ("Softmax", 17, X, [], {}), ("Softmax", 9, X, [], {}),
    ("Softmax", 9, X, [], {"axis": 2}), ("Dropout", 17, X, [], {}), ("Identity", 17, X, [], {}),
    ("LRN", 17, X, [], {"size": 3, "alpha": 0.5, "beta": 0.7, "bias": 2.0}), ("LRN", 17, X, [], {"size": 5}),
    ("Pad", 17, X, [ints(0, 0, 1, 2, 0, 0, 3, 0), np.float32(1.5)], {}), ("Pad", 17, X, [ints(0, 0, 1, 2, 0, 0, 3, 0)], {}),
    ("Pad", 9, X, [], {"pads": [0, 0, 1, 2, 0, 0, 3, 0], "value": -1.0}),
]


def ours(op, opset, x, inputs, attributes):
    """Run one node on x; the further inputs are constants."""
    names = ["x", *(f"c{i}" if value is not None else "" for i, value in enumerate(inputs))]
    constants = {name: np.asarray(value) for name, value in zip(names[1:], inputs) if name}
    run = build(Node(op, "here", names, ["y"], attributes), constants, opset, len(x))
    values = [value if value is None else float(value) if not value.shape and value.dtype.kind == "f" else Tensor(value) for value in inputs]
    if op == "BatchNormalization":
        values[2:] = inputs[2:]
    return run(x, *values)


def test_every_operator_has_a_case():
    assert {case[0] for case in CASES} == set(OPERATORS)


@pytest.mark.parity
@pytest.mark.parametrize("op, opset, shape, inputs, attributes", CASES)
def test_against_onnxruntime(op, opset, shape, inputs, attributes):
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    h, x = onnx.helper, floats(*shape)
    names = ["x", *(f"c{i}" if value is not None else "" for i, value in enumerate(inputs))]
    graph = h.make_graph([h.make_node(op, names, ["y"], "here", **attributes)], "g", [h.make_tensor_value_info("x", 1, shape)],
                         [h.make_tensor_value_info("y", 1, None)],
                         [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in zip(names[1:], inputs) if name])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=8)
    expected, = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})
    with no_grad():
        found = ours(op, opset, Tensor(x), inputs, attributes).data
    assert found.shape == expected.shape and found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-6)


def test_every_operator_runs_and_has_a_gradient():
    """Where onnxruntime is not installed, at least this; shapes and numbers are checked above."""
    for op, opset, shape, inputs, attributes in CASES:
        x = Tensor(floats(*shape), requires_grad=True)
        y = ours(op, opset, x, inputs, attributes)
        ops.sum(y * y).backward()
        assert len(y) == len(x) and x.grad.shape == x.shape and np.isfinite(x.grad).all(), op


def test_padding_is_left_out_of_an_average():
    y = ours("AveragePool", 17, Tensor(np.ones((1, 1, 4, 4), np.float32)), [], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]})
    np.testing.assert_allclose(y.data, np.ones((1, 1, 4, 4)))


def test_before_opset_7_the_second_operand_says_where_it_belongs():
    x, b = Tensor(np.zeros((2, 3, 4, 5), np.float32)), np.arange(3, dtype=np.float32)
    y = ours("Add", 6, x, [b], {"broadcast": 1, "axis": 1}).data
    np.testing.assert_array_equal(y[1, :, 3, 4], b)


@pytest.mark.parametrize("op, opset, inputs, attributes, words", [
    ("Shape", 17, [], {}, "no such operator"), ("Conv", 17, [floats(6, 4, 3, 3)], {"dilations": [2, 2]}, "dilations"),
    ("Conv", 17, [floats(6, 4, 3)], {"pads": [1, 1], "strides": [1]}, "two axes"), ("Conv", 17, [floats(6, 4, 3, 3)], {"pads": [-1, 0, 0, 0]}, "pads"),
    ("MaxPool", 17, [], {}, "kernel"), ("MaxPool", 17, [], {"kernel_shape": [3, 3], "pads": [0, 0, 1, 1], "ceil_mode": 1}, "ceil_mode"),
    ("BatchNormalization", 17, BN, {"training_mode": 1}, "training"), ("Flatten", 17, [], {"axis": 2}, "mix"),
    ("Transpose", 17, [], {"perm": [1, 0, 2, 3]}, "mix"), ("Transpose", 17, [], {}, "mix"), ("Reshape", 17, [ints(4, -1)], {}, "mix"),
    ("ReduceMean", 17, [], {}, "images of a batch"), ("ReduceMean", 17, [], {"axes": [0, 1]}, "stay apart"),
    ("Squeeze", 17, [ints(0)], {}, "stay apart"), ("Unsqueeze", 17, [ints(0)], {}, "stay apart"), ("Concat", 17, [C], {"axis": 0}, "stay apart"),
    ("Softmax", 17, [], {"axis": 0}, "stay apart"), ("LRN", 17, [], {"size": 4}, "middle"), ("Gemm", 17, [floats(5, 3)], {"transA": 1}, "transposed"),
    ("MatMul", 17, [floats(2, 5, 3)], {}, "matrix"), ("Pad", 17, [ints(*[0] * 8)], {"mode": "reflect"}, "reflect"),
    ("Pad", 17, [ints(0, 1, 0, 0, 0, 0, 0, 0)], {}, "pads"), ("Pad", 17, [ints(*[-1] * 8)], {}, "pads")])
def test_what_cannot_be_run_is_refused_with_its_name(op, opset, inputs, attributes, words):
    with pytest.raises(InputError) as caught:
        ours(op, opset, Tensor(floats(*X)), inputs, attributes)
    assert words in str(caught.value) and "'here'" in str(caught.value) and op in str(caught.value) and "\n" not in str(caught.value)


def test_a_setting_that_is_computed():
    with pytest.raises(InputError, match="must be a constant"):
        build(Node("Clip", "here", ["x", "low"], ["y"]), {}, 17, None)


def test_a_reshape_that_would_mix_the_images():
    with pytest.raises(InputError, match="mix the images"):
        ours("Reshape", 17, Tensor(floats(2, 6)), [ints(-1, 4)], {})
