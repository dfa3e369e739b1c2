"""The run's folder: what the page says is true, and it needs nothing but itself."""
import base64
import io
import os
import re
import shlex
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from tinynet.data import Mirror
from tinynet.models import DEFAULT, ZOO
from tinynet.report import wilson, write_report
from tinynet.transfer import Evaluation

CLASSES = ["tigger & <b>co</b>", "\"misty\" o'malley", "Ünïcödé 虎猫 🐈 $name ${x} %s"]
FILES = ["confusion.png", "curves.png", "mistakes.png", "report.html"]


class Pictures:
    """17 pictures of each class; `asked` lists the numbers of those that were read."""

    def __init__(self, classes=CLASSES, name="<cats> & \"dogs\""):
        self.name, self.classes = name, classes
        self.labels = np.tile(np.arange(len(classes)), 17)
        self.asked = []

    def __len__(self):
        return len(self.labels)

    def image(self, i):
        self.asked.append(i)
        return np.random.default_rng(i).integers(0, 256, (300 + i, 200, 3), np.uint8)

    def title(self, i):
        return f"<i>{self.classes[self.labels[i]]}</i>/a_{i}.jpg"


def run(dataset, n_wrong=2, **changes):
    """Arguments of `write_report` after a run that misnamed the first `n_wrong` of the test pictures."""
    k = len(dataset.classes)
    train, val, test = np.split(np.arange(len(dataset)), [11 * k, 13 * k])
    true = dataset.labels[test]
    answers = np.where(np.arange(len(test)) < n_wrong, (true - 1) % k, true)
    probabilities = np.full((len(test), k), 0.1, np.float32)
    probabilities[np.arange(len(test)), answers] = np.linspace(0.6, 0.9, len(test))
    matrix = np.zeros((k, k), int)
    np.add.at(matrix, (true, answers), 1)
    accuracy = float((answers == true).mean())
    metrics = {
        "train_accuracy": 1.0, "val_accuracy": 0.875, "test_accuracy": accuracy,
        "n_train": len(train), "n_val": len(val), "n_test": len(test), "classes": dataset.classes,
        "seconds": {"activations": 7.5, "train": 2.5}, "peak_memory_mb": 412.3,
        "temperature": 2.0, "test_calibration_error": 0.0523, "test_calibration_error_before": 0.1234, "test_known": 0.75,
        "moments": {"groups": 0, "photos": 0, "named_right_singly": None, "named_right_together": None, "on_both_sides": 0},
        "words": ZOO[DEFAULT].words, "first_stage": "conv1", "settings": {"cut": "head", "hidden": None, "lr": 0.02, "optimizer": "momentum"}} | changes
    history = {"train_loss": [1.0, 0.5], "val_loss": [1.0, 0.7], "train_accuracy": [0.5, 1.0],
               "val_accuracy": [0.5, 0.875], "best_epoch": 1}
    return dataset, metrics, history, Evaluation(0.3, accuracy, matrix, probabilities), train, test


class Page(HTMLParser):
    """A parsed page: its tags, its words, and its faults: tags that are not closed where they should be."""

    VOID = {"meta", "img", "br", "wbr"}

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.faults, self.text = [], [], [], ""
        self.feed(html)
        self.close()
        self.faults += self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}>")

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data

    def images(self):
        for tag, attributes in self.tags:
            if tag == "img":
                head, data = attributes["src"].split(",")
                yield attributes, head, Image.open(io.BytesIO(base64.b64decode(data)))


