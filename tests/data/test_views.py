"""Views of an image: what each shows, and that a cache keeps each once under a key of its own."""
import hashlib
import json
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet import InputError
from tinynet.data import TEN_VIEWS, VIEWS, Preprocessing, View, Views
from tinynet.layers import Flatten, Sequential
from tinynet.samples import DrawnCats
from tinynet.transfer import ActivationCache

PREPROCESSING = Preprocessing(17, 13, "bilinear", "RGB", mean=(104, 117, 123), scale=0.02)
PICTURE = np.arange(7 * 11 * 3, dtype=np.uint8).reshape(7, 11, 3)


@pytest.mark.parametrize("view, expected", [
    (View(), PICTURE), (View(mirror=True), PICTURE[:, ::-1]),
    (View(crop=1.0), PICTURE[:, 2:9]), (View(crop=1, x=0), PICTURE[:, :7]), (View(crop=1, x=1, y=0), PICTURE[:, 4:]),
    (View(crop=3 / 7, x=0, y=1), PICTURE[4:, :3]), (View(True, 3 / 7, 0.25, 0.5), PICTURE[2:5, 2:5][:, ::-1]),
    (View(crop=0.001, x=1, y=1), PICTURE[6:, 10:])])
def test_what_a_view_shows(view, expected):
    before = PICTURE.copy()
    shown = view(PICTURE)
    assert shown.dtype == np.uint8 and shown.flags.c_contiguous
    assert (shown == expected).all() and shown.shape == expected.shape
    assert (PICTURE == before).all()


@given(st.integers(1, 40), st.integers(1, 40), st.booleans(), st.floats(0.01, 1), st.floats(0, 1), st.floats(0, 1))
def test_every_view_lies_in_the_image(height, width, mirror, crop, x, y):
    image = np.arange(height * width).reshape(height, width, 1).repeat(3, 2)
    shown = View(mirror, crop, x, y)(image)
    side = max(1, round(crop * min(height, width)))
    assert shown.shape == (side, side, 3)
    steps = np.diff(shown[:, :, 0], axis=1)
    assert (steps == (-1 if mirror else 1)).all() and np.isin(shown, image).all()


def test_the_ten_views_are_the_middle_and_the_corners_each_mirrored():
    image = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    shown = [view(image) for view in TEN_VIEWS]
    corners = [image[16:240, 16:240], image[:224, :224], image[:224, 32:], image[32:, :224], image[32:, 32:]]
    for i, corner in enumerate(corners):
        assert (shown[i] == corner).all() and (shown[i + 5] == corner[:, ::-1]).all()


@pytest.mark.parametrize("settings", [{"crop": 0}, {"crop": 1.01}, {"crop": float("nan")}, {"x": -0.1}, {"y": 1.1}])
def test_an_impossible_view_is_refused(settings):
    with pytest.raises(InputError, match="crop must be above 0") as error:
        View(**settings)
    assert "\n" not in str(error.value)


def test_view_v_of_image_i_is_number_i_v():
    cats = DrawnCats(3)
    views = Views(cats, [View(), View(mirror=True), View(crop=0.5)])
    assert len(views) == 27 and views.labels.tolist() == np.repeat(cats.labels, 3).tolist()
    assert views.classes == cats.classes and views.name == cats.name
    assert (views.image(3 * 4 + 1) == cats.image(4)[:, ::-1]).all()
    assert views.image(3 * 8 + 2).shape[0] == round(0.5 * cats.image(8).shape[0])
    assert views.title(3 * 4 + 1) == f"{cats.title(4)}, view 2"


def test_some_images_in_an_order_of_ones_own():
    cats = DrawnCats(3)
    views = Views(cats, VIEWS, images=[7, 2])
    assert len(views) == 4 and views.labels.tolist() == [2, 2, 0, 0]
    assert views.key(2) == cats.key(2) and (views.image(1) == cats.image(7)[:, ::-1]).all()


def test_a_key_is_the_hash_of_the_images_and_the_description_and_the_plain_view_has_the_images_own():
    cats = DrawnCats(2)
    views = Views(cats, [View(mirror=True), View(), View(crop=1.0), View(crop=1.0, x=0)])
    text = json.dumps([cats.key(0), "View(mirror=True, crop=None, x=0.5, y=0.5)"])
    assert views.key(0) == hashlib.sha256(text.encode()).hexdigest()
    assert [views.key(4 * i + 1) for i in range(6)] == [cats.key(i) for i in range(6)]
    assert len({views.key(i) for i in range(len(views))}) == len(views)


def test_equal_views_have_equal_keys():
    cats = DrawnCats(2)
    assert [Views(cats, [View(crop=crop, x=x)]).key(0) for crop, x in [(1, 0), (1.0, 0.0), (np.float64(1), np.int64(0))]] \
        == [Views(cats, [View(crop=1.0, x=0.0)]).key(0)] * 3


@dataclass(frozen=True)
class Darker:
    """A view of the reader's own."""

    by: int

    def __call__(self, image):
        return image // self.by


def test_a_view_of_ones_own_is_known_by_its_repr():
    cats = DrawnCats(2)
    views = Views(cats, [Darker(2), Darker(3)])
    assert (views.image(1) == cats.image(0) // 3).all() and views.key(0) != views.key(1)


@pytest.mark.parametrize("views, word", [
    ([], "no view"), ([lambda image: image], "<lambda>"), ([View(), "mirror"], "'mirror'"), ([len.__call__], "at 0x")])
def test_what_does_not_describe_itself_is_refused(views, word):
    with pytest.raises(InputError, match="whose repr tells all") as error:
        Views(DrawnCats(2), views)
    assert word in str(error.value) and "\n" not in str(error.value)


def test_a_cache_keeps_each_view_once_and_finds_the_plain_image(tmp_path):
    cats, cache = DrawnCats(2), ActivationCache(tmp_path)
    trunk = Sequential(flat=Flatten()).eval()

    def codes(dataset):
        return cache.activations(trunk, dataset, PREPROCESSING, "head", progress=False)

    plain = codes(cats)
    viewed = codes(Views(cats, VIEWS))
    assert (plain.computed, viewed.computed, viewed.reused) == (6, 6, 6)
    assert codes(Views(cats, TEN_VIEWS, [3])).computed == 10 and codes(Views(cats, VIEWS, [3])).computed == 0
    groups = viewed.in_groups(2)
    assert groups.shape == (6, 2, *plain.shape[1:]) and len(groups) == 6
    assert groups.labels.tolist() == cats.labels.tolist()
    assert (groups[:][:, 0] == plain[:]).all() and (groups[[4, 1]][:, 1] == viewed[[9, 3]]).all()
    assert groups[3].shape == (2, *plain.shape[1:])
    for i in range(6):
        assert (groups[i][1] == PREPROCESSING(cats.image(i)[:, ::-1]).ravel()).all()
    for n in (0, 5, -2):
        with pytest.raises(InputError, match="12 rows are no groups"):
            viewed.in_groups(n)


def test_what_varies_its_images_is_known_as_such(tmp_path):
    cats = DrawnCats(2)
    cats.augmented = True
    assert Views(cats).augmented and not Views(DrawnCats(2)).augmented
