"""Weights files: what goes in comes out, the same bytes every time, and a damaged file says so."""
import json
import os
import struct
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from tinynet.errors import InputError
from tinynet.files import sha256
from tinynet.weights import load_weights, save_weights, tensors_sha256

METADATA = {"source": "a test", "stages": {"conv1": [2, 3, 5]}, "mean": [104.0, 117.5], "café": "naïve"}


def make_tensors():
    rng = np.random.default_rng(7)
    return {
        "conv1.weight": rng.normal(size=(5, 3, 2, 7)).astype(np.float32),
        "conv1.bias": rng.normal(size=5),
        "step": np.array(11, dtype=np.int64),
        "mask": np.array([True, False, True]),
        "half": rng.normal(size=(3, 2)).astype(np.float16),
        "none": np.zeros((0, 3), np.float32),
    }


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name in expected:
        assert found[name].dtype == expected[name].dtype and found[name].shape == expected[name].shape, name
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def test_round_trip_keeps_tensors_and_metadata(tmp_path):
    tensors = make_tensors()
    save_weights(tmp_path / "net.safetensors", tensors, METADATA)
    found, metadata = load_weights(str(tmp_path / "net.safetensors"))
    assert_same(found, tensors)
    assert metadata == {**METADATA, "tensors_sha256": tensors_sha256(tensors)}


def test_loaded_arrays_are_writable_and_do_not_hold_the_file(tmp_path):
    path = tmp_path / "net.safetensors"
    save_weights(path, make_tensors(), {})
    before = sha256(path)
    found, _ = load_weights(path)
    found["conv1.weight"][:] = 0
    assert sha256(path) == before
    path.unlink()                                   # fails on Windows where a mapping is still open
    assert found["conv1.bias"].shape == (5,)


def test_transposed_strided_and_big_endian_arrays_keep_their_values(tmp_path):
    base = np.arange(30, dtype=np.float32).reshape(2, 3, 5)
    tensors = {"transposed": base.transpose(2, 0, 1), "strided": base[:, ::2, ::-1],
               "big-endian": base.astype(">f4")}
    save_weights(tmp_path / "net.safetensors", tensors, {})
    found, _ = load_weights(tmp_path / "net.safetensors")
    for name, array in tensors.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_hash_depends_on_content_alone():
    tensors = make_tensors()
    shuffled = {name: np.asarray(tensors[name], order="F") for name in reversed(tensors)}
    assert tensors_sha256(shuffled) == tensors_sha256(tensors)
    w = np.arange(6, dtype=np.float32)
    variants = [{"w": w}, {"v": w}, {"w": w.reshape(2, 3)}, {"w": w.reshape(3, 2)},
                {"w": w.astype(np.float64)}, {"w": w.view(np.int32)}, {"w": w + 1}, {"w": w, "v": w}]
    assert len({tensors_sha256(variant) for variant in variants}) == len(variants)


def test_same_bytes_in_every_process(tmp_path, root):
    program = (
        "import sys, numpy as np; from tinynet.weights import save_weights;"
        "names = sorted({'b', 'a', 'd', 'c', 'e'}, key=hash);"
        "tensors = {n: np.full((2, 3), ord(n), np.float32) for n in names};"
        "save_weights(sys.argv[1], tensors, {n: 1 for n in names})"
    )
    digests = set()
    for seed in "0", "1", "2", "3":
        path = tmp_path / f"{seed}.safetensors"
        subprocess.run([sys.executable, "-c", program, str(path)], check=True, cwd=root,
                       env={**os.environ, "PYTHONHASHSEED": seed})
        digests.add(sha256(path))
    assert len(digests) == 1


def test_failed_save_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "net.safetensors"
    save_weights(path, {"w": np.ones(3)}, {})
    before = path.read_bytes()
    with pytest.raises(Exception, match="dtype"):
        save_weights(path, {"w": np.array(["text"])}, {})
    with pytest.raises(TypeError):
        save_weights(path, {"w": np.ones(3)}, {"not JSON": object()})
    assert path.read_bytes() == before and os.listdir(tmp_path) == [path.name]


def test_foreign_file_is_read_as_it_stands(tmp_path):
    path = tmp_path / "foreign.safetensors"
    save_file({"w": np.arange(3, dtype=np.float32)}, path, {"format": "pt"})
    found, metadata = load_weights(path)
    assert found["w"].tolist() == [0, 1, 2] and metadata == {"format": "pt"}
    save_file({"w": np.arange(3, dtype=np.float32)}, path)
    assert load_weights(path)[1] == {}


def assert_refused(path, *words):
    with pytest.raises(InputError) as caught:
        load_weights(path)
    message = str(caught.value)
    assert "\n" not in message
    for word in (path.name, *words):
        assert word in message


def test_missing_file_and_folder(tmp_path):
    assert_refused(tmp_path / "absent.safetensors", "no weights file")
    assert_refused(tmp_path, "folder")


@pytest.mark.parametrize("keep", [0, 5, 8, 100, -1])
def test_truncated_file(tmp_path, keep):
    path = tmp_path / "net.safetensors"
    save_weights(path, make_tensors(), METADATA)
    path.write_bytes(path.read_bytes()[:keep])
    assert_refused(path, "cut short", "again")


@pytest.mark.parametrize("content", [b"PK\x03\x04" + bytes(200), b"\x80\x02}q\x00." * 20,
                                     b"\x89HDF\r\n\x1a\n" + bytes(99), bytes(64),
                                     struct.pack("<Q", 2**62) + b"{}"])
def test_file_of_another_format(tmp_path, content):
    path = tmp_path / "net.safetensors"
    path.write_bytes(content)
    assert_refused(path, "another format")


def write_raw(path, header, data=b""):
    header = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)


def test_dtype_that_numpy_lacks(tmp_path):
    path = tmp_path / "net.safetensors"
    for dtype, size in ("BF16", 4), ("F8_E4M3", 2):
        write_raw(path, {"w": {"dtype": dtype, "shape": [2], "data_offsets": [0, size]}}, bytes(size))
        assert_refused(path)


def test_metadata_that_is_not_ours_to_read(tmp_path):
    path = tmp_path / "net.safetensors"
    for text in "{broken", "[1, 2]":
        write_raw(path, {"__metadata__": {"tinynet": text}})
        assert_refused(path)


def test_every_flipped_byte_of_the_numbers_is_found(tmp_path):
    path = tmp_path / "net.safetensors"
    save_weights(path, {"w": np.arange(6, dtype=np.float32)}, {})
    whole = path.read_bytes()
    for position in range(len(whole) - 24, len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        assert_refused(path, "altered", "SHA-256")


def test_renamed_tensor_is_found(tmp_path):
    path = tmp_path / "net.safetensors"
    save_weights(path, {"weight_a": np.ones(3), "weight_b": np.zeros(3)}, {})
    path.write_bytes(path.read_bytes().replace(b'"weight_a"', b'"weight_c"'))
    assert_refused(path, "altered")
