"""Inputs and results on their way into the sandbox and out of it.

Whatever comes out was written by someone who wants points. It is read here without ``np.load``, pickle,
decompression or ``eval``: a stored zip member, a header that matches one regular expression, and exactly the
bytes it announces.
"""
import io
import math
import re
import zipfile

import numpy as np

LARGEST = 16 << 20              # bytes of all results of a task
MOST = 1000                     # frames, and arrays in one of them
HEADER = re.compile(rb"\{'descr': '([<|][biufU]\d{1,6})', 'fortran_order': (True|False), "
                    rb"'shape': \(((?:\d{1,12}, ?)*(?:\d{1,12})?)\), \} *\n")


class Forged(Exception):
    """What came back is not what `runner` writes."""


def inputs(trials):
    """Return the drawn inputs as the bytes of an ``.npz``, from a list of dicts of arrays."""
    buffer = io.BytesIO()
    np.savez(buffer, **{f"{trial}/{name}": array for trial, arrays in enumerate(trials)
                        for name, array in arrays.items()})
    return buffer.getvalue()


def read(output):
    """Read the frames that came out of a sandbox.

    Parameters
    ----------
    output : bytes
        A frame is 8 bytes of length and an ``.npz``. A last one that is cut off is ignored.

    Returns
    -------
    arrays : dict
        From ``part/trial/key`` to ndarray of numbers or text, and from ``part/error`` to a text.

    Raises
    ------
    Forged
        If it is anything else.
    """
    arrays, at = {}, 0
    for _ in range(MOST):
        length = int.from_bytes(output[at:at + 8], "big")
        if at + 8 + length > len(output):
            return arrays
        arrays |= _read_frame(output[at + 8:at + 8 + length])
        at += 8 + length
    raise Forged(f"{MOST} frames or more")


def _read_frame(data):
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MOST or sum(member.file_size for member in members) > len(data):
                raise Forged("a frame of more than it takes")
            return {member.filename.removesuffix(".npy"): _array(_stored(archive, member))
                    for member in members}
    except Forged:
        raise
    except Exception as error:          # zipfile raises many kinds for what is no zip
        raise Forged(f"a frame that is no .npz ({type(error).__name__})") from None


def _stored(archive, member):
    """Return a member's bytes; nothing is ever unpacked."""
    if member.compress_type != zipfile.ZIP_STORED:
        raise Forged("a compressed array")
    return archive.read(member)


def _array(data):
    """Return the array in the bytes of an ``.npy`` file of version 1.0."""
    end = 10 + int.from_bytes(data[8:10], "little")
    header = HEADER.fullmatch(data[10:end])
    if data[:8] != b"\x93NUMPY\x01\x00" or header is None:
        raise Forged("an array with a strange header")
    dtype = np.dtype(header[1].decode())
    shape = tuple(int(length) for length in header[3].replace(b",", b" ").split())
    count = math.prod(shape)
    if dtype.itemsize * count != len(data) - end or dtype.itemsize == 0 and count > MOST:
        raise Forged("an array that is shorter or longer than it says")
    if dtype.kind == "U":
        return _text(data[end:], dtype.itemsize, shape)
    return np.frombuffer(data[end:], dtype).reshape(shape, order="F" if header[2] == b"True" else "C")


def _text(data, size, shape):
    count = math.prod(shape)
    items = [data[size * i:size * (i + 1)].decode("utf-32-le", "replace").rstrip("\0") for i in range(count)]
    return np.array(items, dtype=str).reshape(shape)
