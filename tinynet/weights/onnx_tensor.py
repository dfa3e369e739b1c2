"""The tensors and attributes of an ONNX file. A tensor's numbers lie in the file itself or, where they are large, beside it.

Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""
import math
import re

import numpy as np

# DataType -> how raw data lie in the file, and the field of the numbers when they are not raw
DTYPES = {1: ("<f4", 4), 2: ("u1", 5), 3: ("i1", 5), 4: ("<u2", 5), 5: ("<i2", 5), 6: ("<i4", 5), 7: ("<i8", 7), 9: ("?", 5),
          10: ("<f2", 5), 11: ("<f8", 10), 12: ("<u4", 11), 13: ("<u8", 11), 16: ("<u2", 5)}
HALF, BFLOAT16 = 10, 16
EXTERNAL = 1


class Files:
    """The files beside a model that hold its large tensors, each read once; `folder` is the model's own, a Path."""

    def __init__(self, folder):
        self.folder, self.contents, self.unused = folder.resolve(), {}, {}

    def place(self, location):
        """Return the path of a file, having made sure that it really lies in the folder, links followed."""
        path = (self.folder / location).resolve()
        if ".." in re.split(r"[/\\]", location) or not path.is_relative_to(self.folder) or not path.is_file():
            raise ValueError(f"its weights should be in {location!r:.80}, which is no file in its folder")
        return path

    def part(self, location, start, size):
        """Return bytes of a file in the folder."""
        path = self.place(location)
        if path not in self.contents:
            self.contents[path] = memoryview(path.read_bytes())
            self.unused[path] = len(self.contents[path])
        self.unused[path] -= size                           # tensors that share bytes would multiply them
        if not 0 <= start <= len(self.contents[path]) - size or self.unused[path] < 0:
            raise ValueError(f"its weights should be {size:,} bytes of {location!r:.80} from {start:,} on, "
                             f"which has {len(self.contents[path]):,}")
        return self.contents[path][start:start + size]


def read_tensor(tensor, files):
    """Return the numbers of one TensorProto.

    Parameters
    ----------
    tensor : Message
    files : Files

    Returns
    -------
    array : ndarray
        A view into the file where it can be; float16 and bfloat16 become float32.
    """
    kind, shape, name = tensor.integer(2), tuple(tensor.integers(1).tolist()), tensor.text(8)
    if kind not in DTYPES:
        raise ValueError(f"{name!r:.80} has numbers of type {kind}, which NumPy lacks")
    if min(shape, default=0) < 0 or len(shape) > 16:
        raise ValueError(f"{name!r:.80} has the shape {str(shape):.80}")
    dtype, number = DTYPES[kind]
    if tensor.integer(14) == EXTERNAL:                                      # data_location
        array = np.frombuffer(_external(tensor, files, math.prod(shape) * np.dtype(dtype).itemsize), dtype)
    elif 9 in tensor:                                                       # raw_data
        array = np.frombuffer(tensor.blob(9), dtype)
    elif number in (4, 10):                                                 # float_data, double_data
        array = tensor.numbers(number, dtype)
    else:                                                                   # a float16 as the integer with its bits
        array = tensor.integers(number, "<u2" if kind == HALF else dtype).view(dtype)
    if array.size != math.prod(shape):
        raise ValueError(f"{name!r:.80} has {array.size:,} numbers, and its shape is {str(shape):.80}")
    if kind == BFLOAT16:                                                    # the upper half of a float32
        array = np.left_shift(array, 16, dtype=np.uint32).view(np.float32)
    return (array.astype(np.float32) if kind == HALF else array).reshape(shape)


def find_files(graph, files):
    """Return the paths of the files in which a graph's large tensors lie.

    Parameters
    ----------
    graph : Message
    files : Files

    Returns
    -------
    paths : list of Path
        Sorted by name.
    """
    attributes = [a.message(5) for node in graph.messages(1) for a in node.messages(5) if 5 in a]
    tensors = [tensor for tensor in [*graph.messages(5), *attributes] if tensor.integer(14) == EXTERNAL]
    return [files.place(name) for name in sorted({entry.text(2) for tensor in tensors for entry in tensor.messages(13)
                                                  if entry.text(1) == "location"})]


def _external(tensor, files, size):
    where = {entry.text(1): entry.text(2) for entry in tensor.messages(13)}
    if int(where.get("length") or size) != size:
        raise ValueError(f"{tensor.text(8)!r:.80} needs {size:,} bytes, and the file says {where['length']:.20}")
    return files.part(where.get("location", ""), int(where.get("offset") or 0), size)


def read_attribute(attribute, files):
    """Return the value of one AttributeProto.

    Parameters
    ----------
    attribute : Message
    files : Files

    Returns
    -------
    value : float, int, str, ndarray, list or None
        None for what no reader here needs, such as a graph inside the graph.
    """
    kind = attribute.integer(20) or next((number - 1 for number in range(2, 10) if number in attribute), 0)
    attribute.spend(sum(map(len, attribute.blobs(7))) // 4 if 7 in attribute else 0)
    read = {1: lambda: ([0.0] + attribute.numbers(2, "<f4").tolist())[-1], 2: lambda: attribute.integer(3),
            3: lambda: attribute.text(4), 4: lambda: read_tensor(attribute.message(5), files),
            6: lambda: attribute.numbers(7, "<f4").tolist(), 7: lambda: attribute.integers(8).tolist(),
            8: lambda: attribute.texts(9)}
    return read.get(kind, lambda: None)()
