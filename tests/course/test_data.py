"""course/data.py, against a server on this machine: what is laid out, what resumes, what is refused."""
import hashlib
import http.server
import io
import threading
import wave
import zipfile

import numpy as np
import pytest
from course import __main__ as course
from course import data

from tinynet import InputError
from tinynet.data import ImageFolder
from tinynet.files import home


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `content`, or what of it is asked for, and breaks off where `breaks` says."""

    content, breaks, asked = b"", None, []

    def do_GET(self):
        """Answer."""
        self.asked.append(self.headers.get("Range"))
        start = int(self.headers["Range"][6:-1]) if "Range" in self.headers else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(self.content) - start))
        self.end_headers()
        self.wfile.write(self.content[start:self.breaks])

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def served(monkeypatch):
    """Serve an archive as if it were what a name stands for."""
    pytest.importorskip("pooch")
    handler = type("One", (Handler,), {"asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def serve(name, content):
            handler.content = content
            monkeypatch.setitem(data.SOURCES, name, data.SOURCES[name]._replace(
                url=f"http://127.0.0.1:{server.server_port}/archive", checksum=f"md5:{hashlib.md5(content).hexdigest()}"))
            return handler
        yield serve
        server.shutdown()


def xrays():
    """An archive like PneumoniaMNIST's, with a copy in one class and a copy across the classes."""
    pixels = np.random.default_rng(0).integers(0, 256, (21, 28, 28), np.uint8)
    pixels[4], pixels[9] = pixels[0], pixels[3]             # (N, 28, 28); labels below: 0 and 4 are normal, 3 and 9 are not alike
    labels = np.array([0, 1, 1, 0, 0, 1, 0, 1, 0, 1, *[0, 1] * 5, 0], np.uint8)[:, None]
    file = io.BytesIO()
    np.savez(file, **{f"{part}_{what}": array[rows] for what, array in (("images", pixels), ("labels", labels))
                      for part, rows in (("train", slice(0, 11)), ("val", slice(11, 16)), ("test", slice(16, 21)))})
    return file.getvalue(), pixels, labels.ravel()


def recording(seed):
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(np.random.default_rng(seed).integers(-9000, 9000, 4001).astype("<i2").tobytes())
    return file.getvalue()


def digits(recordings):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("fsdd-e9e1155/README.md", "read me")
        archive.writestr("fsdd-e9e1155/recordings/../../../evil.wav", "no")
        for name, content in recordings.items():
            archive.writestr(f"fsdd-e9e1155/recordings/{name}", content)
    return file.getvalue()


def test_pneumoniamnist_becomes_a_folder_of_class_folders(served, tmp_path, capsys):
    content, pixels, labels = xrays()
    handler = served("pneumoniamnist", content)
    assert course.main(["data", "pneumoniamnist", "--out", str(tmp_path / "x")]) == 0
    assert "18 files in 2 classes, 3 copies left out; licence CC BY 4.0" in capsys.readouterr().out
    found = ImageFolder(tmp_path / "x")                     # nothing bad in it
    assert found.classes == ["normal", "pneumonia"] and len(found) == 18
    for i in range(len(found)):
        part, number = found.paths[i].stem.split("_")
        row = int(number) + {"train": 0, "val": 11, "test": 16}[part]
        np.testing.assert_array_equal(found.image(i), pixels[row][:, :, None].repeat(3, 2))
        assert found.labels[i] == labels[row] and row not in (3, 4, 9)
    assert "Kermany" in (tmp_path / "x" / "SOURCE.txt").read_text() and handler.asked == [None]


def test_fsdd_keeps_the_recordings_as_they_are(served, tmp_path):
    names = [f"{digit}_{speaker}_{i}.wav" for digit in (3, 7) for speaker in ("theo", "ana") for i in (0, 12)]
    served("fsdd", digits({name: recording(i) for i, name in enumerate(names)}))
    data.prepare("fsdd", tmp_path / "words", progress=False)
    assert sorted(path.relative_to(tmp_path / "words").as_posix() for path in (tmp_path / "words").rglob("*.wav")) == [
        "3/ana_00.wav", "3/ana_12.wav", "3/theo_00.wav", "3/theo_12.wav",
        "7/ana_00.wav", "7/ana_12.wav", "7/theo_00.wav", "7/theo_12.wav"]
    assert (tmp_path / "words/7/theo_12.wav").read_bytes() == recording(5)


def test_real_recordings(served, shared, tmp_path):
    files = sorted((shared / "data/fsdd").glob("[37]/theo_*.wav"))
    served("fsdd", digits({f"{path.parent.name}_{path.name}": path.read_bytes() for path in files}))
    data.prepare("fsdd", tmp_path / "words", progress=False)
    assert len(files) == 100
    for path in files:
        digit, (speaker, index) = path.parent.name, path.stem.split("_")
        assert (tmp_path / "words" / digit / f"{speaker}_{int(index):02}.wav").read_bytes() == path.read_bytes()


def test_what_broke_off_goes_on_and_is_fetched_once(served, tmp_path):
    handler = served("fsdd", digits({f"{i}_theo_{i}.wav": recording(i) for i in range(10)}))
    handler.breaks = 5000
    with pytest.raises(InputError, match="run it again to go on, or get the file some other way and put it at .*archive"):
        data.prepare("fsdd", tmp_path / "words", progress=False)
    assert not (tmp_path / "words").exists() and (home() / "data" / "archive.part").stat().st_size == 5000
    handler.breaks = None
    for name in ("words", "again"):
        data.prepare("fsdd", tmp_path / name, progress=False)
    assert handler.asked == [None, "bytes=5000-"] and len(list((tmp_path / "again").iterdir())) == 11


def test_something_else_is_thrown_away(served, tmp_path):
    handler = served("fsdd", digits({"1_theo_1.wav": recording(1)}))
    handler.content = b"no such page"
    with pytest.raises(InputError, match=r"not the file that was published \(its MD5 differs\)") as error:
        data.prepare("fsdd", tmp_path / "words", progress=False)
    assert "\n" not in str(error.value) and not list((home() / "data").iterdir()) and not list(tmp_path.glob("[!h]*"))


def test_offline_is_one_line(monkeypatch, tmp_path, capsys):
    pytest.importorskip("pooch")
    monkeypatch.setitem(data.SOURCES, "fsdd", data.SOURCES["fsdd"]._replace(url="http://127.0.0.1:9/archive.zip"))
    assert course.main(["data", "fsdd", "--out", str(tmp_path / "words")]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("course: data: cannot fetch http://127.0.0.1:9/archive.zip") and "put it at" in said


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is not an empty folder"):
        data.prepare("fsdd", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled(served, tmp_path):
    served("fsdd", digits({"1_theo_1.wav": recording(1)}))
    (tmp_path / "words").mkdir()
    data.prepare("fsdd", tmp_path / "words", progress=False)
    assert sorted(path.name for path in (tmp_path / "words").iterdir()) == ["1", "SOURCE.txt"]


@pytest.mark.parametrize("name", data.SOURCES)
def test_every_source_says_where_from_and_on_what_terms(name):
    source = data.SOURCES[name]
    assert source.url.startswith("https://") and source.checksum.startswith("md5:") and len(source.checksum) == 36
    assert source.licence.startswith("CC BY") and "https://doi.org/" in source.citation
