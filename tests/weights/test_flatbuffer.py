"""Flatbuffers: every kind of field, and jumps that lead nowhere or in a circle."""
import struct

import numpy as np
import pytest

from tests.weights.flatbuffer_writer import flatbuffer
from tinynet.weights.flatbuffer import ITEMS, Table

ROOT = {0: ("b", -3), 2: ("i", 70_000), 3: "word", 4: np.float32([1.5, 2]), 5: {0: ("H", 9)}, 6: [{1: "a"}, {1: "b"}, {}],
        7: np.int32([1, -2, 3])}


def test_every_kind_of_field():
    table = Table(flatbuffer(ROOT))
    assert (table.number(0, "b"), table.number(2, "i"), table.text(3), table.numbers(7)) == (-3, 70_000, "word", [1, -2, 3])
    assert table.array(4, "<f4").tolist() == [1.5, 2] and table.table(5).number(0, "H") == 9
    assert [one.text(1) for one in table.tables(6)] == ["a", "b", ""]


def test_what_is_missing_has_its_default():
    table = Table(flatbuffer(ROOT))
    for field in 1, 8, 1000:
        assert (table.number(field, "i"), table.number(field, "i", 5), table.text(field)) == (0, 5, "")
        assert table.table(field) is None and table.tables(field) == [] and len(table.array(field, "<f4")) == 0


@pytest.mark.parametrize("data", [b"", b"\0\0\0", b"\xff\xff\xff\xff", struct.pack("<Ii", 4, 100), struct.pack("<Ii", 4, -100)])
def test_a_jump_out_of_the_file(data):
    with pytest.raises(ValueError, match="points to"):
        Table(data)


@pytest.mark.parametrize("count", [4, 2 ** 31, 2 ** 32 - 1])
def test_a_vector_longer_than_the_file(count):
    data = flatbuffer({0: np.int32([7, 7])}).replace(struct.pack("<Iii", 2, 7, 7), struct.pack("<Iii", count, 7, 7))
    for read in (lambda table: table.array(0, "<f4"), lambda table: table.numbers(0), lambda table: table.tables(0)):
        with pytest.raises(ValueError, match="items"):
            read(Table(data))


def test_a_circle_ends():
    """A table that is its own field can be followed for ever, and its own list multiplies: both are counted."""
    data = bytearray(flatbuffer({0: [{}] * 1000}))
    at = Table(bytes(data)).at
    vector = struct.unpack_from("<I", data, at + 8)[0] + at + 8
    for i in range(1000):
        data[vector + 4 + 4 * i:vector + 8 + 4 * i] = struct.pack("<I", (at - vector - 4 - 4 * i) % 2 ** 32)
    with pytest.raises(ValueError, match="points to"):
        Table(bytes(data)).tables(0)                        # distances are not negative: there is no way back
    table = Table(bytes(flatbuffer({0: np.zeros(1000, np.int32)})))
    with pytest.raises(ValueError, match="hardly any numbers"):
        for _ in range(ITEMS):
            table.numbers(0)
