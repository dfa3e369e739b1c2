"""Read any weight file: which format it has is told by its bytes, not by its name. Taught in lesson 19."""
import zipfile
from pathlib import Path

from ..errors import InputError
from ..files import sha256
from . import caffe, keras, ndf, onnx, pytorch, safetensors_file, tensorflow, tflite
from .protobuf import Message

HDF5, ZIP, PICKLE = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", b"\x80"
FORMATS = "PyTorch, safetensors, Keras (.h5, .keras), ONNX, TFLite, Caffe, TensorFlow (checkpoint, .pb)"

MOST_NAME = 1000                                    # letters
NOT_WEIGHTS = {                                     # what a download brings that went wrong
    b"version https://git-lfs": "is a pointer of Git LFS and not the file itself; get that with `git lfs pull`, or download it",
    **dict.fromkeys([b"<!doctype", b"<html", b"<?xml"],
                    "is a web page and not a weight file; the download failed, or wanted a login: fetch it again"),
    b"\x1f\x8b": "is compressed with gzip; unpack it",
}


def read_weights(path):
    """Read the arrays of a weight file of any framework, without running anything that it says.

    Parameters
    ----------
    path : str or Path
        PyTorch (.pth, .pt, zip or legacy), safetensors, Keras (.h5, .keras, .weights.h5), ONNX, TFLite, Caffe (.caffemodel),
        TensorFlow (a frozen .pb, or a checkpoint: its .index file, its name without ending, or its folder).

    Returns
    -------
    file : WeightFile

    Raises
    ------
    InputError
        If it is of none of these formats, damaged, or holds what only its own framework can run.
    """
    path = Path(path)
    file = _reader(path).read(path)
    file.name = path.name
    if not file.arrays:
        raise InputError(f"{path}: a file of {file.format}, but it holds no arrays; give the file with the weights")
    names = [*file.arrays, *(node.op for node in file.nodes or ())]
    odd = next((name for name in names if not name.isprintable() or len(name) > MOST_NAME), None)
    if odd is not None:                             # it would be printed: on a terminal it could be a command
        raise InputError(f"{path} is damaged or made to mislead: {odd!r:.80} is no name; fetch it again")
    return file


def weights_sha256(path):
    """Return the SHA-256 by which a weight file is known again.

    Parameters
    ----------
    path : Path

    Returns
    -------
    digest : str
        Of the file; of an ONNX file that keeps its tensors in files beside it, of all their digests.
    """
    digest = sha256(path)
    beside = onnx.files_beside(path) if _reader(path) is onnx else []
    return sha256(" ".join([digest, *map(sha256, beside)]).encode()) if beside else digest


def _reader(path):
    """Return the module that reads a file beginning like this one."""
    if path.is_dir() or not path.exists() and path.with_name(path.name + ".index").exists() or tensorflow.is_index(path):
        return tensorflow
    try:
        with open(path, "rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise InputError(f"cannot open {path}: {error.strerror or error}; give a weight file") from error
    if start.startswith(ZIP):
        return keras if _has_member(path, "model.weights.h5") else pytorch
    if start.startswith(HDF5):
        return keras
    if start[4:8] == b"TFL3":
        return tflite
    if start.startswith(PICKLE):
        return pytorch if pytorch.MAGIC.to_bytes(10, "little") in start[:32] else ndf
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 2 ** 40:
        return safetensors_file
    for beginning, what in NOT_WEIGHTS.items():
        if start.lstrip().lower().startswith(beginning):
            raise InputError(f"{path} {what}")
    if not start:
        raise InputError(f"{path} is empty; fetch it again")
    found = _protobuf(path)
    if found is None:
        raise InputError(f"{path} begins with {start[:8]!r}, which no weight file does that is known here; the formats are "
                         f"{FORMATS}")
    return found


def _has_member(path, name):
    try:
        with zipfile.ZipFile(path) as archive:
            return name in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def _protobuf(path):
    """Return the reader of a protocol buffer, which has no mark of its own: by the numbers of its fields."""
    try:
        message = Message(path.read_bytes())
        first = message.fields.get(1, [b""])[0]
        if isinstance(first, int):                  # a version: of ONNX's format, or of a SavedModel
            return onnx if 7 in message else tensorflow if 2 in message else None
        node = Message(first)
        if node.text(1) and node.text(2):           # a name and a kind of operation
            return tensorflow
    except ValueError:                              # a name is no message: Caffe's field 1
        pass
    try:
        return caffe if {2, 100} & Message(path.read_bytes()).fields.keys() else None
    except ValueError:
        return None
