"""`predict` and `classify`: what is printed of each photo, the table, bad files, and Ctrl-C."""
import argparse
import csv
import json

import numpy as np
import pytest
from PIL import Image

from tinynet.cli import label as module
from tinynet.cli import main
from tinynet.cli.label import label
from tinynet.samples import DrawnCats
from tinynet.transfer import Answers, Settings, transfer

NAMES = ["tigger", "misty", "neither"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of 20 grey pictures: number i has brightness 10 i."""
    root = tmp_path_factory.mktemp("photos")
    for i in range(20):
        Image.fromarray(np.full((8, 8, 3), 10 * i, np.uint8)).save(root / f"{i:02}.png")
    return root


def answer(images):
    """Bright ones are Misty; the very bright are unlike all training photos."""
    light = np.array([image.mean() / 200 for image in images], np.float32)
    return Answers(np.stack([1 - light, 0.75 * light, 0.25 * light], axis=1), light, light < 0.9, light[:, None])


def call(*images, **options):
    return label(argparse.Namespace(**{"images": [*map(str, images)], "top": None, "json": False, "csv": None} | options), answer, NAMES)


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_photo_unlike_all_training_photos_is_said_to_be_so(photos, capsys):
    assert call(photos / "02.png", photos / "19.png") == 0
    known, strange = capsys.readouterr().out.splitlines()
    assert known == f"{photos / '02.png'}: tigger 0.900, misty 0.075, neither 0.025"
    assert strange == f"{photos / '19.png'}: unlike all training photos; if anything, misty 0.712, neither 0.237, tigger 0.050"
    assert call(photos / "02.png", photos / "19.png", json=True, top=1) == 0
    known, strange = json.loads(capsys.readouterr().out)
    assert known["known"] is True and strange["known"] is False and strange["distance"] == pytest.approx(0.95)
    assert [k["name"] for k in strange["top"]] == ["misty"] and set(known) == {"path", "top", "known", "distance"}


def test_a_network_without_training_photos_knows_of_no_strangers(photos, capsys):
    arguments = argparse.Namespace(images=[str(photos / "19.png")], top=1, json=True, csv=None)
    assert label(arguments, lambda images: Answers(answer(images).probabilities), NAMES) == 0
    assert set(json.loads(capsys.readouterr().out)[0]) == {"path", "top"}


def test_a_table_has_a_row_for_each_photo_good_or_bad(photos, tmp_path, capsys):
    bad = tmp_path / "bad, \"very\".jpg"
    bad.write_bytes(b"no photo")
    table = tmp_path / "found.csv"
    assert call(photos, bad, tmp_path / "gone.jpg", csv=str(table)) == 2
    out, err = capsys.readouterr()
    found = rows(table)
    assert list(found[0]) == ["path", "answer", "p", "known", "distance", "problem", *NAMES]
    assert [row["path"] for row in found] == [*(str(photos / f"{i:02}.png") for i in range(20)), str(bad), str(tmp_path / "gone.jpg")]
    assert len(out.splitlines()) == 20 and len(err.splitlines()) == 2, "more than one batch, in order"
    assert found[2] == {"path": str(photos / "02.png"), "answer": "tigger", "p": "0.9000", "known": "True", "distance": "0.1000",
                        "problem": "", "tigger": "0.9000", "misty": "0.0750", "neither": "0.0250"}
    assert found[19]["known"] == "False" and found[20]["answer"] == "" and str(bad) in found[20]["problem"]


def test_with_top_the_table_has_no_column_for_each_class(photos, tmp_path):
    assert call(photos / "02.png", top=1, csv=str(tmp_path / "t.csv")) == 0
    assert list(rows(tmp_path / "t.csv")[0]) == ["path", "answer", "p", "known", "distance", "problem"]


def test_ctrl_c_writes_what_is_there(photos, tmp_path, capsys, monkeypatch):
    read, seen = module.read_picture, []

    def stopping(path):
        seen.append(path)
        if len(seen) == 18:                                             # in the second batch
            raise KeyboardInterrupt
        return read(path)

    monkeypatch.setattr(module, "read_picture", stopping)
    with pytest.raises(KeyboardInterrupt):
        call(photos, csv=str(tmp_path / "t.csv"))
    assert len(rows(tmp_path / "t.csv")) == len(capsys.readouterr().out.splitlines()) == 16


def test_a_table_that_would_be_a_folder_is_refused_before_the_work(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "read_picture", None)
    with pytest.raises(module.InputError, match="--csv .*: that is a folder; give the name of a file"):
        call(photos, csv=str(tmp_path))


def test_predict_and_classify_write_tables(tmp_path, capsys, photos):
    """Through the commands: a classifier knows its own photos, and noise is unlike them."""
    cats = DrawnCats(6)
    transfer(cats, tmp_path / "run", Settings(epochs=2), progress=False)
    Image.fromarray(cats.image(0)).save(tmp_path / "cat.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (99, 99, 3), np.uint8)).save(tmp_path / "noise.png")
    images = [str(tmp_path / "cat.png"), str(tmp_path / "noise.png")]
    assert main(["predict", str(tmp_path / "run"), *images, "--csv", str(tmp_path / "p.csv")]) == 0
    lines = capsys.readouterr().out.splitlines()
    cat, noise = rows(tmp_path / "p.csv")
    assert (cat["known"], noise["known"]) == ("True", "False") and float(cat["distance"]) < float(noise["distance"])
    assert "unlike" not in lines[0] and ": unlike all training photos; if anything, " in lines[1]
    assert main(["classify", images[0], "--csv", str(tmp_path / "c.csv")]) == 0
    found, = rows(tmp_path / "c.csv")
    assert found["known"] == found["distance"] == "" and 0 < float(found["p"]) <= 1 and len(found) == 6
    assert main(["predict", str(tmp_path / "run"), *images, "--csv", str(tmp_path)]) == 2
    assert "that is a folder" in capsys.readouterr().err
