"""Read any weight file: which format it has is told by its bytes, not by its name. Taught in lesson 19."""
from pathlib import Path

from ..errors import InputError
from . import caffe, keras, ndf, onnx, protobuf, pytorch, safetensors_file, tensorflow, tflite
from .file import WeightFile

HDF5, ZIP, PICKLE = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", b"\x80"
FORMATS = "PyTorch, safetensors, Keras (.h5, .keras), ONNX, TFLite, Caffe, TensorFlow (checkpoint, .pb)"


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
    reader = tensorflow if tensorflow.is_checkpoint(path) else _reader(path)
    file = reader.read(path)
    file.name = path.name
    if not file.arrays:
        raise InputError(f"{path}: a file of {file.format}, but it holds no arrays; give the file with the weights")
    return file


def _reader(path):
    """Return the module that reads a file beginning like this one."""
    try:
        with open(path, "rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise InputError(f"cannot open {path}: {error.strerror or error}; give a weight file") from error
    if start.startswith(ZIP):
        return keras if keras.is_keras_zip(path) else pytorch
    if start.startswith(HDF5):
        return keras
    if start[4:8] == b"TFL3":
        return tflite
    if start.startswith(pytorch.LEGACY_MAGIC):
        return pytorch
    if start[:1] == PICKLE:
        return ndf
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 2 ** 40:
        return safetensors_file
    kind = protobuf.kind(path)
    if kind in ("onnx", "caffe", "tensorflow"):
        return {"onnx": onnx, "caffe": caffe, "tensorflow": tensorflow}[kind]
    raise InputError(f"{path} begins with {start[:8]!r}, which is no weight file that is known here; the formats are {FORMATS}")


__all__ = ["WeightFile", "read_weights"]
