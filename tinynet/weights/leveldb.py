"""The sorted table of LevelDB, in which a TensorFlow checkpoint keeps its table of contents. Taught in lesson 19.

The last 48 bytes say where the index lies. The index and all that it points to are *blocks* of (key, value), where a
key is written as how many bytes it shares with the key before it and what follows them.
Format: https://github.com/google/leveldb/blob/main/doc/table_format.md.
"""
import struct

from .protobuf import varint

MAGIC = 0xdb4775248b80fb57
ENTRIES, KEY_BYTES = 50_000, 2 ** 24       # in a whole table: sharing could make many long keys of few bytes


def read_table(data):
    """Return the content of a table.

    Parameters
    ----------
    data : memoryview
        The whole file.

    Returns
    -------
    entries : dict of str to memoryview
        In the order of the keys.
    """
    if len(data) < 48 or struct.unpack("<Q", data[-8:])[0] != MAGIC:
        raise ValueError("it does not end like one")
    budget = [ENTRIES, KEY_BYTES]
    _, _, at = _handle(data, len(data) - 48)                # of a block that says nothing here
    entries = {}
    for _, handle in _block(data, *_handle(data, at)[:2], budget):
        entries |= {bytes(key).decode("utf-8", "replace"): value for key, value in
                    _block(data, *_handle(handle, 0)[:2], budget)}
    return entries


def _handle(data, at):
    """Return where a block begins, its length, and where the next handle begins."""
    start, at = varint(data, at)
    size, at = varint(data, at)
    return start, size, at


def _block(data, start, size, budget):
    """Yield (key, value) of one block; behind it stand a byte that names its packing and a checksum."""
    if size < 4 or start + size + 5 > len(data):
        raise ValueError(f"a block in it should be {size:,} bytes from {start:,} on, and it has {len(data):,}")
    if data[start + size]:
        raise ValueError("its table of contents is packed (Snappy), which is not read here")
    block = data[start:start + size]
    end = size - 4 - 4 * struct.unpack("<I", block[-4:])[0]  # the places where keys stand in full are not needed
    at, key = 0, b""
    while at < end:
        shared, at = varint(block, at)
        new, at = varint(block, at)
        length, at = varint(block, at)
        if shared > len(key) or at + new + length > end:
            raise ValueError("an entry of its table of contents is longer than its block")
        key = key[:shared] + bytes(block[at:at + new])
        yield key, block[at + new:at + new + length]
        at += new + length
        budget[0], budget[1] = budget[0] - 1, budget[1] - len(key)
        if min(budget) < 0:
            raise ValueError("its table of contents is too long")
