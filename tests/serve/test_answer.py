"""What the page is told: the same as `tinynet predict` and `explain` say of the same file."""
import base64
import io
import json
import shutil
import struct
import threading
import zlib
from functools import partial

import numpy as np
import pytest
from PIL import Image

from tests.cli.test_sound import recording
from tests.serve.conftest import serving
from tests.serve.test_server import ask
from tinynet.cli import main
from tinynet.data import read_picture
from tinynet.errors import InputError
from tinynet.plots import overlay
from tinynet.serve import answer
from tinynet.transfer import load_run
from tinynet.transfer.explanation import TrainingPhotos, explain


@pytest.fixture(scope="module")
def known(trained):
    """The classifier and its training photos."""
    classifier = load_run(trained)
    return classifier, TrainingPhotos(trained, classifier)


def jpeg(image, **options):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", **options)
    return file.getvalue()


def turned(image):
    """A JPEG whose EXIF says that the camera was held sideways."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return jpeg(image, exif=exif)


def bomb(side=30_000):
    """A PNG of 900 million pixels in a few bytes."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


HTML = b"<!DOCTYPE html><script>alert(1)</script>"


def pixels(url):
    """The picture in a data URL."""
    assert url.startswith("data:image/jpeg;base64,")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGB")).astype(int)


def test_it_is_what_predict_says(known, trained, photos, tmp_path, capsys):
    drawing = np.asarray(Image.open(photos / "tigger" / "2.png").convert("RGB"))
    files = {"a.png": (photos / "misty" / "7.png").read_bytes(), "b.jpg": turned(drawing), "c.wav": recording(0, True),
             "d.jpg": jpeg(np.random.default_rng(0).integers(0, 256, (300, 200, 3), np.uint8))}
    for name, contents in files.items():
        (tmp_path / name).write_bytes(contents)
    capsys.readouterr()
    assert main(["predict", str(trained), str(tmp_path), "--json"]) == 0
    predicted = json.loads(capsys.readouterr().out)
    assert len(predicted) == 4 and not all(photo["known"] for photo in predicted)
    for photo, contents in zip(predicted, files.values()):
        found = json.loads(json.dumps(answer(*known, contents)))
        assert [one["name"] for one in found["top"]] == [one["name"] for one in photo["top"]]
        for one, other in zip(found["top"], photo["top"]):  # predict takes them in batches
            assert one == pytest.approx(other, abs=1e-6)
        assert found["known"] is photo["known"]


def test_it_shows_what_explain_shows(known, photos):
    path = photos / "tigger" / "2.png"
    found, expected = answer(*known, path.read_bytes()), explain(known[0], read_picture(path), photos=known[1])
    assert np.abs(pixels(found["seen"]) - expected.seen).mean() < 5
    assert np.abs(pixels(found["heat"]) - overlay(expected.seen, expected.heat)).mean() < 5
    assert np.abs(pixels(found["seen"]) - pixels(found["heat"])).mean() > 20
    assert [(one["name"], one["distance"]) for one in found["neighbours"]] == [(name, d) for _, name, d in expected.neighbours]
    for one, (image, _, _) in zip(found["neighbours"], expected.neighbours):
        assert np.abs(pixels(one["picture"]) - image).mean() < 5
    assert len(found["neighbours"]) == 6 and found["notes"] == []


def test_where_nothing_speaks_for_the_answer_there_is_no_heat(known, photos, monkeypatch):
    monkeypatch.setattr("tinynet.transfer.explanation.grad_cam", lambda *_: np.zeros((14, 14), np.float32))
    assert answer(*known, (photos / "tigger" / "2.png").read_bytes())["heat"] is None


@pytest.mark.parametrize("contents", [b"", HTML, bomb(), b"\0\0\0\x18ftypheic" + bytes(99), recording(0, True)[:999],
                                      jpeg(np.zeros((64, 64, 3), np.uint8))[:300], jpeg(np.zeros((2, 900, 3), np.uint8))])
def test_a_bad_file_is_refused_as_on_the_disk(known, contents, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(contents)
    with pytest.raises(InputError) as on_disk:
        read_picture(bad)
    with pytest.raises(InputError) as here:
        answer(*known, contents)
    assert str(here.value) == f"It {str(on_disk.value).removeprefix(f'{bad}: ')}."


def test_damage_beside_the_pixels_is_noted(known):
    entries = struct.pack(">HHHIHH", 2, 0x0112, 3, 1, 6, 0) + struct.pack(">HHII", 0x0110, 2, 500, 4000)       # ends too early
    contents = jpeg(np.zeros((64, 64, 3), np.uint8), exif=b"Exif\0\0MM\0*\0\0\0\x08" + entries)
    [note] = answer(*known, contents)["notes"]
    assert note.startswith("A part of its EXIF is damaged (") and note.endswith(") and left out.")


def test_training_photos_that_are_gone_are_passed_over(known, trained, photos, tmp_path):
    shutil.copytree(trained, tmp_path / "run")
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    moved = tmp_path / "moved"
    shutil.copytree(photos, moved)
    (tmp_path / "run" / "metrics.json").write_text(json.dumps(metrics | {"data": str(moved)}))
    shown = TrainingPhotos(tmp_path / "run", known[0])
    contents = (photos / "tigger" / "2.png").read_bytes()
    before = answer(known[0], shown, contents)["neighbours"]
    name = before[0]["name"]
    shutil.rmtree(moved / name)                             # after it was listed
    after = answer(known[0], shown, contents)["neighbours"]
    others = [one for one in before if one["name"] != name]
    assert 0 < len(others) < 6 and after[:len(others)] == others and name not in {one["name"] for one in after}
    shutil.rmtree(moved)
    found = answer(known[0], TrainingPhotos(tmp_path / "run", known[0]), contents)
    assert found["neighbours"] == [] and found["notes"][0].startswith("The training photos are not shown: ")


def test_many_at_once_get_each_its_own_answer(known, photos):
    files = [path.read_bytes() for path in sorted(photos.rglob("*.png"))[::4]]
    alone = [json.loads(json.dumps(answer(*known, contents))) for contents in files]
    replies = [None] * len(files)

    def send(i):
        replies[i] = json.loads(ask(server, files[i])[2])

    with serving(partial(answer, *known), places=len(files)) as server:
        threads = [threading.Thread(target=send, args=(i,)) for i in range(len(files))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(files) == 5 and replies == alone
