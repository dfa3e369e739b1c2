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


def npy(header, data=b""):
    header = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


@pytest.mark.parametrize("value", [
    np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.array(2.5), np.zeros((0, 5)),
    np.array([True, False]), np.array(-3, np.int16), np.float32([1]), np.array("näme"), np.array(["a", "bcd"]), np.array(""),
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
    "compressed": zipped([("a.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", bytes(16)))],
                         zipfile.ZIP_DEFLATED),
    "bomb": zipped([("a.npy", bytes(10 << 20))], zipfile.ZIP_DEFLATED),
    "too long a shape": zipped([("a.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }"))]),
    "bytes left over": zipped([("a.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", bytes(16)))]),
    "an object": zipped([("a.npy", npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", bytes(8)))]),
    "a structure": zipped([("a.npy", npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", bytes(8)))]),
    "code": zipped([("a.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (__import__('os').abort(),), }"))]),
    "no such type": zipped([("a.npy", npy("{'descr': '<f3', 'fortran_order': False, 'shape': (1,), }", bytes(3)))]),
    "many empty texts": zipped([("a.npy", npy("{'descr': '<U0', 'fortran_order': False, 'shape': (99999999,), }"))]),
    "huge axes of nothing": zipped([("a.npy", npy("{'descr': '<f8', 'fortran_order': False, "
                                                  "'shape': (0, 999999999999, 999999999999), }"))]),
    "too many arrays": zipped([(f"{i}.npy", b"") for i in range(1001)]),
    "too many frames": zipped([]) * 1000,
}


@pytest.mark.parametrize("data", FORGED.values(), ids=FORGED.keys())
def test_anything_else_is_refused(data):
    with pytest.raises(wire.Forged):
        wire.read(data)


def test_members_that_share_their_bytes_are_refused():
    """A zip whose directory lists one member many times over would be read many times over."""
    data = bytearray(zipped([("a.npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (5000,), }", bytes(5000)))])[8:])
    end = data.index(b"PK\5\6")
    start = data.index(b"PK\1\2")
    entry = bytes(data[start:end])
    count = 50
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(entry) * count, start, 0)
    with pytest.raises(wire.Forged, match="more than it takes"):
        wire.read(framed(bytes(data[:start]) + entry * count + tail))


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
