"""Searching for hyperparameters: what is tried, in which order, and that the test part stays out of it."""
import json
import math
import sys
from dataclasses import replace

import numpy as np
import pytest

from tinynet import InputError
from tinynet.data import stratified_split
from tinynet.samples import DrawnCats
from tinynet.transfer import OPTIMIZERS, Settings, Trial, best_trial, evaluate, search
from tinynet.transfer.search import Range, at_random, by_block, ranges

MODULE = sys.modules["tinynet.transfer.search"]
QUICK = Settings(epochs=2)


@pytest.fixture(scope="module")
def cats():
    """36 drawings: three folds of each class."""
    return DrawnCats(n_per_class=12)


@pytest.fixture
def go(cats, tmp_path, cache):
    """Search them quietly; what is given replaces what is usual."""
    def go(dataset=cats, out=tmp_path, settings=QUICK, **options):
        return search(dataset, out, settings, **({"trials": 12, "folds": 3, "cache": cache, "progress": False} | options))
    return go


def parts(dataset, seed=0):
    return stratified_split(dataset.labels, seed=seed, keys=[dataset.key(i) for i in range(len(dataset))])


class Relabelled:
    """The cats with other labels."""

    def __init__(self, cats, labels):
        self.cats, self.name, self.classes, self.labels = cats, cats.name, cats.classes, labels

    def __len__(self):
        return len(self.cats)

    def key(self, i):
        return self.cats.key(i)

    def title(self, i):
        return self.cats.title(i)

    def image(self, i):
        return self.cats.image(i)


# The test part

def test_photos_of_the_test_part_are_looked_at_for_their_moments_alone(cats, go, monkeypatch):
    """Once that is known, they are not even read: trials of another network run on a data set without them."""
    seen, activations = [], MODULE.ActivationCache.activations

    def recorded(self, trunk, dataset, *rest, **options):
        seen.append({dataset.key(i) for i in range(len(dataset))})
        return activations(self, trunk, dataset, *rest, **options)

    monkeypatch.setattr(MODULE.ActivationCache, "activations", recorded)
    go(method="random", trials=1)
    everything, (_, _, test) = {cats.key(i) for i in range(len(cats))}, parts(cats)
    assert seen == [everything, everything, everything - {cats.key(i) for i in test}]


def test_the_labels_of_the_test_part_decide_nothing(cats, go, tmp_path):
    one = parts(cats)[2][1]
    labels = cats.labels.copy()
    labels[one] = 2                                 # it says "neither" of a Tigger
    changed = Relabelled(cats, labels)
    assert cats.labels[one] != 2 and all(np.array_equal(a, b) for a, b in zip(parts(changed), parts(cats)))
    assert go(changed, tmp_path / "one") == go(out=tmp_path / "two")
    assert (tmp_path / "one/trials.jsonl").read_bytes() == (tmp_path / "two/trials.jsonl").read_bytes()


def test_a_head_is_measured_on_the_fold_it_was_not_trained_on_and_on_no_other_photo(cats, go, monkeypatch):
    trained, measured = [], []
    train_stages, evaluate = MODULE.train_stages, MODULE.evaluate

    def training(net, x, labels, train, val, *rest, **options):
        trained.append((len(x), set(train.tolist()), set(val.tolist())))
        return train_stages(net, x, labels, train, val, *rest, **options)

    def measuring(net, x, labels, rows, **options):
        measured.append(set(rows.tolist()))
        return evaluate(net, x, labels, rows, **options)

    monkeypatch.setattr(MODULE, "train_stages", training)
    monkeypatch.setattr(MODULE, "evaluate", measuring)
    go(method="random", trials=2, workers=1)
    train, val, test = parts(cats)
    assert len(trained) == len(measured) == 6
    for (n, rows, val_rows), fold in zip(trained, measured):
        assert n == len(train) + len(val) == len(cats) - len(test)          # no more photos are there than that
        assert rows.isdisjoint(fold) and val_rows.isdisjoint(rows | fold) and len(val_rows) == len(val)
        assert len(rows | fold) == len(train)
    assert set.union(*measured[:3]) == trained[0][1] | measured[0] and sum(map(len, measured[:3])) == len(train)
    assert measured[:3] == measured[3:], "two trials are compared on other folds"


def test_folds_hold_every_class_alike(cats):
    part, group, train, _ = MODULE._without_test(cats, np.arange(len(cats)), 0)
    fold_of = MODULE._folds(part, train, group, 4, 0)
    counts = np.array([np.bincount(part.labels[train[fold_of == fold]], minlength=3) for fold in range(4)])
    assert (np.ptp(counts, axis=0) <= 1).all() and counts.sum() == len(train)


