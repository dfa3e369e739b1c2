"""The TensorFlow Lite reader: floats, halves and 8-bit numbers, names by order, and what is refused."""
import numpy as np
import pytest
from PIL import Image

from tests.weights.flatbuffer_writer import flatbuffer
from tinynet import Tensor, no_grad, ops
from tinynet.errors import InputError
from tinynet.weights.tflite import read

CODES = {np.dtype("<f4"): 0, np.dtype("<f2"): 1, np.dtype("<i4"): 2, np.dtype("u1"): 3, np.dtype("<i8"): 4, np.dtype("i1"): 9}
CONV, DEPTHWISE, DEQUANTIZE, DENSE, RELU = 3, 4, 6, 9, 19
W = np.arange(2 * 3 * 2 * 5, dtype="<f4").reshape(2, 3, 2, 5)
B = np.float32([5, 6])


def model(constants, operators, change=None):
    """A file: constants are (array, quantisation) and tensors 1, 2, ...; 0 is the input; operators are (code, in, out)."""
    tensors = [{0: np.int32([1, 8, 8, 5]), 2: ("I", 0), 3: "x"}]
    buffers = [{}]
    for i, (array, quantization) in enumerate(constants, 1):
        tensors.append({0: np.int32(array.shape), 1: ("b", CODES[array.dtype]), 2: ("I", i), 3: f"w{i}",
                        **({4: quantization} if quantization else {})})
        buffers.append({0: np.frombuffer(array.tobytes(), np.uint8)})
    tensors += [{0: np.int32([1, 2]), 2: ("I", 0), 3: "y"}] * len(operators)
    codes = sorted({code for code, _, _, _ in operators})
    root = {0: ("I", 3), 1: [{0: ("b", code), 3: ("i", code)} for code in codes],
            2: [{0: tensors, 1: np.int32([0]), 2: np.int32([len(tensors) - 1]),
                 3: [{0: ("I", codes.index(code)), 1: np.int32(inputs), 2: np.int32(outputs), **options}
                     for code, inputs, outputs, options in operators]}],
            3: "by hand", 4: buffers}
    if change:
        change(root)
    return flatbuffer(root)


@pytest.fixture
def opened(tmp_path):
    def write_and_read(data):
        path = tmp_path / "net.tflite"
        path.write_bytes(data)
        return read(path)
    return write_and_read


@pytest.fixture
def refused(opened):
    def check(data, *words):
        with pytest.raises(InputError) as caught:
            opened(data)
        message = str(caught.value)
        assert "\n" not in message and message.isprintable() and len(message) < 800
        for word in ("net.tflite as TensorFlow Lite", "nothing in it was run", *words):
            assert word in message
    return check


def conv(constants, change=None):
    return model(constants, [(CONV, [0, 1, 2], [3], {})], change)


