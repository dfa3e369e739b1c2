"""LevelDB's tables by hand: the other direction of `tinynet.weights.leveldb`."""
import os
import struct

from tests.weights.protobuf_writer import packed

MAGIC = 0xdb4775248b80fb57


def block(entries):
    """Return a block of (key, value) pairs of bytes, its keys after the first written as what follows the shared part."""
    out, before = b"", b""
    for key, value in entries:
        shared = len(os.path.commonprefix([before, key]))
        out += packed([shared, len(key) - shared, len(value)]) + key[shared:] + value
        before = key
    return out + struct.pack("<II", 0, 1)


def table(entries, per_block=2, packing=0):
    """Return a table of (str, bytes) pairs."""
    out, handles = b"", []

    def add(content):
        nonlocal out
        start = len(out)
        out += content + bytes([packing]) + b"crc?"
        return packed([start, len(content)])

    entries = [(key.encode(), value) for key, value in entries]
    for i in range(0, len(entries), per_block):
        part = entries[i:i + per_block]
        handles.append((part[-1][0] + b"~", add(block(part))))
    footer = add(block([])) + add(block(handles))
    return out + footer.ljust(40, b"\0") + struct.pack("<Q", MAGIC)
