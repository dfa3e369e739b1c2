"""The ONNX reader: every type of number, names from nodes, files beside the file, and what is refused."""
import numpy as np
import pytest

from tests.weights.protobuf_writer import message, packed
from tinynet.errors import InputError
from tinynet.weights.onnx import place as place_of
from tinynet.weights.onnx import read

W, B = np.arange(24, dtype="<f4").reshape(2, 3, 2, 2), np.float32([5, 6])


def tensor(name, array, kind=1, **where):
    return message(*[(1, n) for n in array.shape], (2, kind), (8, name), (9, array.tobytes()))


def node(op, inputs, outputs, name="", *attributes):
    return message(*[(1, x) for x in inputs], *[(2, y) for y in outputs], (3, name), (4, op),
                   *[(5, attribute) for attribute in attributes])


def value(name, *shape):
    dims = [(1, message((1, n) if isinstance(n, int) else (2, n))) for n in shape]
    return message((1, name), (2, message((1, message((1, 1), (2, message(*dims)))))))


def model(nodes=(), tensors=(), opset=17):
    graph = message(*[(1, n) for n in nodes], *[(5, t) for t in tensors], (11, value("x", "N", 3, 8, 8)), (11, value("w", 1)),
                    (12, value("y", "N", 2)))
    return message((1, 8), (2, "us"), (3, "1.0"), (7, graph), (8, message((2, opset))), (8, message((1, "ai.onnx.ml"), (2, 1))))


@pytest.fixture
def opened(tmp_path):
    """Return a function that writes a file and reads it."""
    def write_and_read(data):
        path = tmp_path / "net.onnx"
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
        for word in ("net.onnx as ONNX", "nothing in it was run", *words):
            assert word in message
    return check


def test_weights_nodes_and_facts(opened):
    found = opened(model([
        node("Conv", ["x", "onnx::Conv_7", "onnx::Conv_8"], ["a"], "/layer1/layer1.0/conv1/Conv",
             message((1, "strides"), (8, packed([2, 1])), (20, 7)), message((1, "group"), (3, 1), (20, 2))),
        node("Relu", ["a"], ["y"], "/Relu")], [tensor("w", W), tensor("onnx::Conv_7", W + 1), tensor("onnx::Conv_8", B)]))
    assert (found.format, found.layout) == ("ONNX", "OIHW")
    assert list(found.arrays) == ["layer1.0.conv1.weight", "layer1.0.conv1.bias", "w"]
    np.testing.assert_array_equal(found.arrays["layer1.0.conv1.weight"], W + 1)
    np.testing.assert_array_equal(found.arrays["w"], W)
    assert found.facts == {"producer": "us 1.0", "opset": "17", "input x": "(N, 3, 8, 8)", "output y": "(N, 2)"}
    conv, relu = found.nodes
    assert conv.inputs == ["x", "layer1.0.conv1.weight", "layer1.0.conv1.bias"] and conv.outputs == relu.inputs == ["a"]
    assert conv.attributes == {"strides": [2, 1], "group": 1}


@pytest.mark.parametrize("kind, dtype", [(1, "<f4"), (2, "u1"), (3, "i1"), (4, "<u2"), (5, "<i2"), (6, "<i4"), (7, "<i8"), (9, "?"),
                                         (10, "<f2"), (11, "<f8"), (12, "<u4"), (13, "<u8")])
def test_every_type_of_number_raw_and_in_its_own_field(kind, dtype, opened):
    numbers = np.array([0, 1, 1, 0, 3, 100] if dtype != "?" else [0, 1, 1, 0, 0, 1]).astype(dtype)
    bits = numbers.view("<u2") if dtype == "<f2" else numbers
    number, typed = {1: (4, numbers), 11: (10, numbers), 7: (7, None), 12: (11, None), 13: (11, None)}.get(kind, (5, None))
    typed = packed(bits.astype(np.int64).tolist()) if typed is None else typed
    found = opened(model(tensors=[tensor("raw", numbers.reshape(2, 3), kind),
                                  message((1, packed([2, 3])), (2, kind), (8, "typed"), (number, typed))])).arrays
    for array in found.values():
        np.testing.assert_array_equal(array, numbers.reshape(2, 3))
        assert array.dtype == (np.float32 if dtype == "<f2" else np.dtype(dtype))


