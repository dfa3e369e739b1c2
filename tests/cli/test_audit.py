"""`tinynet audit`: what was planted among drawings is on the page."""
import shutil

import numpy as np
import pytest
from PIL import Image, ImageOps

from tinynet.cli import audit, main
from tinynet.samples import DrawnCats

from ..report.test_page import Page


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Drawings in class folders; one there twice, one mirrored in another class, two under the wrong name, one nearly grey."""
    root, drawn = tmp_path_factory.mktemp("data") / "my cats", DrawnCats(n_per_class=12)
    for i, label in enumerate(drawn.labels):
        name = {2: "misty", 15: "tigger"}.get(i, drawn.classes[label])
        (root / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn.image(i)).save(root / name / f"{i}.png")
    Image.open(root / "tigger" / "5.png").resize((120, 120)).save(root / "tigger" / "again.png")
    ImageOps.mirror(Image.open(root / "misty" / "17.png")).save(root / "neither" / "mirrored.png")
    grey = np.full((90, 300, 3), 128, np.uint8)
    grey[40:50] += 2
    Image.fromarray(grey).save(root / "neither" / "grey.png")
    return root


def call(capsys, *arguments):
    capsys.readouterr()
    status = main(["audit", *map(str, arguments)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_what_was_planted_is_on_the_page(capsys, folder, tmp_path):
    out = tmp_path / "found"
    status, printed, err = call(capsys, "--data", folder, "--out", out)
    assert status == 0, err
    assert "of one moment:     2 groups, 4 of 39 photos" in printed and "nearly one colour: 1" in printed
    assert printed.splitlines()[-1].endswith(str(out / "audit.html"))
    page = Page((out / "audit.html").read_text(encoding="utf-8"))
    moments, doubts = page.text.split("Labels in doubt")[0], page.text.split("Labels in doubt")[1].split("fewer than 30")[0]
    assert not page.faults and {"5.png", "again.png", "17.png", "mirrored.png"} <= set(_names(moments))
    assert "One moment, labelled misty and neither" in moments
    assert {"2.png", "15.png"} <= set(_names(doubts))
    assert "3.33" in page.text and "grey.png" in page.text


def _names(text):
    return [word.split("/")[-1] for word in text.replace(".png", ".png ").split() if word.endswith(".png")]


def test_few_photos_are_audited_as_far_as_they_go(capsys, folder, tmp_path):
    few = tmp_path / "few"
    for name in "tigger", "misty":
        (few / name).mkdir(parents=True)
        for path in sorted((folder / name).glob("*.png"))[:3]:
            shutil.copy(path, few / name)
    status, printed, _ = call(capsys, "--data", few, "--out", tmp_path / "run")
    assert status == 0 and "labels in doubt:   held out: 5 folds need 5 different photos of each class" in printed


def test_photos_of_one_moment_are_named_together(capsys, folder, tmp_path, monkeypatch):
    groups = []
    monkeypatch.setattr(audit, "doubtful_labels", lambda codes, labels, group: groups.append(group) or [])
    assert call(capsys, "--data", folder, "--out", tmp_path / "run")[0] == 0
    assert len(np.unique(groups[0])) == 37


def test_a_page_among_the_photos_is_refused(capsys, folder):
    status, printed, err = call(capsys, "--data", folder, "--out", folder / "tigger")
    assert status == 2 and not printed and "lies in the folder of the photos" in err