def test_photos_of_one_moment_are_in_one_fold(cats):
    group = np.arange(len(cats)) // 2 * 2
    part, group, train, val = MODULE._without_test(cats, group, 0)
    assert not set(group[train]) & set(group[val])
    fold_of = MODULE._folds(part, train, group, 2, 0)
    assert all(len(set(fold_of[group[train] == moment])) == 1 for moment in group[train]) and set(fold_of) == {0, 1}
    with pytest.raises(InputError, match="training photos of different moments, too few for 7 folds"):
        MODULE._folds(part, train, group, 7, 0)


# What is tried

def fake(loss):
    """A `run` that measures nothing, and what it was asked for."""
    asked = []

    def run(candidates, block):
        asked.append((block, candidates))
        return [Trial(s, block, (loss(s),) * 2, (1 / (1 + loss(s)),) * 2) for s in candidates]

    return run, asked


def hill(s):
    """Lowest at a rate of 0.005, a weight decay of 1 and 64 units."""
    return (math.log(s.lr / 0.005) ** 2 + math.log(s.weight_decay) ** 2 / 4
            + (10 if s.hidden is None else math.log(s.hidden / 64) ** 2))


def test_block_by_block_goes_rate_first_and_the_rate_once_more():
    run, asked = fake(hill)
    start = Settings(lr=0.02)
    tried = by_block(run, start, 30)
    assert [(block, len(candidates)) for block, candidates in asked] == [("lr", 8), ("weight_decay", 8), ("hidden", 7), ("lr", 7)]
    lrs, decays, hidden, again = (candidates for _, candidates in asked)
    assert all(replace(s, lr=0.02) == start for s in lrs)
    assert min(s.lr for s in lrs) == 0.0002 and max(s.lr for s in lrs) == 2.0
    best_rate = min(lrs, key=hill).lr
    assert {s.lr for s in decays} == {best_rate} and len({s.weight_decay for s in decays}) == 8
    assert {(s.lr, s.weight_decay) for s in hidden} == {(best_rate, min(decays, key=hill).weight_decay)}
    assert hidden[0].hidden is None and [s.hidden for s in hidden[1:]] == sorted(s.hidden for s in hidden[1:])
    others = sorted({s.lr for s in lrs} - {best_rate}, key=lambda lr: abs(math.log(lr / best_rate)))[:2]
    assert all(min(others) * 0.99 <= s.lr <= max(others) * 1.01 for s in again) and len({s.lr for s in again}) == 7
    assert hill(best_trial(tried).settings) < hill(min(hidden, key=hill)), "the rate once more brought nothing"


def test_too_few_trials_for_the_blocks_are_refused():
    run, asked = fake(hill)
    with pytest.raises(InputError, match="11 trials for the 4 blocks lr, weight_decay, hidden, lr; give 12 or more"):
        by_block(run, Settings(lr=0.02), 11)
    assert not asked


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_random_search_draws_evenly_in_the_logarithm_around_the_optimisers_own_rate(optimizer):
    run, asked = fake(hill)
    tried = at_random(run, Settings(optimizer=optimizer), 400)
    rates = np.log10([trial.settings.lr for trial in tried]) - np.log10(OPTIMIZERS[optimizer][2])
    assert rates.min() > -2.01 and rates.max() < 2.01 and len(set(rates)) > 300
    np.testing.assert_allclose(np.histogram(rates, 4, (-2, 2))[0], 100, atol=35)
    units = [trial.settings.hidden for trial in tried]
    assert 150 < units.count(None) < 250 and all(u is None or 8 <= u <= 512 and isinstance(u, int) for u in units)
    assert all(0.001 <= trial.settings.weight_decay <= 10 and trial.block is None for trial in tried)
    assert all(float(f"{trial.settings.lr:.3g}") == trial.settings.lr for trial in tried)


def test_a_longer_random_search_begins_with_the_shorter_and_another_seed_draws_others():
    tried = [[trial.settings for trial in at_random(fake(hill)[0], Settings(seed=seed), n)]
             for seed, n in ((0, 5), (0, 9), (1, 5))]
    assert tried[1][:5] == tried[0] and not {s.lr for s in tried[0]} & {s.lr for s in tried[2]}


def test_ranges():
    assert Range(0.01, 100).values(5) == [0.01, 0.1, 1, 10, 100]
    assert Range(8, 512, units=True).values(4) == [None, 8, 64, 512]
    assert list(ranges(Settings(optimizer="adam"))) == ["lr", "weight_decay", "hidden"]


# Stopping and going on

def test_the_same_seed_gives_the_same_trials_for_any_number_of_workers(go, tmp_path):
    found = [go(out=tmp_path / str(workers), workers=workers) for workers in (1, 3)]
    assert found[0] == found[1] and len({trial.settings for trial in found[0]}) >= 9
    lines = [(tmp_path / str(workers) / "trials.jsonl").read_bytes() for workers in (1, 3)]
    assert lines[0] == lines[1]


