"""Rows of numbers in a file that survives kills, full disks and damage: what the activation cache is kept in.

    activations.npy     the numbers, one row per image, in the order in which they were computed
    manifest.jsonl      one line per row: its number, the image it belongs to, a checksum
    key.json            what the numbers depend on besides the images, for people to read
    lock                held by the process that is at work here; the next one waits

One rule says what is trusted: a row counts if the manifest has a line for it, and the checksum there fits
the key, the image and the bytes of the row. After a kill, a power cut or damage to the disk a line is missing
or does not fit, and that row alone is computed again. So rows can be written in place, one by one, and a run
that was stopped goes on from where it was; a file renamed into place when it is complete would start again.
"""
import itertools
import math
import os
import re
import shutil
import sys
import warnings
import zlib
from contextlib import contextmanager
from io import BytesIO

import numpy as np
from filelock import FileLock, Timeout

from ..errors import InputError
from .atomic import atomic_write

LINE = '{{"row": {}, "image": "{}", "crc32": "{:08x}"}}\n'
LINE_PATTERN = re.compile(rb'\{"row": (\d{1,12}), "image": "([0-9a-f]{64})", "crc32": "([0-9a-f]{8})"\}')


class Rows:
    """The rows in one folder; only its `locked` owner may use the methods.

    Parameters
    ----------
    folder : Path
        Made when it is locked.
    key : str
        What the rows depend on besides the images; rows written under another key are not trusted.
    dtype : np.dtype
        Of the numbers on disk.
    shape : tuple of int
        Of a row.

    Attributes
    ----------
    of : dict of str to (int, int)
        For each image's key, the number and the CRC-32 of its row. `read` fills it.
    path : Path
        The .npy file.
    offset : int
        Where in it row 0 starts, bytes. NumPy pads the header, so that it is the same for any number of rows.
    """

    def __init__(self, folder, key, dtype, shape):
        self.folder, self.key, self.dtype, self.shape = folder, key, dtype, shape
        self.path, self.manifest = folder / "activations.npy", folder / "manifest.jsonl"
        self.of = {}
        self.offset = len(self._header())
        self.row_bytes = dtype.itemsize * math.prod(shape)

    @property
    def count(self):
        """Number of rows up to the last that is trusted."""
        return 1 + max((row for row, _ in self.of.values()), default=-1)

    @contextmanager
    def locked(self, progress):
        """Let one process at a time work here; if it is killed, the system frees the lock.

        Parameters
        ----------
        progress : bool
            Say so on stderr if another process has to be waited for.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / "lock")
        try:
            held = lock.acquire(timeout=0)
        except Timeout:
            if progress:
                print(f"{self.folder}: waiting for another process that is filling it", file=sys.stderr)
            held = lock.acquire()
        with held:
            yield

    def read(self, images):
        """Read the manifest and check the rows of some images; warn of lines that do not fit, and drop them.

        Parameters
        ----------
        images : set of str
            Keys of the images whose rows are wanted.
        """
        self.path.touch()
        self.manifest.touch()
        *lines, _ = self.manifest.read_bytes().split(b"\n")     # the last is empty, or cut short by a kill
        entries = [match.groups() for match in map(LINE_PATTERN.fullmatch, lines) if match]
        self.of = {image.decode(): (int(row), int(crc, 16)) for row, image, crc in entries}
        damaged = self._damaged(images)
        for image in damaged:
            del self.of[image]
        n_bad = len(damaged) + len(lines) - len(entries)
        if n_bad:
            warnings.warn(f"{self.folder}: {n_bad} of {len(lines)} rows are damaged, and computed again when "
                          "needed", stacklevel=3)
        _replace(self.folder / "key.json", self.key)
        _replace(self.manifest, "".join(LINE.format(row, key, crc) for key, (row, crc) in self.of.items()))

    def _damaged(self, images):
        """Return the images whose row is not in the file, or is one of `images` and has another checksum."""
        in_file = (self.path.stat().st_size - self.offset) // self.row_bytes
        damaged = [image for image, (row, _) in self.of.items() if row >= in_file]
        with open(self.path, "rb") as file:
            for image, (row, crc) in self.of.items():
                if image in images and row < in_file:
                    file.seek(self.offset + row * self.row_bytes)
                    if self._checksum(image, file.read(self.row_bytes)) != crc:
                        damaged.append(image)
        return damaged

    def one(self, image):
        """Return the row of an image that is known, an ndarray."""
        with open(self.path, "rb") as file:
            file.seek(self.offset + self.of[image][0] * self.row_bytes)
            return np.frombuffer(file.read(self.row_bytes), self.dtype).reshape(self.shape)

    def forget(self):
        """Trust no row any more, also after a kill."""
        self.of = {}
        _replace(self.manifest, "")

    def add(self, results, n):
        """Write rows to where no trusted row is.

        Parameters
        ----------
        results : iterable of (str, ndarray)
            An image's key and its row. Each is on disk before the next is asked for.
        n : int
            How many there are.

        Raises
        ------
        InputError
            If there is no room for them, or a number is too large for the dtype.
        """
        free = shutil.disk_usage(self.folder).free
        if free < n * self.row_bytes:
            raise self._no_room(n, f"{free:,} are free")
        taken = {row for row, _ in self.of.values()}
        vacant = (row for row in itertools.count() if row not in taken)
        with open(self.path, "r+b", buffering=0) as file, open(self.manifest, "ab", buffering=0) as manifest:
            for image, array in results:
                data, row = self._encode(array), next(vacant)
                crc = self._checksum(image, data)
                try:
                    file.seek(self.offset + row * self.row_bytes)
                    _write(file, data)
                    _write(manifest, LINE.format(row, image, crc).encode())
                except OSError as error:
                    raise self._no_room(n, error.strerror) from error
                self.of[image] = row, crc
                n -= 1
            os.fsync(file.fileno())
            os.fsync(manifest.fileno())

    def finish(self):
        """Make the file a valid .npy of all its rows."""
        with open(self.path, "r+b", buffering=0) as file:
            if file.read(self.offset) != self._header():
                file.seek(0)
                _write(file, self._header())

    def _header(self):
        header = BytesIO()
        fields = {"descr": self.dtype.str, "fortran_order": False, "shape": (self.count, *self.shape)}
        np.lib.format.write_array_header_1_0(header, fields)
        return header.getvalue()

    def _checksum(self, image, data):
        return zlib.crc32(data, zlib.crc32(f"{self.key} {image}".encode()))

    def _encode(self, array):
        """Return the bytes of a row."""
        peak, limit = np.abs(array).max(), np.finfo(self.dtype).max
        if not peak <= limit:                               # nan, too, is not
            raise InputError(f"activations reach {peak:g}, {self.dtype} ends at {limit:g}; "
                             "use float32 or check the weights")
        return array.astype(self.dtype).tobytes()

    def _no_room(self, n, reason):
        return InputError(f"{self.folder}: {n} more rows need {n * self.row_bytes:,} bytes, but {reason}; "
                          "make room or choose another cache folder")


def _write(file, data):
    """Write all bytes to an unbuffered file: a kill loses nothing written before, and no error comes late."""
    data = memoryview(data)
    while data:
        data = data[file.write(data):]


def _replace(path, text):
    """Make a text file hold this text."""
    if not path.exists() or path.read_bytes() != text.encode():
        with atomic_write(path) as file:
            file.write(text.encode())
