"""Read the state dict in a PyTorch file, of any version, without PyTorch and without running what the file says.

There are two formats. Since 1.6 a file is a zip archive: ``data.pkl`` describes the tensors, ``data/0``, ``data/1``,
... are their storages, plain rows of numbers. Before, it was five pickles one behind another (a magic number, a
protocol, the machine's integer sizes, the tensors, the storages' keys) and then all storages. In both a tensor is

    storage, offset, shape, stride:    T[i, j, ...] = storage[offset + i stride_0 + j stride_1 + ...]

so tied weights share a storage and a transposed tensor costs nothing. Taught in lesson 19.
"""
import io
import struct
from pathlib import Path

import numpy as np

from ..errors import InputError
from .bfloat16 import widen_bfloat16
from .checkpoint import find_state_dict
from .file import WeightFile
from .pickles import MOST_BYTES, UnpicklingError, read_pickle
from .pytorch_names import BFLOAT16, NAMES, Tensor, itemsize, read_storage
from .zipped import zip_members

MAGIC, PROTOCOL = 0x1950a86a20f9469cfc6c, 1001
BIG_ENDIAN = "its numbers are big-endian: load it with torch on a PC and save it again"
REMEDY = "fetch it again, or write the state dict alone where the net was made: torch.save(net.state_dict(), file)"


def read(path):
    """Read a state dict, or a checkpoint that holds one under "state_dict", "model_state_dict", "model" or "net".

    Parameters
    ----------
    path : str or Path
        A .pt, .pth, .th, .bin or .ckpt file of `torch.save`, from anyone: nothing in it is run.

    Returns
    -------
    file : WeightFile
        Its arrays are equal to the tensors bit for bit, bfloat16 as float32. Names lose what all of them begin with
        where it is "module.", "model." or "_orig_mod.". ``facts`` has the entry taken and those left out.

    Raises
    ------
    InputError
        If the file cannot be opened, is damaged, names what no state dict needs (a whole pickled net, a program),
        is TorchScript, big-endian, or holds no state dict.
    """
    try:
        data = Path(path).read_bytes()
        is_zip = data.startswith(b"PK")
        content, raw = (_read_zip if is_zip else _read_legacy)(data)
        tensors, facts = find_state_dict(content, lambda value: isinstance(value, Tensor))
        arrays, storages, budget = {}, {}, 4 * len(data) + 2**26
        for name, tensor in tensors.items():
            arrays[name] = _array(name, tensor, storages, raw)
            budget -= arrays[name].nbytes
            if budget < 0:
                raise UnpicklingError("its tensors overlap and come to more than four times the file")
    except OSError as error:
        raise InputError(f"cannot read {path} ({error.strerror}); give a .pth file of torch.save") from error
    except Exception as error:      # a damaged file can fail in every way there is
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"refused {path}, nothing in it was run: {reason:.500}; {REMEDY}") from error
    return WeightFile("PyTorch (zip)" if is_zip else "PyTorch (legacy)", "OIHW", arrays, {"framework": "PyTorch", **facts})


def _read_zip(data):
    """Return the content and a function from a storage to its bytes."""
    members = zip_members(data)
    root = next((name for name in members if name.split("/")[1:] == ["data.pkl"]), "data.pkl").removesuffix("data.pkl")
    if any(name.startswith((root + "code/", root + "constants.pkl")) for name in members):
        raise UnpicklingError("it is TorchScript, a program: where torch is, take net = torch.jit.load(file)")
    pickled = members.get(root + "data.pkl")
    if pickled is None or len(pickled) > MOST_BYTES:
        raise UnpicklingError("it is a zip archive without a data.pkl of at most 8 MiB, not compressed")
    if members.get(root + "byteorder", b"little") != b"little":
        raise UnpicklingError(BIG_ENDIAN)
    content = read_pickle(io.BytesIO(pickled), NAMES, read_storage)
    return content, lambda storage: members.get(f"{root}data/{storage.key}")


def _read_legacy(data):
    """Return the content and a function from a storage to its bytes."""
    storages, places, file = {}, {}, io.BytesIO(data[:MOST_BYTES])

    def remember(identity):
        storage = read_storage(identity)
        storages.setdefault(storage.key, storage)
        return storage

    if not data.startswith(b"\x80") or read_pickle(file, {}, None) != MAGIC \
            or read_pickle(file, {}, None) != PROTOCOL:
        raise UnpicklingError("it does not begin as a PyTorch file does")
    if read_pickle(file, {}, None).get("little_endian") is not True:
        raise UnpicklingError(BIG_ENDIAN)
    content, keys = read_pickle(file, NAMES, remember), read_pickle(file, {}, None)
    position, view = file.tell(), memoryview(data)
    for key in keys:                                    # each storage: how many numbers (int64), the numbers
        if type(key) is not str or key not in storages:
            raise UnpicklingError("it has a storage that no tensor uses")
        start, size = position + 8, struct.unpack_from("<q", data, position)[0] * itemsize(storages[key].dtype)
        if not 0 <= size <= len(data) - start:
            raise UnpicklingError(f"storage {key!r:.40} goes on behind the end of the file: it is cut short")
        places[key], position = view[start:start + size], start + size
    return content, lambda storage: places[storage.key]


def _array(name, tensor, storages, raw):
    """Return a tensor as an array that shares its storage's numbers; `storages` keeps those made so far."""
    storage, offset, shape, stride = tensor
    dtype, size = storage.dtype, itemsize(storage.dtype)
    if storage.key not in storages:
        content = raw(storage)
        if content is None:
            raise UnpicklingError(f"storage {storage.key!r:.40} is missing, or compressed")
        if len(content) != storage.n_numbers * size:
            raise UnpicklingError(f"storage {storage.key!r:.40} is {len(content)} bytes, not {storage.n_numbers} numbers")
        numbers = widen_bfloat16(content) if dtype == BFLOAT16 else np.frombuffer(content, dtype).copy()
        storages[storage.key] = dtype, numbers
    written_as, numbers = storages[storage.key]
    if written_as != dtype:
        raise UnpicklingError(f"storage {storage.key!r:.40} is used as {written_as} and as {dtype}")
    if storage.view:
        _, start, length = storage.view
        numbers = numbers[start:start + length]
    if not (type(shape) is type(stride) is tuple and len(shape) == len(stride) <= 64
            and all(type(n) is int and 0 <= n < 2**48 for n in (offset, *shape, *stride))):
        raise UnpicklingError(f"tensor {name!r:.80} has no valid offset, shape and stride")
    if 0 in shape:
        return np.empty(shape, numbers.dtype)
    last = offset + sum((n - 1) * step for n, step in zip(shape, stride))
    if last >= len(numbers):
        raise UnpicklingError(f"tensor {name!r:.80} reaches number {last} of a storage of {len(numbers)}")
    step = numbers.itemsize
    return np.ndarray(shape, numbers.dtype, numbers, offset * step, [n * step for n in stride])
