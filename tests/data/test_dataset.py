"""What is sent to another process in place of an image makes the same image there."""
import os
import pickle
import shutil

import numpy as np
import pytest
from PIL import Image

from tinynet import InputError
from tinynet.data import Copies, ImageFolder, Mirror, Views
from tinynet.data.dataset import reader
from tinynet.samples import DrawnCats, PhantomXRays, SynthesisedWords


class Pictures:
    """A data set that has no `reader`."""

    name, classes, labels = "pictures", ["a", "b"], np.array([0, 0, 1, 1])

    def __len__(self):
        return 4

    def image(self, i):
        return np.full((29, 31, 3), i, np.uint8)

    def key(self, i):
        return f"{i:064x}"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of big files, known by a path relative to the working folder."""
    for i in range(6):
        path = tmp_path / "cats" / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (67, 71, 3), np.uint8)).save(path)
    monkeypatch.chdir(tmp_path)
    return ImageFolder("cats")


@pytest.mark.parametrize("make, most", [
    (lambda folder: folder, 500), (lambda folder: Copies(folder, [1, 3], Mirror(), 2), 1000), (Views, 1000),
    (lambda folder: Views(Copies(folder, [1, 3], Mirror(), 2)), 1000), (lambda _: DrawnCats(4), 1000),
    (lambda _: PhantomXRays(4), 1000), (lambda _: SynthesisedWords(["yes", "no"], 2), 4000),
    (lambda _: Pictures(), 4000), (lambda _: Views(Pictures()), 4000), (lambda _: Copies(Pictures(), [2], Mirror(), 1), 4000)],
    ids=["folder", "copies", "views", "views of copies", "cats", "x-rays", "words", "pictures", "views of pictures",
         "copies of pictures"])
def test_a_reader_makes_the_image_elsewhere_and_is_small(folder, make, most, monkeypatch, tmp_path_factory):
    dataset = make(folder)
    sent = [pickle.dumps(reader(dataset, i)) for i in range(0, len(dataset), 2)]
    assert max(map(len, sent)) < most
    expected = [dataset.image(i) for i in range(0, len(dataset), 2)]
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    for image, read in zip(expected, sent):
        found = pickle.loads(read)()
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, image)


def test_a_reader_refuses_a_file_that_is_another_one_there(folder):
    read = folder.reader(0)
    shutil.copy(folder.paths[1], folder.paths[0])
    with pytest.raises(InputError, match="0.png: has changed since the folder was checked"):
        read()
    os.remove(folder.paths[0])
    with pytest.raises(InputError, match="0.png"):
        read()
