"""The table of ensembles on real photos, on numbers drawn at random."""
import numpy as np
import pytest
from benchmarks import photos


def test_training_and_test_photos_are_apart_and_each_class_has_n():
    labels = np.repeat([2, 0, 1], 7)
    train, test = photos.choose(labels, 3, seed=1)
    assert np.bincount(labels[train]).tolist() == [3, 3, 3]
    assert sorted([*train, *test]) == list(range(21))
    assert (train == photos.choose(labels, 3, seed=1)[0]).all() and (train != photos.choose(labels, 3, seed=2)[0]).any()


def test_every_row_of_the_table_is_measured_and_the_first_is_one_head_on_plain_photos(monkeypatch):
    monkeypatch.setattr(photos, "STEPS", 8)
    rng, labels = np.random.default_rng(0), np.arange(60) % 3
    x = (rng.standard_normal((3, 512))[labels][:, None] + 8 * rng.standard_normal((60, 14, 512))).astype(np.float32)
    found = photos.measure(x, labels, 5, seed=0)
    assert list(found)[0] == ("one head", "plain") and len(found) == 5 + 1 + 2 * 4
    each, together, loss = found["one head", "plain"]
    assert each == together and 1 / 3 < each <= 1 and loss > 0
    assert found["one head", "all of these"][0] == each != found["one head", "all of these"][1]
    bags = found["ten heads of ten bags of the photos", "plain"]
    assert bags[0] < bags[1], "heads on other photos do not disagree"


def test_the_ten_settings_are_ten():
    assert len({str(kind) for kind in photos.DIFFERENT}) == photos.MEMBERS == 10
    assert all(len(settings) == 10 for settings in photos.COMMITTEES.values())
    assert max(row for rows in photos.VIEWS.values() for row in rows) == len(photos.SHOWN) - 1


@pytest.mark.parametrize("n, rows", [(5, 25), (15, 75)])
def test_heads_take_the_same_number_of_steps(n, rows, monkeypatch):
    epochs = []
    monkeypatch.setattr(photos, "fit", lambda *arguments, **options: epochs.append(arguments[6]))
    photos.train_head(np.ones((rows, 7), np.float32), np.arange(rows) % 5, np.arange(rows), seed=0)
    assert epochs[0] * -(-rows // 32) == photos.STEPS
