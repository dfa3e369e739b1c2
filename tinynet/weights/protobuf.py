"""The wire format of protocol buffers, in which Caffe, TensorFlow and ONNX write their files. Taught in lesson 19.

A message is a row of fields. Each begins with a key, number * 8 + kind, and the kind says how long its value is:

0: a *varint*, seven bits to a byte, the lowest first; a byte of 128 or more says that another follows
1: eight bytes, 5: four bytes; one number, little-endian
2: a length (a varint) and so many bytes; text, another message, or many numbers *packed* one after the other

What a number means is not in the file: each framework publishes a table, and each reader beside this module has it.
"""
import numpy as np

DEPTH = 32                          # messages inside messages
FIELDS = 100_000                    # in a whole file, and one more for every 256 bytes: a field costs up to 500 bytes here
SIZES = {1: 8, 5: 4}


def varint(data, at):
    """Read one varint of a memoryview.

    Parameters
    ----------
    data : memoryview
    at : int
        Where it begins.

    Returns
    -------
    value, at : int
        The number, below 2⁶⁴, and where the next thing begins.
    """
    value = 0
    for i in range(10):
        if at + i >= len(data):
            raise ValueError("it is cut short inside a number")
        value |= (data[at + i] & 127) << 7 * i
        if data[at + i] < 128:
            return value & (2 ** 64 - 1), at + i + 1
    raise ValueError("a number in it has more than ten bytes")


class Message:
    """The fields of one message: `fields` has for each number its values in the file's order, an int or a memoryview."""

    def __init__(self, data, depth=0, budget=None):
        data, at, self.fields = memoryview(data), 0, {}
        self.depth, self.budget = depth, budget or [FIELDS + len(data) // 256]       # one budget for the whole file
        if depth > DEPTH:
            raise ValueError(f"messages in it lie more than {DEPTH} deep inside each other")
        while at < len(data):
            key, at = varint(data, at)
            number, kind = key >> 3, key & 7
            if number == 0 or kind not in (0, 1, 2, 5):
                raise ValueError(f"a field in it has number {number} and kind {kind}, which no message has")
            if kind == 0:
                value, at = varint(data, at)
            else:
                size, at = (SIZES[kind], at) if kind in SIZES else varint(data, at)
                if size > len(data) - at:
                    raise ValueError(f"a field in it should have {size:,} bytes, and {len(data) - at:,} are left")
                value, at = data[at:at + size], at + size
            self.fields.setdefault(number, []).append(value)
            self.spend(8)

    def spend(self, items):
        """Count what was taken out of the file one by one, in eighths of a field; few bytes must not become many objects."""
        self.budget[0] -= items / 8
        if self.budget[0] < 0:
            raise ValueError(f"it has more than {FIELDS:,} fields for its size")

    def __contains__(self, number):
        return number in self.fields

    def blobs(self, number):
        """Return a repeated field as a list of memoryviews."""
        values = self.fields.get(number, [])
        if any(isinstance(value, int) for value in values):
            raise ValueError(f"its field {number} is a number where bytes are expected")
        return values

    def blob(self, number):
        """Return a field's bytes, empty where it is missing; where it stands twice, the last one counts."""
        return (self.blobs(number) or [memoryview(b"")])[-1]

    def texts(self, number):
        """Return a repeated field as a list of str."""
        return [bytes(value).decode("utf-8", "replace") for value in self.blobs(number)]

    def text(self, number):
        """Return a field as str."""
        return bytes(self.blob(number)).decode("utf-8", "replace")

    def message(self, number):
        """Return a field as a Message, an empty one where it is missing."""
        return Message(self.blob(number), self.depth + 1, self.budget)

    def messages(self, number):
        """Yield a repeated field's Messages, each parsed when its turn comes."""
        return (Message(value, self.depth + 1, self.budget) for value in self.blobs(number))

    def integers(self, number, dtype=np.int64):
        """Return a repeated field of varints, packed or one by one, as an array; of int64 only as many as settings need."""
        values = self.fields.get(number, [])
        self.spend(sum(len(value) for value in values if not isinstance(value, int)) if dtype is np.int64 else 0)
        parts = [np.array([value], np.uint64).view(np.int64).astype(dtype) if isinstance(value, int) else _varints(value, dtype)
                 for value in values]
        return np.concatenate(parts) if len(parts) > 1 else parts[0] if parts else np.zeros(0, dtype)

    def integer(self, number, default=0):
        """Return a varint as an int with its sign."""
        return int(self.integers(number)[-1]) if number in self else default

    def numbers(self, number, dtype):
        """Return a repeated field of four- or eight-byte numbers; packed, it is a view into the file."""
        parts = [np.frombuffer(value, dtype) for value in self.blobs(number)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts or [np.zeros(0, dtype)])


def _varints(data, dtype):
    """Read packed varints: all their first bytes at once, then the second bytes of those that have one, and so on."""
    parts = [np.zeros(0, dtype)]
    while len(data):
        some = np.frombuffer(data[:2 ** 16], np.uint8)
        ends = np.flatnonzero(some < 128) + 1
        starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
        if not len(ends) or (ends - starts).max() > 10:
            raise ValueError("a number in it has no end")
        values = np.zeros(len(ends), np.uint64)
        for i in range(10):
            longer = starts + i < ends
            values[longer] |= (some[starts[longer] + i] & np.uint64(127)) << np.uint64(7 * i)
        parts.append(values.view(np.int64).astype(dtype))
        data = data[int(ends[-1]):]
    return np.concatenate(parts)
