"""`tinynet explain`: a page about photos, from a run alone."""
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from tinynet.cli import main
from tinynet.data import ImageFolder, stratified_split

from ..drawings import draw_folder
from ..report.test_page import Page


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of class folders with a few drawings as files."""
    return draw_folder(tmp_path_factory.mktemp("data") / "my cats", 6)


@pytest.fixture(scope="module")
def runs(folder, tmp_path_factory):
    """Finished runs: a plain one, one of an ensemble that takes views, and one with trained stages."""
    out = tmp_path_factory.mktemp("runs")
    for name, *options in (["plain"], ["many", "--ensemble", "3", "--hidden", "4", "--tta"], ["deep", "--cut", "fire9"]):
        assert main(["transfer", "--data", str(folder), "--out", str(out / name), "--epochs", "3", *options]) == 0
    return out


def call(capsys, *arguments):
    capsys.readouterr()
    status = main(["explain", *map(str, arguments)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


@pytest.mark.parametrize("name", ["plain", "many", "deep"])
def test_a_page_from_a_run_alone(capsys, runs, folder, name):
    photo = folder / "tigger" / "2.png"
    status, out, err = call(capsys, runs / name, photo)
    assert status == 0 and "activations" not in err.replace("activations before", ""), err
    assert out.splitlines()[-1] == f"page: {runs / name / 'explained.html'}"
    page = Page((runs / name / "explained.html").read_text(encoding="utf-8"))
    assert not page.faults and len(list(page.images())) == 2 + 6
    assert out.startswith(f"{photo}: ") and "distance" in page.text
    capsys.readouterr()
    if name == "plain":                                     # the same probabilities as predict's
        main(["predict", str(runs / name), str(photo), "--json"])
        top = json.loads(capsys.readouterr().out)[0]["top"][0]
        assert f"{photo}: {top['name']} {top['p']:.3f}" in out


def test_the_neighbours_are_the_training_photos_and_no_others(capsys, runs, folder):
    dataset = ImageFolder(folder)
    train = stratified_split(dataset.labels, seed=0, keys=[dataset.key(i) for i in range(len(dataset))])[0]
    _, out, _ = call(capsys, runs / "plain", folder)
    own = {line.split(":")[0] for line in out.splitlines() if "(0.00)" in line}     # its own nearest
    assert own == {str(folder / dataset.title(i)) for i in train}


def test_what_is_unlike_the_cats_is_said(capsys, runs, folder, tmp_path):
    noise = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)).save(noise)
    _, out, _ = call(capsys, runs / "plain", noise, folder / "misty" / "7.png", "--out", tmp_path / "page.html")
    strange, known, _ = out.splitlines()
    assert strange.endswith(", but unlike all training photos") and "unlike" not in known


def test_another_class_can_be_asked_about(capsys, runs, folder, tmp_path):
    pages = []
    for asked in "tigger", "neither":
        _, out, _ = call(capsys, runs / "plain", folder / "tigger" / "2.png", "--class", asked, "--out", tmp_path / f"{asked}.html")
        assert f": {asked} 0." in out or f": {asked} 1." in out
        pages.append([attributes["src"] for attributes, _, _ in Page((tmp_path / f"{asked}.html").read_text()).images()])
    assert pages[0][0] == pages[1][0] and pages[0][1] != pages[1][1], "the same photo, another heat"


def test_bad_photos_are_named_after_the_good_ones(capsys, runs, folder, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no photo")
    status, out, err = call(capsys, runs / "plain", bad, folder / "misty" / "7.png", "--out", tmp_path / "page.html")
    assert status == 2 and "page: " in out and str(bad) in err and len(err.strip().splitlines()) == 1


def test_without_a_photo_nothing_is_computed(capsys, runs, tmp_path):
    status, out, err = call(capsys, runs / "plain", tmp_path / "gone.jpg")
    assert status == 2 and not out and len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("options, words", [
    (["--class", "dog"], "--class dog: the classes are"), (["--stage", "conv99"], "no stage 'conv99'; the stages are conv1"),
    (["--stage", "head"], "no maps")])
def test_what_cannot_be_asked_is_one_line(capsys, runs, folder, options, words):
    status, out, err = call(capsys, runs / "plain", folder / "misty" / "7.png", *options)
    assert status == 2 and not out and words in err and len(err.strip().splitlines()) == 1


def test_without_the_training_photos_the_rest_is_shown(capsys, runs, folder, tmp_path):
    moved = tmp_path / "run"
    shutil.copytree(runs / "plain", moved)
    metrics = json.loads((moved / "metrics.json").read_text())
    (moved / "metrics.json").write_text(json.dumps(metrics | {"data": str(tmp_path / "gone")}))
    status, out, err = call(capsys, moved, folder / "misty" / "7.png")
    page = Page((moved / "explained.html").read_text(encoding="utf-8"))
    assert status == 0 and len(list(page.images())) == 2
    assert "training photos are not shown" in page.text and "training photos are not shown" in err
