"""The wire format of protocol buffers: every kind of field, and every way in which it can be damaged."""
import struct

import numpy as np
import pytest

from tests.weights.protobuf_writer import message, packed, varint
from tinynet.weights.protobuf import DEPTH, Message
from tinynet.weights.protobuf import varint as read_varint

NUMBERS = [0, 1, 127, 128, 300, 2 ** 31, 2 ** 63 - 1, -1, -2 ** 63]


@pytest.mark.parametrize("value", NUMBERS)
def test_a_varint_comes_back(value):
    data = varint(value)
    assert read_varint(memoryview(data), 0) == (value % 2 ** 64, len(data))
    assert Message(message((3, value))).integer(3) == value


def test_every_kind_of_field():
    inner = message((1, "inside"))
    m = Message(message((1, 7), (2, 2.5), (3, "naïve"), (4, inner), (4, inner), (5, "a"), (5, "b"))
                + varint(6 << 3 | 1) + struct.pack("<d", 0.1))
    assert (m.integer(1), m.text(3), m.texts(5), m.text(5)) == (7, "naïve", ["a", "b"], "b")
    assert m.numbers(2, "<f4") == [2.5] and m.numbers(6, "<f8") == [0.1]
    assert [one.text(1) for one in m.messages(4)] == ["inside", "inside"] and m.message(4).text(1) == "inside"
    assert 1 in m and 9 not in m and m.integer(9, 5) == 5 and m.text(9) == "" and not m.message(9).fields
    assert m.integers(9).size == m.numbers(9, "<f4").size == 0


def test_packed_numbers_are_those_that_stand_one_by_one(rng):
    many = [*NUMBERS, *rng.integers(-2 ** 62, 2 ** 62, 20_000).tolist()]
    m = Message(message((1, packed(many)), *[(2, value) for value in NUMBERS], (3, np.float32([1, 2])), (3, np.float32([3]))))
    np.testing.assert_array_equal(m.integers(1), many)
    np.testing.assert_array_equal(m.integers(2), NUMBERS)
    np.testing.assert_array_equal(m.numbers(3, "<f4"), [1, 2, 3])


@pytest.mark.parametrize("data, words", [
    (b"\x08", "cut short"), (b"\x08\x80", "cut short"), (b"\x08" + b"\x80" * 10 + b"\1", "more than ten bytes"),
    (b"\x0b", "kind 3"), (b"\x00\x00", "number 0"), (b"\x0d\0\0\0", "4 bytes, and 3"), (b"\x0a\x05abcd", "5 bytes, and 4"),
    (b"\x0a" + varint(2 ** 64 - 1), "18,446,744,073,709,551,615 bytes")])
def test_a_damaged_message(data, words):
    with pytest.raises(ValueError, match=words):
        Message(data)


def test_a_number_in_the_place_of_bytes_and_packed_numbers_without_end():
    with pytest.raises(ValueError, match="field 1 is a number"):
        Message(message((1, 5))).text(1)
    for data in b"\x80" * 3, b"\x05\x80", b"\x80" * 11 + b"\1":
        with pytest.raises(ValueError, match="no end"):
            Message(message((1, data))).integers(1)


def test_too_deep_and_too_many():
    data = b""
    for _ in range(DEPTH + 1):
        data = message((1, data))
    m = Message(data)
    with pytest.raises(ValueError, match="deep"):
        for _ in range(DEPTH + 1):
            m = m.message(1)
    with pytest.raises(ValueError, match="fields"):
        Message(b"\x08\x00" * 1_000_000)
