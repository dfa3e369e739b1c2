"""Rows of images: the same from threads and from any executor, and none is lost when something fails."""
import os

import numpy as np
import pytest
from PIL import Image

from tests.executors import Here, opened
from tinynet import InputError
from tinynet.compute import executors
from tinynet.data import Copies, ImageFolder, Mirror, Preprocessing
from tinynet.layers import Conv2d, Module, ReLU, Sequential
from tinynet.transfer import ActivationCache, freeze
from tinynet.transfer.extract import close

PREPROCESSING = Preprocessing(17, 13, "bilinear", "RGB", mean=(104, 117, 123), scale=0.02)


@pytest.fixture
def folder(tmp_path):
    for i in range(50):
        path = tmp_path / "cats" / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (19, 23, 3), np.uint8)).save(path)
    return ImageFolder(tmp_path / "cats")


@pytest.fixture(autouse=True)
def nothing_held(monkeypatch):
    monkeypatch.setattr(executors, "_held", {})


class Pictures:
    """The pictures of a folder without their paths."""

    name = "pictures"

    def __init__(self, folder):
        self.classes, self.labels, self.image, self.key, self.title = (
            folder.classes, folder.labels, folder.image, folder.key, folder.title)

    def __len__(self):
        return len(self.labels)


def make_net(*extra):
    rng = np.random.default_rng(0)
    return freeze(Sequential(conv=Conv2d(3, 5, 3, rng=rng), relu=ReLU(), **dict(extra))).eval()


def activations(cache, dataset, net=None, **options):
    return ActivationCache(cache).activations(net or make_net(), dataset, PREPROCESSING, "end", progress=False, **options)


@pytest.mark.parametrize("kind", ["threads", "spawn", "dask"])
def test_an_executor_gives_what_threads_give(tmp_path, folder, kind):
    """Photos, copies of them, and pictures without paths; what is there already is not computed again."""
    with opened(kind) as executor:
        for dataset in (folder, Copies(folder, [1, 4], Mirror(), 2), Pictures(folder)):
            expected = activations(tmp_path / "threads", dataset)
            found = activations(tmp_path / "executor", dataset, executor=executor)
            assert (found.computed, found.reused) == (expected.computed, expected.reused)
            np.testing.assert_array_equal(found[:], expected[:])
    assert found.computed == 0
    assert np.load(found.path).shape == (54, 5, 11, 11)


def test_paths_travel_where_there_are_some_and_pixels_where_not(tmp_path, folder):
    sizes = []
    for k, dataset in enumerate((folder, Pictures(folder))):
        executor = Here()
        activations(tmp_path / str(k), dataset, executor=executor)
        sizes.append(sum(len(jobs) for *_, packed, jobs in executor.sent if packed is None) / len(dataset))
    assert sizes[0] < 500 and sizes[1] > 19 * 23 * 3


def test_a_photo_that_a_worker_cannot_read_costs_only_its_neighbours(tmp_path, folder):
    hidden = folder.paths[20]
    hidden.rename(tmp_path / "hidden")
    with pytest.raises(InputError, match=rf"{hidden.name}: .* \(on worker ") as caught:
        activations(tmp_path / "cache", folder, executor=Here())
    assert "\n" not in str(caught.value)
    (tmp_path / "hidden").rename(hidden)
    codes = activations(tmp_path / "cache", folder, executor=Here())
    assert (codes.computed, codes.reused) == (50 - 38, 38)      # 20 and its followers in the second call of 16
    np.testing.assert_array_equal(codes[:], activations(tmp_path / "new", folder)[:])


class Elsewhere(Module):
    """Computes otherwise on another machine, as other code does."""

    by_row = True
    plus = 0.0

    def forward(self, x):
        return x + np.float32(self.plus)

    def __setstate__(self, state):
        self.__dict__.update(state, plus=0.5)


def test_a_machine_that_computes_other_numbers_is_refused(tmp_path, folder):
    with pytest.raises(InputError, match="computes other numbers for a/0.png than this one; install the same tinynet"):
        activations(tmp_path, folder, make_net(("own", Elsewhere())), executor=Here())
    assert activations(tmp_path, folder, make_net(("own", Elsewhere()))).reused == 0


class Edited(Module):
    """A layer whose code was changed while a process was at work."""

    by_row = True
    plus = 0.0

    def forward(self, x):
        return x + np.float32(Edited.plus)


def test_each_process_of_a_machine_is_checked(tmp_path, folder, monkeypatch):
    """One may have loaded a layer's code before it was changed, its neighbour afterwards."""
    class Mixed(Here):
        def submit(self, *arguments):
            if len(self.sent) < 2:                          # the first lacks the task, and is asked again
                return super().submit(*arguments)
            with monkeypatch.context() as patch:
                patch.setattr(Edited, "plus", 0.5)
                patch.setattr(os, "getpid", lambda: 12)
                return super().submit(*arguments)

    with pytest.raises(InputError, match="process 12 computes other numbers"):
        activations(tmp_path, folder, make_net(("own", Edited())), executor=Mixed())
    assert activations(tmp_path, folder, make_net(("own", Edited()))).reused == 16


class Counts(Module):
    by_row = True
    count = 0

    def forward(self, x):
        self.count += 1
        return x


def test_a_trunk_that_remembers_is_refused(tmp_path, folder):
    with pytest.raises(InputError, match="Counts.count changes when the network runs"):
        activations(tmp_path, folder, make_net(("own", Counts())), executor=Here())


def test_workers_that_are_lost_leave_what_came(tmp_path, folder):
    class Dying(Here):
        def submit(self, *arguments):
            if len(self.sent) == 3:
                raise OSError("the line is cut")
            return super().submit(*arguments)

    with pytest.raises(InputError, match="workers were lost .*OSError: the line is cut.*what had come is kept"):
        activations(tmp_path / "cache", folder, executor=Dying())
    codes = activations(tmp_path / "cache", folder)
    assert codes.reused == 32
    np.testing.assert_array_equal(codes[:], activations(tmp_path / "new", folder)[:])


@pytest.mark.parametrize("other, answer", [
    ([1, 2.009, -5], True), ([1, 2.06, -5], False), ([1, np.nan, -5], False), ([1, 2, -5], True)])
def test_rows_are_close_to_one_hundredth_of_their_largest_number(other, answer):
    assert close(np.array([1, 2, -5]), np.array(other)) is answer
    assert close(np.array(other), np.array(other))
