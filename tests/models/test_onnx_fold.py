"""What no image touches is computed once, as exporters leave it in their files."""
import numpy as np
import pytest

from tinynet import InputError
from tinynet.models.onnx_fold import fold
from tinynet.weights.file import Node

AXES = np.array([1, 2])


def made(nodes, arrays):
    """Return what is left of nodes that all depend on constants alone: nothing, and the last value."""
    rest, constants = fold(nodes, arrays, "x", 17)
    assert not rest
    return constants[nodes[-1].outputs[0]]


def test_a_scale_that_is_filled_and_turned():
    nodes = [Node("ConstantOfShape", "", ["shape"], ["c"], {"value": np.float32([2])}), Node("Unsqueeze", "", ["c", "axes"], ["d"]),
             Node("Mul", "", ["x", "d"], ["y"])]
    rest, constants = fold(nodes, {"shape": np.array([3]), "axes": AXES}, "x", 17)
    assert rest == nodes[2:] and constants["d"].shape == (3, 1, 1) and (constants["d"] == 2).all()


def test_the_border_of_torch():
    """torch writes pad(x, (1, 2, 3, 4)) as a list that is filled up, cut into pairs, turned round and flattened."""
    nodes = [Node("ConstantOfShape", "", ["four"], ["zeros"], {"value": np.array([0])}),
             Node("Concat", "", ["pads", "zeros"], ["all"], {"axis": 0}), Node("Reshape", "", ["all", "pairs"], ["rows"]),
             Node("Slice", "", ["rows", "start", "end", "axis", "step"], ["back"]), Node("Transpose", "", ["back"], ["turned"], {"perm": [1, 0]}),
             Node("Reshape", "", ["turned", "flat"], ["list"]), Node("Cast", "", ["list"], ["y"], {"to": 7})]
    found = made(nodes, {"four": np.array([4]), "pads": np.array([1, 2, 3, 4]), "pairs": np.array([-1, 2]), "start": np.array([-1]),
                         "end": np.array([-2 ** 63 + 1]), "axis": np.array([0]), "step": np.array([-1]), "flat": np.array([-1])})
    assert found.tolist() == [0, 0, 3, 1, 0, 0, 4, 2] and found.dtype == np.int64


@pytest.mark.parametrize("node, expected", [
    (Node("Shape", "", ["a"], ["y"]), [2, 3]), (Node("Gather", "", ["a", "i"], ["y"], {"axis": 1}), [[2, 0], [5, 3]]),
    (Node("Cast", "", ["a"], ["y"], {"to": 1}), [[0, 1, 2], [3, 4, 5]]), (Node("Gather", "", ["i", "one"], ["y"]), 0),
    (Node("Slice", "", ["a"], ["y"], {"starts": [1], "ends": [2 ** 62], "axes": [1]}), [[1, 2], [4, 5]]),
    (Node("Slice", "", ["a", "i", "i"], ["y"]), np.zeros((0, 0)))])
def test_what_shapes_are_made_of(node, expected):
    found = made([node], {"a": np.arange(6).reshape(2, 3), "i": np.array([2, 0]), "one": np.array(1)})
    assert found.tolist() == np.asarray(expected).tolist()


@pytest.mark.parametrize("node, words", [
    (Node("ConstantOfShape", "here", ["big"], ["y"]), "more than"), (Node("Cast", "here", ["big"], ["y"], {"to": 8}), "do not fit"),
    (Node("Gather", "here", ["big", "big"], ["y"]), "do not fit"), (Node("Loop", "here", ["big"], ["y"]), "no such operator"),
    (Node("Concat", "here", ["big", "a"], ["y"], {"axis": 0}), "do not fit"), (Node("Relu", "here", ["none"], ["y"]), "nothing computes")])
def test_what_does_not_fit(node, words):
    with pytest.raises(InputError) as caught:
        fold([node], {"big": np.array([10 ** 9, 10 ** 9]), "a": np.zeros((2, 2))}, "x", 17)
    assert words in str(caught.value) and "'here'" in str(caught.value) and "\n" not in str(caught.value)
