"""Read any safetensors file: those of timm and Hugging Face too, which hold bfloat16. Taught in lesson 19.

A file is a length (8 bytes), a header in JSON (name -> dtype, shape, place) and the numbers. The package safetensors
checks that every tensor's place is inside the file, fits its shape and touches no other's.
"""
import json
import struct
from pathlib import Path

import numpy as np
from safetensors import deserialize

from ..errors import InputError
from .bfloat16 import widen_bfloat16
from .file import WeightFile

MOST_HEADER = 3 * 2**19     # bytes: some 15,000 tensors
DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1", "U64": "<u8",
          "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1", "C64": "<c8"}


def read(path):
    """Read a safetensors file, whoever wrote it; for our own, with a checksum, there is `load_weights`.

    Parameters
    ----------
    path : str or Path
        A .safetensors file.

    Returns
    -------
    file : WeightFile
        Arrays in the order of the numbers in the file, bfloat16 as float32; ``facts`` is the file's metadata.

    Raises
    ------
    InputError
        If the file cannot be opened, is cut short or altered, or has a dtype that NumPy lacks (8-bit floats).
    """
    try:
        data = Path(path).read_bytes()
        (n_header,) = struct.unpack_from("<Q", data)
        if n_header > MOST_HEADER:
            raise ValueError(f"its header would be {n_header} bytes, at most {MOST_HEADER} are read")
        tensors = deserialize(data)
        header = json.loads(data[8:8 + n_header])
        tensors.sort(key=lambda tensor: header[tensor[0]]["data_offsets"])
        if not tensors:
            raise ValueError("it holds no tensors")
        del data
        arrays = {}
        for i, (name, tensor) in enumerate(tensors):
            arrays[name], tensors[i] = _array(name, **tensor), None         # let go of what is converted
    except OSError as error:
        raise InputError(f"cannot read {path} ({error.strerror}); give a .safetensors file") from error
    except Exception as error:      # a damaged file can fail in every way there is
        reason = " ".join(str(error).split())
        raise InputError(f"cannot read {path} as safetensors: {reason:.300}; "
                         "fetch it again, or write it as float32") from error
    return WeightFile("safetensors", "OIHW", arrays, header.get("__metadata__") or {})


def _array(name, dtype, shape, data):
    if dtype != "BF16" and dtype not in DTYPES:
        raise ValueError(f"{name!r:.80} has the dtype {dtype}, which NumPy lacks")
    numbers = widen_bfloat16(data) if dtype == "BF16" else np.frombuffer(data, DTYPES[dtype])
    return numbers.reshape(shape)
