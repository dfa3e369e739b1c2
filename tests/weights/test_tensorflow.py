"""The TensorFlow reader: checkpoints and frozen graphs, and what is refused."""
import numpy as np
import pytest

from tests.weights.leveldb_writer import table
from tests.weights.protobuf_writer import message, packed, varint
from tinynet.errors import InputError
from tinynet.weights.tensorflow import GRAPH, VALUE, read

W, B = np.arange(24, dtype="<f4").reshape(2, 2, 3, 2), np.float32([5, 6])


def shape(lengths):
    return 2, message(*[(2, message((1, n))) for n in lengths])


def entry(kind, lengths, start, size, shard=0, *more):
    return message((1, kind), shape(lengths), (3, shard), (4, start), (5, size), *more)


def checkpoint(folder, entries, *shards, header=None, name="model.ckpt"):
    """Write a checkpoint of (key, BundleEntryProto) and the contents of its .data files."""
    header = message((1, len(shards))) if header is None else header
    (folder / f"{name}.index").write_bytes(table([("", header), *entries]))
    for i, content in enumerate(shards):
        (folder / f"{name}.data-{i:05d}-of-{len(shards):05d}").write_bytes(content)
    return folder / f"{name}.index"


def test_a_checkpoint(tmp_path):
    half = B.astype("<f2")
    path = checkpoint(tmp_path, [
        ("conv/biases", entry(1, B.shape, 96, 8)), ("conv/weights", entry(1, W.shape, 0, 96)), ("global_step", entry(9, (), 0, 8, 1)),
        ("half", entry(19, B.shape, 8, 4, 1)), ("text", entry(7, (), 0, 3, 1))],
        W.tobytes() + B.tobytes(), np.int64([77]).tobytes() + half.tobytes())
    for one in path, str(path), path.with_suffix(""), tmp_path:
        found = read(one)
        assert (found.format, found.layout, found.facts) == ("TensorFlow checkpoint", "HWIO", {"shards": "2"})
        assert list(found.arrays) == ["conv/biases", "conv/weights", "global_step", "half"]
        np.testing.assert_array_equal(found.arrays["conv/weights"], W)
        np.testing.assert_array_equal(found.arrays["half"], B)
        assert found.arrays["global_step"] == 77 and found.arrays["half"].dtype == np.float32


def test_the_object_graph_gives_names_and_training_state_is_left_out(tmp_path):
    def named(key, name):
        return 2, message((1, "VARIABLE_VALUE"), (2, name), (3, key + VALUE))

    graph = message((1, message((1, message((1, 1), (2, "layer"))))), (1, message(named("l-9/kernel", "conv/kernel"))),
                    (1, message(named("l-10/kernel", "kernel"))), (1, message(named("l-11/kernel", "kernel"))))
    text = varint(len(graph)) + b"crc?" + graph
    keys = ["l-10/kernel", "l-11/kernel", "l-9/kernel", "l-9/kernel/.OPTIMIZER_SLOT/m", "optimizer/iter", "save_counter"]
    entries = [(GRAPH, entry(7, (), 100, len(text))), *((key + VALUE, entry(1, B.shape, 8 * i, 8)) for i, key in enumerate(keys))]
    found = read(checkpoint(tmp_path, entries, np.arange(25, dtype="<f4").tobytes() + text)).arrays
    assert {name: array.tolist() for name, array in found.items()} == {"conv/kernel": [4, 5], "l-10/kernel": [0, 1], "l-11/kernel": [2, 3]}
    assert list(found)[0] == "conv/kernel"


@pytest.mark.parametrize("one, words", [
    (entry(1, B.shape, 0, 8, 0, (7, message())), "slices"), (entry(1, B.shape, 1, 8), "8 bytes from 1 on"),
    (entry(1, B.shape, -4, 8), "from -4 on"), (entry(1, B.shape, 0, -8), "-8 bytes"), (entry(1, (3,), 0, 8), "shape is (3,)"),
    (entry(1, (2 ** 62, 2 ** 62), 0, 8), "2 numbers"), (entry(1, (-2, -1), 0, 8), "shape (-2, -1)"), (entry(1, B.shape, 0, 8, 1), "No such file"),
    (entry(1, B.shape, 0, 8, -1), "No such file"), (b"\x0b", "kind 3")])
def test_a_damaged_checkpoint_is_refused(one, words, tmp_path):
    path = checkpoint(tmp_path, [("w\n", one)], B.tobytes())
    with pytest.raises(InputError) as caught:
        read(path)
    assert words in str(caught.value) and "\n" not in str(caught.value) and "nothing in it was run" in str(caught.value)


