"""Named tensors in and out of safetensors files, with metadata that says where they came from.

A safetensors file is a length, a JSON header (name -> dtype, shape, place) and the raw numbers, so reading
one runs nothing. The same tensors and metadata always give the same bytes: the header sorts the tensors,
and all metadata is one JSON text with sorted keys, because the writer does not keep several keys in order.
"""
import hashlib
import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ..backend import to_numpy
from ..errors import InputError
from ..files import atomic_write

METADATA_KEY = "tinynet"
SHA256_KEY = "tensors_sha256"


def tensors_sha256(tensors):
    """Return the SHA-256 of named tensors: of their names, dtypes, shapes and numbers, not of any file.

    Parameters
    ----------
    tensors : dict of str to ndarray
        Any shapes and numeric dtypes; neither the dict's order nor the memory layout changes the result.

    Returns
    -------
    digest : str
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        array = _plain(tensors[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.data)
    return digest.hexdigest()


def save_weights(path, tensors, metadata):
    """Write named tensors and their metadata to a safetensors file, whole or not at all.

    Parameters
    ----------
    path : str or Path
        The file to write; an old one is replaced only once the new one is complete.
    tensors : dict of str to ndarray
        For example ``net.state_dict()``. Bool, integer, float16, float32 or float64, of any shape.
    metadata : dict
        Whatever JSON can hold. `tensors_sha256` of the tensors is added to it under that name.

    Raises
    ------
    OSError
        If the file cannot be written.
    safetensors.SafetensorError
        If a tensor has a dtype that the format does not know.
    """
    tensors = {name: _plain(array) for name, array in tensors.items()}
    text = json.dumps({**metadata, SHA256_KEY: tensors_sha256(tensors)}, sort_keys=True)
    with atomic_write(path) as file:
        file.write(save(tensors, {METADATA_KEY: text}))


def load_weights(path):
    """Read a safetensors file and check it against the SHA-256 in its metadata.

    Parameters
    ----------
    path : str or Path
        A file of `save_weights`, or any safetensors file whose dtypes NumPy knows.

    Returns
    -------
    tensors : dict of str to ndarray
        Writable arrays of the caller's own, each copied once, out of the file.
    metadata : dict
        What `save_weights` was given, and ``tensors_sha256``. For a file that some other program wrote,
        its metadata as it stands (str to str); such a file has no SHA-256 to check.

    Raises
    ------
    InputError
        If there is no such file, it is cut short, altered or of another format, or has a dtype NumPy lacks.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no weights file {path}: nothing is there, or a folder; give a .safetensors file")
    try:
        with safe_open(path, framework="np") as file:
            stored = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        _check_dtypes(tensors)
        metadata = dict(json.loads(stored[METADATA_KEY])) if METADATA_KEY in stored else stored
    except (OSError, SafetensorError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"cannot read {path} as safetensors ({error}); "
                         "it is cut short, altered or of another format: fetch or write it again") from error
    _check_sha256(path, tensors, metadata)
    return tensors, metadata


def _check_dtypes(tensors):
    # where the package ml_dtypes is installed, safetensors hands out bfloat16 and 8-bit floats, which no op here takes
    for name, array in tensors.items():
        if array.dtype.kind not in "biufc":
            raise TypeError(f"{name} has the dtype {array.dtype}, which NumPy lacks")


def _check_sha256(path, tensors, metadata):
    expected = metadata.get(SHA256_KEY)
    found = tensors_sha256(tensors)
    if expected not in (None, found):
        raise InputError(f"{path} was altered: its tensors have SHA-256 {found[:12]}..., its metadata says "
                         f"{str(expected)[:12]}...; fetch or write it again")


def _plain(array):
    """Return the array on the CPU, in C order and little-endian; the format's writer assumes all three."""
    array = to_numpy(array)
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
