"""Distortions by name, and one after the other."""
import numpy as np
import pytest

from tinynet import InputError
from tinynet.data import AUGMENTS, ColourShift, Compose, Crop, Mirror, PCAColour, Rotate, named_augment


@pytest.fixture
def image(rng):
    return rng.integers(0, 256, (13, 17, 3), np.uint8)


def test_compose_goes_through_them_in_order_with_one_generator(image):
    found = Compose([Mirror(1), Crop(), ColourShift()])(image, np.random.default_rng(3))
    rng = np.random.default_rng(3)
    np.testing.assert_array_equal(found, ColourShift()(Crop()(Mirror(1)(image, rng), rng), rng))
    other = Compose([ColourShift(), Crop(), Mirror(1)])(image, np.random.default_rng(3))
    assert (found != other).any()


def test_compose_prints_what_it_is_made_of():
    assert repr(Compose([Mirror(), Rotate(9)])) == "Compose(augments=(Mirror(p=0.5), Rotate(degrees=9.0)))"
    assert Compose([Mirror()]) == Compose((Mirror(),)) != Compose((Mirror(0.4),))


@pytest.mark.parametrize("names, expected", [("mirror", (Mirror(),)), ("crop,mirror", (Crop(), Mirror())),
                                             (" rotate , colour", (Rotate(), ColourShift()))])
def test_names_in_their_order_with_default_settings(names, expected):
    assert named_augment(names) == Compose(expected)


def test_pca_is_measured_on_the_images_given_and_only_then_are_they_read(image):
    read = []
    images = (read.append(1) or image for _ in range(2))
    named_augment("mirror,crop", images)
    assert not read
    assert named_augment("pca,mirror", images) == Compose((PCAColour.measure([image]), Mirror())) and len(read) == 2


@pytest.mark.parametrize("names, message", [
    ("mirror,turn", "augment is 'turn'; choose from mirror, crop, rotate, shear, warp, light, colour, pca, with commas"),
    ("", "augment is ''; choose from mirror"),
    ("mirror,", "augment is ''"),
    ("crop,mirror,crop", "augment 'crop,mirror,crop' has crop 2 times; name each once"),
    ("mirror,pca", "augment 'pca' is measured on the training images; pass them as images="),
])
def test_wrong_names(names, message):
    with pytest.raises(InputError, match=message):
        named_augment(names)


def test_every_name_makes_its_distortion(image):
    for name, kind in AUGMENTS.items():
        (found,) = named_augment(name, [image]).augments
        assert type(found) is kind
