"""Linear classifiers on the codes of each stage: against scikit-learn, after kills, and on photographs."""
import hashlib
import importlib

import numpy as np
import pytest

from tinynet import InputError, Tensor, no_grad, ops
from tinynet.data import ImageFolder, Preprocessing
from tinynet.layers import Conv2d, Dropout, Flatten, Linear, MaxPool2d, Module, ReLU, Sequential
from tinynet.models import ZOO, pretrained
from tinynet.transfer import freeze, layer_curve, linear_classifier, linear_probes, recommend, stage_codes
from tinynet.transfer.layer_curve import COST, StageCodes, learned_stages, pixel_codes

N, K = 23, 3
PREPROCESSING = Preprocessing(17, 13, "bilinear", "RGB", mean=(104, 117, 123), scale=0.02)


class Pictures:
    """Small random pictures, of K classes in turn; `asked` lists the numbers of those that were asked for."""

    name, classes = "pictures", ["tigger", "misty", "neither"]

    def __init__(self):
        self.pixels = np.random.default_rng(0).integers(0, 256, (N, 19, 29, 3), np.uint8)
        self.labels = np.arange(N) % K
        self.asked, self.stop = [], None

    def __len__(self):
        return N

    def image(self, i):
        self.asked.append(i)
        if len(self.asked) == self.stop:
            raise KeyboardInterrupt
        return self.pixels[i]

    def key(self, i):
        return hashlib.sha256(self.pixels[i].tobytes()).hexdigest()


def network():
    """Maps, then vectors: 3 -> 5 -> 7 maps, then 11 and 2 features."""
    rng = np.random.default_rng(1)
    return freeze(Sequential(conv=Conv2d(3, 5, 3, rng=rng), relu=ReLU(), pool=MaxPool2d(2), conv2=Conv2d(5, 7, 3, rng=rng),
                             flatten=Flatten(), fc=Linear(7 * 9, 11, rng), relu2=ReLU(), drop=Dropout(0.5),
                             out=Linear(11, 2, rng))).eval()


