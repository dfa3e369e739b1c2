"""The .caffemodel reader: new layers and old ones, what blobs mean, and what is refused."""
import numpy as np
import pytest

from tests.weights.protobuf_writer import message, packed
from tinynet.errors import InputError
from tinynet.weights.caffe import read

W, B = np.arange(24, dtype="<f4").reshape(2, 3, 2, 2), np.float32([5, 6])


def blob(array):
    return message((7, message((1, packed(array.shape)))), (8 if array.dtype == np.float64 else 5, array))


def old_blob(array):
    return message(*[(i, n) for i, n in enumerate((1, 1, 1, *array.shape)[-4:], 1)], (5, array))


def layer(op, name, bottoms="", tops="", *blobs):
    return 100, message((1, name), (2, op), *[(3, x) for x in bottoms], *[(4, y) for y in tops], *[(7, b) for b in blobs])


def old_layer(op, name, bottoms="", tops="", *blobs):
    return 2, message(*[(2, x) for x in bottoms], *[(3, y) for y in tops], (4, name), (5, op), *[(6, b) for b in blobs])


@pytest.fixture
def opened(tmp_path):
    def write_and_read(*fields):
        path = tmp_path / "net.caffemodel"
        path.write_bytes(message((1, "by hand"), *fields))
        return read(path)
    return write_and_read


def same(arrays, expected):
    assert list(arrays) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].shape == array.shape


def test_layers_and_their_graph(opened):
    found = opened(layer("Input", "data", "", "d"), layer("Convolution", "conv1", "d", "c", blob(W), blob(B)),
                   layer("Split", "s", "c", "ef"), layer("ReLU", "relu", "e", "r"), layer("Eltwise", "sum", "rf", "y"),
                   layer("PReLU", "p", "y", "y", blob(B)), layer("Odd", "odd", "y", "z", blob(B), blob(B), blob(W)))
    assert (found.format, found.layout, found.facts) == ("Caffe", "OIHW", {"name": "by hand"})
    same(found.arrays, {"conv1.weight": W, "conv1.bias": B, "p.weight": B, "odd.weight": B, "odd.bias": B, "odd.blob2": W})
    assert [(node.op, node.name, node.inputs, node.outputs) for node in found.nodes] == [
        ("Input", "data", [], ["d"]), ("Convolution", "conv1", ["d"], ["c"]), ("ReLU", "relu", ["c"], ["r"]),
        ("Eltwise", "sum", ["r", "c"], ["y"]), ("PReLU", "p", ["y"], ["y"]), ("Odd", "odd", ["y"], ["z"])]


def test_layers_of_before_2015(opened):
    matrix = np.arange(6, dtype="<f4").reshape(2, 3)
    found = opened(old_layer(4, "conv", "x", "c", old_blob(W), old_blob(B)),
                   old_layer(14, "fc", "c", "y", old_blob(matrix), old_blob(B)), old_layer(99, "odd"))
    same(found.arrays, {"conv.weight": W, "conv.bias": B, "fc.weight": matrix, "fc.bias": B})
    assert [node.op for node in found.nodes] == ["Convolution", "InnerProduct", "Type99"]


@pytest.mark.parametrize("dtype", ["<f4", "<f8"])
def test_batch_norm_is_divided_by_its_third_blob(dtype, opened):
    mean, var = np.array([1, 2], dtype), np.array([3, 4], dtype)
    for count, expected in (4, (mean / 4, var / 4)), (0, (mean * 0, var * 0)):
        found = opened(layer("BatchNorm", "bn", "x", "y", blob(mean), blob(var), blob(np.array([count], dtype))),
                       layer("Scale", "scale", "y", "y", blob(mean), blob(var)), layer("BatchNorm", "empty"))
        same(found.arrays, {"bn.running_mean": expected[0], "bn.running_var": expected[1], "scale.weight": mean, "scale.bias": var})
        assert {array.dtype for array in found.arrays.values()} == {np.dtype(dtype)}


@pytest.mark.parametrize("field, words", [
    (layer("Convolution", "c", "", "", message((7, message((1, packed([2, 3])))), (5, B))), "2 numbers in it has the shape [2, 3]"),
    (layer("Convolution", "c", "", "", message((7, message((1, packed([-1, -2])))), (5, B))), "shape [-1, -2]"),
    (layer("Convolution", "c", "", "", message((1, 2 ** 40), (2, 2 ** 40), (3, 1), (4, 1))), "0 numbers"),
    (layer("BatchNorm", "b", "", "", blob(B)), "'b' has not a mean"), (layer("BatchNorm", "b", "", "", *[blob(B)] * 3), "'b'"),
    ((3, 1), "no layers"), ((100, 7), "field 100 is a number"), ((100, b"\x08"), "cut short")])
def test_what_is_damaged_is_refused(field, words, opened):
    with pytest.raises(InputError) as caught:
        opened(field)
    text = str(caught.value)
    assert words in text and "net.caffemodel as Caffe, nothing in it was run" in text and "\n" not in text


def test_a_prototxt_and_no_file(tmp_path):
    (tmp_path / "net.prototxt").write_text('name: "LeNet"\nlayer {\n  name: "data"\n}\n')
    for name in "net.prototxt", "none":
        with pytest.raises(InputError, match="not the .prototxt"):
            read(tmp_path / name)


def test_the_net_of_caffes_own_lesson(shared):
    found = read(shared / "data" / "caffe" / "lenet_iter_10000.caffemodel")
    assert {name: array.shape for name, array in found.arrays.items()} == {
        "conv1.weight": (20, 1, 5, 5), "conv1.bias": (20,), "conv2.weight": (50, 20, 5, 5), "conv2.bias": (50,),
        "ip1.weight": (500, 800), "ip1.bias": (500,), "ip2.weight": (10, 500), "ip2.bias": (10,)}
    assert [node.name for node in found.nodes] == ["mnist", "conv1", "pool1", "conv2", "pool2", "ip1", "relu1", "ip2", "loss"]
    assert found.facts == {"name": "LeNet"} and 0.05 < found.arrays["conv1.weight"].std() < 0.5