def read(folder):
    return Page((folder / "report.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a run with 2 mistakes among 12 test pictures."""
    folder = tmp_path_factory.mktemp("runs") / "my cats"
    write_report(folder, *run(Pictures()))
    return folder


@pytest.fixture
def page(folder):
    return read(folder)


def test_the_folder_holds_four_whole_files(folder):
    assert sorted(path.name for path in folder.iterdir()) == FILES
    for name in FILES[:3]:
        with Image.open(folder / name) as image:
            image.load()


def test_a_number_that_is_not_known_is_said(tmp_path):
    write_report(tmp_path, *run(Pictures(), peak_memory_mb=None, val_accuracy=None))
    assert "not known on this system" in read(tmp_path).text and "nan" not in read(tmp_path).text


def test_the_page_is_well_formed(page):
    assert not page.faults
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert ("html", {"lang": "en"}) in page.tags


def test_the_page_needs_nothing_but_itself(folder, page):
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"https?:|file:|url\(|@import|javascript", html)
    assert not {"script", "link", "iframe", "object", "a"} & {tag for tag, _ in page.tags}
    assert all(head in ("data:image/png;base64", "data:image/jpeg;base64") for _, head, _ in page.images())
    assert all(not name.startswith("on") for _, attributes in page.tags for name in attributes)


def test_every_image_can_be_read_and_is_described(page):
    dataset = Pictures()
    titles = {dataset.title(i) for i in range(len(dataset))}
    for attributes, _, image in page.images():
        image.load()
        assert attributes["alt"] in titles if image.format == "JPEG" else attributes["alt"]


def test_names_are_shown_as_they_are_and_never_as_html(page):
    assert page.text.startswith("\n") and "<cats> & \"dogs\"" in page.text
    for name in CLASSES:
        assert page.text.count(name) >= 4, name
    assert "<i>tigger & <b>co</b></i>/a_39.jpg" in page.text
    assert not {"b", "i", "cats"} & {tag for tag, _ in page.tags}


def test_a_name_that_is_no_text_does_not_stop_the_report(tmp_path):
    write_report(tmp_path, *run(Pictures(["a\udcff", "b\x00"])))
    assert "a?" in read(tmp_path).text


def test_the_result_and_its_doubt_are_said(page):
    text = " ".join(page.text.split())
    low, high = wilson(10, 12)
    assert "83.3%of the test pictures were named right: 10 of 12." in text
    assert f"expect between {low:.1%} and {high:.1%} (95% Wilson interval)" in text
    assert "With 12 test pictures, one answer more or less is 8.3 points." in text
    assert f"Always answering “{CLASSES[0]}” would be right for 33.3%" in text
    assert "not clearly better" not in text
    assert "validationthese chose the best epoch687.5%" in text


def test_no_better_than_guessing_is_said(tmp_path):
    write_report(tmp_path, *run(Pictures(["a", "b"]), n_wrong=4))
    assert "not clearly better than guessing" in read(tmp_path).text


@pytest.mark.parametrize("stage, words", [
    ("head", "All its other layers stayed exactly as they were"),
    ("conv1", "All its other layers were trained on too"),
    ("fire8", "The layers from fire8 on were trained on too"),
])
def test_what_was_done_is_said(stage, words, tmp_path):
    write_report(tmp_path, *run(Pictures(), settings={"cut": stage}))
    text = read(tmp_path).text
    assert words in text and "new last layer for 3 classes" in text and "from 33 training pictures" in text


SETTINGS = {"cut": "head", "hidden": None, "lr": 0.02, "optimizer": "momentum", "seed": 0, "augment": None, "copies": None}


def test_members_and_views_are_shown_with_their_intervals(tmp_path):
    members = {"members_test_accuracy": [0.5, 0.75], "one_view_test_accuracy": 1.0}
    write_report(tmp_path, *run(Pictures(), settings=SETTINGS | {"ensemble": 2, "tta": True}, **members))
    text = read(tmp_path).text.replace("\u00a0", " ")
    assert "member 150.0%25% to 75%member 275.0%47% to 91%all, without the mirror100.0%76% to 100%together83.3%55% to 95%" in text
    assert "2 such layers were trained" in text and "once in the mirror" in text and "the first of 2 layers" in text


def test_many_members_are_summed_up(tmp_path):
    write_report(tmp_path, *run(Pictures(), members_test_accuracy=[0.5] * 5 + [1.0] * 6))
    text = read(tmp_path).text
    assert "the worst member50.0%" in text and "the best member100.0%" in text and "on average77.3%" in text
    assert "member 1" not in text


def test_one_view_alone_is_compared_without_members(tmp_path):
    write_report(tmp_path, *run(Pictures(), one_view_test_accuracy=0.5))
    assert "interval" in read(tmp_path).text and "without the mirror50.0%" in read(tmp_path).text


@pytest.mark.parametrize("copies, n, words", [(2, 2, "2 distorted copies of it (mirror, <b>)"), (1, 1, "1 distorted copy of it"),
                                              (9, 5, "9 distorted copies"),
                                              (None, 5, "distorted anew in every epoch (mirror, <b>)")])
def test_distorted_copies_are_shown_beside_their_pictures(copies, n, words, tmp_path):
    dataset, settings = Pictures(), SETTINGS | {"augment": "mirror,<b>", "copies": copies}
    dataset.key = lambda i: f"{i:064x}"
    write_report(tmp_path, *run(dataset, settings=settings), Mirror(p=1))
    page = read(tmp_path)
    assert words in page.text
    html = (tmp_path / "report.html").read_text(encoding="utf-8").split("Distorted copies</h3>")[1].split("</section>")[0]
    strips = html.split('class="strip"')[1:]
    assert [strip.count("<img") for strip in strips] == [1 + n] * 3
    first, *others = re.findall(r"base64,([^\"]+)", strips[1])
    images = [np.asarray(Image.open(io.BytesIO(base64.b64decode(data))), int) for data in (first, *others)]
    assert all(np.abs(image[:, ::-1] - images[0]).mean() < 0.6 * np.abs(image - images[0]).mean() for image in images[1:])
    assert ("that were trained on" in html) == bool(copies)


def test_the_schedule_is_said(tmp_path):
    dataset, metrics, history, *rest = run(Pictures(), settings=SETTINGS | {"schedule": "co<s>ine", "warmup": 3})
    write_report(tmp_path, dataset, metrics, history | {"lr": [0.1, 0.2]}, *rest)
    assert "The learning rate followed the schedule “co<s>ine” after warm-up, 3 of the epochs." in read(tmp_path).text


def test_each_class_has_its_row(page):
    text = page.text.replace("\u00a0", " ")
    assert f"{CLASSES[0]}3 of 475.0%30% to 95%" in text
    assert f"{CLASSES[2]}4 of 4100.0%51% to 100%" in text
    for name in CLASSES:
        assert f"{name}112417" in text                      # 11 training, 2 validation, 4 test, 17 in all


def test_settings_time_and_use_are_said(page, folder):
    text = page.text.replace("\u00a0", " ")
    assert "hiddennot setlr0.02optimizermomentum" in text
    assert "activations7.5 s" in text and "together10.0 s" in text and "Memory at most: 412 MB" in text
    assert f"tinynet predict {shlex.quote(str(folder))} photo.jpg" in text
    assert "The weights kept are those of epoch 2, which had the lowest validation loss" in text


def test_mistakes_are_shown_with_names_the_surest_first(page):
    text = page.text
    assert "2 wrong. The one it was surest of comes first." in text
    first = text.index(f"{CLASSES[1]}named {CLASSES[0]} (63%)<i>")
    assert first < text.index(f"{CLASSES[0]}named {CLASSES[2]} (60%)<i>")


def test_no_mistakes_show_the_pleased_cat(tmp_path):
    write_report(tmp_path, *run(Pictures(), n_wrong=0))
    page = read(tmp_path)
    cat = Image.open(tmp_path / "mistakes.png").tobytes()
    assert "100.0%" in page.text and any(image.tobytes() == cat for _, _, image in page.images())


def test_many_mistakes_are_counted_and_the_surest_24_shown_and_read(tmp_path):
    dataset = Pictures([f"class {i}" for i in range(20)])
    write_report(tmp_path, *run(dataset, n_wrong=80))
    assert "80 wrong. Here are the 24 it was surest of." in read(tmp_path).text
    assert len([i for i in dataset.asked if i >= 13 * 20]) == 24
    assert len(dataset.asked) == 24 + 40 == len(set(dataset.asked))
    assert (tmp_path / "report.html").stat().st_size < 3e6


def test_what_was_left_out_is_listed(tmp_path, page):
    assert "Left out" not in page.text
    dataset = Pictures()
    dataset.skipped = [(os.path.join("misty", "<broken>.jpg"), "is cut off; copy it again")]
    write_report(tmp_path, *run(dataset))
    assert os.path.join("misty", "<broken>.jpg") + "is cut off; copy it again" in read(tmp_path).text


def test_no_validation_pictures(tmp_path):
    dataset, metrics, history, *rest = run(Pictures(), n_val=0, val_accuracy=None)
    history |= {"val_loss": [], "val_accuracy": []}
    write_report(tmp_path, dataset, metrics, history, *rest)
    assert "those of epoch 2." in read(tmp_path).text


def test_the_same_run_gives_the_same_bytes(tmp_path, monkeypatch):
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        write_report("run", *run(Pictures()))
        found.append({file: (tmp_path / name / "run" / file).read_bytes() for file in FILES})
    assert found[0] == found[1]


def test_a_report_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    write_report(tmp_path, *run(Pictures(), n_wrong=1))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_report(tmp_path, *run(Pictures(), n_wrong=3))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_picture_that_is_gone_is_reported_before_anything_is_written(tmp_path):
    dataset = Pictures()
    dataset.image = lambda i: (_ for _ in ()).throw(FileNotFoundError("gone.jpg"))
    with pytest.raises(FileNotFoundError):
        write_report(tmp_path, *run(dataset))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("right, n, low, high", [
    (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718),
])
def test_wilson_interval(right, n, low, high):
    """R. Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3."""
    assert wilson(right, n) == pytest.approx((low, high), abs=5e-5)
    assert wilson(n - right, n) == pytest.approx((1 - high, 1 - low), abs=5e-5)
