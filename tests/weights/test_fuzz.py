"""Damaged files end in a result or in an InputError, whatever the damage, and take no more memory than they should."""
import pytest

from tests.weights import samples
from tests.weights.fuzz import assert_only_input_error
from tests.weights.protobuf_writer import message
from tinynet.errors import InputError
from tinynet.weights import caffe, onnx, tensorflow, tflite

READERS = {"onnx": onnx, "tflite": tflite, "caffe": caffe, "tensorflow": tensorflow}


def test_damaged_files(tmp_path):
    for reader, name, data in samples.files(tmp_path):
        path = tmp_path / name
        path.write_bytes(data)
        assert READERS[reader].read(path).arrays                # before the damage it can be read
        n_read, n_refused, _ = assert_only_input_error(READERS[reader].read, tmp_path, data, 200, name=name)
        assert n_refused > 50 and n_read + n_refused == 200
        path.write_bytes(data)


@pytest.mark.parametrize("reader, name, data", [
    ("onnx", "a.onnx", message((7, message((1, b"")) * 150_000))), ("onnx", "a.onnx", message((7, message((1, message((1, "a")) * 150_000))))),
    ("onnx", "a.onnx", message((7, message((5, message((1, b"\1" * 2_000_000), (2, 1))))))),
    ("caffe", "a.caffemodel", message((100, b"")) * 150_000), ("tensorflow", "a.pb", message((1, b"")) * 150_000)])
def test_few_bytes_that_would_become_many_objects(reader, name, data, tmp_path):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match="fields for its size"):
        READERS[reader].read(tmp_path / name)
