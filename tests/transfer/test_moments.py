"""Bursts that were planted: each is on one side of the split, in every command, and the leak is closed."""
import sys

import numpy as np
import pytest
from PIL import Image

from tinynet import InputError
from tinynet.files import sha256
from tinynet.samples import DrawnCats
from tinynet.transfer import Settings, job, load_run, moments, search, transfer
from tinynet.transfer.moments import find_moments, split_moments, together

SHOTS = 3


class Bursts:
    """Drawn cats, three shots of each moment: the camera moves a little, and its light changes."""

    name, classes = "bursts", ["tigger", "misty", "neither"]

    def __init__(self, n_per_class=8):
        self.cats = DrawnCats(n_per_class)
        self.labels = self.cats.labels.repeat(SHOTS)
        self.moment = np.arange(len(self.cats)).repeat(SHOTS)

    def __len__(self):
        return len(self.labels)

    def image(self, i):
        image, shot = self.cats.image(i // SHOTS), i % SHOTS
        part = Image.fromarray(image[2 * shot:254 + shot, 3 * shot:256 - shot])
        return np.uint8(np.asarray(part) * (1 - 0.08 * shot))

    def key(self, i):
        return sha256(f"{i % SHOTS} {self.cats.key(i // SHOTS)}".encode())

    def title(self, i):
        return f"{self.cats.title(i // SHOTS)}, shot {i % SHOTS + 1}"


@pytest.fixture(scope="module")
def bursts():
    return Bursts()


@pytest.fixture(scope="module")
def group(bursts, cache):
    return find_moments(bursts, cache, progress=False)[0]


def one_sided(parts, moment):
    return not any(set(moment[a]) & set(moment[b]) for i, a in enumerate(parts) for b in parts[:i])


def test_the_planted_bursts_are_found(bursts, group, cache):
    np.testing.assert_array_equal(group, bursts.moment * SHOTS)
    _, codes = find_moments(bursts, cache, progress=False)
    assert codes.shape == (len(bursts), 512) and codes.any()


def test_few_photos_are_not_looked_at(tmp_path):
    few = Bursts(1)
    few.labels = few.labels[:7]
    few.image = None
    group, codes = find_moments(few, tmp_path / "cache", progress=False)
    assert group.tolist() == list(range(7)) and codes is None and not (tmp_path / "cache").exists()


def test_the_largest_moment_comes_first():
    found = together(np.array([0, 1, 0, 3, 1, 1, 6]))
    assert [rows.tolist() for rows in found] == [[1, 4, 5], [0, 2]]
    assert together(np.arange(5)) == []


@pytest.mark.parametrize("seed", range(3))
def test_each_moment_is_on_one_side_and_without_moments_the_split_is_the_old_one(bursts, group, seed):
    parts = split_moments(bursts, group, seed)
    assert one_sided(parts, bursts.moment) and sorted(np.concatenate(parts)) == list(range(len(bursts)))
    keys = [bursts.key(i) for i in range(len(bursts))]
    alone = moments.stratified_split(bursts.labels, seed=seed, keys=keys)
    assert not one_sided(alone, bursts.moment)
    for a, b in zip(split_moments(bursts, np.arange(len(bursts)), seed), alone):
        np.testing.assert_array_equal(a, b)


def test_a_moment_goes_where_the_smallest_of_its_keys_says(bursts, group):
    """So another order of the photos changes nothing, and a photo that is removed moves none but its own moment."""
    whole = split_moments(bursts, group)
    place = {bursts.key(i): part for part, rows in enumerate(whole) for i in rows}

    class Some(Bursts):
        def __init__(self, rows):
            super().__init__()
            self.rows, self.labels = rows, self.labels[rows]

        def key(self, i):
            return super().key(self.rows[i])

    rows = np.arange(len(bursts))[::-1]
    assert place == {bursts.key(rows[i]): part for part, found in enumerate(split_moments(Some(rows), group[rows])) for i in found}
    rows = np.arange(3, len(bursts))[::-1]
    assert all(place[bursts.key(rows[i])] == part for part, found in enumerate(split_moments(Some(rows), group[rows])) for i in found
               if bursts.moment[rows[i]] > 7)


def test_a_moment_with_two_labels_stays_together(bursts, group):
    mixed = Bursts()
    mixed.labels = np.where(np.arange(len(mixed)) % SHOTS == 1, (mixed.labels + 1) % 3, mixed.labels)
    for seed in range(20):
        assert one_sided(split_moments(mixed, group, seed), bursts.moment)


def test_a_class_of_too_few_moments_is_dealt_out_one_by_one_and_that_is_said(bursts):
    group = np.where(bursts.labels == 1, 24, np.arange(len(bursts)))
    with pytest.warns(UserWarning, match="misty: its 24 photos show 1 moment, too few .* the accuracy will be too good"):
        parts = split_moments(bursts, group)
    assert all((bursts.labels[part] == 1).any() for part in parts)
    two = Bursts()
    two.labels = np.array([0] * 70 + [1] * 2)
    with pytest.raises(InputError, match="class 1 has 2 examples"):
        split_moments(two, np.arange(72))


def test_the_leak_is_closed_everywhere(bursts, tmp_path, cache, monkeypatch):
    """One split for transfer and search, whichever network or cut; a second run looks at no photo but the probes."""
    runs = [Settings(epochs=2), Settings(epochs=1, cut="fire9", batch_size=16)]
    metrics = [transfer(bursts, tmp_path / str(i), settings, cache=cache, progress=False) for i, settings in enumerate(runs)]
    trained = [load_run(tmp_path / str(i)).training_keys for i in range(2)]
    train, val, test = split_moments(bursts, find_moments(bursts, cache, progress=False)[0])
    assert trained[0] == trained[1] == [bursts.key(i) for i in train]
    for found in metrics:
        assert found["moments"]["groups"] == 24 and found["moments"]["photos"] == 72 and found["moments"]["on_both_sides"] == 0
        assert (found["n_train"], found["n_test"]) == (len(train), len(test))
        assert found["moments"]["named_right_together"] < found["moments"]["named_right_singly"]
    rows = []
    searching = sys.modules["tinynet.transfer.search"]
    train_stages = searching.train_stages
    monkeypatch.setattr(searching, "train_stages", lambda net, x, labels, train, val, *a, **o: rows.append((train, val)) or
                        train_stages(net, x, labels, train, val, *a, **o))
    search(bursts, tmp_path / "search", Settings(epochs=1), "random", 1, 2, cache=cache, progress=False)
    left = np.sort(np.concatenate([train, val]))
    assert all(one_sided((left[a], left[b], test), bursts.moment) and set(left[a]) < set(train) for a, b in rows) and len(rows) == 2
    read, image = [], Bursts.image
    monkeypatch.setattr(Bursts, "image", lambda self, i: read.append(i) or image(self, i))
    again = transfer(bursts, tmp_path / "again", runs[0], cache=cache, progress=False)
    assert len(read) <= 3 and again["test_accuracy"] == metrics[0]["test_accuracy"]


def test_another_grouping_does_not_go_on_from_the_old_checkpoint(bursts, tmp_path, cache, monkeypatch):
    names, checkpoint = [], job.Checkpoint
    monkeypatch.setattr(job, "Checkpoint", lambda path, run_id: names.append(run_id) or checkpoint(path, run_id))
    for found in find_moments(bursts, cache, progress=False), (np.arange(72), np.ones((72, 2), np.float32)):
        monkeypatch.setattr(job, "find_moments", lambda *arguments: found)
        transfer(bursts, tmp_path, Settings(epochs=1), cache=cache, progress=False)
    assert names[0] != names[1]
