"""Grad-CAM against the chain rule by hand, occlusion against a loop, and both on pictures whose truth is known."""
import numpy as np
import pytest
from PIL import Image

from tinynet import InputError, Tensor, no_grad, ops
from tinynet.layers import AdaptiveAvgPool2d, BatchNorm, Conv2d, Dropout, Flatten, GlobalAvgPool2d, Linear, ReLU, Sequential
from tinynet.models import squeezenet1_1
from tinynet.models.squeezenet import PREPROCESSING
from tinynet.samples import DrawnCats
from tinynet.transfer import freeze
from tinynet.transfer.explain import grad_cam, nearest, occlusion
from tinynet.transfer.layer_curve import linear_classifier


def network(rng, **more):
    return Sequential(conv1=Conv2d(3, 5, 3, rng=rng, padding=1), relu1=ReLU(), conv2=Conv2d(5, 7, 3, rng=rng, stride=2), relu2=ReLU(),
                      pool=GlobalAvgPool2d(), **more, head=Linear(7, 4, rng))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_grad_cam_of_a_linear_head_is_the_sum_of_the_maps_by_its_weights(rng):
    net, x = network(rng), rng.standard_normal((3, 11, 13)).astype(np.float32)
    with no_grad():
        maps = net[:"pool"](Tensor(x[None])).data[0]                    # (7, 5, 6)
    heat = grad_cam(net, x, 2)
    weights = net["head"].weight.data
    weights = weights[2] if weights.shape == (4, 7) else weights[:, 2]
    expected = np.maximum(np.einsum("c,chw->hw", weights, maps), 0) / maps[0].size      # the mean's derivative is 1 / places
    assert heat.shape == (5, 6) and expected.max() > 0
    np.testing.assert_allclose(heat, expected, rtol=1e-4, atol=1e-7)


def test_grad_cam_at_an_earlier_stage_is_the_numeric_gradient(rng):
    net, x = network(rng), rng.standard_normal((3, 9, 9))
    for p in net.parameters():
        p.data = p.data.astype(np.float64)
    with no_grad():
        maps = net[:"conv2"](Tensor(x[None])).data                      # (1, 5, 9, 9)

    def score(maps):
        with no_grad():
            return net["conv2":](Tensor(maps)).data[0, 1]

    slope = np.zeros_like(maps)
    for place in np.ndindex(maps.shape):
        moved = maps.copy()
        moved[place] += 1e-5
        slope[place] = (score(moved) - score(maps)) / 1e-5
    expected = np.maximum((slope.mean(axis=(2, 3), keepdims=True) * maps).sum(axis=1)[0], 0)
    np.testing.assert_allclose(grad_cam(net, x, 1, "relu1"), expected, rtol=1e-3, atol=1e-9)


def test_maps_of_one_position_tell_nothing(rng):
    net, x = network(rng), rng.standard_normal((3, 11, 13)).astype(np.float32)
    same = Sequential(**dict(net[:"pool"].children()), pool=AdaptiveAvgPool2d(1), flat=Flatten(), head=net["head"])
    np.testing.assert_allclose(grad_cam(same, x, 2), grad_cam(net, x, 2), rtol=1e-5)


def test_the_network_is_left_as_it_was(rng):
    net, x = network(rng, norm=BatchNorm(7), drop=Dropout(0.5, rng)).train(), rng.standard_normal((3, 11, 11)).astype(np.float32)
    before = {name: array.copy() for name, array in net.state_dict().items()}
    first, state = grad_cam(net, x), rng.bit_generator.state
    occlusion(net, x, size=5)
    assert all((array == before[name]).all() for name, array in net.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in net.parameters())
    assert all(module.training for module in net.modules())
    assert rng.bit_generator.state == state
    np.testing.assert_array_equal(grad_cam(net, x), first)


def test_occlusion_is_the_loop_over_places(rng):
    net, x = network(rng), rng.standard_normal((3, 12, 17)).astype(np.float32)

    def probability(x):
        with no_grad():
            return ops.softmax(net(Tensor(x[None]))).data[0, 3]

    drop = occlusion(net, x, 3, size=4, stride=3, fill=0.25)
    assert drop.shape == (3, 5)                                         # (12 - 4) / 3 + 1, (17 - 4) / 3 + 1
    for i, top in enumerate(range(0, 9, 3)):
        for j, left in enumerate(range(0, 14, 3)):
            covered = x.copy()
            covered[:, top:top + 4, left:left + 4] = 0.25
            assert drop[i, j] == pytest.approx(probability(x) - probability(covered), abs=1e-6)
    assert occlusion(net, x).shape == (11, 16)                          # squares of 12 // 5, 1 apart