def test_weights_nodes_and_facts(opened):
    options = {3: ("B", 1), 4: {0: ("b", 1), 1: ("i", 2), 2: ("i", 3), 3: ("b", 3)}}
    found = opened(model([(W, None), (B, None), (W[:1], None), (W[:, 0, 0], None)],
                         [(CONV, [0, 1, 2], [5], options), (RELU, [5], [6], {}), (DEPTHWISE, [6, 3, -1], [7], {}),
                          (DENSE, [7, 4], [8], {})]))
    assert (found.format, found.layout) == ("TensorFlow Lite", "OHWI")
    assert list(found.arrays) == ["conv_0.weight", "conv_0.bias", "depthwise_1.weight", "dense_2.weight"]
    for array, expected in zip(found.arrays.values(), [W, B, W[:1], W[:, 0, 0]], strict=True):
        np.testing.assert_array_equal(array, expected)
    assert found.facts == {"description": "by hand", "version": "3", "activations": "relu, relu6", "input 0 x": "(1, 8, 8, 5)", "output 8 y": "(1, 2)"}
    assert [node.op for node in found.nodes] == ["CONV_2D", "RELU", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"]
    assert found.nodes[0].inputs == ["0 x", "conv_0.weight", "conv_0.bias"] and found.nodes[0].outputs == ["5 y"]
    assert found.nodes[0].attributes == {"activation": "RELU6", "padding": "VALID", "strides": [3, 2],
                                         "weight": "w1", "bias": "w2"}
    assert found.nodes[2].inputs == ["6 y", "depthwise_1.weight", ""]


@pytest.mark.parametrize("dtype", ["u1", "i1", "<i4", "<i8"])
def test_one_scale_for_a_whole_tensor(dtype, opened, rng):
    q = rng.integers(0, 100, W.shape).astype(dtype)
    found = opened(conv([(q, {2: np.float32([0.5]), 3: np.int64([7])}), (q[:, 0, 0, 0], {2: np.float32([0.25])})]))
    np.testing.assert_array_equal(found.arrays["conv_0.weight"], (q.astype("f4") - 7) * 0.5)
    np.testing.assert_array_equal(found.arrays["conv_0.bias"], q[:, 0, 0, 0].astype("f4") * 0.25)
    assert {array.dtype for array in found.arrays.values()} == {np.dtype("f4")}


@pytest.mark.parametrize("axis", [0, 3])
@pytest.mark.parametrize("zeros", [0, 1, "all"])
def test_a_scale_for_each_filter(axis, zeros, opened, rng):
    q, n = rng.integers(-100, 100, W.shape).astype("i1"), W.shape[axis]
    scale, zero = rng.random(n).astype("f4"), rng.integers(-9, 9, n if zeros == "all" else zeros)
    found = opened(conv([(q, {2: scale, 3: zero, 6: ("i", axis)}), (B, None)])).arrays["conv_0.weight"]
    along = [-1 if i == axis else 1 for i in range(4)]
    shift = zero.reshape(along) if zeros == "all" else zero.sum()
    np.testing.assert_allclose(found, (q - shift.astype("f4")) * scale.reshape(along), rtol=1e-6)


def test_float16_weights_come_through_dequantize(opened):
    found = opened(model([(W.astype("<f2"), None), (B.astype("<f2"), None)],
                         [(DEQUANTIZE, [1], [3], {}), (DEQUANTIZE, [2], [4], {}), (CONV, [0, 3, 4], [5], {})]))
    np.testing.assert_array_equal(found.arrays["conv_0.weight"], W)
    assert found.arrays["conv_0.bias"].dtype == np.float32 and [node.op for node in found.nodes] == ["CONV_2D"]


def test_what_is_computed_is_no_weight(opened):
    found = opened(model([(W, None)], [(RELU, [0], [2], {}), (CONV, [0, 2, 1], [3], {})]))
    assert list(found.arrays) == ["conv_0.bias"]


def tensor(number, field, value):
    def change(root):
        root[2][0][0][number][field] = value
    return change


@pytest.mark.parametrize("change, words", [
    (tensor(1, 6, {}), "sparse"), (tensor(1, 1, ("b", 17)), "type 17"), (tensor(1, 0, np.int32([2, 3, 2, 6])), "shape is (2, 3, 2, 6)"),
    (tensor(1, 0, np.int32([-2, -3, 2, 5])), "shape is (-2"), (tensor(1, 2, ("I", 99)), "buffer 99"),
    (tensor(1, 1, ("b", 9)), "bytes"), (lambda root: root[2][0][3][0].update({1: np.int32([0, 77])}), "tensor 77"),
    (lambda root: root[2][0][3][0].update({0: ("I", 5)}), "operator 5"), (lambda root: root.pop(2), "no graph"),
    (lambda root: root[2][0].update({2: np.int32([-5])}), "tensor -5")])
def test_what_is_damaged_is_refused(change, words, refused):
    refused(conv([(W, None), (B, None)], change), words)


@pytest.mark.parametrize("quantization", [None, {2: np.float32([1, 2, 3]), 6: ("i", 0)}, {2: np.float32([1, 2]), 6: ("i", 9)},
                                          {2: np.float32([1]), 3: np.int64([1, 2, 3])}])
def test_scales_that_do_not_fit(quantization, refused):
    refused(conv([(W.astype("i1"), quantization), (B, None)]), "scales")


def test_other_files(refused, tmp_path):
    for data in b"", b"<html><body>", conv([(W, None), (B, None)])[:-30], b"\0" * 4 + b"TFL3":
        refused(data)
    with pytest.raises(InputError, match="No such file"):
        read(tmp_path / "none.tflite")


def test_a_published_mobilenet_of_8_bits(shared):
    found = read(shared / "data" / "zoo" / "mobilenet_v2_1.0_224_quant.tflite")
    assert sum(array.size for array in found.arrays.values()) == 3_489_097 and len(found.arrays) == 106
    assert found.arrays["depthwise_1.weight"].shape == (1, 3, 3, 32) and found.arrays["conv_52.weight"].shape == (1001, 1, 1, 1280)
    assert all(np.isfinite(array).all() and array.dtype == np.float32 for array in found.arrays.values())


def answers(found, x):
    """Run the nodes of a convolutional network on images (N, C, H, W)."""
    values = {next(key.removeprefix("input ") for key in found.facts if key.startswith("input ")): Tensor(x)}
    for node in found.nodes:
        y, settings = values[node.inputs[0]], node.attributes
        if "weight" in settings:
            W, groups = found.arrays[node.inputs[1]].transpose(0, 3, 1, 2), 1
            if node.op == "DEPTHWISE_CONV_2D":
                W, groups = W.transpose(1, 0, 2, 3), W.shape[1]
            if settings["padding"] == "SAME":
                total = [max((-(-n // s) - 1) * s + k - n, 0) for n, s, k in zip(y.shape[2:], settings["strides"], W.shape[2:])]
                y = ops.pad2d(y, [(n // 2, n - n // 2) for n in total])
            y = ops.conv2d(y, Tensor(np.ascontiguousarray(W)), Tensor(found.arrays[node.inputs[2]]), tuple(settings["strides"]), 0, groups)
        else:
            y = {"ADD": lambda y=y, node=node: y + values[node.inputs[1]], "RESHAPE": lambda y=y: ops.flatten(y),
                 "AVERAGE_POOL_2D": lambda y=y, s=settings: ops.avg_pool2d(y, tuple(s["kernel"]), tuple(s["strides"])),
                 "SOFTMAX": lambda y=y: ops.softmax(y)}[node.op]()
        values[node.outputs[0]] = ops.relu6(y) if settings.get("activation") == "RELU6" else y
    return y.data


@pytest.mark.parametrize("photo, answer, probability", [
    ("chelsea", "tiger cat", 0.520), ("coffee", "espresso", 0.976), ("rocket", "missile", 0.627), ("astronaut", "football helmet", 0.161)])
def test_the_mobilenet_knows_what_is_on_a_photo(photo, answer, probability, shared):
    data = pytest.importorskip("skimage.data")
    image = Image.fromarray(getattr(data, photo)())
    image = image.resize([round(n * 256 / min(image.size)) for n in image.size], Image.Resampling.BICUBIC)
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    x = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32).transpose(2, 0, 1)[None] / 127.5 - 1
    with no_grad():
        y = answers(read(shared / "data" / "zoo" / "mobilenet_v2_1.0_224_quant.tflite"), np.ascontiguousarray(x))[0]
    names = (shared / "data" / "zoo" / "imagenet_labels.txt").read_text().splitlines()
    assert names[y.argmax()] == answer and abs(y.max() - probability) < 0.001


@pytest.mark.parity
@pytest.mark.parametrize("name", ["mobilenet_v2_1.0_224_quant.tflite", "pretrainedResnet.tflite"])
def test_against_the_tflite_package(name, shared):
    tflite = pytest.importorskip("tflite")
    path = shared / "data" / "zoo" / name
    model, found = tflite.Model.GetRootAsModel(path.read_bytes(), 0), read(path)
    graph, arrays = model.Subgraphs(0), iter(found.arrays.values())
    for i in range(graph.OperatorsLength()):
        operator = graph.Operators(i)
        if model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode() in (CONV, DEPTHWISE, DENSE):
            for index in operator.InputsAsNumpy()[1:]:
                tensor = graph.Tensors(index)
                raw = model.Buffers(tensor.Buffer()).DataAsNumpy()
                array = raw.view({0: "<f4", 2: "<i4", 3: "u1"}[tensor.Type()]).reshape(tensor.ShapeAsNumpy())
                if tensor.Type():
                    scales = tensor.Quantization()
                    array = (array.astype("f8") - scales.ZeroPoint(0)) * scales.Scale(0)
                np.testing.assert_allclose(next(arrays), array, rtol=1e-6)
    assert next(arrays, None) is None and len(found.nodes) == graph.OperatorsLength()
