"""PhantomXRays: the same pictures every time, and a task that treats features as real X-rays do."""
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tinynet.compute import parallel
from tinynet.data import ImageFolder, load_inputs
from tinynet.errors import InputError
from tinynet.models import squeezenet1_1
from tinynet.models.squeezenet import PREPROCESSING
from tinynet.samples import PhantomXRays
from tinynet.samples.drawing.anatomy import draw_chest, ellipsoid, opacity, rays

TRAIN, TEST = 60, 60                    # pictures of each class


def test_what_it_says_of_itself():
    data = PhantomXRays(n_per_class=3)
    assert data.name == "phantom-xrays" and data.classes == ["normal", "opacity"]
    assert data.labels.dtype == np.int64 and data.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert [data.title(i) for i in (0, 5)] == ["normal 00", "opacity 02"]
    with pytest.raises(InputError, match="phantom xrays: there is no image 6; they are numbered 0 to 5"):
        data.image(6)
    with pytest.raises(InputError, match="phantom xrays: seed is -1"):
        PhantomXRays(3, seed=-1)


def test_an_image_depends_on_seed_class_and_number_alone():
    few, many, other = PhantomXRays(2), PhantomXRays(7), PhantomXRays(2, seed=1)
    for label in (0, 1):
        for number in (1, 0):
            i, j = 2 * label + number, 7 * label + number
            picture = few.image(i)
            assert picture.dtype == np.uint8 and picture.shape == (28, 28, 3)
            assert (picture == picture[:, :, :1]).all()                         # grey
            np.testing.assert_array_equal(picture, many.image(j))
            assert few.key(i) == many.key(j) != other.key(i)
            assert (picture != other.image(i)).mean() > 0.5


def test_pictures_and_keys_are_all_different():
    data = PhantomXRays(50)
    assert len({data.key(i) for i in range(100)}) == len({data.image(i).tobytes() for i in range(100)}) == 100


# Mean grey of each class's first picture in its quarters: top left, top right, then the bottom.
GOLDEN = [[86.6, 92.3, 119.6, 125.0], [92.2, 81.9, 138.2, 142.6]]


@pytest.mark.parametrize("label", [0, 1])
def test_the_pictures_are_the_known_ones(label):
    """If they change, so must `version`."""
    assert PhantomXRays.version == 1
    quarters = PhantomXRays(1).image(label)[:, :, 0].reshape(2, 14, 2, 14).mean(axis=(1, 3))
    np.testing.assert_allclose(quarters.ravel(), GOLDEN[label], atol=0.5)


def test_an_opacity_only_adds_water_to_the_lungs():
    """The same patient, well and sick: nowhere less for the rays to meet, and outside the lungs the same."""
    gained = []
    for seed in range(20):
        well, sick = (draw_chest(np.random.default_rng(seed), sick) for sick in (False, True))
        assert (sick >= well - 1e-12).all()
        np.testing.assert_allclose(sick[-2:], well[-2:], atol=0.01)             # below the lungs
        gained.append((sick - well).max())
    assert min(gained) > 0.03 and max(gained) > 0.3


def test_water_is_a_share_of_the_air():
    x, y = rays(np.random.default_rng(0))
    filled = [opacity(x, y, np.random.default_rng(seed)) for seed in range(30)]
    assert min(water.min() for water in filled) >= 0 and max(water.max() for water in filled) <= 1.2


def test_an_ellipsoid_is_thickest_in_the_middle_and_ends_at_its_rim():
    x = np.array([0.3, 0.3, 0.3 + 0.2, 0.3, 0.3 + 0.19])
    y = np.array([0.1, 0.1 + 0.5, 0.1, 0.1 + 0.25, 0.1 + 0.19])
    np.testing.assert_allclose(ellipsoid(x, y, 0.3, 0.1, 0.2, 0.5, 0)[:4], [1, 0, 0, np.sqrt(0.75)], atol=1e-7)
    turned = ellipsoid(x, y, 0.3, 0.1, 0.2, 0.5, np.pi / 2)                     # now 0.5 wide and 0.2 high
    np.testing.assert_allclose(turned[[0, 2, 3]], [1, np.sqrt(1 - 0.16), 0], atol=1e-7)


def real(shared):
    return ImageFolder(shared / "data" / "pneumonia" / "train")


@pytest.mark.parametrize("of", ["phantom", "real"])
def test_pictures_look_as_bright_and_as_varied_as_real_ones(of, request):
    """Means of 100 of each class: lungs darker than the middle, dark corners above, and the sick whiter in the lungs."""
    data = PhantomXRays(100) if of == "phantom" else real(request.getfixturevalue("shared"))
    grey = {k: np.stack([data.image(i)[:, :, 0] for i in np.flatnonzero(data.labels == k)[:100]]).astype(float)
            for k in (0, 1)}
    everyone = np.concatenate(list(grey.values()))
    assert 90 < everyone.mean() < 160 and 20 < everyone.std(axis=0).mean() < 50
    for pictures in grey.values():
        lungs, middle, corner = pictures[:, 10:16, 6:9].mean(), pictures[:, 10:16, 13:16].mean(), pictures[:, :2, :3].mean()
        assert middle > lungs + 20 and middle > corner + 40
    assert grey[1][:, 8:18, 5:9].mean() > grey[0][:, 8:18, 5:9].mean() + 8


@pytest.mark.parametrize("of", ["phantom", "real"])
def test_what_the_lesson_claims(of, request, record_property):
    """The last layer on pixels, random features and ImageNet's: no gain over pixels, little over random."""
    data = PhantomXRays(TRAIN + TEST) if of == "phantom" else real(request.getfixturevalue("shared"))
    rows = np.concatenate([np.flatnonzero(data.labels == k)[:TRAIN + TEST] for k in (0, 1)])
    x, labels = load_inputs(data, rows, PREPROCESSING.with_size(99, 99)), data.labels[rows]
    random = squeezenet1_1(pretrained=False, rng=np.random.default_rng(0))
    features = {"pixels": x[:, 0, ::4, ::4].reshape(len(x), -1)}
    features |= {name: parallel.run(net.eval()[:"fire9"], x).mean(axis=(2, 3))
                 for name, net in (("random", random), ("ImageNet", squeezenet1_1()))}
    found = {name: np.mean([accuracy(z, labels, seed) for seed in range(10)]) for name, z in features.items()}
    for name, value in found.items():
        print(f"{of} X-rays, test accuracy on {name}: {value:.3f}")
        record_property(f"{of} X-rays, test accuracy on {name}", float(value))
    assert 0.82 < found["pixels"] < 0.95
    assert -0.07 < found["ImageNet"] - found["pixels"] < 0.03
    assert -0.03 < found["ImageNet"] - found["random"] < 0.1


def accuracy(z, labels, seed):
    """Test accuracy of the last layer, trained on 60 pictures of each class."""
    rng = np.random.default_rng(seed)
    mixed = [rng.permutation(np.flatnonzero(labels == k)) for k in (0, 1)]
    train, test = (np.concatenate([rows[part] for rows in mixed]) for part in (slice(TRAIN), slice(TRAIN, None)))
    z = (z - z[train].mean(axis=0)) / (z[train].std(axis=0) + 1e-6)
    return LogisticRegression(C=0.01, max_iter=300).fit(z[train], labels[train]).score(z[test], labels[test])
