"""One training as the settings say."""
import numpy as np
import pytest

from tinynet import Tensor
from tinynet.data import Crop, Loader, Preprocessing, stratified_split
from tinynet.layers import Conv2d, GlobalAvgPool2d, ReLU, Sequential
from tinynet.transfer import Settings
from tinynet.transfer.head import new_head
from tinynet.transfer.settings import checked
from tinynet.transfer import train
from tinynet.transfer.train import TrunkLoader, train_stages

D, K, N = 5, 3, 41


@pytest.fixture
def data():
    """Features that are far from 0, and their labels."""
    rng = np.random.default_rng(0)
    labels = rng.integers(K, size=N)
    x = (rng.standard_normal((N, D)) + 3 * np.eye(K, D)[labels] + 7).astype(np.float32)
    return x, labels, *stratified_split(labels)[:2]


def trained(data, **choice):
    x, labels, train, val = data
    rng = np.random.default_rng(0)
    net = Sequential(head=new_head(D, K, rng=rng))
    history = train_stages(net, x, labels, train, val, checked(Settings(epochs=3, **choice)), rng, progress=False)
    return net, history


def test_the_head_is_standardised_by_the_training_rows_alone(data):
    x, _, train, _ = data
    net, _ = trained(data)
    np.testing.assert_allclose(net["head"]["standardize"].mean, x[train].mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(net["head"]["standardize"].std, x[train].std(axis=0), rtol=1e-4)


def test_the_history_has_the_rates_of_a_schedule(data):
    assert "lr" not in trained(data)[1]
    _, history = trained(data, schedule="exponential", warmup=1, lr=0.5)
    assert history["lr"] == pytest.approx([0.5, 0.5, 0.05]) and len(history["train_loss"]) == 3
    assert "lr" in trained(data, warmup=2)[1]


def test_an_average_is_what_is_left_and_what_is_validated(data):
    (plain, one), (averaged, two) = trained(data), trained(data, ema=0.9)
    assert plain["head"]["softmax"].weight.data.tobytes() != averaged["head"]["softmax"].weight.data.tobytes()
    assert one["train_loss"] == two["train_loss"] and one["val_loss"] != two["val_loss"]


class Squares:
    """Seven pictures of noise."""

    name, classes, labels = "squares", ["a", "b", "c"], np.arange(7) % 3

    def __len__(self):
        return 7

    def image(self, i):
        return np.random.default_rng(i).integers(0, 256, (11, 13, 3), np.uint8)

    def title(self, i):
        return f"square {i}"


def test_a_trunk_loader_yields_what_the_trunk_makes_of_the_loaders_batches(monkeypatch):
    made = []
    monkeypatch.setattr(train, "for_inference", lambda net: made.append(net) or net)
    pre = Preprocessing(9, 9, "bilinear", "RGB", (0.0, 0.0, 0.0), 1 / 255)
    trunk = Sequential(conv=Conv2d(3, 5, 3, rng=np.random.default_rng(1)), relu=ReLU(), pool=GlobalAvgPool2d()).eval()
    rows = [6, 2, 3, 0, 5]

    def two(kind, *first):
        loader = kind(*first, Squares(), rows, 2, pre, Crop(), np.random.default_rng(3), workers=2)
        assert len(loader) == 2
        return [list(loader) for _ in range(2)]

    plain, through = two(Loader), two(TrunkLoader, trunk)
    for epoch, other in zip(plain, through):
        for (x, labels), (codes, same) in zip(epoch, other, strict=True):
            np.testing.assert_allclose(codes, trunk(Tensor(x)).data, rtol=1e-5)
            np.testing.assert_array_equal(labels, same)
    assert through[0][0][0].tobytes() != through[1][0][0].tobytes() and made == [trunk] * 2
