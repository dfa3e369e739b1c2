"""Flatbuffers, the format of TensorFlow Lite: tables that are read where they lie, by jumping. Taught in lesson 19.

The file begins with the distance to its root table. A table begins with the distance back to its *vtable*, a row of
two-byte numbers that says for each field how far behind the table's beginning it lies, 0 if it is missing. A field is
a number, or the distance to a string, a vector (its length first) or another table. No jump is believed: each must
end inside the file, and what is handed out is counted, because two jumps may end at the same place.
"""
import struct

import numpy as np

ITEMS = 400_000                     # tables and numbers handed out, and one more for every 32 bytes of the file


class Table:
    """One table of a file.

    Parameters
    ----------
    data : bytes
        The whole file.
    at : int, optional
        Where the table begins; by default the root's place.
    """

    def __init__(self, data, at=None, budget=None):
        self.data, self.budget = data, budget or [ITEMS + len(data) // 32]
        self.at = self._number("<I", 0) if at is None else at
        self.vtable = self.at - self._number("<i", self.at)
        self.size = self._number("<H", self.vtable)

    def number(self, field, code, default=0):
        """Return a field that is a number; `code` says of which kind, as in the module struct."""
        at = self._place(field)
        return self._number("<" + code, at) if at else default

    def table(self, field):
        """Return a field that is a table, or None."""
        at = self._place(field)
        return Table(self.data, self._jump(at), self.budget) if at else None

    def array(self, field, dtype):
        """Return a field that is a vector of numbers, as a view into the file."""
        at, count = self._vector(field, np.dtype(dtype).itemsize)
        return np.frombuffer(self.data, dtype, count, at)

    def numbers(self, field):
        """Return a field that is a short vector of int32, as a list."""
        numbers = self.array(field, "<i4")
        self._spend(len(numbers))
        return numbers.tolist()

    def text(self, field):
        """Return a field that is a string."""
        text = self.array(field, "u1").tobytes()
        self._spend(len(text) // 8)
        return text.decode("utf-8", "replace")

    def tables(self, field):
        """Return a field that is a vector of tables, as a list."""
        at, count = self._vector(field, 4)
        self._spend(count)
        return [Table(self.data, self._jump(at + 4 * i), self.budget) for i in range(count)]

    def _place(self, field):
        entry = 4 + 2 * field                               # the vtable's size and the table's come first
        distance = self._number("<H", self.vtable + entry) if entry < self.size else 0
        return self.at + distance if distance else 0

    def _vector(self, field, itemsize):
        at = self._place(field)
        if not at:
            return 0, 0
        at = self._jump(at)
        count = self._number("<I", at)
        if count * itemsize > len(self.data) - at - 4:
            raise ValueError(f"a vector in it should have {count:,} items, more than what is left")
        return at + 4, count

    def _jump(self, at):
        return at + self._number("<I", at)

    def _number(self, code, at):
        if not 0 <= at <= len(self.data) - struct.calcsize(code):
            raise ValueError(f"it points to byte {at:,} and has {len(self.data):,}")
        return struct.unpack_from(code, self.data, at)[0]

    def _spend(self, items):
        self.budget[0] -= items + 1
        if self.budget[0] < 0:
            raise ValueError(f"it has more than {ITEMS:,} tables and hardly any numbers")