def test_variables_that_share_bytes_and_the_other_byte_order(tmp_path):
    with pytest.raises(InputError, match="8 bytes from 0"):
        read(checkpoint(tmp_path, [("a", entry(1, B.shape, 0, 8)), ("b", entry(1, B.shape, 0, 8))], B.tobytes()))
    with pytest.raises(InputError, match="other order"):
        read(checkpoint(tmp_path, [("a", entry(1, B.shape, 0, 8))], B.tobytes(), header=message((1, 1), (2, 1))))


def test_which_checkpoint_of_a_folder(tmp_path):
    with pytest.raises(InputError, match="0 files .index"):
        read(tmp_path)
    (tmp_path / "variables").mkdir()
    checkpoint(tmp_path / "variables", [("b", entry(1, B.shape, 0, 8))], B.tobytes(), name="variables")
    assert list(read(tmp_path).arrays) == ["b"]
    checkpoint(tmp_path, [], b"")
    with pytest.raises(InputError, match="2 files .index"):
        read(tmp_path)


def const(name, kind, lengths, *values):
    tensor = message((1, kind), shape(lengths), *values)
    other = message((1, "dtype"), (2, message((6, kind))))
    return 1, message((1, name), (2, "Const"), (5, other), (5, message((1, "value"), (2, message((8, tensor))))))


@pytest.fixture
def frozen(tmp_path):
    def write_and_read(*nodes):
        path = tmp_path / "graph.pb"
        path.write_bytes(message(*nodes))
        return read(path)
    return write_and_read


def test_a_frozen_graph(frozen):
    halves, bits = B.astype("<f2").view("<u2").tolist(), (B.view("<u4") >> 16).tolist()
    found = frozen(
        (1, message((1, "input"), (2, "Placeholder"))), const("conv/weights", 1, W.shape, (4, W)), const("typed", 1, (2,), (5, B)),
        const("equal", 1, (2, 3), (5, 0.5)), const("tail", 1, (4,), (5, B)), const("zeros", 3, (3,)), const("f8", 2, (2,), (6, B.astype("<f8"))),
        const("half", 19, (2,), (13, packed(halves))), const("bfloat16", 14, (2,), (13, packed(bits))), const("i8", 6, (2,), (7, packed([-1, 5]))),
        const("i64", 9, (), (10, -7)), const("bool", 10, (2,), (11, packed([1, 0]))), const("u64", 23, (1,), (17, packed([2 ** 63]))),
        const("text", 7, (), (8, "word")))
    assert (found.format, found.layout) == ("TensorFlow frozen graph", "HWIO")
    expected = {"conv/weights": W, "typed": B, "equal": np.full((2, 3), 0.5), "tail": [5, 6, 6, 6], "zeros": [0, 0, 0], "f8": B, "half": B,
                "bfloat16": B, "i8": [-1, 5], "i64": -7, "bool": [True, False], "u64": [2 ** 63]}
    assert list(found.arrays) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found.arrays[name], array)
    assert found.arrays["half"].dtype == found.arrays["bfloat16"].dtype == np.float32


@pytest.mark.parametrize("node, words", [
    (const("c", 1, (2, 3), (4, B)), "2 numbers"), (const("c", 1, (1,), (5, B)), "2 numbers"), (const("c", 1, (2 ** 40,), (5, 1.0)), "only 1 numbers"),
    (const("c", 1, (-1,), (5, 1.0)), "shape (-1,)"), ((1, message((1, "x"), (2, "Add"))), "no constants"), ((1, 1), "SavedModel's folder"),
    ((1, b"\x08"), "cut short")])
def test_a_damaged_graph_is_refused(node, words, frozen):
    with pytest.raises(InputError) as caught:
        frozen(node)
    assert words in str(caught.value) and "graph.pb as TensorFlow" in str(caught.value)


def test_many_constants_that_repeat_one_number(frozen):
    with pytest.raises(InputError, match="only 1 numbers"):
        frozen(*[const(f"c{i}", 1, (2 ** 20,), (5, 1.0)) for i in range(3)])


def test_no_file(tmp_path):
    for name in "none", "none.pb", "none.index":
        with pytest.raises(InputError, match="No such file"):
            read(tmp_path / name)


def test_a_real_checkpoint(shared):
    folder = shared / "data" / "zoo" / "kws_ref_model"
    found = read(folder)
    assert len(found.arrays) == 56 and found.arrays["conv2d/kernel"].shape == (10, 4, 1, 64)
    names = [name for name in found.arrays if name.endswith("kernel")]
    assert names[:4] == ["conv2d/kernel", "depthwise_conv2d/depthwise_kernel", "conv2d_1/kernel", "depthwise_conv2d_1/depthwise_kernel"]
    assert names[-1] == "dense/kernel" and found.arrays["dense/kernel"].shape == (64, 12)
    assert all((array > 0).all() for name, array in found.arrays.items() if name.endswith("moving_variance"))
