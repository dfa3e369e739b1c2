"""Copies: the dataset's own images as they are, then distorted copies that stay the same and have keys."""
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest

from tinynet import InputError
from tinynet.data import ColourShift, Compose, Copies, Crop, Mirror, Preprocessing
from tinynet.layers import Conv2d, Sequential
from tinynet.transfer import ActivationCache, freeze

AUGMENT = Compose((Mirror(), Crop()))
ROWS = np.array([4, 1, 6])


class Pictures:
    """Eight pictures of three classes; a picture's contents go by its number in `numbers`."""

    name, classes = "pictures", ["a", "b", "c"]

    def __init__(self, numbers=range(8)):
        self.numbers = list(numbers)
        self.labels = np.array(self.numbers, np.int64) % 3

    def __len__(self):
        return len(self.numbers)

    def image(self, i):
        return np.random.default_rng(self.numbers[i]).integers(0, 256, (13, 11 + self.numbers[i] % 2, 3), np.uint8)

    def key(self, i):
        return hashlib.sha256(bytes([self.numbers[i]])).hexdigest()

    def title(self, i):
        return f"picture {self.numbers[i]}"


@pytest.fixture
def copies():
    return Copies(Pictures(), ROWS, AUGMENT, 3, seed=5)


def test_the_datasets_own_images_come_first_and_are_not_touched(copies):
    own = Pictures()
    assert (copies.name, copies.classes, len(copies)) == ("pictures", ["a", "b", "c"], 8 + 9)
    for i in range(8):
        assert copies.image(i).tobytes() == own.image(i).tobytes()
        assert (copies.key(i), copies.labels[i], copies.title(i)) == (own.key(i), own.labels[i], own.title(i))


def test_then_the_copies_with_the_labels_of_their_images(copies):
    own = Pictures()
    assert copies.rows.tolist() == [4, 1, 6, *range(8, 17)]
    assert copies.labels[copies.rows].tolist() == own.labels[ROWS].tolist() * 4
    assert copies.labels.dtype == np.int64 and copies.augmented is False
    assert [copies.title(i) for i in (8, 9, 16)] == ["picture 4, copy 1", "picture 1, copy 1", "picture 6, copy 3"]
    for i in range(8, 17):
        source = own.image(ROWS[(i - 8) % 3])
        assert copies.image(i).shape == source.shape and copies.image(i).tobytes() != source.tobytes()


def test_a_copys_key_is_made_of_all_it_depends_on(copies):
    key = json.dumps([Pictures().key(1), repr(AUGMENT), 5, 2])
    assert copies.key(15) == hashlib.sha256(key.encode()).hexdigest()
    others = [Copies(Pictures(), ROWS, AUGMENT, 3, seed=6), Copies(Pictures(), ROWS, Compose((Mirror(0.4), Crop())), 3, seed=5)]
    keys = {data.key(i) for data in (copies, *others) for i in range(8, 17)}
    assert len(keys) == 27
    for other in others:
        assert other.image(9).tobytes() != copies.image(9).tobytes()


def test_equal_keys_are_equal_pictures_whatever_else_is_in_the_folder(copies):
    fewer = Copies(Pictures([6, 9, 4, 1]), [3, 0, 2], AUGMENT, 2, seed=5)
    where = {copies.key(i): i for i in range(len(copies))}
    same = [(i, where[fewer.key(i)]) for i in range(len(fewer)) if fewer.key(i) in where]
    assert len(same) == 3 + 6
    for i, j in same:
        assert fewer.image(i).tobytes() == copies.image(j).tobytes()


def test_the_same_picture_in_any_order_and_on_any_thread(copies):
    expected = [copies.image(i).tobytes() for i in range(17)]
    again = Copies(Pictures(), ROWS, AUGMENT, 3, seed=5)
    assert [again.image(i).tobytes() for i in reversed(range(17))] == expected[::-1]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda i: copies.image(i).tobytes(), range(17))) == expected


def test_the_cache_computes_each_copy_once(copies, tmp_path):
    trunk = freeze(Sequential(conv=Conv2d(3, 2, 3, rng=np.random.default_rng(0)))).eval()
    prep = Preprocessing(resize=9, crop=7, resample="bilinear", channels="RGB", mean=(0, 0, 0), scale=1)

    def activations(data):
        return ActivationCache(tmp_path).activations(trunk, data, prep, "cut", progress=False)

    assert activations(Pictures()).computed == 8
    codes = activations(copies)
    assert (codes.computed, codes.reused, codes.shape[0]) == (9, 8, 17)
    assert activations(copies).computed == 0
    assert activations(Copies(Pictures(), ROWS, AUGMENT, 4, seed=5)).computed == 3, "one more copy of each"
    assert activations(Copies(Pictures(), ROWS, ColourShift(), 1, seed=5)).computed == 3
    assert codes.labels.tolist() == copies.labels.tolist()


def test_no_copies():
    none = Copies(Pictures(), ROWS, AUGMENT, 0)
    assert len(none) == 8 and none.rows.tolist() == [4, 1, 6]


def test_a_dataset_that_varies_its_images_still_does():
    varying = Pictures()
    varying.augmented = True
    assert Copies(varying, ROWS, AUGMENT, 1).augmented


def test_what_cannot_be_known_again_is_refused():
    class Silent:
        def __call__(self, image, rng):
            return image

    for silent in (Silent(), lambda image, rng: image, Compose((Mirror(), Silent()))):
        with pytest.raises(InputError, match="does not say its settings, by which its copies are known again; give its class"):
            Copies(Pictures(), ROWS, silent, 1)
    with pytest.raises(InputError, match="Copies: -1 copies of each image; give a number from 0"):
        Copies(Pictures(), ROWS, AUGMENT, -1)


def test_a_distortion_of_ones_own_may_not_write_into_the_image():
    @dataclass(frozen=True)
    class Black:
        def __call__(self, image, rng):
            image[:] = 0
            return image

    with pytest.raises(ValueError, match="read-only"):
        Copies(Pictures(), ROWS, Black(), 1).image(8)


def test_a_distortion_that_draws_from_elsewhere_is_refused():
    class Shaken(ColourShift):
        def distort(self, image, rng):
            return super().distort(image, np.random.default_rng())

    with pytest.raises(InputError, match=r"Copies: .*Shaken\(deviation=20.0\) makes another picture each time"):
        Copies(Pictures(), ROWS, Shaken(), 1)
    assert len(Copies(Pictures(), ROWS, Shaken(), 0)) == len(Copies(Pictures(), [], Shaken(), 2)) == 8


def test_a_mask_of_rows_is_refused():
    with pytest.raises(InputError, match="Copies: rows are bool; .*flatnonzero"):
        Copies(Pictures(), np.ones(8, bool), AUGMENT, 1)