@pytest.fixture
def counted(monkeypatch):
    """Settings that were really tried; the trial of a number can be stopped."""
    class Counted(list):
        stop_at = None

    done, cross_validate = Counted(), MODULE._cross_validate

    def counting(settings, *arguments):
        if len(done) == done.stop_at:
            raise KeyboardInterrupt
        done.append(settings)
        return cross_validate(settings, *arguments)

    monkeypatch.setattr(MODULE, "_cross_validate", counting)
    return done


@pytest.mark.parametrize("method", ["block", "random"])
def test_ctrl_c_keeps_what_was_done_and_the_next_search_goes_on(method, go, tmp_path, counted):
    whole = go(out=tmp_path / "whole", method=method, workers=1)
    n = len(counted)
    counted.clear()
    counted.stop_at = 5
    with pytest.raises(KeyboardInterrupt):
        go(method=method, workers=1)
    assert len((tmp_path / "trials.jsonl").read_text().splitlines()) == 5
    counted.clear()
    counted.stop_at = None
    assert go(method=method, workers=1) == whole and len(counted) == n - 5
    counted.clear()
    assert go(method=method, workers=1) == whole and not counted
    assert (tmp_path / "trials.jsonl").read_bytes() == (tmp_path / "whole/trials.jsonl").read_bytes()


def test_trials_of_other_data_or_folds_or_settings_are_not_taken_but_stay(cats, go, counted, monkeypatch):
    options = {"method": "random", "trials": 2}
    go(**options)
    for changes in ({"folds": 2}, {"settings": replace(QUICK, epochs=1)}, {"settings": replace(QUICK, seed=1)}):
        counted.clear()
        go(**options | changes)
        assert len(counted) == 2, changes
    train = parts(cats)[0]
    labels = cats.labels.copy()
    labels[train[0]], labels[train[-1]] = labels[train[-1]], labels[train[0]]
    counted.clear()
    go(Relabelled(cats, labels), **options)
    assert len(counted) == 2
    counted.clear()
    go(**options)
    assert not counted


def test_lines_that_are_no_trials_are_passed_over(go, tmp_path, counted):
    first = go(method="random", trials=3)
    lines = (tmp_path / "trials.jsonl").read_text().splitlines()
    short = json.dumps(json.loads(lines[1]) | {"losses": [0.1]})
    text = json.dumps(json.loads(lines[2]) | {"accuracies": ["high"] * 3})
    damaged = ["\x00", "[]", "3", "{}", lines[0], short, text, lines[2][:40]]
    (tmp_path / "trials.jsonl").write_bytes("\n".join(damaged).encode() + b"\xff")
    counted.clear()
    assert go(method="random", trials=3) == first and len(counted) == 2


def test_a_training_that_explodes_is_a_bad_trial_and_no_error(go, tmp_path, monkeypatch):
    monkeypatch.setattr(MODULE, "ranges", lambda settings: {"lr": Range(1e-3, 1e30), "weight_decay": Range(0.1, 1)})
    found = go(trials=9)
    assert {trial.loss == math.inf for trial in found} == {True, False} and best_trial(found).loss < math.inf
    assert all(trial.accuracy == 0 for trial in found if trial.loss == math.inf)
    text = (tmp_path / "trials.jsonl").read_text()
    assert "null" in text and "Infinity" not in text and go(trials=9) == found
    monkeypatch.setattr(MODULE, "ranges", lambda settings: {"lr": Range(1e29, 1e30), "weight_decay": Range(0.1, 1)})
    with pytest.raises(InputError, match="every trial was infinite"):
        go(trials=9)


def test_a_fold_whose_loss_is_not_a_number_counts_as_exploded(go, tmp_path, monkeypatch):
    monkeypatch.setattr(MODULE, "evaluate", lambda *a, **o: replace(evaluate(*a, **o), loss=math.nan))
    with pytest.raises(InputError, match="every trial was infinite"):
        go(method="random", trials=1)
    assert json.loads((tmp_path / "trials.jsonl").read_text())["accuracies"] == [0, 0, 0]


@pytest.mark.parametrize("options, says", [
    ({"method": "grid"}, "method 'grid'.* one of block, random"), ({"trials": 0}, "0 trials"), ({"folds": 1}, "1 folds"),
    ({"folds": 10}, "training photos of different moments, too few for 10 folds; add photos, or take fewer folds"),
    ({"settings": Settings(augment="crop", copies=2)}, "not for trials"), ({"settings": Settings(tta=True)}, "not for trials"),
    ({"settings": Settings(ensemble=2)}, "not for trials"),
    ({"settings": Settings(cut="fire9")}, "the cut is fire9"), ({"settings": Settings(optimizer="lion")}, "optimizer is 'lion'"),
])
def test_what_cannot_be_searched_is_refused_in_one_line(options, says, go, tmp_path):
    with pytest.raises(InputError, match=says):
        go(**options, cache=tmp_path / "cache")
    assert not (tmp_path / "trials.jsonl").exists()
    assert "folds" in options or not (tmp_path / "cache").exists()
