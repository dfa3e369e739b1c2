"""A classifier's answers: on every device, in every batch, and how strange a photo is."""
import numpy as np
import pytest

from tinynet import Tensor, ops
from tinynet.data import VIEWS, Preprocessing
from tinynet.layers import Conv2d, GlobalAvgPool2d, Linear, ReLU, Sequential
from tinynet.transfer import Classifier
from tinynet.transfer.classifier import familiar_with, features, log_probabilities, tempered
from tinynet.transfer.trust import Familiar

D, K, CROP = 5, 3, 11
PREPROCESSING = Preprocessing(resize=13, crop=CROP, channels="RGB", mean=(0.0, 0.0, 0.0), scale=1 / 255, resample="bilinear")


def network():
    rng = np.random.default_rng(0)
    return Sequential(conv=Conv2d(3, D, 3, rng=rng), relu=ReLU(), pool=GlobalAvgPool2d(), head=Sequential(softmax=Linear(D, K, rng))).eval()


def classifier(net, views=1, t=2.0):
    rng = np.random.default_rng(1)
    return Classifier(net, ["a", "b", "c"], PREPROCESSING, list(VIEWS[:views]), t, Familiar(rng.random((7, D)), 3, limit=0.2), list("ABCDEFG"))


@pytest.fixture
def images(rng):
    return [rng.integers(0, 256, (17, 13 + i, 3), np.uint8) for i in range(4)]


@pytest.mark.parametrize("views", [1, 2])
def test_answers_are_the_networks_own_on_every_device(device, views, images):
    net = network()
    each = np.stack([[PREPROCESSING(view(image)) for view in VIEWS[:views]] for image in images])           # (4, V, 3, 11, 11)
    p = np.mean([ops.softmax(net(Tensor(each[:, v]))).numpy() for v in range(views)], axis=0)
    p = p ** 0.5 / (p ** 0.5).sum(axis=1, keepdims=True)                # a temperature of 2
    codes = net[:"head"](Tensor(each[:, 0])).numpy()
    said = classifier(net.to(device), views)
    answers = said(images)
    assert all(type(found) is np.ndarray for found in vars(answers).values())
    np.testing.assert_allclose(answers.probabilities, p, rtol=1e-4)
    np.testing.assert_allclose(answers.codes, codes, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(answers.distances, said.familiar.distance(codes), atol=1e-5)
    np.testing.assert_array_equal(answers.known, answers.distances <= 0.2)
    assert answers.probabilities.shape == (4, K) and answers.codes.shape == (4, D)
    one = said(images[2:3])
    np.testing.assert_allclose(one.probabilities[0], answers.probabilities[2], rtol=1e-5)


def test_features_are_what_the_head_sees_of_these_rows(device):
    net, x = network(), np.random.default_rng(2).random((9, 3, CROP, CROP), np.float32)
    expected = net[:"head"](Tensor(x)).numpy()[[8, 0, 3]]
    found = features(net.to(device), x, np.array([8, 0, 3]), batch_size=2)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert type(found) is np.ndarray


def test_familiar_knows_the_training_photos_after_a_file_of_half_precision(rng):
    codes = rng.random((40, D))
    train, val, group = np.arange(25), np.arange(25, 30), np.arange(40) // 2
    familiar = familiar_with(lambda rows: codes[rows], train, val, group)
    assert familiar.k == 3 and len(familiar.codes) == 25
    again = Familiar(familiar.codes.astype(np.float16), 3, familiar.limit)
    np.testing.assert_allclose(again.distance(codes), familiar.distance(codes), atol=1e-3)
    other = Familiar(codes[train].astype(np.float16), 3)
    assert familiar.limit == other.choose_limit(codes[val], group=group[train]) and familiar.limit != other.choose_limit(codes[val])


def test_a_temperature_keeps_the_order_and_can_be_taken_back(rng):
    p = ops.softmax(Tensor(rng.normal(0, 3, (6, K)))).numpy()
    found = tempered(p, 2.5)
    np.testing.assert_array_equal(found.argsort(axis=1), p.argsort(axis=1))
    assert (found.max(axis=1) < p.max(axis=1)).all()
    np.testing.assert_allclose(tempered(found, 1 / 2.5), p, rtol=1e-4)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    certain = np.array([[1.0, 0.0, 0.0]], np.float32)
    assert np.isfinite(log_probabilities(certain)).all() and np.isfinite(tempered(certain, 20)).all()
