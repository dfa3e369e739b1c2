"""ImageFolder: order, names and keys of good folders; every mistake named, or skipped and listed."""
import hashlib
import os
import shutil
import sys
import unicodedata

import numpy as np
import pytest
from PIL import Image

from tinynet.data.folder import ImageFolder
from tinynet.errors import InputError


def picture(seed):
    return np.random.default_rng(seed).integers(0, 256, (13, 7, 3), np.uint8)


@pytest.fixture
def root(tmp_path):
    """Two classes of four PNG images each, all different: misty/0.png .. 3.png and tigger/0.png .. 3.png."""
    for c, name in enumerate(("tigger", "misty")):
        folder = tmp_path / "my cats" / name
        folder.mkdir(parents=True)
        for i in range(4):
            Image.fromarray(picture(10 * c + i)).save(folder / f"{i}.png")
    return tmp_path / "my cats"


def refused(root, match):
    """Expect one line that matches; return what skip_bad skips instead, as sorted names below `root`."""
    with pytest.raises(InputError, match=match) as caught:
        ImageFolder(root)
    assert "\n" not in str(caught.value) and "--skip-bad" in str(caught.value)
    skipped = ImageFolder(root, skip_bad=True).skipped
    assert all(reason for _, reason in skipped)
    return sorted(path.relative_to(root).as_posix() for path, _ in skipped)


# --- good folders ---

def test_classes_and_files_are_sorted_and_labelled(root):
    data = ImageFolder(root)
    assert data.name == "my cats" and data.classes == ["misty", "tigger"] and len(data) == 8
    assert data.labels.dtype == np.int64 and data.labels.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert [data.title(i) for i in (0, 3, 4)] == ["misty/0.png", "misty/3.png", "tigger/0.png"]
    assert data.skipped == []
    for i, seed in enumerate([10, 11, 12, 13, 0, 1, 2, 3]):
        np.testing.assert_array_equal(data.image(i), picture(seed))
        assert data.key(i) == hashlib.sha256(data.paths[i].read_bytes()).hexdigest()


def test_hidden_and_system_files_and_notes_beside_the_classes_are_ignored(root):
    for name in (".DS_Store", "tigger/.DS_Store", "tigger/._0.png", "tigger/Thumbs.db", "tigger/desktop.ini",
                 "README.txt", "manifest.csv", "empty.jpg"):
        (root / name).write_bytes(b"not an image" if "empty" not in name else b"")
    for name in (".git", "__MACOSX", "tigger/.ipynb_checkpoints"):
        (root / name).mkdir()
    data = ImageFolder(root)
    assert len(data) == 8 and data.classes == ["misty", "tigger"] and data.skipped == []


def test_name_of_a_relative_root(root, monkeypatch):
    monkeypatch.chdir(root)
    assert ImageFolder(".").name == "my cats"


