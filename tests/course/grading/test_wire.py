import io
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.grading import wire


def frame(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return framed(buffer.getvalue())


def framed(data):
    return len(data).to_bytes(8, "big") + data


def zipped(members, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return framed(buffer.getvalue())


def npy(dtype="'<f8'", shape="(1,)", data=b""):
    """Return an .npy file that says what it likes of its data."""
    header = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


@pytest.mark.parametrize("value", [
    np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.array(2.5), np.zeros((0, 5)),
    np.array([True, False]), np.array(-3, np.int16), np.float32([1]), np.array("näme"), np.array(["a", "bcd"]),
    np.array(""),
], ids=lambda value: f"{value.dtype}{value.shape}")
def test_what_the_runner_writes_comes_back(value):
    back = wire.read(frame(**{"part/0/": value}))["part/0/"]
    np.testing.assert_array_equal(back, value)
    assert back.dtype.kind == value.dtype.kind and back.shape == value.shape


def test_frames_add_up_and_one_that_is_cut_off_is_left_out():
    first, second = frame(a=np.ones(3)), frame(b=np.zeros(2))
    assert wire.read(first + second).keys() == {"a", "b"}
    assert wire.read(first + second[:-1]).keys() == {"a"}
    assert wire.read(b"") == wire.read(b"\0\0\0") == {}


def pickled():
    buffer = io.BytesIO()
    np.save(buffer, np.array([{}], dtype=object), allow_pickle=True)
    return buffer.getvalue()


FORGED = {
    "not a zip": framed(b"full marks"),
    "empty frame": framed(b""),
    "a pickle": zipped([("a.npy", pickled())]),
    "compressed": zipped([("a.npy", npy(data=bytes(8)))], zipfile.ZIP_DEFLATED),
    "bomb": zipped([("a.npy", bytes(10 << 20))], zipfile.ZIP_DEFLATED),
    "too long a shape": zipped([("a.npy", npy(shape="(99999999999,)"))]),
    "bytes left over": zipped([("a.npy", npy(data=bytes(16)))]),
    "an object": zipped([("a.npy", npy("'|O'", data=bytes(8)))]),
    "a structure": zipped([("a.npy", npy("[('a', '<f8')]", data=bytes(8)))]),
    "code": zipped([("a.npy", npy(shape="(__import__('os').abort(),)"))]),
    "no such type": zipped([("a.npy", npy("'<f3'", data=bytes(3)))]),
    "many empty texts": zipped([("a.npy", npy("'<U0'", "(99999999,)"))]),
    "huge axes of nothing": zipped([("a.npy", npy(shape="(0, 999999999999, 999999999999)"))]),
    "too many arrays": zipped([(f"{i}.npy", b"") for i in range(1001)]),
    "too many frames": zipped([]) * 1000,
}


def test_the_forger_can_also_tell_the_truth():
    assert wire.read(zipped([("a.npy", npy(data=bytes(8)))])) == {"a": 0}


@pytest.mark.parametrize("data", FORGED.values(), ids=FORGED.keys())
def test_anything_else_is_refused(data):
    with pytest.raises(wire.Forged):
        wire.read(data)


def test_members_that_share_their_bytes_are_refused():
    """A zip whose directory lists one member many times over would be read many times over."""
    data = zipped([("a.npy", npy("'|u1'", "(5000,)", bytes(5000)))])[8:]
    end = data.index(b"PK\5\6")
    start = data.index(b"PK\1\2")
    entry = data[start:end]
    count = 50
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(entry) * count, start, 0)
    with pytest.raises(wire.Forged, match="more than it takes"):
        wire.read(framed(data[:start] + entry * count + tail))


@settings(max_examples=300)
@given(st.data())
def test_damage_raises_forged_or_nothing(data):
    original = bytearray(frame(**{"part/0/": np.arange(5.0), "part/error": np.array("no")}))
    for _ in range(data.draw(st.integers(1, 6))):
        original[data.draw(st.integers(0, len(original) - 1))] = data.draw(st.integers(0, 255))
    try:
        wire.read(bytes(original))
    except wire.Forged:
        pass


@given(st.binary(max_size=200))
def test_noise_raises_forged_or_nothing(data):
    try:
        assert isinstance(wire.read(data), dict)
    except wire.Forged:
        pass