def test_bfloat16_is_the_upper_half_of_a_float32(opened):
    halves = (np.float32([1, -2.5, 3e38]).view("<u4") >> 16).astype("<u2")
    found = opened(model(tensors=[tensor("raw", halves, 16), message((1, 3), (2, 16), (8, "typed"), (5, packed(halves.tolist())))]))
    for array in found.arrays.values():
        assert array.dtype == np.float32 and (array == (halves.astype("<u4") << 16).view("<f4")).all()


@pytest.mark.parametrize("name, place", [
    ("/layer1/layer1.0/conv1/Conv", "layer1.0.conv1"), ("/features/features.0/features.0.0/Conv_3", "features.0.0"),
    ("/layer2/layer2.0/downsample/downsample.0/Conv", "layer2.0.downsample.0"), ("model/conv1/Conv2D", "model.conv1"),
    ("/fc/Gemm", "fc"), ("/Conv", ""), ("Conv_12", ""), ("", ""), ("stem", "stem"), ("/a1/a10/Conv", "a1.a10")])
def test_where_a_node_stands(name, place):
    assert place_of(_Named(name)) == place


class _Named:
    op = "Conv"

    def __init__(self, name):
        self.name = name


def test_names_are_kept_found_or_counted_and_never_taken_twice(opened):
    found = opened(model([
        node("Conv", ["x", "conv0_weight", "b0"], ["a"]), node("Conv", ["a", "w1"], ["b"], "/block/Conv"),
        node("Conv", ["b", "w2"], ["c"], "/block/Conv_1"), node("Conv", ["c", "w1", "block.weight"], ["d"], "/other/Conv"),
        node("BatchNormalization", ["d", "g", "h", "m", "v"], ["y"])],
        [tensor(name, B) for name in ("b0", "w1", "w2", "g", "h", "m", "v", "conv0_weight", "block.weight")]))
    assert list(found.arrays) == ["conv0.weight", "conv_0.bias", "conv_1.weight", "conv_2.weight", "block.weight",
                                  *(f"batchnormalization_4.{role}" for role in ("weight", "bias", "running_mean", "running_var"))]
    assert found.nodes[3].inputs == ["c", "conv_1.weight", "block.weight"]


def test_dense_weights_are_turned_to_out_in(opened):
    matrix = np.arange(6, dtype="<f4").reshape(2, 3)
    turned = message((1, "transB"), (3, 1), (20, 2))
    found = opened(model([
        node("Gemm", ["x", "a", "p"], ["1"], "/one/Gemm"), node("Gemm", ["1", "b"], ["2"], "/two/Gemm", turned),
        node("MatMul", ["2", "c"], ["3"], "/three/MatMul"), node("MatMul", ["3", "d"], ["4"]), node("MatMul", ["4", "d"], ["y"])],
        [*(tensor(name, matrix) for name in "abcd"), tensor("p", B)]))
    shapes = {name: array.shape for name, array in found.arrays.items()}
    assert shapes == {"one.weight": (3, 2), "one.bias": (2,), "two.weight": (2, 3), "three.weight": (3, 2), "matmul_3.weight": (2, 3)}
    assert [n.attributes.get("transB", 0) for n in found.nodes] == [1, 1, 1, 0, 0]


def test_constant_nodes_and_further_names(opened):
    found = opened(model([
        node("Constant", [], ["c"], "", message((1, "value"), (5, tensor("", W)), (20, 4))),
        node("Constant", [], ["i"], "", message((1, "value_ints"), (8, packed([4, 5])), (20, 7))),
        node("Constant", [], ["f"], "", message((1, "value_float"), (2, 0.5), (20, 1))),
        node("Identity", ["bn1.bias"], ["bn2.bias"]),
        node("Conv", ["x", "c", "bn2.bias"], ["y"], "", message((1, "auto_pad"), (4, "VALID")), message((1, "scales"), (7, B)))],
        [tensor("bn1.bias", B)]))
    assert list(found.arrays) == ["conv_0.weight", "bn2.bias", "bn1.bias", "i", "f"]
    assert found.arrays["i"].tolist() == [4, 5] and found.arrays["f"].dtype == np.float32
    assert [n.op for n in found.nodes] == ["Conv"] and found.nodes[0].attributes == {"auto_pad": "VALID", "scales": [5, 6]}