def clusters(n_classes, d=17, n=60, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % n_classes
    return (rng.standard_normal((n_classes, d))[labels] + 2 * rng.standard_normal((n, d))).astype(np.float32), labels


# The codes

def test_codes_are_means_over_maps_and_vectors_as_they_are(tmp_path):
    net, photos = network(), Pictures()
    codes = stage_codes(net, photos, PREPROCESSING, tmp_path, progress=False)
    assert list(codes) == ["pixels", "relu", "conv2", "relu2", "out"]
    x = Tensor(np.stack([PREPROCESSING(picture) for picture in photos.pixels]))
    with no_grad():
        for name in list(codes)[1:]:
            expected = net[:net.stages.index(name) + 1](x).data
            expected = expected.mean(axis=(2, 3)) if expected.ndim == 4 else expected
            np.testing.assert_allclose(codes[name], expected, atol=1e-5, err_msg=name)
    assert codes["pixels"].shape == (N, 32 * 32 * 3) and np.abs(codes["pixels"]).max() <= 1


def test_pixels_are_the_whole_picture_made_small():
    photos = Pictures()
    photos.pixels = np.repeat(np.repeat(photos.pixels[:, :8, :16], 8, axis=1), 4, axis=2)            # 64 x 64
    codes = pixel_codes(photos).reshape(N, 32, 32, 3)
    inner = (codes[:, 1::4, ::2] + codes[:, 2::4, ::2]) / 2                     # the middle of each square of one colour
    assert np.abs(inner - (photos.pixels[:, ::8, ::4] / 127.5 - 1)).mean() < 0.15


def test_each_photo_passes_once_and_a_second_time_never(tmp_path):
    net, photos = network(), Pictures()
    first = stage_codes(net, photos, PREPROCESSING, tmp_path, progress=False)
    for_pixels = N
    assert len(photos.asked) - for_pixels <= N + 2              # the cache tries one image twice
    photos.asked.clear()
    again = stage_codes(net, photos, PREPROCESSING, tmp_path, progress=False)
    assert len(photos.asked) - for_pixels <= 1
    assert all((again[name] == first[name]).all() for name in first)


def test_a_stop_loses_no_finished_photo_and_no_stage_of_it(tmp_path):
    net, photos = network(), Pictures()
    whole = stage_codes(net, photos, PREPROCESSING, tmp_path / "whole", progress=False)
    photos.asked, photos.stop = [], 11
    with pytest.raises(KeyboardInterrupt):
        stage_codes(net, photos, PREPROCESSING, tmp_path / "stopped", workers=1, progress=False)
    photos.asked, photos.stop = [], None
    resumed = stage_codes(net, photos, PREPROCESSING, tmp_path / "stopped", workers=1, progress=False)
    assert len(photos.asked) == N + 1 + (N - 8)                 # pixels, one to compare, and those not done
    assert all((resumed[name] == whole[name]).all() for name in whole)


def test_another_choice_of_stages_never_reads_the_other_codes(tmp_path):
    net, photos = network(), Pictures()
    first = stage_codes(net, photos, PREPROCESSING, tmp_path, ["conv", "fc"], progress=False)
    other = stage_codes(net, photos, PREPROCESSING, tmp_path, ["relu", "fc"], progress=False)
    assert (first["fc"] == other["fc"]).all() and not (first["conv"] == other["relu"]).all()


def test_stages_come_in_the_networks_order_and_what_follows_them_does_not_run():
    net = network()
    net.out = Module()                                          # has no forward: it would raise
    trunk = StageCodes(net, ["fc", "conv"])
    assert trunk.stages == ("conv", "fc") and trunk(Tensor(np.zeros((2, 3, 13, 13), np.float32))).shape == (2, 5 + 11)


@pytest.mark.parametrize("stages, message", [(["conv9"], "'conv9' for the stages; choose from conv, relu"), ([], "nothing for")])
def test_stages_that_are_none_are_refused(stages, message):
    with pytest.raises(InputError, match=message):
        StageCodes(network(), stages)


def test_a_network_that_can_be_trained_is_refused(tmp_path):
    net = network()
    net["fc"].weight.requires_grad = True
    with pytest.raises(InputError, match="needs a frozen trunk"):
        stage_codes(net, Pictures(), PREPROCESSING, tmp_path, progress=False)


@pytest.mark.parametrize("name", ["squeezenet1_1", "efficientnet_lite0", "mobilenet_v1", "mobilenet_v2", "resnet18", "alexnet",
                                  "lenet"])
def test_every_network_of_the_zoo_has_stages_to_compare(name):
    model = ZOO[name]
    body = model.build()[:model.classifier]
    stages = learned_stages(body)
    assert 3 <= len(stages) <= 24 and len(set(stages)) == len(stages)
    assert body.stages.index(stages[-1]) >= len(body) - 3, "the last code is what the classifier sees, but for pools and dropout"
    small = model.preprocessing
    if name not in ("alexnet", "lenet"):                        # those fit one size only
        small = small.with_size(32, 32)
    x = np.zeros((1, small.n_channels, small.crop, small.crop), np.float32)
    with no_grad():
        trunk = StageCodes(body.eval(), stages)
        assert trunk(Tensor(x)).shape == (1, sum(codes.shape[1] for codes in trunk.codes(Tensor(x))))


# The classifiers

def test_softmax_is_scikit_learns_logistic_regression():
    from sklearn.linear_model import LogisticRegression
    x, labels = clusters(K)
    net = linear_classifier(x, labels, K)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    oracle = LogisticRegression(C=COST, tol=1e-8, max_iter=1000).fit(z, labels)
    np.testing.assert_allclose(net["linear"].weight.data, oracle.coef_, atol=2e-3)
    np.testing.assert_allclose(ops.softmax(net(Tensor(x))).data, oracle.predict_proba(z), atol=5e-3)


def test_hinge_with_two_classes_is_scikit_learns_linear_svm():
    """With w = w1 - w0 the two rows are -w/2 and w/2: |W|²/2 + C Σ is (|w|²/2 + 2 C Σ) / 2."""
    from sklearn.svm import SVC
    x, labels = clusters(2)
    net = linear_classifier(x, labels, 2, ops.hinge)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    oracle = SVC(kernel="linear", C=2 * COST, tol=1e-6).fit(z, labels)
    W, b = net["linear"].weight.data, net["linear"].bias.data
    w, y = W[1] - W[0], 2 * labels - 1

    def objective(w, b):
        return (w ** 2).sum() / 2 + 2 * COST * np.maximum(0, 1 - y * (z @ w + b)).sum()
    assert objective(w, b[1] - b[0]) < 1.02 * objective(oracle.coef_[0], oracle.intercept_[0])
    assert np.corrcoef(z @ w, z @ oracle.coef_[0])[0, 1] > 0.99


def test_hinge_with_more_classes_is_as_good_as_scikit_learns_linear_svm():
    from sklearn.svm import LinearSVC
    x, labels = clusters(5, n=200)
    more, their = clusters(5, n=1000)
    z, zz = ((values - x[:100].mean(axis=0)) / x[:100].std(axis=0) for values in (x, more))
    net = linear_classifier(x[:100], labels[:100], 5, ops.hinge)
    ours = (net(Tensor(more)).data.argmax(axis=1) == their).mean()
    assert ours > 0.5 and abs(ours - LinearSVC(C=COST).fit(z[:100], labels[:100]).score(zz, their)) < 0.05


# The curve

def test_test_photos_are_the_same_for_all_sizes_and_never_train(monkeypatch):
    module = importlib.import_module("tinynet.transfer.layer_curve")
    trained = []

    def perfect(codes, labels, n_classes, loss):
        trained.append(codes[:, 0].astype(int))
        return lambda x: (tested.append(x.data[:, 0].astype(int)), Tensor(np.eye(K)[x.data[:, 1].astype(int)]))[1]
    tested = []
    monkeypatch.setattr(module, "linear_classifier", perfect)
    labels = np.arange(N) % K
    codes = np.stack([np.arange(N), labels], axis=1)
    curve = linear_probes({"codes": codes}, labels, (4, 2), seeds=3, workers=1, progress=False)
    assert curve.n_per_class == (2, 4) and curve.accuracy.shape == (1, 2, 3) and (curve.accuracy == 1).all()
    for small, large, seen, same in zip(trained[:3], trained[3:], tested[:3], tested[3:]):
        assert sorted(labels[small]) == sorted([0, 1, 2] * 2) and sorted(labels[large]) == sorted([0, 1, 2] * 4)
        assert set(small) < set(large) and sorted(seen) == sorted(same)
        assert sorted([*large, *same]) == list(range(N))
    assert len({tuple(rows) for rows in trained[3:]}) == 3, "each seed another split"


def test_photos_of_a_moment_that_trains_do_not_test(monkeypatch):
    module = importlib.import_module("tinynet.transfer.layer_curve")
    trained, tested, moment = [], [], np.arange(60) // 6                # three photos of each class in each moment

    def recorded(codes, labels, n_classes, loss):
        trained.append(codes[:, 0].astype(int))
        return lambda x: (tested.append(x.data[:, 0].astype(int)), Tensor(np.eye(2)[x.data[:, 1].astype(int)]))[1]

    monkeypatch.setattr(module, "linear_classifier", recorded)
    labels = np.arange(60) % 2
    codes = {"codes": np.stack([np.arange(60), labels], axis=1)}
    linear_probes(codes, labels, (4,), seeds=5, workers=1, progress=False, group=moment)
    for rows, seen in zip(trained, tested):
        assert not set(moment[rows]) & set(moment[seen])
        assert all(len(set(moment[rows[labels[rows] == k]])) == 2 for k in (0, 1)), "one moment, and the first photo of the next"
        assert set(seen) == set(np.flatnonzero(~np.isin(moment, moment[rows]))) and len(seen) >= 36
    with pytest.raises(InputError, match="all but 19 training images of each class are of the same moments; give fewer"):
        linear_probes(codes, labels, (19,), seeds=1, workers=1, progress=False, group=np.zeros(60, int))


def test_it_does_not_depend_on_the_number_of_threads():
    x, labels = clusters(K)
    one, four = (linear_probes({"a": x, "b": x[:, :5]}, labels, (3, 7), 3, workers=w, progress=False) for w in (1, 4))
    assert (one.accuracy == four.accuracy).all()
    assert one.mean[0, 1] > one.mean[1, 1], "more features of these clusters tell more"
    np.testing.assert_allclose(one.deviation, one.accuracy.std(axis=2))


@pytest.mark.parametrize("sizes, seeds", [((), 1), ((0,), 1), ((20,), 1), ((5,), 0)])
def test_impossible_sizes_are_refused(sizes, seeds):
    x, labels = clusters(K)                                     # 20 of each class
    with pytest.raises(InputError, match="the smallest class has 20; give 1 to 19, and at least one split"):
        linear_probes({"x": x}, labels, sizes, seeds, progress=False)


def test_layer_curve_is_codes_then_classifiers(tmp_path):
    net, photos = network(), Pictures()
    curve = layer_curve(net, photos, PREPROCESSING, tmp_path, ["conv", "fc"], (2, 3), 2, progress=False)
    codes = stage_codes(net, photos, PREPROCESSING, tmp_path, ["conv", "fc"], progress=False)
    assert curve.stages == ("pixels", "conv", "fc")
    assert (curve.accuracy == linear_probes(codes, photos.labels, (2, 3), 2, progress=False).accuracy).all()


# Photographs

MEASURED = {    # once, from all the photos: accuracy on pixels, fire2, 4, 6, 7, 8 and 9 with 5 training photos of each class
    "pets5": (32, (.27, .39, .47, .61, .71, .79, .87), (False, True, "head")),
    "mednist": (20, (.90, .92, .96, .98, .98, .98, .98), (False, True, "head")),
    "pneumonia/train": (60, (.83, .78, .85, .82, .81, .83, .81), (True, False, None)),
}


class Some:
    """So many photos of each class of a folder, taken evenly."""

    def __init__(self, folder, per_class):
        self.all, self.name = ImageFolder(folder), folder.name
        of_class = [np.flatnonzero(self.all.labels == k) for k in range(len(self.all.classes))]
        self.rows = np.concatenate([rows[::len(rows) // per_class][:per_class] for rows in of_class])
        self.labels = self.all.labels[self.rows]

    def __len__(self):
        return len(self.rows)

    def image(self, i):
        return self.all.image(self.rows[i])

    def key(self, i):
        return self.all.key(self.rows[i])


@pytest.mark.parametrize("data", MEASURED)
def test_photographs_give_the_curve_that_was_measured_and_the_right_advice(data, shared, tmp_path):
    """In 10 splits; the sampling of so few photos allows the .045."""
    per_class, expected, advice = MEASURED[data]
    base = pretrained()
    body = freeze(base.net)[:base.classifier]
    curve = layer_curve(body, Some(shared / "data" / data, per_class), base.preprocessing, tmp_path, n_per_class=(5, 15),
                        seeds=10, progress=False)
    found = dict(zip(curve.stages, curve.mean[:, 0]))
    off = np.array([found[name] for name in ("pixels", "fire2", "fire4", "fire6", "fire7", "fire8", "fire9")]) - expected
    assert np.abs(off).max() < 0.045, off.round(3)
    scenario = recommend(curve, body.stages, per_class)
    assert (scenario.many, scenario.similar, scenario.cut) == advice
    assert ("may not help at all" in " ".join(scenario.doubts)) == (data == "pneumonia/train")
