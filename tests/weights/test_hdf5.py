"""HDF5 of a stranger: no other file is opened, nothing swells, and attributes come as text."""
import io
import zlib

import numpy as np
import pytest

from tinynet.weights.hdf5 import MOST_SWELL, SLACK, find_datasets, read_datasets, read_names, read_text

h5py = pytest.importorskip("h5py")
NUMBERS = np.arange(24, dtype="<f4").reshape(2, 3, 4)


@pytest.fixture
def root():
    """The root of an HDF5 file in memory."""
    with h5py.File(io.BytesIO(), "w") as file:
        yield file


def test_groups_become_paths(root):
    root["a/b/c"], root["a/d"], root["e"] = NUMBERS, 1.5, np.arange(3)
    root.create_group("empty/er")
    root["type"] = np.dtype("<f4")
    found = read_datasets(find_datasets(root), 1000)
    assert set(found) == {"a/b/c", "a/d", "e"} and found["a/d"] == 1.5
    np.testing.assert_array_equal(found["a/b/c"], NUMBERS)


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<f2", "<i8", "<u2", "i1", "?"])
def test_numbers_are_little_endian(root, dtype):
    root["x"] = NUMBERS.astype(dtype)
    if dtype == "?":                                    # HDF5 keeps truth values as an enumeration
        assert read_datasets(find_datasets(root), 1000)["x"].dtype == bool
        return
    found = read_datasets(find_datasets(root), 1000)["x"]
    assert found.dtype == np.dtype(dtype).newbyteorder("<")
    np.testing.assert_array_equal(found, NUMBERS.astype(dtype))


@pytest.mark.parametrize("options", [
    dict(compression="gzip"), dict(compression="gzip", shuffle=True), dict(chunks=(1, 2, 3)), dict(fletcher32=True),
    dict(compression="gzip", shuffle=True, fletcher32=True, chunks=(2, 2, 2)), dict(shuffle=True)])
def test_chunks_and_gzip(root, options):
    root.create_dataset("x", data=NUMBERS, **options)
    np.testing.assert_array_equal(read_datasets(find_datasets(root), 1000)["x"], NUMBERS)


@pytest.mark.parametrize("link", [h5py.SoftLink("/a"), h5py.SoftLink("/nothing"), h5py.ExternalLink("other.h5", "/a")])
def test_links_are_refused(root, link):
    root["a"] = NUMBERS
    root["group/b"] = link
    with pytest.raises(ValueError, match="group/b.*link"):
        find_datasets(root)


def test_a_second_way_to_an_object_and_a_loop_are_refused(root):
    root["a"] = NUMBERS
    root["b"] = root["a"]
    with pytest.raises(ValueError, match="twice"):
        find_datasets(root)
    del root["b"]
    group = root.create_group("g")
    group["again"] = group
    with pytest.raises(ValueError, match="twice"):
        find_datasets(root)


def test_numbers_in_another_file_are_refused(root, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(96))
    root.create_dataset("x", shape=(24,), dtype="<f4", external=[(str(tmp_path / "secret"), 0, 96)])
    with pytest.raises(ValueError, match="'x' lies in another file"):
        read_datasets(find_datasets(root), 1000)


def test_a_virtual_dataset_is_refused(root):
    layout = h5py.VirtualLayout(shape=(3,), dtype="<f4")
    layout[:] = h5py.VirtualSource("other.h5", "a", shape=(3,))
    root.create_virtual_dataset("x", layout)
    with pytest.raises(ValueError, match="'x' lies in another file"):
        read_datasets(find_datasets(root), 1000)


@pytest.mark.parametrize("data", [np.array([b"text"]), "text", np.array([(1, 2.0)], [("a", "i4"), ("b", "f4")]),
                                  np.array([1 + 2j]), np.zeros(3, "V3"), h5py.Empty("S3")])
def test_what_is_no_number_is_refused(root, data):
    root["x"] = data
    with pytest.raises(ValueError, match="'x' does not hold numbers"):
        read_datasets(find_datasets(root), 1000)


@pytest.mark.parametrize("options", [
    dict(shape=(10**9,)), dict(shape=(10**9,), chunks=(1000,)), dict(shape=(3,), maxshape=(None,), chunks=(10**8,)),
    dict(shape=(10**6, 10**6), chunks=(10, 10), compression="gzip")])
def test_a_claim_of_more_than_the_file_can_hold_is_refused(root, options):
    root.create_dataset("x", dtype="<f4", **options)
    with pytest.raises(ValueError, match="claim .* times the file"):
        read_datasets(find_datasets(root), 10_000)


def test_many_small_claims_add_up(root):
    for i in range(20):
        root.create_dataset(str(i), dtype="<f4", shape=(10**6,), chunks=(10**5,))
    with pytest.raises(ValueError, match="claim"):
        read_datasets(find_datasets(root), 1000)
    assert 20 * 4 * 10**6 > MOST_SWELL * 1000 + SLACK


def test_a_chunk_that_unpacks_to_more_than_it_claims_is_refused(root):
    dataset = root.create_dataset("x", dtype="<f4", shape=(10,), chunks=(10,), compression="gzip")
    dataset.id.write_direct_chunk((0,), zlib.compress(bytes(10**7)))
    with pytest.raises(ValueError, match="unpacks to more"):
        read_datasets(find_datasets(root), 100_000)


@pytest.mark.parametrize("options", [dict(compression="lzf"), dict(scaleoffset=2)])
def test_other_compression_is_refused(root, options):
    root.create_dataset("x", data=NUMBERS, **options)
    with pytest.raises(ValueError, match="another method than gzip"):
        read_datasets(find_datasets(root), 1000)


def test_attributes(root):
    root.attrs["text"], root.attrs["bytes"], root.attrs["number"] = "é", "é".encode(), 3
    assert [read_text(root, key) for key in ("text", "bytes", "number", "absent")] == ["é", "é", "", ""]
    root.attrs["names"], root.attrs["none"] = np.array([b"a", b"b"]), np.zeros(0)
    root.attrs["unicode"] = ["a", "é"]
    for key, names in [("split0", [b"a"]), ("split1", [b"b", b"c"]), ("split3", [b"no"])]:
        root.attrs[key] = np.array(names)
    assert [read_names(root, key) for key in ("names", "none", "unicode", "split", "absent")] == [
        ["a", "b"], [], None, ["a", "b", "c"], []]
