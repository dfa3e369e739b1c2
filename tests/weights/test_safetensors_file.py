"""The reader of any safetensors file: bfloat16 becomes float32, 8-bit floats are refused by name."""
import json
import struct

import numpy as np
import pytest
from safetensors.numpy import save

from tests.weights.fuzz import assert_only_input_error
from tinynet.errors import InputError
from tinynet.weights.safetensors_file import DTYPES, read


def file_of(header, data=b""):
    """A file written by hand."""
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(header)) + header + data


def entry(dtype, shape, start, stop):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


@pytest.fixture
def content_of(tmp_path):
    """Return a function that reads the bytes of a file."""
    def check(data):
        path = tmp_path / "net.safetensors"
        path.write_bytes(data)
        return read(path)
    return check


def test_every_dtype_of_numpy_in_the_files_order(content_of):
    data, header, start = b"", {"__metadata__": {"format": "pt", "é": "x"}}, 0
    for name, dtype in sorted(DTYPES.items(), reverse=True):
        numbers = np.arange(6).astype(dtype).tobytes()
        header["layer." + name] = entry(name, [2, 3], start, start + len(numbers))
        data, start = data + numbers, start + len(numbers)
    found = content_of(file_of(header, data))
    assert found.facts == {"format": "pt", "é": "x"} and found.layout == "OIHW" and found.format == "safetensors"
    assert list(found.arrays) == list(header)[1:]
    for name, array in found.arrays.items():
        assert array.dtype == DTYPES[name[6:]] and array.flags.writeable and array.flags.aligned
        np.testing.assert_array_equal(array, np.arange(6).reshape(2, 3).astype(array.dtype))


def test_bfloat16_becomes_float32(content_of):
    exact = np.array([[0, -0.0, 1], [-1.5, 2.0**-130, np.inf]], "<f4")
    upper = (exact.view("<u4") >> 16).astype("<u2").tobytes()
    found = content_of(file_of({"x": entry("BF16", [2, 3], 0, 12)}, upper)).arrays["x"]
    assert found.dtype == np.float32 and found.tobytes() == exact.tobytes()


def test_scalar_and_empty_tensors(content_of):
    found = content_of(save({"scalar": np.array(2, np.float32), "empty": np.zeros((0, 3), np.float32)})).arrays
    assert found["scalar"].shape == () and found["scalar"] == 2 and found["empty"].shape == (0, 3)


@pytest.mark.parametrize("dtype, size", [("F8_E4M3", 8), ("F8_E5M2", 8), ("F4", 4), ("Q8", 8)])
def test_other_dtypes_are_refused_by_name(content_of, dtype, size):
    with pytest.raises(InputError, match=f"(?s)net.safetensors.*({dtype}|unknown variant)"):
        content_of(file_of({"x": entry(dtype, [8], 0, size)}, bytes(size)))


F = entry("F32", [1], 0, 4)


@pytest.mark.parametrize("data", [
    b"", b"\0" * 7, bytes(8), struct.pack("<Q", 2**63) + b"{}", struct.pack("<Q", 2**40) + b"{}", b"PK\x03\x04" + bytes(40),
    file_of(b"{}"), file_of({"__metadata__": {"a": "b"}}), file_of(b"[" * 100_000), file_of(b'{"a":' * 100_000),
    file_of({"x": F}), file_of({"x": F}, bytes(3)), file_of({"x": F}, bytes(5)), file_of({"x": F, "y": F}, bytes(4)),
    file_of({"x": entry("F32", [2], 0, 4)}, bytes(4)), file_of({"x": entry("F32", [1], 4, 8)}, bytes(8)),
    file_of({"x": entry("F32", [2**62, 4], 0, 4)}, bytes(4)), file_of({"x": entry("F32", [2**40, 0, 2**40], 0, 0)}),
    file_of({"x": entry("F32", [-1], 0, 4)}, bytes(4)), file_of({"x": F, "__metadata__": {"a": 3}}, bytes(4)),
    file_of({"x": entry("F32", [1] * 100, 0, 4)}, bytes(4)), file_of(b'{"x": 3}'), file_of(b"\xff\xfe"),
    file_of(b" " * (3 * 2**19 + 1)),
])
def test_damaged_and_other_files_are_refused(content_of, data):
    with pytest.raises(InputError, match="cannot read .*net.safetensors"):
        content_of(data)


@pytest.mark.parametrize("name", ["absent.safetensors", ""])
def test_what_cannot_be_opened(tmp_path, name):
    with pytest.raises(InputError, match="cannot read .*give a .safetensors file"):
        read(tmp_path / name)


def test_a_damaged_file_gives_an_input_error_or_arrays(tmp_path):
    data = file_of({"a.weight": entry("F32", [2, 3], 0, 24), "b": entry("BF16", [4], 24, 32)}, bytes(range(32)))
    _, n_refused, _ = assert_only_input_error(read, tmp_path, data, 400)
    assert n_refused > 100


@pytest.mark.parity
def test_equals_torch(tmp_path):
    torch = pytest.importorskip("torch")
    library = pytest.importorskip("safetensors.torch")
    base = torch.arange(-6.0, 6.0).reshape(3, 4) / 7
    names = "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool".split()
    tensors = {f"{name}.weight": base.to(getattr(torch, name)) for name in names}
    library.save_file(tensors, tmp_path / "net.safetensors", {"format": "pt"})
    found = read(tmp_path / "net.safetensors").arrays
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        expected = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
        assert found[name].dtype == expected.dtype and found[name].tobytes() == expected.tobytes(), name
