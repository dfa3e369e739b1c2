"""`tinynet export`, as calls of main: what it writes, what it prints, and how it says no."""
import json
import runpy
import sys

import numpy as np
import pytest
from PIL import Image

from tinynet.cli import main
from tinynet.samples import DrawnCats
from tinynet.weights import load_weights


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Finished runs on a few drawings: a plain one, and one of an ensemble that takes views; and the drawings as files."""
    out, drawn = tmp_path_factory.mktemp("runs"), DrawnCats(n_per_class=6)
    for i, label in enumerate(drawn.labels):
        path = out / "cats" / drawn.classes[label] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn.image(i)).save(path)
    for name, *options in (["plain"], ["many", "--ensemble", "2", "--tta"]):
        assert main(["transfer", "--data", str(out / "cats"), "--out", str(out / name), "--epochs", "20", *options]) == 0
    return out


def call(capsys, *arguments):
    capsys.readouterr()
    status = main(["export", *map(str, arguments)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def predicted(capsys, run, *paths):
    capsys.readouterr()
    main(["predict", str(run), *map(str, paths), "--json"])
    return json.loads(capsys.readouterr().out)


@pytest.mark.parity
def test_the_script_that_is_printed_names_photos_as_predict_does(capsys, runs, tmp_path, monkeypatch):
    pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    path, noise = tmp_path / "my cats.onnx", tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 280, 3), np.uint8)).save(noise)
    status, out, err = call(capsys, runs / "plain", "--onnx", path)
    first, _, script = out.partition("\n\n")
    assert status == 0 and not err and first.startswith(f"{path}: ") and "its answers are tinynet's, to " in first
    (tmp_path / "use.py").write_text(script, encoding="utf-8")
    photos = [*sorted((runs / "cats").rglob("*.png"))[::2], noise]
    for photo, expected in zip(photos, predicted(capsys, runs / "plain", *photos), strict=True):
        monkeypatch.setattr(sys, "argv", ["use.py", str(photo)])
        runpy.run_path(str(tmp_path / "use.py"))
        name, _, p = capsys.readouterr().out.strip().rpartition(" ")
        best = expected["top"][0]
        assert name == (best["name"] if expected["known"] else "none of these")
        assert float(p) == pytest.approx(best["p"], abs=1e-4)
    assert not expected["known"], "the noise"


@pytest.mark.parity
def test_an_ensemble_of_views_has_a_file_too_and_its_mirror_image_is_spoken_of(capsys, runs, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    status, out, _ = call(capsys, runs / "many", "--onnx", tmp_path / "new" / "cats.onnx")
    assert status == 0 and "the mirror image is that of the crop" in out.splitlines()[-1]
    about = runtime.InferenceSession(str(tmp_path / "new" / "cats.onnx")).get_modelmeta().custom_metadata_map
    assert "SqueezeNet" in about["made_on"] and "licence BSD-2-Clause" in about["made_on"]
    assert about["made_by"].startswith("tinynet ")


def test_weights_for_pytorch_say_where_they_come_from(capsys, runs, tmp_path):
    path = tmp_path / "cats.safetensors"
    status, out, err = call(capsys, runs / "plain", "--weights", path)
    assert status == 0 and not err and out.startswith(f"{path}: 2.9 MB\n\nimport torchvision\n")
    assert f"load_file({str(path)!r})" in out and "classes = ['misty', 'neither', 'tigger']" in out
    arrays, metadata = load_weights(path)
    assert arrays["classifier.2.weight"].shape == (3, 512) and "licence BSD-2-Clause" in metadata["made_on"]
    status, _, err = call(capsys, runs / "many", "--weights", tmp_path / "many.safetensors")
    assert status == 2 and "an ensemble of 2 heads" in err and not (tmp_path / "many.safetensors").exists()


@pytest.mark.parametrize("options, message", [
    ([], "say what to write: --onnx FILE or --weights FILE"),
    (["--onnx", "."], "--onnx .: that is a folder; give the name of a file"),
    (["--weights", "."], "--weights .: that is a folder"),
])
def test_what_cannot_be_written_is_said_before_the_work(capsys, options, message, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    status, out, err = call(capsys, tmp_path / "no run", *options)
    assert status == 2 and not out and message in err and err.count("\n") == 1


def test_mistakes_are_one_line_each(capsys, runs, tmp_path, monkeypatch):
    status, _, err = call(capsys, tmp_path, "--onnx", tmp_path / "x.onnx")
    assert status == 2 and "no model.safetensors in it" in err
    for option in "--onnx", "--weights":
        status, _, err = call(capsys, runs / "plain", option, runs / "plain" / "model.safetensors")
        assert status == 2 and "the run itself needs that file" in err
    assert predicted(capsys, runs / "plain", *(runs / "cats").rglob("1*.png"))
    (tmp_path / "file").touch()
    status, _, err = call(capsys, runs / "plain", "--weights", tmp_path / "file" / "x.safetensors")
    assert status == 2 and err.count("\n") == 1 and "check the path" in err
    monkeypatch.setitem(sys.modules, "onnx", None)
    status, _, err = call(capsys, runs / "plain", "--onnx", tmp_path / "x.onnx")
    assert status == 2 and err == 'tinynet: export: the package onnx is not installed; pip install -e ".[export]"\n'
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_weights_of_a_file_of_ones_own_are_named_by_it(tmp_path):
    from tinynet.cli.export import _provenance
    file = {"file": str(tmp_path / "mine.pth"), "sha256": "f37072fd" + "0" * 56}
    assert "published weights, licence BSD-3-Clause" in _provenance("resnet18", file)
    assert _provenance("resnet18", file | {"sha256": "1" * 64}).endswith(f"weights of the file mine.pth (SHA-256 {'1' * 64})")
    assert _provenance("lenet", file).endswith(f"weights of the file mine.pth (SHA-256 {file['sha256']})")
    assert _provenance("of no network of the zoo", file).startswith("a network of the file mine.pth (SHA-256 f37072fd0")