def test_by_default_the_winner_is_asked_about(rng):
    net, x = network(rng), rng.standard_normal((3, 11, 11)).astype(np.float32)
    with no_grad():
        winner = int(net(Tensor(x[None])).data.argmax())
    np.testing.assert_array_equal(grad_cam(net, x), grad_cam(net, x, winner))
    np.testing.assert_array_equal(occlusion(net, x), occlusion(net, x, winner))
    assert not np.allclose(grad_cam(net, x), grad_cam(net, x, (winner + 1) % 4))


@pytest.mark.parametrize("ask, words", [
    (lambda net, x: grad_cam(net, x, 4), "class 4 of 4"),
    (lambda net, x: grad_cam(net, x, -1), "class -1 of 4"),
    (lambda net, x: grad_cam(net, x, 0, "conv9"), "no stage 'conv9'"),
    (lambda net, x: grad_cam(net, x, 0, "pool"), "gives .1, 7., no maps"),
    (lambda net, x: grad_cam(net["head":], x[0, 0, :7], 0), "no stage gives maps"),
    (lambda net, x: occlusion(net, x, 7), "class 7 of 4"),
    (lambda net, x: occlusion(net, x, 0, size=12), "square of 12 pixels"),
    (lambda net, x: occlusion(net, x, 0, size=0), "square of 0 pixels"),
    (lambda net, x: occlusion(net, x, 0, stride=0), "0 apart"),
])
def test_what_cannot_be_asked_is_said(rng, ask, words):
    with pytest.raises(InputError, match=words):
        ask(network(rng), rng.standard_normal((3, 11, 11)).astype(np.float32))


def test_nearest_is_the_smallest_angle(rng):
    codes = rng.random((20, 6)).astype(np.float32)
    rows, distances = nearest(codes, 3 * codes[7], 5)
    angles = [1 - np.dot(c, codes[7]) / np.linalg.norm(c) / np.linalg.norm(codes[7]) for c in codes]
    np.testing.assert_array_equal(rows, np.argsort(angles)[:5])
    np.testing.assert_allclose(distances, np.sort(angles)[:5], atol=1e-6)
    assert rows[0] == 7
    assert np.isfinite(nearest(codes, np.zeros(6, np.float32), 3)[1]).all()


def test_the_heat_lies_on_the_animal_and_goes_when_the_network_forgets():
    """Both hold by far for what was learned, and for nothing else: Adebayo et al., 2018."""
    cats = DrawnCats(14)
    x = np.stack([PREPROCESSING(cats.image(i)) for i in range(len(cats))])
    learned = freeze(squeezenet1_1().eval())[:"drop9"]
    rng = np.random.default_rng(0)
    forgotten = freeze(squeezenet1_1(pretrained=False, rng=rng).eval())[:"drop9"]
    asked, shares, heats = [3, 7, 11, 17, 21, 25], {}, {}
    for name, trunk in ("learned", learned), ("forgotten", forgotten):
        with no_grad():
            codes = np.concatenate([trunk(Tensor(part)).data.mean(axis=(2, 3)) for part in np.array_split(x, 6)])
        head = linear_classifier(codes, cats.labels, 3)
        net = Sequential(**dict(trunk.children()), pool=GlobalAvgPool2d(), head=head)
        heats[name] = [grad_cam(net, x[i], cats.labels[i], "fire8") for i in asked]
        shares[name] = np.mean([_inside(heat, cats.silhouette(i)) for heat, i in zip(heats[name], asked)])
    assert shares["learned"] > 2 * shares["forgotten"]
    same = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(heats["learned"], heats["forgotten"])]
    assert np.mean(same) < 0.6


def _inside(heat, silhouette):
    white = np.stack([np.uint8(255) * silhouette] * 3, axis=2)
    mask = PREPROCESSING.crop_pixels(white)[..., 0] > 127
    large = np.asarray(Image.fromarray(heat.astype(np.float32)).resize(mask.shape, Image.Resampling.BILINEAR))
    return (large * mask).sum() / max(large.sum(), 1e-9)
