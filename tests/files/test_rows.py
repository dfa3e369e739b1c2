"""Rows on disk: whatever happens to the process, the disk or the files, no wrong row is ever read."""
import errno
import hashlib
import os
import shutil
import threading
import warnings
from collections import namedtuple

import numpy as np
import pytest

from tinynet.errors import InputError
from tinynet.files import rows as module
from tinynet.files.rows import Rows

SHAPE = (5, 2, 3)
IMAGES = [hashlib.sha256(name.encode()).hexdigest() for name in "abcdefg"]
TRUE = dict(zip(IMAGES, np.random.default_rng(0).normal(size=(7, *SHAPE)).astype(np.float32)))


@pytest.fixture(autouse=True)
def no_fsync(monkeypatch):
    """A thousand of them take minutes; what they guard against, a power cut, cannot be tested here."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def open_rows(folder, key="a key", dtype="<f4"):
    return Rows(folder / "rows", key, np.dtype(dtype), SHAPE)


def fill(folder, images=IMAGES, **options):
    """Open the rows, add those that are missing, and return (rows, added images)."""
    rows = open_rows(folder, **options)
    with rows.locked(progress=False):
        rows.read(set(images))
        missing = [image for image in images if image not in rows.of]
        rows.add(((image, TRUE[image]) for image in missing), len(missing))
        rows.finish()
    return rows, missing


def assert_true(rows, images=IMAGES):
    stored = np.load(rows.path, mmap_mode="r")
    assert stored.shape == (rows.count, *SHAPE)
    for image in images:
        np.testing.assert_array_equal(stored[rows.of[image][0]], TRUE[image].astype(rows.dtype))


def quietly_fill(folder, images=IMAGES):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fill(folder, images)


def test_rows_are_kept_in_order_and_found_again(tmp_path):
    rows, added = fill(tmp_path)
    assert added == IMAGES and [rows.of[image][0] for image in IMAGES] == list(range(7))
    assert_true(rows)
    before = {path: path.read_bytes() for path in rows.folder.iterdir()}
    again, added = fill(tmp_path)
    assert added == [] and again.of == rows.of
    assert before == {path: path.read_bytes() for path in rows.folder.iterdir()}


def test_new_rows_are_appended_and_old_ones_stay_put(tmp_path):
    small, _ = fill(tmp_path, IMAGES[2:5])
    old = small.path.read_bytes()[small.offset:]
    large, added = fill(tmp_path)
    assert added == IMAGES[:2] + IMAGES[5:]
    assert large.path.read_bytes()[large.offset:].startswith(old)
    assert_true(large)
    fewer, added = fill(tmp_path, IMAGES[:1])
    assert added == [] and fewer.of == large.of
    assert_true(fewer)


@pytest.mark.parametrize("n", [0, 1, 9, 10, 99_999, 10**9])
def test_the_header_has_the_same_length_for_any_number_of_rows(tmp_path, n):
    rows = open_rows(tmp_path)
    rows.of = {"image": (n, 0)}
    assert len(rows._header()) == rows.offset
    assert rows.offset % 64 == 0


# --- stopped half-way ---------------------------------------------------------------------------------------


def stop_at(monkeypatch, number, error):
    """Make write number `number` of `module._write` write half of its bytes and raise."""
    true_write, calls = module._write, []

    def write(file, data):
        calls.append(len(data))
        if len(calls) > number:
            true_write(file, data[:len(data) // 2])
            raise error
        true_write(file, data)

    monkeypatch.setattr(module, "_write", write)
    return calls


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), OSError(errno.EIO, "Input/output error")])
def test_stopped_in_any_write_it_goes_on_from_there(tmp_path, monkeypatch, stop):
    n_writes = 2 * len(IMAGES) + 1                              # a row and a line each, then the header
    for number in range(n_writes):
        folder = tmp_path / str(number)
        with monkeypatch.context() as patch:
            stop_at(patch, number, stop)
            with pytest.raises((KeyboardInterrupt, OSError, InputError)):
                fill(folder)
        with warnings.catch_warnings():
            warnings.simplefilter("error")                      # being stopped is no damage
            rows, added = fill(folder)
        assert added == IMAGES[number // 2:]
        assert_true(rows)
    with monkeypatch.context() as patch:
        assert fill(tmp_path / "whole") and stop_at(patch, n_writes, stop) == []


def test_a_lock_is_free_again_after_an_error(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        with open_rows(tmp_path).locked(progress=True):
            raise KeyboardInterrupt
    with open_rows(tmp_path).locked(progress=True):
        pass


def test_the_second_waits_for_the_first_and_says_so(tmp_path, capsys):
    first, second, seen = open_rows(tmp_path), open_rows(tmp_path), []

    def enter():
        with second.locked(progress=True):
            seen.append("second")

    with first.locked(progress=True):
        assert capsys.readouterr().err == ""
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join(0.3)
        assert seen == []
    thread.join()
    assert seen == ["second"]
    message = capsys.readouterr().err
    assert str(first.folder) in message and "waiting" in message and message.count("\n") == 1


# --- a full disk --------------------------------------------------------------------------------------------


def test_too_little_room_is_said_before_anything_is_computed(tmp_path, monkeypatch):
    Usage = namedtuple("Usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**6, 10**6 - 839, 839))
    with pytest.raises(InputError, match="7 more rows need 840 bytes, but 839 are free") as caught:
        fill(tmp_path)
    assert str(tmp_path / "rows") in str(caught.value) and "\n" not in str(caught.value)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**6, 10**6 - 840, 840))
    assert_true(fill(tmp_path)[0])


@pytest.mark.parametrize("number", [4, 5])
def test_a_disk_that_fills_up_says_how_much_is_needed_and_keeps_what_is_done(tmp_path, monkeypatch, number):
    with monkeypatch.context() as patch:
        stop_at(patch, number, OSError(errno.ENOSPC, "No space left on device"))
        with pytest.raises(InputError, match="5 more rows need 600 bytes, but No space left") as caught:
            fill(tmp_path)
    assert str(tmp_path / "rows") in str(caught.value) and "\n" not in str(caught.value)
    rows, added = fill(tmp_path)
    assert added == IMAGES[2:]
    assert_true(rows)


def test_writes_that_take_only_a_part_are_continued():
    class Slow:
        written = b""

        def write(self, data):
            self.written += bytes(data[:3])
            return min(3, len(data))

    file = Slow()
    module._write(file, b"0123456789")
    assert file.written == b"0123456789"


# --- damage -------------------------------------------------------------------------------------------------


def flip(path, position, mask=0x10):
    data = bytearray(path.read_bytes())
    data[position] ^= mask
    path.write_bytes(data)


def test_a_flipped_byte_in_a_row_costs_that_row_alone(tmp_path):
    rows, _ = fill(tmp_path)
    size = rows.path.stat().st_size
    flip(rows.path, rows.offset + 3 * rows.row_bytes + 17)
    with pytest.warns(UserWarning, match="1 of 7 rows are damaged") as caught:
        rows, added = fill(tmp_path)
    message, = [str(warning.message) for warning in caught]
    assert str(rows.folder) in message and "\n" not in message
    assert added == [IMAGES[3]]
    assert rows.path.stat().st_size == size                     # written where the damaged one was
    assert_true(rows)
    assert fill(tmp_path)[1] == []                              # and said once


def test_damage_to_a_row_that_is_not_wanted_waits_until_it_is(tmp_path):
    rows, _ = fill(tmp_path)
    flip(rows.path, rows.offset)
    assert fill(tmp_path, IMAGES[1:])[1] == []
    with pytest.warns(UserWarning, match="damaged"):
        assert fill(tmp_path)[1] == IMAGES[:1]


@pytest.mark.parametrize("name, mask", [("activations.npy", 0x10), ("manifest.jsonl", 0x01)])     # 8 <-> 9
def test_no_flipped_byte_anywhere_leads_to_a_wrong_row(tmp_path, name, mask):
    images = IMAGES[:3]
    rows, _ = fill(tmp_path, images)
    good = {path: path.read_bytes() for path in rows.folder.iterdir()}
    for position in range(len(good[rows.folder / name])):
        flip(rows.folder / name, position, mask)
        for wanted in (images[:1], images):                 # the first leaves damage for the second to find
            assert_true(quietly_fill(tmp_path, wanted)[0], wanted)
        for path, data in good.items():
            path.write_bytes(data)


@pytest.mark.parametrize("name", ["activations.npy", "manifest.jsonl"])
def test_cut_short_anywhere_the_rest_is_found(tmp_path, name):
    images = IMAGES[:3]
    rows, _ = fill(tmp_path, images)
    path, good = rows.folder / name, (rows.folder / name).read_bytes()
    for size in range(len(good)):
        path.write_bytes(good[:size])
        rows, added = quietly_fill(tmp_path, images)
        if name == "activations.npy":
            assert added == images[max(0, size - rows.offset) // rows.row_bytes:]
        else:
            assert added == images[good[:size].count(b"\n"):]
        assert_true(rows, images)
        assert path.read_bytes() == good


def test_a_file_cut_short_is_told(tmp_path):
    rows, _ = fill(tmp_path)
    os.truncate(rows.path, rows.offset + 5 * rows.row_bytes + 1)
    with pytest.warns(UserWarning, match="2 of 7 rows are damaged"):
        assert fill(tmp_path)[1] == IMAGES[5:]


@pytest.mark.parametrize("text", [b"\x00" * 500 + b"\n", b"{}\n" * 7, b"\xe9\n", b"\n", b'{"row": 0}\n'])
def test_a_garbled_manifest_is_told_and_made_anew(tmp_path, text):
    rows, _ = fill(tmp_path)
    good = rows.manifest.read_bytes()
    rows.manifest.write_bytes(text)
    with pytest.warns(UserWarning, match="rows are damaged"):
        rows, added = fill(tmp_path)
    assert added == IMAGES and rows.manifest.read_bytes() == good
    assert_true(rows)


def test_a_line_about_a_row_far_away_does_not_blow_up_the_file(tmp_path):
    rows, _ = fill(tmp_path, IMAGES[:2])
    size = rows.path.stat().st_size
    with open(rows.manifest, "ab") as file:
        file.write(module.LINE.format(999_999_999_999, IMAGES[2], 5).encode())
    with pytest.warns(UserWarning, match="1 of 3 rows are damaged"):
        rows, _ = fill(tmp_path, IMAGES[:2])
    assert rows.path.stat().st_size == size
    assert_true(rows, IMAGES[:2])


@pytest.mark.parametrize("name", ["activations.npy", "manifest.jsonl", "key.json"])
def test_a_missing_file_is_made_again(tmp_path, name):
    rows, _ = fill(tmp_path)
    good = (rows.folder / name).read_bytes()
    (rows.folder / name).unlink()
    rows, added = quietly_fill(tmp_path)
    assert added == ([] if name == "key.json" else IMAGES)
    assert (rows.folder / name).read_bytes() == good
    assert_true(rows)


def test_rows_of_another_key_are_not_trusted(tmp_path):
    fill(tmp_path)
    with pytest.warns(UserWarning, match="7 of 7 rows are damaged"):
        rows, added = fill(tmp_path, key="another key")
    assert added == IMAGES and (rows.folder / "key.json").read_text(encoding="utf-8") == "another key"


def test_rows_attached_to_another_image_are_not_trusted(tmp_path):
    rows, _ = fill(tmp_path)
    text = rows.manifest.read_text(encoding="utf-8")
    text = text.replace(IMAGES[0], "x").replace(IMAGES[1], IMAGES[0]).replace("x", IMAGES[1])
    rows.manifest.write_text(text, encoding="utf-8")
    with pytest.warns(UserWarning, match="2 of 7 rows are damaged"):
        rows, added = fill(tmp_path)
    assert added == IMAGES[:2]
    assert_true(rows)


# --- numbers ------------------------------------------------------------------------------------------------


def test_float16_takes_half_the_room(tmp_path):
    single, _ = fill(tmp_path / "single")
    half, _ = fill(tmp_path / "half", dtype="<f2")
    assert 2 * half.row_bytes == single.row_bytes
    assert_true(half)


@pytest.mark.parametrize("value, fits", [(65_504, True), (-65_504, True), (65_536, False), (-70_000, False),
                                         (np.inf, False)])
def test_what_float16_cannot_hold_is_refused(tmp_path, value, fits):
    rows = open_rows(tmp_path, dtype="<f2")
    array = np.zeros(SHAPE, np.float32)
    array[1, 1, 1] = value
    with rows.locked(progress=False):
        rows.read(set())
        if fits:
            rows.add([(IMAGES[0], array)], 1)
        else:
            with pytest.raises(InputError, match="float16 ends at 65504; use float32"):
                rows.add([(IMAGES[0], array)], 1)
    assert len(rows.of) == fits


def test_rows_and_manifest_are_synced_when_they_are_written(tmp_path, monkeypatch):
    synced, sync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(os.path.basename(os.readlink(f"/proc/self/fd/{number}")))
                        or sync(number))
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc to tell which file is synced")
    rows = Rows(tmp_path / "key", "key", np.dtype("<f4"), (3,))
    with rows.locked(False):
        rows.read(set())
        synced.clear()
        rows.add([("ab" * 32, np.ones(3, np.float32))], 1)
    assert sorted(synced) == ["activations.npy", "manifest.jsonl"]
