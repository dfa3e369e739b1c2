"""Each distortion of places against SciPy, scikit-image or NumPy."""
import numpy as np
import pytest

from tinynet.data import Crop, Mirror, Rotate, Shear, Warp

ndimage = pytest.importorskip("scipy.ndimage")
transform = pytest.importorskip("skimage.transform")


class Drawn:
    """A generator that draws what it is told to: each uniform number so far between its bounds."""

    def __init__(self, *shares):
        self.shares = iter(shares)

    def uniform(self, low, high, size=None):
        share = np.reshape([next(self.shares) for _ in range(int(np.prod(size or 1)))], size or ())
        return low + (high - low) * (float(share) if size is None else share)


def smooth(height=47, width=61):
    """A picture without edges, so that half a level's difference in reading between pixels stays small."""
    noise = np.random.default_rng(0).standard_normal((height, width, 3))
    noise = ndimage.gaussian_filter(noise, (3, 3, 0))
    return (127 + 110 * noise / np.abs(noise).max()).astype(np.uint8)


def read(image, x, y, **options):
    """Read a picture at places (x, y), in pixels from the corner of the corner pixel; between pixels linearly."""
    return np.stack([ndimage.map_coordinates(image[:, :, c].astype(float), [y - 0.5, x - 0.5], order=1, **options)
                     for c in range(3)], axis=2)


def centres(image):
    height, width = image.shape[:2]
    return np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)


def inner(image, margin=9):
    return image[margin:-margin, margin:-margin].astype(float)


def test_mirror():
    image = smooth()
    np.testing.assert_array_equal(Mirror(1)(image, np.random.default_rng(0)), np.flip(image, axis=1))
    np.testing.assert_array_equal(Mirror(0)(image, np.random.default_rng(0)), image)
    rng = np.random.default_rng(0)
    often = np.mean([(Mirror(0.3)(image, rng) != image).any() for _ in range(400)])
    assert 0.22 < often < 0.38


@pytest.mark.parametrize("share, stretch, left, top", [(0.0, 0.5, 0.3, 0.9), (0.3, 1.0, 0.0, 1.0), (0.2, 0.0, 1.0, 0.5)])
def test_crop(share, stretch, left, top):
    image = smooth()
    height, width = image.shape[:2]
    area, aspect = 0.3 + share * 0.7, 1.5 ** (2 * stretch - 1)
    w, h = width * (area / aspect) ** 0.5, height * (area * aspect) ** 0.5
    assert w <= width and h <= height, "the part does not fit: another case"
    x, y = centres(image)
    expected = read(image, left * (width - w) + x * w / width, top * (height - h) + y * h / height, mode="nearest")
    found = Crop(0.3, 1.5)(image, Drawn(share, stretch, left, top))
    np.testing.assert_allclose(found, expected, atol=1.5)


def test_a_crop_shows_a_share_of_the_area_as_drawn_and_stretches_both_ways(rng):
    height, width = 40, 60
    y, x = np.mgrid[:height, :width].astype(np.uint8)
    image = np.stack([4 * x, 6 * y, np.zeros_like(x)], axis=2)              # each pixel says where it is
    parts = []
    for _ in range(300):
        found = Crop(0.4, 1.5)(image, rng).astype(float)
        parts.append((np.ptp(found[:, :, 0]) / 4 / width, np.ptp(found[:, :, 1]) / 6 / height))
    w, h = np.array(parts).T
    assert (w <= 1).all() and (h <= 1).all() and 0.3 < (w * h).min() < 0.45 < 0.9 < (w * h).max()
    assert (h / w).min() < 0.75 and (h / w).max() > 1.35
    assert Crop(1, 1)(image, rng).tobytes() == image.tobytes()


@pytest.mark.parametrize("share", [0.0, 0.4, 0.9])
def test_rotate(share):
    image, angle = smooth(), -25 + share * 50
    found = Rotate(25)(image, Drawn(share))
    expected = transform.rotate(image, angle, order=1, preserve_range=True)
    np.testing.assert_allclose(inner(found, 15), inner(expected, 15), atol=1.5)
    corner, mean = found[0, 0].astype(float), image.mean(axis=(0, 1))
    assert share == 0.4 or np.abs(corner - mean).max() < 2, "what comes in has the mean colour"


@pytest.mark.parametrize("share", [0.1, 0.8])
def test_shear(share):
    image = smooth()
    slope = np.tan(np.radians(-20 + share * 40))
    x, y = centres(image)
    expected = read(image, x + slope * (y - image.shape[0] / 2), y)
    np.testing.assert_allclose(inner(Shear(20)(image, Drawn(share))), inner(expected), atol=1.5)


def test_warp(rng):
    image = smooth(96, 112)
    height, width = image.shape[:2]
    shares = rng.random(18)
    ux, uy = (0.05 * (2 * shares - 1)).reshape(2, 3, 3)
    x, y = centres(image)
    waves = [(i, j, np.sin(i * np.pi * y / height) * np.sin(j * np.pi * x / width)) for i in (1, 2, 3) for j in (1, 2, 3)]
    dx, dy = (sum(u[i - 1, j - 1] / (i * j) * wave for i, j, wave in waves) for u in (ux, uy))
    expected = read(image, x + width * dx, y + height * dy, mode="nearest")
    found = Warp(0.05)(image, Drawn(*shares))
    assert np.abs(image - expected).mean() > 8, "so little is moved that nothing is tested"
    assert np.abs(found - expected).mean() < 1 and np.abs(found - expected).max() < 8
    np.testing.assert_allclose(found[0].astype(float), image[0], atol=12)       # the border stays


@pytest.mark.parametrize("seed", range(20))
def test_no_warp_shows_what_is_not_in_the_picture(seed):
    white = np.full((64, 48, 3), 255, np.uint8)
    assert (Warp(0.05)(white, np.random.default_rng(seed)) == 255).all()
