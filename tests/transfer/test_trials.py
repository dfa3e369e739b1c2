"""What a search tried, and the file that remembers it."""
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from tinynet.transfer import Settings, Trial, best_trial
from tinynet.transfer.trials import TrialFile

DATA = [np.arange(6.0).reshape(2, 3), np.array([1, 0])]


def test_the_best_has_the_highest_accuracy_then_the_lower_loss_then_comes_first():
    trials = [Trial(Settings(lr=lr), None, (loss,) * 2, (accuracy,) * 2)
              for lr, loss, accuracy in [(1, 0.1, 0.5), (2, 0.9, 0.8), (3, 0.7, 0.8), (4, 0.7, 0.8)]]
    assert best_trial(trials).settings.lr == 3


def test_a_trial_knows_its_means_and_its_standard_error():
    trial = Trial(Settings(), None, (0.1, 0.2, 0.6), (0.5, 0.75, 1.0))
    assert (trial.loss, trial.accuracy) == pytest.approx((0.3, 0.75))
    assert trial.error == pytest.approx(0.25 / math.sqrt(3))


def test_what_is_added_is_found_by_the_next_reader_and_a_number_that_is_not_finite_is_null(tmp_path):
    path, settings = tmp_path / "deep/trials.jsonl", Settings(lr=0.1)
    TrialFile(path, 2, DATA).add(settings, [0.5, math.inf], [0.1, 1 / 3])
    again = TrialFile(path, 2, DATA)
    assert settings in again and again[settings] == ((0.5, math.inf), (0.1, 1 / 3))
    assert replace(settings, lr=0.2) not in again and replace(settings, seed=1) not in again
    line = json.loads(path.read_text())
    assert line["losses"] == [0.5, None] and line["settings"]["lr"] == 0.1
    again.add(replace(settings, lr=0.2), [1, 1], [0, 0])
    assert len(path.read_text().splitlines()) == 2 and not list(path.parent.glob(".*"))


@pytest.mark.parametrize("folds, data", [(3, DATA), (2, [DATA[0] + 1e-9, DATA[1]]), (2, [DATA[0], DATA[1][::-1]]), (2, DATA[:1])])
def test_a_trial_of_other_folds_or_data_is_not_taken(folds, data, tmp_path):
    path, settings = tmp_path / "trials.jsonl", Settings()
    TrialFile(path, 2, DATA).add(settings, [0.5, 0.5], [0.1, 0.1])
    other = TrialFile(path, folds, data)
    assert settings not in other
    other.add(settings, [1.0] * folds, [1.0] * folds)
    assert TrialFile(path, 2, DATA)[settings] == ((0.5, 0.5), (0.1, 0.1))


def test_a_write_that_fails_loses_no_older_trial(tmp_path, monkeypatch):
    path = tmp_path / "trials.jsonl"
    file = TrialFile(path, 1, DATA)
    file.add(Settings(lr=1.0), [0.5], [0.5])
    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", lambda fd: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        file.add(Settings(lr=2.0), [0.5], [0.5])
    assert path.read_bytes() == before
