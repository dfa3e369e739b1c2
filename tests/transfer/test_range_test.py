"""lr_range_test, against a plain loop, and on a bowl where the right answer is known."""
import numpy as np
import pytest

from tinynet import InputError, Tensor, ops
from tinynet.data import batches
from tinynet.layers import Dropout, Linear, ReLU, Sequential, zeros
from tinynet.optim import SGD, Adam
from tinynet.transfer import fit, lr_range_test

N, D, K = 67, 13, 3


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    labels = rng.integers(K, size=N)
    x = (rng.standard_normal((K, D))[labels] + rng.standard_normal((N, D))).astype(np.float32)
    return x, labels, rng.permutation(N)[:47]


def network(drop=0.0):
    rng = np.random.default_rng(1)
    layers = {"hidden": Linear(D, 17, rng), "relu": ReLU()} | ({"drop": Dropout(drop, rng)} if drop else {})
    return Sequential(**layers, out=Linear(17, K, rng))


def test_it_is_the_plain_loop(data):
    x, labels, rows = data
    net = network()
    optimizer = SGD([{"params": net["hidden"].parameters(), "lr": 0.2}, {"params": net["out"].parameters(), "lr": 0.1}],
                    lr=1, momentum=0.9)
    found = lr_range_test(net, x, labels, rows, optimizer, np.random.default_rng(2), 1e-4, 3e2, steps=29, batch_size=8)

    twin, rng, losses, t = network(), np.random.default_rng(2), [], 0
    velocity = {name: 0 for name, _ in twin.named_parameters()}
    while t < 29:
        for batch in batches(47, 8, rng):
            if t == 29:
                break
            loss = ops.cross_entropy(twin(Tensor(x[rows[batch]])), labels[rows[batch]])
            for p in twin.parameters():
                p.grad = None
            loss.backward()
            losses.append(loss.item())
            rate = 1e-4 * 3e6 ** (t / 28)
            for name, p in twin.named_parameters():
                velocity[name] = 0.9 * velocity[name] + p.grad
                p.data = p.data - np.float32(rate if "hidden" in name else rate / 2) * velocity[name]
            t += 1
    weights = [0.9 ** np.arange(i, -1, -1.0) for i in range(29)]
    smooth = [np.dot(w, losses[:i + 1]) / w.sum() for i, w in enumerate(weights)]
    n = len(found.rates)
    assert 20 < n < 29 and smooth[n] > 4 * min(smooth[:n]), "it stopped where the loss exploded"
    np.testing.assert_allclose(found.rates, 1e-4 * 3e6 ** (np.arange(n) / 28), rtol=1e-12)
    np.testing.assert_allclose(found.losses, smooth[:n], rtol=1e-3)
    assert found.suggestion == pytest.approx(found.rates[np.argmin(smooth[:n])] / 10)


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_everything_stays_as_it_was(data, kind):
    """Weights, optimiser, and the random numbers of the rows and of dropout: training goes on as if nothing had been."""
    x, labels, rows = data

    def trained(test):
        net, rng = network(drop=0.3), np.random.default_rng(2)
        optimizer = kind(net.parameters(), lr=0.01)
        history = [fit(net, x, labels, rows, rows[:0], optimizer, 2, rng, progress=False)["train_loss"]]
        if test:
            lr_range_test(net, x, labels, rows, optimizer, rng)
        return history + [fit(net, x, labels, rows, rows[:0], optimizer, 2, rng, progress=False)["train_loss"]]

    assert trained(True) == trained(False)


def test_it_stops_when_the_loss_explodes_and_suggests_less(data):
    x, _, rows = data
    net, labels = network(), np.random.default_rng(3).integers(K, size=N)       # not to be learnt: no rate gets to 0
    found = lr_range_test(net, x, labels, rows, SGD(net.parameters(), 1), np.random.default_rng(0), highest=1e6, steps=200)
    assert len(found.rates) == len(found.losses) < 200 and np.isfinite(found.losses).all()
    assert found.losses.max() <= 4 * found.losses.min() * (1 + 1e-9) and 1e-3 < found.suggestion < 1


def test_a_loss_that_falls_to_the_end_suggests_nothing(data):
    x, labels, rows = data
    net = network()
    found = lr_range_test(net, x, labels, rows, SGD(net.parameters(), 1), np.random.default_rng(0), highest=1e-2)
    assert len(found.rates) == 100 and found.suggestion is None


def test_the_suggestion_scales_with_the_problem(data):
    """Inputs ten times as large make the bowl of a softmax layer 100 times as steep."""
    x, _, rows = data
    labels = np.random.default_rng(3).integers(K, size=N)

    def suggestion(scale):
        net = Sequential(out=Linear(D, K, init=zeros))
        return lr_range_test(net, scale * x, labels, rows, SGD(net.parameters(), 1), np.random.default_rng(0), 1e-6, 1e3,
                             steps=300, batch_size=47).suggestion

    assert 30 < suggestion(1) / suggestion(10) < 300


@pytest.mark.parametrize("change, message", [
    ({"train": []}, "0 training rows"), ({"steps": 1}, "1 steps"), ({"lowest": 0}, "from 0 to 10"),
    ({"lowest": 2, "highest": 1}, "from 2 to 1"), ({"highest": float("inf")}, "to inf"), ({"rate": 0}, "first rate of 0"),
])
def test_what_cannot_be_is_refused(data, change, message):
    x, labels, rows = data
    net, rate, options = network(), change.pop("rate", 1), {"train": rows} | change
    with pytest.raises(InputError, match=message):
        lr_range_test(net, x, labels, options.pop("train"), SGD(net.parameters(), rate), np.random.default_rng(0), **options)


def test_a_loss_that_is_not_finite_from_the_start_is_said(data):
    x, labels, rows = data
    net = network()
    with pytest.raises(InputError, match="not finite before the first step"):
        lr_range_test(net, x * np.nan, labels, rows, SGD(net.parameters(), 1), np.random.default_rng(0))


def test_dropout_drops_whatever_mode_the_network_is_in(data):
    x, labels, rows = data

    def losses(net):
        return lr_range_test(net, x, labels, rows, SGD(net.parameters(), 1), np.random.default_rng(0), steps=20).losses

    np.testing.assert_array_equal(losses(network(drop=0.5).eval()), losses(network(drop=0.5)))
    assert losses(network(drop=0.5))[0] != losses(network())[0]
