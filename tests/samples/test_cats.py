"""DrawnCats: the same pictures every time, and a task that a pretrained network does and pixels do not."""
import numpy as np
import pytest
from PIL import Image

from tinynet.samples import DrawnCats
from tinynet.errors import InputError
from tinynet.models import squeezenet1_1
from tinynet.models.squeezenet import PREPROCESSING
from tinynet.compute.parallel import run

TRAIN, TEST = 40, 60                    # images of each class


def test_what_it_says_of_itself():
    data = DrawnCats(n_per_class=3)
    assert data.name == "drawn-cats" and data.classes == ["tigger", "misty", "neither"]
    assert data.labels.dtype == np.int64 and data.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert [data.title(i) for i in (0, 4, 8)] == ["tigger 00", "misty 01", "neither 02"]
    assert len(data) == 9 and len(DrawnCats()) == 180


@pytest.mark.parametrize("label", [0, 1, 2])
def test_an_image_depends_on_seed_class_and_number_alone(label):
    few, many, other_seed = DrawnCats(3), DrawnCats(7), DrawnCats(3, seed=1)
    for number in range(3):
        i, j = 3 * label + number, 7 * label + number
        picture = few.image(i)
        assert picture.dtype == np.uint8 and picture.shape == (256, 256, 3)
        np.testing.assert_array_equal(picture, DrawnCats(3).image(i))
        np.testing.assert_array_equal(picture, many.image(j))
        assert few.key(i) == many.key(j)
        assert (picture != other_seed.image(i)).mean() > 0.5


def test_pictures_and_keys_are_all_different():
    sets = [DrawnCats(6), DrawnCats(6, seed=1)]
    keys = {data.key(i) for data in sets for i in range(18)}
    pictures = {data.image(i).tobytes() for data in sets for i in range(18)}
    assert len(keys) == len(pictures) == 36
    assert all(len(key) == 64 and set(key) <= set("0123456789abcdef") for key in keys)


@pytest.mark.parametrize("arguments, words", [
    ({"n_per_class": 0}, "n_per_class is 0"),
    ({"n_per_class": 2.5}, "n_per_class is 2.5"),
    ({"n_per_class": "many"}, "n_per_class is 'many'"),
    ({"seed": -1}, "seed is -1"),
    ({"seed": None}, "seed is None"),
])
def test_bad_arguments(arguments, words):
    with pytest.raises(InputError, match=words) as caught:
        DrawnCats(**arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("method", ["image", "key", "title"])
@pytest.mark.parametrize("i", [-1, 6])
def test_there_is_no_such_image(method, i):
    with pytest.raises(InputError, match=f"no image {i}; they are numbered 0 to 5"):
        getattr(DrawnCats(2), method)(i)


# Mean red, green, blue of each class's first picture, in its quarters: top left, top right, then the bottom.
GOLDEN = [
    [[102.8, 91.0, 97.3], [103.6, 95.9, 89.0], [119.8, 107.0, 99.3], [99.3, 98.4, 80.2]],
    [[89.8, 126.2, 117.2], [57.5, 102.0, 91.5], [114.5, 126.7, 124.0], [94.7, 103.6, 105.6]],
    [[147.0, 147.6, 154.1], [113.4, 112.4, 110.3], [64.7, 71.7, 66.6], [56.0, 59.1, 52.7]],
]


@pytest.mark.parametrize("label", [0, 1, 2])
def test_the_pictures_are_the_known_ones(label):
    """Coarsely: versions of Pillow may differ in single pixels along an edge."""
    quarters = DrawnCats(1).image(label).reshape(2, 128, 2, 128, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(quarters.reshape(4, 3), GOLDEN[label], atol=0.5)


def test_transfer_matters(record_property):
    """The same linear model three times: on pixels, on random features, on pretrained ones."""
    data = DrawnCats(TRAIN + TEST)
    pictures = [data.image(i) for i in range(len(data))]
    x = np.stack([PREPROCESSING(picture) for picture in pictures])                    # (N, 3, 227, 227)
    random = squeezenet1_1(pretrained=False, rng=np.random.default_rng(0))
    found = {
        "pixels": accuracies(np.stack([thumbnail(picture) for picture in pictures]), data.labels),
        "random features": accuracies(features(random, x), data.labels),
        "pretrained features": accuracies(features(squeezenet1_1(), x), data.labels),
    }
    for name, of_decay in found.items():
        print(f"drawn cats, test accuracy on {name}: {of_decay}")
        record_property(f"drawn cats, test accuracy on {name}", of_decay)
    assert max(found["pixels"].values()) < 0.80
    assert max(found["random features"].values()) < 0.85
    assert min(found["pretrained features"].values()) >= 0.95


def thumbnail(picture):
    """The picture as 32 x 32 pixels, (3072,)."""
    return np.asarray(Image.fromarray(picture).resize((32, 32), Image.Resampling.BOX)).ravel()


def features(net, x):
    """The means of the 512 maps of fire9, (N, 512)."""
    return run(net.eval()[:"drop9"], x).mean(axis=(2, 3))


def accuracies(x, labels):
    """Test accuracy of softmax regression on x (N, D) for each of a few weight decays."""
    train = np.arange(len(x)) % (TRAIN + TEST) < TRAIN
    x = (x - x[train].mean(axis=0)) / (x[train].std(axis=0) + 1e-6)
    truth = np.eye(3)[labels[train]]                                            # (n, K)
    lr = 20 / x.shape[1]
    return {decay: round(float((classify(x[train], truth, x[~train], lr, decay) == labels[~train]).mean()), 3)
            for decay in (0.001, 0.01, 0.1, 1.0)}


def classify(x, truth, x_test, lr, weight_decay, steps=300):
    """Softmax regression by gradient descent with momentum 0.9: the classes of x_test, (M,)."""
    W, b = np.zeros((x.shape[1], 3)), np.zeros(3)
    velocity_W, velocity_b = np.zeros_like(W), np.zeros_like(b)
    for _ in range(steps):
        scores = x @ W + b                                                      # (n, K)
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        g = (p / p.sum(axis=1, keepdims=True) - truth) / len(x)
        velocity_W = 0.9 * velocity_W - lr * (x.T @ g + weight_decay * W)
        velocity_b = 0.9 * velocity_b - lr * g.sum(axis=0)
        W, b = W + velocity_W, b + velocity_b
    return (x_test @ W + b).argmax(axis=1)
