"""One small file for each reader, made by the tests' own writers."""
import numpy as np

from tests.weights.test_caffe import blob, layer, old_blob, old_layer
from tests.weights.protobuf_writer import message, packed, varint
from tests.weights.test_onnx import external, model, node, tensor
from tests.weights.test_tensorflow import GRAPH, checkpoint, const, entry
from tests.weights.test_tflite import CONV, DENSE, DEPTHWISE, DEQUANTIZE, RELU
from tests.weights.test_tflite import model as tflite_model

W, B = np.arange(24, dtype="<f4").reshape(2, 3, 2, 2), np.float32([5, 6])
MATRIX = np.arange(6, dtype="<f4").reshape(2, 3)


def files(folder):
    """Yield (reader, name, content) of files that are to be damaged; the files that they need lie in the folder."""
    (folder / "net.data").write_bytes(W.tobytes())
    (folder / "secret").write_bytes(W.tobytes())
    yield "onnx", "net.onnx", model(
        [node("Constant", [], ["c"], "", message((1, "value"), (5, tensor("", W)), (20, 4))), node("Identity", ["p"], ["q"]),
         node("Conv", ["x", "c", "q"], ["a"], "/layer1/layer1.0/Conv", message((1, "pads"), (8, packed([1, 2, 1, 2])), (20, 7))),
         node("Gemm", ["a", "m", "p"], ["b"], "/fc/Gemm"), node("MatMul", ["b", "n"], ["y"]), node("Relu", ["y"], ["z"])],
        [tensor("p", B), tensor("m", MATRIX), message((1, packed([2, 3])), (2, 10), (8, "n"), (5, packed(range(6)))), external("net.data", 0, 96)])
    q = np.arange(24, dtype="i1").reshape(2, 2, 2, 3)
    yield "tflite", "net.tflite", tflite_model(
        [(q, {2: np.float32([0.5, 2]), 3: np.int64([1, 2]), 6: ("i", 0)}), (B, None), (W.astype("<f2"), None), (MATRIX, None)],
        [(CONV, [0, 1, 2], [5], {3: ("B", 1), 4: {0: ("b", 1), 1: ("i", 2), 2: ("i", 3), 3: ("b", 3)}}), (RELU, [5], [6], {}),
         (DEQUANTIZE, [3], [7], {}), (DEPTHWISE, [6, 7, -1], [8], {}), (DENSE, [8, 4], [9], {})])
    yield "caffe", "net.caffemodel", message(
        (1, "net"), layer("Convolution", "conv1", "d", "c", blob(W), blob(B)), layer("Split", "s", "c", "ef"),
        layer("BatchNorm", "bn", "e", "e", blob(B), blob(B), blob(B[:1])), layer("Scale", "scale", "e", "e", blob(B), blob(B.astype("<f8"))),
        old_layer(14, "fc", "c", "y", old_blob(MATRIX), old_blob(B)))
    yield "tensorflow", "graph.pb", message(
        const("conv/weights", 1, W.shape, (4, W)), const("equal", 1, (2, 3), (5, 0.5)), const("half", 19, (2,), (13, packed([1, 2]))),
        (1, message((1, "y"), (2, "Add"), (3, "conv"))))
    graph = message((1, message((2, message((1, "VARIABLE_VALUE"), (2, "conv/kernel"), (3, "a"))))))
    text = varint(len(graph)) + b"crc?" + graph
    index = checkpoint(folder, [(GRAPH, entry(7, (), 104, len(text))), ("a", entry(1, W.shape, 0, 96)), ("b", entry(1, B.shape, 96, 8))],
                       W.tobytes() + B.tobytes() + text)
    yield "tensorflow", index.name, index.read_bytes()
