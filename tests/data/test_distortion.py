"""What every distortion keeps to: its range, its repr, the picture it was given."""
import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tinynet import InputError, data
from tinynet.data import AUGMENTS, Crop, Mirror, PCAColour, Rotate
from tinynet.data.distortion import mean_colour

AXES = ((60.0, 58.0, 55.0), (-15.0, 0.0, 16.0), (-5.0, 9.0, -4.0))
KINDS = list(AUGMENTS.values())
FIXED = {PCAColour: {"axes": AXES}}


def build(kind, **options):
    return kind(**FIXED.get(kind, {}), **options)


@st.composite
def distortions(draw):
    """Any distortion with any settings of its ranges."""
    kind = draw(st.sampled_from(KINDS))
    return build(kind, **{name: draw(st.floats(low, high)) for name, (low, high) in kind.ranges.items()})


@settings(max_examples=250)
@given(augment=distortions(), height=st.integers(1, 40), width=st.integers(1, 40), kind=st.sampled_from("noise grey flat".split()),
       seed=st.integers(0, 99))
def test_any_picture_gives_one_of_the_same_shape_and_stays_as_it_was(augment, height, width, kind, seed):
    rng = np.random.default_rng(seed)
    image = {"noise": rng.integers(0, 256, (height, width, 3), np.uint8),
             "grey": np.repeat(rng.integers(0, 256, (height, width, 1), np.uint8), 3, axis=2),
             "flat": np.full((height, width, 3), rng.integers(256), np.uint8)}[kind]
    kept = image.copy()
    image.flags.writeable = False
    found = augment(image, np.random.default_rng(seed))
    assert found.dtype == np.uint8 and found.shape == image.shape
    np.testing.assert_array_equal(image, kept)
    assert not np.shares_memory(found, image) and found.flags.writeable
    np.testing.assert_array_equal(found, augment(image, np.random.default_rng(seed)))


@pytest.mark.parametrize("kind", KINDS)
def test_it_draws_from_the_generator_alone(kind):
    image = np.random.default_rng(0).integers(0, 256, (23, 31, 3), np.uint8)
    np.random.seed(0)
    rng = np.random.default_rng(1)
    several = [build(kind)(image, rng).tobytes() for _ in range(9)]
    assert len(set(several)) > 1, "it draws nothing"
    np.random.seed(1)
    rng = np.random.default_rng(1)
    assert several == [build(kind)(image, rng).tobytes() for _ in range(9)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_has_a_range_that_its_docstring_tells_and_a_default_within(kind):
    augment = build(kind)
    names = [field.name for field in dataclasses.fields(kind) if field.name != "axes"]
    assert names == list(kind.ranges)
    for name, (low, high) in kind.ranges.items():
        assert low <= getattr(augment, name) <= high
        text = kind.__doc__.split("Attributes")[1]
        assert f"{name} :" in text and (f"{low} to {high}" in text or f"{low} and at most {high}" in text), (name, low, high)
        for value in (low, high):
            assert type(getattr(build(kind, **{name: value}), name)) is float
        for value in (low - 0.01, high + 0.01, np.nan, np.inf, "1", None, True):
            with pytest.raises(InputError, match=f"{kind.__name__}: {name} is .*; it must be a number from {low} to {high}"):
                build(kind, **{name: value})


@pytest.mark.parametrize("kind", KINDS)
def test_its_repr_says_all_its_settings(kind):
    low = build(kind, **{name: low for name, (low, _) in kind.ranges.items()})
    assert eval(repr(low), vars(data)) == low != build(kind)
    assert repr(Rotate(15)) == repr(Rotate(np.float32(15))) == "Rotate(degrees=15.0)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        low.p = 1


@pytest.mark.parametrize("image", [np.zeros((5, 7, 3)), np.zeros((5, 7), np.uint8), np.zeros((5, 7, 4), np.uint8),
                                   np.zeros((0, 7, 3), np.uint8), [[[1, 2, 3]]]])
@pytest.mark.parametrize("kind", [Mirror, Crop, PCAColour])
def test_what_is_no_picture_is_refused(kind, image):
    with pytest.raises(InputError, match=rf"{kind.__name__}: got .*, expected uint8 \(H, W, 3\), as read_image returns it"):
        build(kind)(image, np.random.default_rng(0))


def test_the_mean_colour():
    image = np.random.default_rng(0).integers(0, 256, (13, 17, 3), np.uint8)
    np.testing.assert_allclose(mean_colour(Image.fromarray(image)), image.mean(axis=(0, 1)), atol=1)
