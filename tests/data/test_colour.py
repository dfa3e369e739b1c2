"""Each distortion of colour against NumPy; the principal axes against a singular value decomposition."""
import numpy as np
import pytest

from tinynet import InputError
from tinynet.data import ColourShift, Light, PCAColour


class Drawn:
    """A generator that draws what it is told to."""

    def __init__(self, *numbers):
        self.numbers = list(numbers)

    def uniform(self, low, high):
        return low + (high - low) * self.numbers.pop(0)

    def standard_normal(self, size):
        return np.array([self.numbers.pop(0) for _ in range(size)])


@pytest.fixture
def image(rng):
    return rng.integers(0, 256, (13, 17, 3), np.uint8)


def test_light(image):
    mean = image.mean()
    expected = 1.2 * (mean + 0.75 * (image - mean))                     # b 1.2 of 0.6..1.4, c 0.75 of 0.5..1.5
    found = Light(0.4, 0.5)(image, Drawn(0.75, 0.25))
    np.testing.assert_allclose(found, np.clip(expected, 0, 255), atol=1.5)
    np.testing.assert_array_equal(Light(0, 0)(image, Drawn(0.1, 0.9)), image)


def test_colour_shift(image):
    expected = np.clip(image.astype(int) + [30, -45, 8], 0, 255)
    np.testing.assert_array_equal(ColourShift(15)(image, Drawn(2, -3, 0.55)), expected)


def photos(rng, n=5):
    """Pictures of one size whose colours vary mostly in brightness, then between blue and yellow."""
    mix = np.array([[30, 28, 26], [-8, 1, 9], [1, -3, 1]])
    return [np.clip(128 + rng.standard_normal((11, 7, 3)) @ mix, 0, 255).astype(np.uint8) for _ in range(n)]


def test_the_principal_axes(rng):
    images = photos(rng)
    pixels = np.concatenate([image.reshape(-1, 3) for image in images]).astype(float)
    _, s, rows = np.linalg.svd(pixels - pixels.mean(axis=0), full_matrices=False)
    expected = rows * s[:, None] / len(pixels) ** 0.5
    found = np.array(PCAColour.measure(iter(images)).axes)
    np.testing.assert_allclose(found * np.sign((found * expected).sum(axis=1))[:, None], expected, atol=0.006)
    assert (found[range(3), np.abs(found).argmax(axis=1)] > 0).all(), "one of the two directions, always the same"


def test_each_image_counts_alike(rng):
    small, large = photos(rng, 2)
    large = np.tile(large, (3, 4, 1))                                   # the same pixels, twelve times
    assert PCAColour.measure([small, large]) == PCAColour.measure([small, large[:11, :7]])


def test_the_shift_varies_as_the_pixels_do(rng):
    images = photos(rng)
    pixels = np.concatenate([image.reshape(-1, 3) for image in images]).astype(float)
    augment, grey = PCAColour.measure(images, strength=0.5), np.full((1, 1, 3), 128, np.uint8)
    shifts = np.array([augment(grey, rng)[0, 0].astype(float) - 128 for _ in range(4000)])
    np.testing.assert_allclose(np.cov(shifts.T), 0.25 * np.cov(pixels.T), rtol=0.15, atol=2)
    expected = np.clip(images[0] + 0.5 * (1.5 * np.array(augment.axes[0]) - 2 * np.array(augment.axes[1])), 0, 255)
    np.testing.assert_allclose(augment(images[0], Drawn(1.5, -2, 0)), expected, atol=0.51)


def test_grey_photos_have_one_axis():
    ramp = np.repeat(np.arange(40, 200, dtype=np.uint8).reshape(16, 10, 1), 3, axis=2)
    axes = np.array(PCAColour.measure([ramp]).axes)
    np.testing.assert_allclose(axes[0], ramp[:, :, 0].std(), atol=0.01)
    np.testing.assert_allclose(axes[1:], 0, atol=0.01)


def test_no_images_and_no_axes_are_refused():
    with pytest.raises(InputError, match="no images to measure; give the training images"):
        PCAColour.measure([])
    with pytest.raises(InputError, match="PCAColour: got float64"):
        PCAColour.measure([np.zeros((3, 3, 3))])
    for axes in ((1, 2, 3), np.full((3, 3), np.nan), "pca"):
        with pytest.raises(InputError, match="PCAColour: axes have shape .*give three axes of three numbers"):
            PCAColour(axes)
