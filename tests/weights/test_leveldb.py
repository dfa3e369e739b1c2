"""LevelDB's sorted table: blocks, shared keys, and what is damaged."""
import struct

import pytest

from tests.weights.leveldb_writer import MAGIC, block, table
from tests.weights.protobuf_writer import packed
from tinynet.weights.leveldb import read_table

ENTRIES = [("", b"header"), ("conv/bias", b"1"), ("conv/kernel", b""), ("conv/kernel2", b"22" * 100), ("dense", b"3")]


def with_block(content, start=0):
    """A table whose only block is this."""
    out = content + b"\0crc?"
    index = block([(b"~", packed([start, len(content)]))])
    footer = packed([0, 4]) + packed([len(out), len(index)])
    return out + index + b"\0crc?" + footer.ljust(40, b"\0") + struct.pack("<Q", MAGIC)


@pytest.mark.parametrize("per_block", [1, 2, 5])
def test_a_table_comes_back(per_block):
    found = read_table(memoryview(table(ENTRIES, per_block)))
    assert [(key, bytes(value)) for key, value in found.items()] == ENTRIES


@pytest.mark.parametrize("data, words", [
    (b"", "does not end"), (table(ENTRIES)[:-1], "does not end"), (table(ENTRIES, packing=1), "Snappy"),
    (with_block(block(ENTRIES[:0]), 2 ** 40), "a block"), (with_block(b"\0"), "a block"),
    (with_block(packed([1, 1, 0]) + b"a" + bytes(4)), "longer than its block"),
    (with_block(packed([0, 9, 0]) + b"a" + bytes(4)), "longer than its block"),
    (with_block(packed([0, 1, 2 ** 50]) + b"a" + bytes(4)), "longer than its block"),
    (b"\xff" * 40 + struct.pack("<Q", MAGIC), "ten bytes")])
def test_a_damaged_table(data, words):
    with pytest.raises(ValueError, match=words):
        read_table(memoryview(data))


def test_few_bytes_that_make_many_long_keys():
    long = packed([0, 5000, 0]) + b"k" * 5000
    with pytest.raises(ValueError, match="too long"):
        read_table(memoryview(with_block(long + packed([5000, 0, 0]) * 10_000 + bytes(4))))
    with pytest.raises(ValueError, match="too long"):
        read_table(memoryview(with_block(packed([0, 0, 0]) * 300_000 + bytes(4))))
