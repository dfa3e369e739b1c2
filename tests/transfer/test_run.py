"""A run's folder: what was trained is what is loaded, and nothing else is."""
import numpy as np
import pytest

from tinynet import InputError
from tinynet.data import load_inputs, stratified_split
from tinynet.transfer import Settings, evaluate, load_run, transfer
from tinynet.weights import load_weights, save_weights


@pytest.mark.parametrize("settings", [
    Settings(epochs=2), Settings(epochs=2, hidden=5, optimizer="adam"), Settings(epochs=1, cut="fire9", batch_size=4),
])
def test_a_loaded_run_says_what_the_trained_network_said(settings, few, tmp_path, cache):
    metrics = transfer(few, tmp_path, settings, cache=cache, progress=False)
    classifier = load_run(tmp_path)
    net = classifier.net
    assert classifier.classes == few.classes and not net.training
    x = load_inputs(few, np.arange(len(few)), classifier.preprocessing)
    train, val, test = stratified_split(few.labels, seed=settings.seed, keys=[few.key(i) for i in range(len(few))])
    assert evaluate(net, x, few.labels, train).accuracy == pytest.approx(metrics["train_accuracy"])
    assert [metrics["n_train"], metrics["n_val"], metrics["n_test"]] == [len(train), len(val), len(test)]


def test_a_head_made_on_other_pretrained_weights_is_refused(few, tmp_path, cache):
    transfer(few, tmp_path, Settings(epochs=1), cache=cache, progress=False)
    arrays, metadata = load_weights(tmp_path / "model.safetensors")
    save_weights(tmp_path / "model.safetensors", arrays, metadata | {"trunk_sha256": "0" * 64})
    with pytest.raises(InputError, match="other pretrained weights.*train again"):
        load_run(tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(InputError, match="no model.safetensors"):
        load_run(tmp_path)
    save_weights(tmp_path / "model.safetensors", {"w": np.zeros(3, np.float32)}, {})
    with pytest.raises(InputError, match="not of a run"):
        load_run(tmp_path)


def test_a_run_of_an_older_version_is_refused(few, tmp_path, cache):
    transfer(few, tmp_path, Settings(epochs=1), cache=cache, progress=False)
    arrays, metadata = load_weights(tmp_path / "model.safetensors")
    del arrays["training.codes"]
    save_weights(tmp_path / "model.safetensors", arrays, metadata)
    with pytest.raises(InputError, match="an older tinynet made it.*train again"):
        load_run(tmp_path)
