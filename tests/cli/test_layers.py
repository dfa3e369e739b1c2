"""`tinynet layers`: a table, a picture, and a command that runs as printed."""
import json
import os
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from tinynet.cli import main
from tinynet.models.squeezenet import PRETRAINED as SQUEEZENET
from tinynet.samples import DrawnCats


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of class folders with a few small drawings as files."""
    root, drawn = tmp_path_factory.mktemp("data") / "my cats", DrawnCats(n_per_class=5)
    for i, label in enumerate(drawn.labels):
        path = root / drawn.classes[label] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn.image(i)).resize((64, 64)).save(path)
    return root


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """One cache for all: the codes are computed once."""
    return tmp_path_factory.mktemp("cache")


def call(capsys, *arguments):
    status = main(["layers", *map(str, arguments)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_it_prints_a_table_draws_it_and_recommends(capsys, folder, cache, tmp_path):
    status, out, err = call(capsys, "--data", folder, "--out", tmp_path / "run", "--cache", cache, "--splits", 2)
    assert status == 0, err
    rows = {line.split()[0]: line for line in out.splitlines() if line and "±0." in line}
    assert list(rows) == ["pixels", "conv1", *(f"fire{i}" for i in range(2, 10))]
    assert sum("*" in line for line in rows.values()) == 1
    assert "accuracy with so many training photos of each class, ± deviation of 2 splits" in out
    assert out.index("scenario: few photos") < out.index("because:  5 photos in the smallest class; with 3 of each to train on")
    assert "how sure: " in out and "2 test photos of a class tell little" in out
    with Image.open(tmp_path / "run" / "layers.png") as picture:
        assert picture.format == "PNG"
    kept = json.loads((tmp_path / "run" / "layers.json").read_text())
    assert (kept["model"], kept["smallest"], kept["n_per_class"], kept["stages"]) == ("squeezenet1_1", 5, [3], list(rows))
    assert [f"{np.mean(splits[0]):.2f} ±{np.std(splits[0]):.2f}" for splits in kept["accuracy"]] == [
        " ".join(row.strip(" *").split()[1:]) for row in rows.values()]
    assert "activations before layers: 100%" in err and "linear classifiers: 100%" in err


def test_what_it_says_to_run_next_runs(capsys, folder, cache, tmp_path):
    _, out, _ = call(capsys, "--data", folder, "--out", tmp_path / "run", "--cache", cache, "--splits", 1, "--photos", 2)
    line, = [line for line in out.splitlines() if line.startswith("run next: ")]
    words = shlex.split(line.removeprefix("run next: "))
    assert words[:4] == ["tinynet", "transfer", "--data", str(folder)]
    done = subprocess.run([sys.executable, "-m", "tinynet", *words[1:], "--epochs", "1", "--out", str(tmp_path / "next")],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_options_that_matter_to_the_next_command_are_handed_on(capsys, folder, cache, tmp_path, monkeypatch):
    from tinynet.cli import layers
    from tinynet.transfer import Scenario
    for cut, end in (("head", ""), (None, " --train-all"), ("pool3", " --cut pool3")):
        monkeypatch.setattr(layers, "recommend", lambda *_: Scenario(True, False, 0.1, "fire2", cut, []))
        _, out, _ = call(capsys, "--data", folder, "--out", tmp_path / "run", "--cache", cache, "--splits", 1, "--photos", 2,
                         "--skip-bad")
        assert f"run next: tinynet transfer --data '{folder}' --skip-bad{end}\n" in out
        assert "how sure: nothing speaks against it" in out and "saves 10% of the mistakes" in out


def test_a_support_vector_machine_and_a_network_without_knowledge(capsys, folder, cache, tmp_path):
    options = "--data", folder, "--out", tmp_path / "run", "--cache", cache, "--splits", 1, "--stages", "fire2", "conv1"
    status, out, err = call(capsys, *options, "--random", "--classifier", "svm")
    assert status == 0 and err.count("activations before layers:   0%") == 2
    tables = out.split("\nrandom weights: accuracy")
    assert len(tables) == 2 and all(table.count("\nconv1 ") == table.count("\nfire2 ") == 1 for table in tables)
    assert tables[0].split("\nconv1")[1].splitlines()[0] != tables[1].split("\nconv1")[1].splitlines()[0]


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is another thing there")
def test_it_goes_on_after_ctrl_c(folder, tmp_path):
    command = [sys.executable, "-m", "tinynet", "layers", "--data", str(folder), "--out", str(tmp_path / "run"), "--splits", "1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    manifests = []
    while process.poll() is None and not (manifests and manifests[0].read_text().count("\n") >= 2):
        manifests = list((tmp_path / "cache").glob("layers-*/manifest*"))
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130 and stderr.splitlines()[-1].startswith("tinynet: stopped"), stderr
    assert not (tmp_path / "run" / "layers.png").exists()
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and (tmp_path / "run" / "layers.png").exists(), done.stderr
    assert "activations before head" not in done.stderr and "activations before hashing" not in done.stderr
    assert "activations before layers" in done.stderr, "it was not stopped in the middle"
    assert "15/15" not in done.stderr.split("linear")[0], "the second run computed everything again"


@pytest.mark.parametrize("arguments, says", [
    (["--data", "nowhere"], "nowhere: does not exist"), (["--data", ""], "--data is empty"),
    (["--data", ".", "--out", "x"], "out x lies in the folder of the photos"), (["--photos", "0"], "whole number above 0"),
    (["--random", "--weights", SQUEEZENET], "--random needs a network of the zoo with its own weights"),
    (["--stages", "fire99"], "'fire99' for the stages; choose from conv1"), (["--photos", "60"], "the smallest class has 60"),
])
def test_mistakes_are_one_line_and_told_before_the_work(capsys, arguments, says):
    status, out, err = call(capsys, *arguments)
    assert status == 2 and says in err.splitlines()[-1] and out == "" and "activations before" not in err
