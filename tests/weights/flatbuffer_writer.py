"""Flatbuffers by hand: the other direction of `tinynet.weights.flatbuffer`."""
import struct

import numpy as np


def flatbuffer(root, identifier=b"TFL3"):
    """Return a file. A table is a dict of its fields by number, a field a (code, number), str, array, dict or list of dicts."""
    out = bytearray(8)
    out[4:8] = identifier

    def point(at, target):
        out[at:at + 4] = struct.pack("<I", target - at)

    def put(value):
        out.extend(bytes(-len(out) % 8))
        start = len(out)
        if isinstance(value, dict):
            slots = max(value, default=-1) + 1
            places = {field: 8 + 8 * i for i, field in enumerate(value)}
            out.extend(struct.pack(f"<{slots + 2}H", 4 + 2 * slots, 8 + 8 * len(value), *[places.get(i, 0) for i in range(slots)]))
            out.extend(bytes(-len(out) % 8))
            table = len(out)
            out.extend(struct.pack("<i4x", table - start) + bytes(8 * len(value)))
            for field, part in value.items():
                at = table + places[field]
                if isinstance(part, tuple):
                    out[at:at + struct.calcsize(part[0])] = struct.pack("<" + part[0], part[1])
                else:
                    point(at, put(part))
            return table
        if isinstance(value, list):
            out.extend(struct.pack("<I", len(value)) + bytes(4 * len(value)))
            for i, part in enumerate(value):
                point(start + 4 + 4 * i, put(part))
            return start
        content = value.encode() if isinstance(value, str) else np.asarray(value).tobytes()
        out.extend(struct.pack("<I", len(value)) + content)
        return start

    point(0, put(root))
    return bytes(out)