def external(location, offset=None, length=None):
    entries = [("location", location), *[("offset", str(offset))] * (offset is not None), *[("length", str(length))] * (length is not None)]
    return message(*[(1, n) for n in W.shape], (2, 1), (8, "w"), *[(13, message((1, k), (2, v))) for k, v in entries], (14, 1))


def test_weights_in_a_file_beside(opened, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "net.data").write_bytes(b"1234" + W.tobytes())
    for length in None, W.nbytes:
        np.testing.assert_array_equal(opened(model(tensors=[external("sub/net.data", 4, length)])).arrays["w"], W)


def test_weights_outside_of_the_folder_or_the_file(refused, tmp_path):
    (tmp_path / "inside").write_bytes(W.tobytes())
    outside = tmp_path.parent / "outside.data"
    outside.write_bytes(W.tobytes())
    (tmp_path / "link").symlink_to(outside)
    for location in "../outside.data", str(outside), "link", "", ".", "none", "a/../inside", "..\\inside", "\0":
        refused(model(tensors=[external(location)]))
    for offset, length in [(-1, None), (1, None), (2 ** 70, None), ("x", None), (0, 8), (0, -1)]:
        refused(model(tensors=[external("inside", offset, length)]))
    refused(model(tensors=[external("inside"), external("inside")]), "has 96")


@pytest.mark.parametrize("data, words", [
    (b"", "no graph"), (b"<html>", ""), (model()[:-3], ""), (model(tensors=[tensor("w", W, 8)]), "type 8"),
    (model(tensors=[message((1, 2 ** 62), (1, 2 ** 62), (2, 1), (8, "w"))]), "has 0 numbers"),
    (model(tensors=[message((1, -1), (2, 1), (8, "w\n"))]), "shape (-1,)"), (model(tensors=[tensor("w", B[:0], 17)]), "type 17"),
    (model(tensors=[message((1, 2), (2, 1), (8, "w"), (9, b"123"))]), "")])
def test_what_is_damaged_is_refused(data, words, refused):
    refused(data, words)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read(tmp_path / "none.onnx")


@pytest.mark.parity
@pytest.mark.parametrize("data_format", ["raw", "typed"])
def test_against_the_onnx_package(data_format, opened, rng):
    onnx = pytest.importorskip("onnx")
    numpy_helper, helper = onnx.numpy_helper, onnx.helper
    arrays = {f"{t}.weight": rng.integers(0, 100, (3, 4)).astype(t) for t in
              ("float16", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool")}
    tensors = [numpy_helper.from_array(array, name) if data_format == "raw" else
               helper.make_tensor(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape, array.ravel())
               for name, array in arrays.items()]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"], alpha=0.5, n=3, s="word", many=[1, 2], f=[0.5, 2.0])], "g",
                              [helper.make_tensor_value_info("x", 1, ["N", 2])], [helper.make_tensor_value_info("y", 1, None)],
                              tensors)
    found = opened(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)]).SerializeToString())
    assert found.arrays.keys() == arrays.keys() and found.facts["opset"] == "15"
    for name, array in arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)
    assert found.nodes[0].attributes == {"alpha": 0.5, "n": 3, "s": "word", "many": [1, 2], "f": [0.5, 2.0]}


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:You are using the legacy:DeprecationWarning")
def test_what_torch_exports_has_the_names_of_its_modules(tmp_path):
    torch, _ = pytest.importorskip("torch"), pytest.importorskip("onnx")

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU())
            self.head = torch.nn.Linear(4, 2)

        def forward(self, x):
            return self.head(self.stem(x).mean((2, 3)))

    net = Net().eval()
    torch.onnx.export(net, torch.randn(1, 3, 8, 8), tmp_path / "net.onnx", dynamo=False, opset_version=17)
    found = read(tmp_path / "net.onnx").arrays
    assert {"stem.0.weight", "stem.0.bias", "head.weight", "head.bias"} <= found.keys()
    np.testing.assert_array_equal(found["head.weight"], net.head.weight.detach())
    scale = (net.stem[1].weight / (net.stem[1].running_var + 1e-5) ** 0.5).detach().numpy()
    np.testing.assert_allclose(found["stem.0.weight"], net.stem[0].weight.detach().numpy() * scale[:, None, None, None], rtol=1e-6)
