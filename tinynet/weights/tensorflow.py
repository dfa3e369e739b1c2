"""Read the weights of TensorFlow: of a checkpoint, and of a graph with its variables frozen into it. Taught in lesson 19.

A checkpoint is a table of contents (.index), sorted by name, and raw numbers in .data files beside it. A frozen graph
(GraphDef) is a protocol buffer whose nodes of the kind Const hold the numbers.
Field numbers: https://github.com/tensorflow/tensorflow/tree/master/tensorflow/core, in tensor_bundle.proto,
trackable_object_graph.proto, graph.proto and tensor.proto.
"""
import re
from collections import Counter
from pathlib import Path

from .file import WeightFile
from .leveldb import MAGIC, read_table
from .protobuf import Message, varint
from .refuse import reading
from .tensorflow_tensor import DTYPES, REPEATED, from_bytes, read_shape, read_tensor

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
OF_TRAINING = "save_counter", "optimizer/", "keras_api/metrics/", GRAPH


def read(path):
    """Read a checkpoint or a frozen graph.

    Parameters
    ----------
    path : str or Path
        A frozen graph (.pb); or a checkpoint: its .index, its name without ending, or a folder with one (a SavedModel).

    Returns
    -------
    weights : WeightFile
        Arrays have TensorFlow's names, such as ``MobilenetV1/Conv2d_0/weights``; half and bfloat16 become float32. What
        the optimiser remembers is left out.

    Raises
    ------
    InputError
        If it is none of these, is damaged, or has a variable cut into slices.
    """
    path = Path(path)
    with reading(path, "TensorFlow", "give a frozen graph (.pb), or a checkpoint's .index with its .data files beside it"):
        if path.is_file() and not is_index(path):
            return _frozen(Message(path.read_bytes()))
        index = path if path.suffix == ".index" else path.with_name(path.name + ".index")
        if path.is_dir():
            found = sorted([*path.glob("*.index"), *path.glob("variables/*.index")])
            if len(found) != 1:
                raise ValueError(f"the folder has {len(found)} files .index")
            index = found[0]
        return _checkpoint(index)


def is_index(path):
    """Return whether a file ends as a checkpoint's .index does.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    answer : bool
    """
    path = Path(path)
    if not path.is_file() or path.stat().st_size < 8:
        return False
    with open(path, "rb") as file:
        file.seek(-8, 2)
        return int.from_bytes(file.read(), "little") == MAGIC


class _Shards:
    """The .data files of a checkpoint, each read once."""

    def __init__(self, index, count):
        self.index, self.count, self.contents, self.unused = index, count, {}, {}

    def content(self, entry):
        """Return the bytes of one BundleEntryProto, a Message."""
        i, start, size = entry.integer(3), entry.integer(4), entry.integer(5)
        if i not in self.contents:
            path = self.index.with_name(f"{self.index.stem}.data-{i:05d}-of-{self.count:05d}")
            self.contents[i] = memoryview(path.read_bytes())
            self.unused[i] = len(self.contents[i])
        self.unused[i] -= max(size, 0)                          # variables that share bytes would multiply them
        if min(start, size, self.unused[i], len(self.contents[i]) - start - size) < 0:
            raise ValueError(f"a variable should be {size:,} bytes from {start:,} on, of {len(self.contents[i]):,}")
        return self.contents[i][start:start + size]


def _checkpoint(index):
    entries = {key: Message(value) for key, value in read_table(memoryview(index.read_bytes())).items()}
    header = entries.pop("", Message(b""))
    shards, arrays = _Shards(index, header.integer(1)), {}
    names = _full_names(shards.content(entries[GRAPH])) if GRAPH in entries else {}
    for key, entry in sorted(entries.items(), key=lambda item: _natural(item[0])):
        if ".OPTIMIZER_SLOT" in key or key.startswith(OF_TRAINING) or entry.integer(1) not in DTYPES:
            continue
        if 7 in entry or header.integer(2):
            raise ValueError(f"{key!r:.80} is cut into slices, or the bytes of its numbers are in the other order")
        array = from_bytes(shards.content(entry), entry.integer(1), read_shape(entry.message(2)))
        arrays[names.get(key, key.removesuffix(VALUE))] = array
    return WeightFile("TensorFlow checkpoint", "HWIO", arrays, {"shards": str(header.integer(1))})


def _natural(key):
    """Return what sorts layer-10 behind layer-9."""
    return [part.zfill(20) if part.isdigit() else part for part in re.split(r"(\d+)", key)]


def _full_names(text):
    """Return {key: name} of the object graph, which is kept as a text: its length, a checksum, its bytes."""
    length, at = varint(text, 0)
    graph = Message(text[at + 4:at + 4 + length])
    names = {value.text(3): value.text(2) for node in graph.messages(1) for value in node.messages(2) if value.text(2)}
    times = Counter(names.values())
    return {key: name for key, name in names.items() if times[name] == 1}


def _frozen(graph):
    if any(isinstance(value, int) for value in graph.fields.get(1, [])):
        raise ValueError("it is a saved_model.pb, whose weights lie in variables/ beside it: give the SavedModel's folder")
    arrays, budget = {}, [REPEATED]
    for node in graph.messages(1):
        if node.text(2) == "Const":
            values = {attribute.text(1): attribute.message(2) for attribute in node.messages(5)}
            tensor = values.get("value", Message(b"")).message(8)
            if tensor.integer(1) in DTYPES:                     # others are texts
                arrays[node.text(1)] = read_tensor(tensor, budget)
    if not arrays:
        raise ValueError("it has no constants")
    return WeightFile("TensorFlow frozen graph", "HWIO", arrays)