def test_class_names_are_composed_unicode_with_spaces(root):
    (root / "misty").rename(root / unicodedata.normalize("NFD", "Mädchen 猫"))
    assert ImageFolder(root).classes == ["Mädchen 猫", "tigger"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_no_unicode_still_has_a_title(root):
    os.rename(os.fsencode(root / "misty" / "0.png"), os.fsencode(root / "misty") + b"/caf\xe9.png")
    data = ImageFolder(root)
    assert "misty/caf\ufffd.png" in [data.title(i) for i in range(len(data))]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_links_are_followed_and_a_broken_one_is_named(root, tmp_path):
    shutil.move(root / "misty", tmp_path / "elsewhere")
    (root / "misty").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert ImageFolder(root).classes == ["misty", "tigger"]
    (root / "tigger" / "lost.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert refused(root, "lost.jpg: is neither a file nor a folder") == ["tigger/lost.jpg"]


def test_real_photos(shared):
    pets = ImageFolder(shared / "data" / "pets5")
    assert pets.classes == ["american_bulldog", "german_shorthaired", "havanese", "maine_coon", "pomeranian"]
    assert np.bincount(pets.labels).tolist() == [100] * 5
    cats = ImageFolder(shared / "data" / "cats")
    assert cats.classes == ["colourpoint", "maine_coon", "neither"]
    assert np.bincount(cats.labels).tolist() == [30, 100, 105]
    assert pets.skipped == cats.skipped == []


# --- a wrong root, with or without skip_bad ---

@pytest.mark.parametrize("skip_bad", [False, True])
@pytest.mark.parametrize("spoil, match", [
    (lambda root: shutil.rmtree(root), "my cats: does not exist; give a folder"),
    (lambda root: (shutil.rmtree(root), root.write_text("x")), "my cats: is not a folder; give a folder"),
    (lambda root: (shutil.rmtree(root), root.mkdir()), "holds 0 class folders; .*at least 2"),
    (lambda root: shutil.rmtree(root / "misty"), "holds 1 class folders: tigger; .*at least 2"),
])
def test_a_root_that_is_no_folder_of_class_folders(root, spoil, match, skip_bad):
    spoil(root)
    with pytest.raises(InputError, match=match):
        ImageFolder(root, skip_bad)


@pytest.mark.parametrize("skip_bad", [False, True])
@pytest.mark.parametrize("one, two", [("Tigger", "tigger"), ("é", unicodedata.normalize("NFD", "é"))])
def test_class_names_that_differ_only_in_case_or_form(root, one, two, skip_bad):
    (root / one).mkdir(exist_ok=True)
    (root / two).mkdir(exist_ok=True)
    if os.path.samefile(root / one, root / two):
        pytest.skip("this file system holds the two names for one")
    with pytest.raises(InputError, match="differs only in case from .*; merge or rename"):
        ImageFolder(root, skip_bad)


def test_nothing_left_after_skipping(root):
    for i in range(3):
        (root / "misty" / f"{i}.png").write_bytes(b"")
    with pytest.raises(InputError, match="holds 1 class folders after skipping 4 bad files.*: tigger"):
        ImageFolder(root, skip_bad=True)


# --- bad files, refused or skipped ---

def test_an_image_beside_the_class_folders(root):
    shutil.copy(root / "misty" / "0.png", root / "stray.txt")
    assert refused(root, "stray.txt: is in no class folder; move it") == ["stray.txt"]


@pytest.mark.parametrize("contents, match", [
    (b"", "misty.bad.jpg: is empty"),
    (b"notes about Misty", "misty.bad.jpg: is not a JPEG"),
    (None, "misty.bad.jpg: is damaged or cut short"),
])
def test_a_bad_file_is_named_or_skipped_and_the_rest_kept(root, contents, match):
    whole = (root / "misty" / "0.png").read_bytes()
    (root / "misty" / "bad.jpg").write_bytes(whole[:-100] if contents is None else contents)
    assert refused(root, match) == ["misty/bad.jpg"]
    data = ImageFolder(root, skip_bad=True)
    assert len(data) == 8 and len(data.paths) == len(data.labels) == 8


def test_a_decompression_bomb_is_named(root, monkeypatch):
    Image.new("L", (40, 30)).save(root / "misty" / "big.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert refused(root, "big.png: has more than 1,000 pixels") == ["misty/big.png"]


def test_a_folder_in_a_class_folder(root):
    (root / "misty" / "summer").mkdir()
    skipped = refused(root, "summer: is a folder in a class folder; move .*, or give .*misty instead")
    assert skipped == ["misty/summer"]


def test_the_other_bad_files_are_counted(root):
    for i in range(3):
        (root / "misty" / f"bad{i}.jpg").write_bytes(b"")
    skipped = refused(root, r"bad0.jpg: is empty.* \(2 more are bad\)")
    assert skipped == ["misty/bad0.jpg", "misty/bad1.jpg", "misty/bad2.jpg"]


@pytest.mark.parametrize("n_images", [0, 2])
def test_a_class_of_too_few_images_is_refused_or_left_out(root, n_images):
    (root / "neither").mkdir()
    for i in range(n_images):
        Image.fromarray(picture(100 + i)).save(root / "neither" / f"{i}.png")
    assert refused(root, f"neither: has {n_images} good images, a class needs at least 3") == ["neither"]
    data = ImageFolder(root, skip_bad=True)
    assert data.classes == ["misty", "tigger"] and len(data) == 8


def test_three_images_are_enough(root):
    (root / "misty" / "0.png").unlink()
    assert len(ImageFolder(root)) == 7


def test_the_same_picture_in_two_classes_names_both_and_keeps_neither(root):
    shutil.copy(root / "misty" / "1.png", root / "tigger" / "copy.png")
    assert refused(root, "misty.1.png: is the same picture as .*tigger.copy.png, in another class") \
        == ["misty/1.png", "tigger/copy.png"]
    data = ImageFolder(root, skip_bad=True)
    assert [path.name for path in data.paths] == [f"{i}.png" for i in (0, 2, 3, 0, 1, 2, 3)]


def test_the_same_picture_twice_in_a_class_keeps_the_first(root):
    for name in ("copy.png", "2nd copy.png"):
        shutil.copy(root / "misty" / "1.png", root / "misty" / name)
    assert refused(root, "misty.2nd copy.png: is the same picture as .*misty.1.png; delete one") \
        == ["misty/2nd copy.png", "misty/copy.png"]
    assert len(ImageFolder(root, skip_bad=True)) == 8


def test_a_file_that_goes_bad_later_is_named(root):
    data = ImageFolder(root)
    data.paths[0].unlink()
    with pytest.raises(InputError, match="0.png: cannot be read"):
        data.image(0)


def test_what_systems_leave_behind_is_no_class(root):
    for name in ("__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found", ".git", ".ipynb_checkpoints"):
        (root / name).mkdir()
        (root / name / "x.jpg").write_bytes(b"no picture")
    (root / ImageFolder(root).classes[0] / "Thumbs.db").write_bytes(b"")
    assert len(ImageFolder(root).classes) == 2


@pytest.mark.parametrize("files", [
    ["run1/model.safetensors", "run1/metrics.json", "run1/mistakes.png"], ["run1/checkpoint.safetensors"],
    ["cache/head-float32-0123/manifest.jsonl", "cache/head-float32-0123/activations.npy"],
    ["runs/a/model.safetensors", "runs/a/metrics.json", "runs/cache/x/manifest.jsonl", "runs/cache/x/activations.npy"]])
def test_what_tinynet_wrote_is_no_class_and_is_named(root, files):
    before = ImageFolder(root).classes
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(b"")
    with pytest.warns(UserWarning, match=f"{files[0].split('/')[0]}: was written by tinynet and is no class"):
        assert ImageFolder(root).classes == before


def test_a_class_called_as_a_run_stays_a_class(root):
    (root / "runs").mkdir()
    for i in range(4):
        Image.fromarray(np.full((9, 9, 3), i, np.uint8) + np.arange(9, dtype=np.uint8)[:, None]).save(root / "runs" / f"{i}.png")
    assert "runs" in ImageFolder(root).classes


def test_a_picture_that_is_all_one_colour_is_named_and_kept(root):
    Image.fromarray(np.full((9, 9, 3), 255, np.uint8)).save(root / "misty" / "blank.png")
    with pytest.warns(UserWarning, match="blank.png: is all one colour"):
        assert "blank.png" in [path.name for path in ImageFolder(root).paths]


def test_an_empty_name_is_no_folder():
    with pytest.raises(InputError, match="empty name"):
        ImageFolder("")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_among_the_photos_is_named_and_not_read(root):
    os.mkfifo(root / "misty" / "pipe.jpg")
    with pytest.raises(InputError, match="pipe.jpg: is a named pipe"):
        ImageFolder(root)
    assert [path.name for path, _ in ImageFolder(root, skip_bad=True).skipped] == ["pipe.jpg"]
