"""HDF5 files, a tree of groups, datasets and attributes, read as if a stranger had made each of them.

A dataset may lie in another file or be a link to one, which would read what the writer could not; it may also claim
more numbers than the file can hold, or unpack to more than it claims. All that is refused before numbers are read.
"""
import math
import re
import struct
import zlib

import numpy as np

from .bfloat16 import widen_bfloat16

DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3
MOST_SWELL, SLACK = 3, 2**24        # all numbers are at most three times the file and 16 MiB
MOST_NAMES, MOST_TEXT = 100_000, 3 * 2**20


def check_heaps(data):
    """Refuse a heap of texts in which one is followed by itself: HDF5 would walk in it for ever.

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    ValueError
        If an object in a heap has no size, or ends behind it.
    """
    for heap in re.finditer(rb"GCOL\x01", data):
        place, end = heap.start() + 16, heap.start() + int.from_bytes(data[heap.start() + 8:heap.start() + 16], "little")
        while place + 16 <= end <= len(data):
            index, length = struct.unpack_from("<H6xQ", data, place)            # index 0 is the free rest
            place += 16 + (length + 7) // 8 * 8 if index else length
            if index == 0 and length < 16 or place > end:
                raise ValueError("a heap of texts in it is damaged")


def find_datasets(root):
    """Return the datasets below a group.

    Parameters
    ----------
    root : h5py.Group

    Returns
    -------
    datasets : dict of str to h5py.Dataset
        By path. What is neither a group nor a dataset is left out.

    Raises
    ------
    ValueError
        If there is a soft or an external link, a loop, or a second way to the same object.
    """
    import h5py
    datasets, seen, waiting = {}, set(), [("", root)]
    while waiting:
        path, group = waiting.pop()
        for name in group:
            if group.id.links.get_info(name.encode("utf-8", "surrogateescape")).type != h5py.h5l.TYPE_HARD:
                raise ValueError(f"{path + name!r:.80} is a link: write the file again without links")
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen or len(seen) == MOST_NAMES:
                raise ValueError(f"{path + name!r:.80} is there twice, or is one of more than {MOST_NAMES:,}")
            seen.add(address)
            if isinstance(item, h5py.Group):
                waiting.append((f"{path}{name}/", item))
            elif isinstance(item, h5py.Dataset):
                datasets[path + name] = item
    return datasets


def read_datasets(datasets, file_size):
    """Return the numbers of named datasets, bfloat16 as float32.

    Parameters
    ----------
    datasets : dict of str to h5py.Dataset
    file_size : int
        In bytes.

    Returns
    -------
    arrays : dict of str to ndarray

    Raises
    ------
    ValueError
        If a dataset is in another file, holds no numbers, or they are too many for a file of this size.
    """
    claimed = sum(_claimed_bytes(name, dataset) for name, dataset in datasets.items())
    if claimed > MOST_SWELL * file_size + SLACK:
        raise ValueError(f"its arrays claim {claimed} bytes, more than {MOST_SWELL} times the file")
    return {name: _numbers(name, dataset, file_size) for name, dataset in datasets.items()}


def read_text(item, key):
    """Return an attribute that is a text, or "" where there is none.

    Parameters
    ----------
    item : h5py.Group
    key : str

    Returns
    -------
    text : str
    """
    value = item.attrs[key] if key in item.attrs and item.attrs.get_id(key).shape == () else ""
    text = value.decode("utf-8") if isinstance(value, bytes) else value
    return text if isinstance(text, str) and len(text) <= MOST_TEXT else ""


def read_names(item, key):
    """Return an attribute that is a list of texts; HDF5 limits its size, so Keras may split it: key0, key1, ...

    Parameters
    ----------
    item : h5py.Group
    key : str

    Returns
    -------
    names : list of str or None
        None where HDF5 keeps them as texts of any length, as Keras 3 does: a thousand entries may all refer to the same
        huge text, and HDF5 would copy it a thousand times.

    Raises
    ------
    ValueError
        If there are too many.
    """
    parts = [key] if key in item.attrs else []
    while not parts or parts[0] != key:
        if f"{key}{len(parts)}" not in item.attrs:
            break
        parts.append(f"{key}{len(parts)}")
    names = []
    for part in parts:
        kind = item.attrs.get_id(part)
        if math.prod(kind.shape) * kind.dtype.itemsize > MOST_TEXT:
            raise ValueError(f"the list {part} is too long")
        if kind.dtype.kind == "O":
            return None
        names += [name.decode("utf-8") for name in item.attrs[part]]
    return names


def _claimed_bytes(name, dataset):
    if dataset.is_virtual or dataset.external:
        raise ValueError(f"{name!r:.80} lies in another file")
    if dataset.dtype.kind not in "biuf" and dataset.dtype != "V2":
        raise ValueError(f"{name!r:.80} does not hold numbers but {str(dataset.dtype)[:40]}")
    size, chunk = math.prod(dataset.shape or ()), math.prod(dataset.chunks or ())
    return max(size, chunk) * dataset.dtype.itemsize


def _numbers(name, dataset, file_size):
    if dataset.chunks:
        _check_chunks(name, dataset, file_size)
    numbers = dataset[()]
    if dataset.dtype == "V2":                               # how HDF5 keeps what it has no type for
        return widen_bfloat16(numbers.tobytes()).reshape(dataset.shape)
    return np.asarray(numbers, dataset.dtype.newbyteorder("<"))


def _check_chunks(name, dataset, file_size):
    """Unpack each compressed chunk as far as its size says, to see that it ends there."""
    plan, size = dataset.id.get_create_plist(), math.prod(dataset.chunks) * dataset.dtype.itemsize
    filters = {plan.get_filter(i)[0] for i in range(plan.get_nfilters())}
    if not filters <= {DEFLATE, SHUFFLE, FLETCHER32}:
        raise ValueError(f"{name!r:.80} is compressed by another method than gzip")
    for i in range(dataset.id.get_num_chunks()):
        place = dataset.id.get_chunk_info(i)
        if place.size > file_size:
            raise ValueError(f"{name!r:.80} has a chunk of {place.size} bytes")
        if DEFLATE in filters and not place.filter_mask:
            _, packed = dataset.id.read_direct_chunk(place.chunk_offset)
            if len(zlib.decompressobj().decompress(packed, size + 16)) > size + 8:
                raise ValueError(f"{name!r:.80} unpacks to more than it claims")
