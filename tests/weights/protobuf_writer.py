"""Protocol buffers by hand: the other direction of `tinynet.weights.protobuf`."""
import struct


def varint(value):
    value, out = value % 2 ** 64, b""
    while value > 127:
        value, out = value >> 7, out + bytes([value & 127 | 128])
    return out + bytes([value])


def message(*fields):
    """Return a message of (number, value) pairs: int a varint, float four bytes, str and bytes with their length."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        elif isinstance(value, float):
            out += varint(number << 3 | 5) + struct.pack("<f", value)
        else:
            value = value.encode() if isinstance(value, str) else bytes(value)
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def packed(values):
    """Return integers as the content of a packed field."""
    return b"".join(map(varint, values))
