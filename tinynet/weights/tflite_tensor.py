"""The tensors of a TensorFlow Lite file: an 8-bit number q stands for (q - zero) * scale.

There is one scale for a whole tensor, or one for each filter, along the quantised axis.
"""
import math

import numpy as np

DTYPES = {0: "<f4", 1: "<f2", 2: "<i4", 3: "u1", 4: "<i8", 7: "<i2", 9: "i1"}


class Tensors:
    """The tensors of a graph (both a Table, as is the model) by their numbers; their constants are float32."""

    def __init__(self, model, graph):
        self.tables, self.buffers, self.found = graph.tables(0), model.tables(4), {}
        self.left = len(model.data) + 2 ** 23               # numbers: several tensors may share a buffer

    def __getitem__(self, i):
        if not 0 <= i < len(self.tables):
            raise ValueError(f"it names tensor {i} and has {len(self.tables)}")
        return self.tables[i]

    def name(self, i):
        """Return a name of its own for each tensor, "" for -1, which means none."""
        return f"{i} {self[i].text(3)}" if i != -1 else ""

    def content(self, i):
        """Return the bytes of a constant, none of what is computed."""
        buffer = self[i].number(2, "I")
        if buffer >= len(self.buffers):
            raise ValueError(f"it names buffer {buffer} and has {len(self.buffers)}")
        return self.buffers[buffer].array(0, "u1")

    def array(self, i):
        """Return a constant as float32."""
        if i not in self.found:
            self.found[i] = self._array(self[i], self.content(i))
        return self.found[i]

    def _array(self, tensor, content):
        shape, kind, scales = tuple(tensor.numbers(0)), tensor.number(1, "b"), tensor.table(4)
        if kind not in DTYPES or tensor.table(6):
            raise ValueError(f"{tensor.text(3)!r:.80} is sparse or of type {kind}, which is not read here")
        dtype = np.dtype(DTYPES[kind])
        self.left -= len(content) // dtype.itemsize
        if min(shape, default=0) < 0 or len(content) != math.prod(shape) * dtype.itemsize or self.left < 0:
            raise ValueError(f"{tensor.text(3)!r:.80} has {len(content):,} bytes, and its shape is {str(shape):.80}")
        array = content.view(dtype).reshape(shape).astype(np.float32, copy=False)
        if dtype.kind == "f":
            return array
        scale, zero = (scales.array(2, "<f4"), scales.array(3, "<i8")) if scales else ((), ())
        axis = scales.number(6, "i") if scales else 0
        if len(scale) not in (1, *shape[axis:axis + 1]) or len(zero) not in (0, 1, len(scale)):
            raise ValueError(f"{tensor.text(3)!r:.80} {str(shape):.80} has {len(scale)} scales and {len(zero)} zeros")
        along = [-1 if i == axis else 1 for i in range(len(shape))] if len(scale) > 1 else [1] * len(shape)
        array -= np.float32(zero if len(zero) else [0]).reshape(along if len(zero) > 1 else [1] * len(shape))
        array *= scale.reshape(along)
        return array
