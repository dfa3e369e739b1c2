"""The command line, as a process."""
import html
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from ..drawings import draw_folder


def tinynet(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "tinynet", *map(str, arguments)], capture_output=True, text=True,
                          encoding="utf-8", **options)


@pytest.fixture(scope="module")
def photos():
    """Photographs bundled with scikit-image and the ImageNet class each is known by."""
    from skimage import data
    folder = os.path.dirname(data.__file__)
    return {os.path.join(folder, name): index for name, index in
            [("chelsea.png", 285), ("coffee.png", 967), ("rocket.jpg", 733), ("astronaut.png", 422)]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of class folders with a few drawings as files."""
    return draw_folder(tmp_path_factory.mktemp("data") / "my cats", 5)


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    """A finished run on that folder, and what was printed."""
    out = tmp_path_factory.mktemp("runs") / "cats"
    return out, tinynet("transfer", "--data", folder, "--out", out, "--epochs", 3)


def test_classify_knows_the_photographs(photos):
    found = json.loads(tinynet("classify", "--json", *photos).stdout)
    assert {photo["path"]: photo["top"][0]["index"] for photo in found} == photos
    assert all(len(photo["top"]) == 5 and set(photo["top"][0]) == {"index", "name", "p"} for photo in found)
    p = {photo["top"][0]["name"]: photo["top"][0]["p"] for photo in found}
    assert p["Egyptian cat"] == pytest.approx(0.431, abs=0.002)
    assert p["espresso"] == pytest.approx(0.949, abs=0.002)


def test_classify_prints_a_line_per_photograph(photos):
    lines = tinynet("classify", "--top", 2, *photos).stdout.splitlines()
    assert len(lines) == 4 and "Egyptian cat 0.43" in lines[0] and lines[0].count(",") == 1


def test_transfer_prints_a_table_and_where_the_results_are(run):
    out, done = run
    assert done.returncode == 0, done.stderr
    assert f"report:   {out / 'report.html'}" in done.stdout
    assert "accuracy" in done.stdout and "peak memory" in done.stdout
    assert "activations before head: 100%" in done.stderr and "train: 100%" in done.stderr
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    assert {"train_accuracy", "val_accuracy", "test_accuracy", "n_train", "n_val", "n_test", "classes", "seconds",
            "peak_memory_mb", "settings"} <= set(metrics)
    assert metrics["n_train"] + metrics["n_val"] + metrics["n_test"] == 15


def test_a_second_run_reuses_the_cache(run, folder):
    out, _ = run
    again = tinynet("transfer", "--data", folder, "--out", out.parent / "again", "--epochs", 1, "--seed", 3)
    assert again.returncode == 0 and "activations before head" not in again.stderr


def test_predict_names_my_own_classes(run, folder):
    out, _ = run
    images = sorted(folder.glob("*/*.png"))
    found = json.loads(tinynet("predict", out, *images, "--json").stdout)
    assert [photo["path"] for photo in found] == list(map(str, images))
    assert all({entry["name"] for entry in photo["top"]} == {"tigger", "misty", "neither"} for photo in found)
    np.testing.assert_allclose([sum(entry["p"] for entry in photo["top"]) for photo in found], 1, rtol=1e-5)


def test_info_tells_versions_threads_and_gpu():
    done = tinynet("info")
    assert done.returncode == 0
    for word in ("NumPy", np.__version__, "BLAS", "workers", "GPU"):
        assert word in done.stdout


@pytest.mark.parametrize("arguments, says", [
    (["transfer", "--data", "nowhere"], "nowhere: does not exist"),
    (["transfer", "--lr", "fast"], "'fast' is not a number above 0"),
    (["transfer", "--lr", "-1"], "is not a number above 0"),
    (["transfer", "--epochs", "0"], "'0' is not a whole number above 0"),
    (["transfer", "--epochs", "2.5"], "is not a whole number above 0"),
    (["transfer", "--seed", "-1"], "is not a whole number from 0"),
    (["transfer", "--optimizer", "lion"], "invalid choice: 'lion'"),
    (["transfer", "--cut", "fire99"], "no stage 'fire99'; the stages are conv1, pool1"),
    (["transfer", "--train-all", "--cut", "fire9"], "not allowed with"),
    (["transfer", "--colour", "red"], "unrecognized arguments"),
    (["classify"], "required: IMAGE"),
    (["classify", "nowhere.jpg"], "nowhere.jpg: cannot be read"),
    (["classify", __file__], "test_cli.py"),
    (["predict", ".", "photo.jpg"], "no model.safetensors"),
    (["predict", "nowhere", "photo.jpg"], "nowhere: no model.safetensors"),
    (["transfer", "--data", ""], "--data is empty"), (["transfer", "--out", ""], "--out is empty"),
    (["transfer", "--data", ".", "--out", "x"], "out x lies in the folder of the photos, .;"),
    (["transfer", "--data", "."], "lies in the folder of the photos"),
    (["transfer", "--data", "..", "--out", "/elsewhere", "--cache", "c"], "cache c lies in the folder of the photos"),
    (["cache", "--folder", "nowhere"], "nowhere: is no folder"), (["cache", "--keep", "-1"], "a whole number from 0"),
    (["cache", "--keep", "1", "--older-than", "1"], "not allowed with"),
    (["search", "--trials", "5"], "5 trials for the 4 blocks"), (["search", "--folds", "1"], "a whole number from 2"),
    (["search", "--data", ".", "--out", "x"], "out x lies in the folder of the photos"),
    (["transfer", "--copies", "2"], "copies is 2, but nothing distorts them"),
    (["transfer", "--augment", "blur"], "augment is 'blur'; choose from mirror"),
    (["transfer", "--ensemble", "2", "--cut", "fire9"], "its members are heads"), (["transfer", "--ema", "1"], "below 1"),
    (["transfer", "--weight-decay", "-1"], "is not a number from 0"),
    (["frobnicate"], "invalid choice: 'frobnicate'"),
    ([], "required: COMMAND"),
])
def test_a_mistake_is_one_line_on_stderr_and_exit_2(arguments, says, tmp_path):
    done = tinynet(*arguments, cwd=tmp_path, env=os.environ | {"PYTHONPATH": os.getcwd()})
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("tinynet: ") and done.stderr.count("\n") == 1
    assert says in done.stderr


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid"), reason="needs POSIX permissions")
def test_an_unwritable_place_is_one_line(folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = tinynet("transfer", "--data", folder, "--out", tmp_path / "file/run", "--epochs", 1)
    assert done.returncode == 2 and done.stderr.splitlines()[-1].startswith("tinynet: ")
    assert "Traceback" not in done.stderr


def test_transfer_without_a_gpu_says_why(folder, tmp_path):
    from tinynet import backend
    if backend.gpu_problem() is None:
        pytest.skip("there is a GPU")
    done = tinynet("transfer", "--data", folder, "--out", tmp_path, "--device", "gpu")
    assert done.returncode == 2 and "no GPU" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_leaves_no_half_written_file_and_the_next_run_goes_on(folder, tmp_path):
    command = [sys.executable, "-m", "tinynet", "transfer", "--data", str(folder), "--out", str(tmp_path / "run"), "--epochs", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    manifests = []
    while process.poll() is None and not (manifests and manifests[0].read_text().count("\n") >= 2):
        manifests = list((tmp_path / "cache").glob("*/manifest*"))
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr and stderr.splitlines()[-1].startswith("tinynet: stopped")
    assert not list(tmp_path.rglob("*.tmp")) and not (tmp_path / "run/model.safetensors").exists()
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    computed = [line for line in re.split(r"[\r\n]", done.stderr) if line.startswith("activations before head")]
    assert computed and not any("15/15" in line for line in computed), "the second run computed everything again"


# Options of transfer

def test_what_a_run_was_told_predict_does(folder, run, tmp_path):
    """Distorted copies, several heads and the mirror: printed, saved, and done again on other photos."""
    cache, out = tmp_path / "cache", tmp_path / "run"
    done = tinynet("transfer", "--data", folder, "--out", out, "--cache", cache, "--epochs", 3, "--augment", "mirror,crop",
                   "--copies", 2, "--ensemble", 3, "--hidden", 4, "--ema", "--tta", "--schedule", "cosine")
    assert done.returncode == 0, done.stderr
    settings = json.loads((out / "metrics.json").read_text(encoding="utf-8"))["settings"]
    assert [settings[name] for name in ("augment", "copies", "ensemble", "ema", "tta")] == ["mirror,crop", 2, 3, 0.99, True]
    assert "test, each of the members" in done.stdout and "test, without the mirror" in done.stdout
    image = sorted(folder.glob("*/*.png"))[0]
    with Image.open(image) as picture:
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "mirrored.png")
    one, mirrored = json.loads(tinynet("predict", out, image, tmp_path / "mirrored.png", "--json").stdout)
    p, q = ({entry["name"]: entry["p"] for entry in photo["top"]} for photo in (one, mirrored))
    assert p == pytest.approx(q, abs=0.02) and sum(p.values()) == pytest.approx(1, abs=1e-5)


# Search

def test_search_ends_with_a_line_that_repeats_the_winner(folder, tmp_path):
    name = "-it's $HOME" if os.name != "nt" else "odd name"
    shutil.copytree(folder, tmp_path / name)
    options = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": os.getcwd()}}
    command = ["search", f"--data={name}", "--trials", 12, "--folds", 2, "--epochs", 2, "--out", "found (1)"]
    done = tinynet(*command, **options)
    assert done.returncode == 0 and "search: 100%" in done.stderr, done.stderr
    found = tmp_path / "found (1)"
    with Image.open(found / "search.png") as picture:
        picture.load()
    lines = done.stdout.splitlines()
    assert lines[1].split() == ["lr", "weight", "decay", "hidden", "loss", "accuracy"]
    metrics = json.loads((found / "metrics.json").read_text(encoding="utf-8"))
    assert [float(lines[2].split()[0]), float(lines[2].split()[1])] == [metrics["settings"][key] for key in ("lr", "weight_decay")]
    assert f"of {metrics['n_test']} test photos right: {metrics['test_accuracy']:.3f} (95% interval" in done.stdout
    before, trials = (found / "model.safetensors").read_bytes(), (found / "trials.jsonl").read_bytes()
    (found / "model.safetensors").unlink()
    line = lines[-1].removeprefix("repeat it: ")
    assert line.startswith("tinynet transfer --data")
    again = tinynet(*shlex.split(line)[1:], **options)
    assert again.returncode == 0, again.stderr
    assert (found / "model.safetensors").read_bytes() == before and (found / "trials.jsonl").read_bytes() == trials
    assert tinynet(*command, **options).stdout == done.stdout
    assert (found / "trials.jsonl").read_bytes() == trials, "the second search tried something again"


@pytest.mark.skipif(sys.platform == "win32", reason="kills")
def test_a_search_that_is_killed_goes_on(folder, tmp_path):
    command = [sys.executable, "-m", "tinynet", "search", "--data", str(folder), "--out", str(tmp_path / "run"),
               "--trials", "12", "--folds", "3", "--epochs", "30", "--method", "random"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    trials = tmp_path / "run/trials.jsonl"
    while process.poll() is None and not (trials.exists() and trials.read_bytes().count(b"\n") >= 2):
        time.sleep(0.01)
    process.kill()
    process.wait()
    kept = trials.read_bytes()
    assert 2 <= kept.count(b"\n") < 12, "it was not killed in the middle"
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert trials.read_bytes().startswith(kept) and trials.read_bytes().count(b"\n") == 12


# Many photos

def test_good_photos_are_named_although_others_are_bad(run, folder, tmp_path):
    out, _ = run
    images = sorted(folder.glob("*/*.png"))
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "empty").mkdir()
    done = tinynet("predict", out, images[0], tmp_path / "text.jpg", images[1], tmp_path / "gone.jpg", tmp_path / "empty",
                   "--json")
    assert [photo["path"] for photo in json.loads(done.stdout)] == [str(images[0]), str(images[1])]
    assert done.returncode == 2 and done.stderr.count("\n") == 3
    for line, name in zip(done.stderr.splitlines(), ("empty: holds no images", "text.jpg", "gone.jpg")):
        assert line.startswith("tinynet: ") and name in line


def test_a_folder_means_its_photos_in_order(run, folder, tmp_path):
    out, _ = run
    for name in ("notes.txt", ".hidden.png"):
        (tmp_path / name).write_text("no image")
    (tmp_path / "deep").mkdir()
    for i, path in enumerate(sorted(folder.glob("*/*.png"))[:4]):
        (tmp_path / "deep" / f"{i}.png").write_bytes(path.read_bytes())
    done = tinynet("predict", out, tmp_path, "--top", 1)
    assert done.returncode == 0 and done.stderr == ""
    assert [line.split(": ")[0] for line in done.stdout.splitlines()] == [str(tmp_path / "deep" / f"{i}.png") for i in range(4)]
    assert all(line.count(",") == 0 for line in done.stdout.splitlines())


# Where runs go

def test_what_is_printed_can_be_pasted(folder, tmp_path):
    names = ["photos (1)", "it's $HOME", "-dash", "Ünï `x`", 'a"b']
    for name in names if os.name != "nt" else ["photos (1)"]:
        (tmp_path / name).symlink_to(folder) if os.name != "nt" else shutil.copytree(folder, tmp_path / name)
        done = tinynet("transfer", f"--data={name}", f"--out=run {name}", "--epochs", 1, "--cache", tmp_path / "cache",
                       cwd=tmp_path, env=os.environ | {"PYTHONPATH": os.getcwd()})
        assert done.returncode == 0, done.stderr
        line = done.stdout.splitlines()[-1].removeprefix("use it:").strip()
        words = shlex.split(line)
        assert words[:2] == ["tinynet", "predict"] and words[3:] == ["PHOTO..."]
        assert (tmp_path / words[2]).samefile(tmp_path / f"run {name}")
        page = (tmp_path / f"run {name}" / "report.html").read_text(encoding="utf-8")
        assert html.escape(line.removesuffix(" PHOTO...")) in page


def test_photos_in_a_folder_of_the_same_name_do_not_replace_a_run(folder, tmp_path):
    options = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": os.getcwd()}}
    for parent in "a", "b":
        shutil.copytree(folder, tmp_path / parent / "photos")
    assert tinynet("transfer", "--data", "a/photos", "--epochs", 1, **options).returncode == 0
    assert tinynet("transfer", "--data", "a/photos", "--epochs", 1, **options).returncode == 0
    done = tinynet("transfer", "--data", "b/photos", "--epochs", 1, **options)
    assert done.returncode == 2 and "holds a run on other photos" in done.stderr and "--out" in done.stderr
    assert json.loads((tmp_path / "runs/photos/metrics.json").read_text())["data"] == str((tmp_path / "a/photos").resolve())


def test_the_cache_is_listed_and_pruned(run):
    out, _ = run
    where = ("cache", "--folder", out.parent / "cache")
    (out.parent / "cache" / "notes").mkdir(exist_ok=True)
    listed = tinynet(*where).stdout
    assert "squeezenet1_1   head            15" in listed and "hashing         15" in listed and "notes" not in listed
    assert "(removed)" not in tinynet(*where, "--older-than", 1).stdout + tinynet(*where, "--keep", 2).stdout
    assert tinynet(*where).stdout.count("head-float32-") == 1
    assert "(removed)" in tinynet(*where, "--keep", 0).stdout and tinynet(*where).stdout.count("head-float32-") == 0
    assert (out.parent / "cache" / "notes").is_dir(), "a folder that is not a cache's stays"
