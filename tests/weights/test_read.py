"""What a file is, is told by its bytes; and what a download brings that went wrong."""
import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.weights.test_onnx import external, model, tensor
from tinynet import InputError
from tinynet.files import sha256
from tinynet.weights import read_weights
from tinynet.weights.read import weights_sha256


@pytest.mark.parametrize("data, message", [
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "is a pointer of Git LFS .*git lfs pull"),
    (b"\n <!DOCTYPE html>\n<html><head>", "is a web page"), (b"<html>", "is a web page"), (b'<?xml version="1.0"?><Error>', "is a web page"),
    (b"", "is empty"), (b"\x1f\x8b\x08\0" + b"a" * 50, "gzip"), (b"hello world" * 9, "no weight file does that is known"),
    (b"\0" * 999, "no weight file does that is known")])
@pytest.mark.parametrize("suffix", [".pth", ".onnx", ".h5"])
def test_what_is_no_weight_file_is_named(data, message, suffix, tmp_path):
    path = tmp_path / f"net{suffix}"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message) as error:
        read_weights(path)
    assert "\n" not in str(error.value) and len(str(error.value)) < 500


def test_the_name_of_a_file_does_not_matter(tmp_path):
    save_file({"a.weight": np.ones(3, np.float32)}, tmp_path / "net.onnx")
    assert read_weights(tmp_path / "net.onnx").format == "safetensors" and read_weights(tmp_path / "net.onnx").name == "net.onnx"


@pytest.mark.parametrize("name", [".", "nothing.pth"])
def test_folders_and_missing_files_are_refused(name, tmp_path):
    with pytest.raises(InputError):
        read_weights(tmp_path / name)


def test_numbers_in_files_beside_an_onnx_file_are_part_of_what_it_is_known_by(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(model(tensors=[external("net.data")]))
    with pytest.raises(InputError, match="net.data"):
        weights_sha256(path)
    digests = []
    for number in 1, 2:                             # trained on, exported again: the same .onnx
        (tmp_path / "net.data").write_bytes(np.full(24, number, "<f4").tobytes())
        digests.append(weights_sha256(path))
    assert digests[0] != digests[1] and sha256(path) not in digests
    path.write_bytes(model(tensors=[tensor("w", np.ones((2, 3), "<f4"))]))
    assert weights_sha256(path) == sha256(path)


@pytest.mark.parametrize("name", ["a\n.weight", "\x1b[2J.weight", "a" * 2000 + ".weight"])
def test_names_that_would_be_commands_on_a_terminal_are_refused(name, tmp_path):
    save_file({name: np.ones(3, np.float32)}, tmp_path / "net.safetensors")
    with pytest.raises(InputError, match="is no name") as error:
        read_weights(tmp_path / "net.safetensors")
    assert str(error.value).isprintable() and len(str(error.value)) < 400
