"""Ensembles of members, of views and of snapshots: the mean of probabilities, wherever scores are taken."""
import numpy as np
import pytest
from sklearn.metrics import log_loss

from tinynet import InputError, Tensor, ops
from tinynet.compute import parallel
from tinynet.data import VIEWS, Preprocessing, Views
from tinynet.gradcheck import gradcheck
from tinynet.layers import Dropout, Flatten, Linear, Module, ReLU, Sequential
from tinynet.optim import SGD, cosine
from tinynet.samples import DrawnCats
from tinynet.transfer import ActivationCache, Ensemble, ViewEnsemble, evaluate, fit, snapshots
from tinynet.weights import load_weights, save_weights

N, D, K, M = 11, 7, 3, 5


@pytest.fixture
def members(rng):
    return [Sequential(hidden=Linear(D, 13, rng), relu=ReLU(), out=Linear(13, K, rng)) for _ in range(M)]


def probabilities(net, x):
    """Softmax written out, in float64."""
    scores = net(Tensor(x)).data.astype(np.float64)
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("scale", [1, 300])
def test_the_softmax_of_its_scores_is_the_mean_of_the_members(members, rng, scale):
    x = scale * rng.standard_normal((N, D)).astype(np.float32)
    expected = np.mean([probabilities(member, x) for member in members], axis=0)
    scores = Ensemble(*members)(Tensor(x))
    assert ops.softmax(scores).data == pytest.approx(expected, abs=1e-6)
    assert np.exp(scores.data).sum(axis=1) == pytest.approx(np.ones(N), abs=1e-5)
    possible = expected > 1e-30
    assert scores.data[possible] == pytest.approx(np.log(expected[possible]), rel=1e-4, abs=1e-4)
    assert np.isfinite(scores.data).all(), "a probability that rounds to 0 still has a logarithm"


def test_evaluate_measures_it_as_any_network(members, rng):
    x, labels = rng.standard_normal((N, D)).astype(np.float32), np.arange(N) % K
    expected = np.mean([probabilities(member, x) for member in members], axis=0)
    found = evaluate(Ensemble(*members), x, labels)
    assert found.probabilities == pytest.approx(expected, abs=1e-6)
    assert found.loss == pytest.approx(log_loss(labels, expected), abs=1e-5)
    assert found.accuracy == (expected.argmax(axis=1) == labels).mean()
    assert found.loss <= np.mean([evaluate(member, x, labels).loss for member in members])


def test_its_gradient_is_that_of_the_members(rng):
    members = [Linear(D, K, rng) for _ in range(M)]
    for member in members:
        for p in member.parameters():
            p.data = p.data.astype(np.float64)
    labels = np.arange(N) % K
    gradcheck(lambda x: ops.cross_entropy(Ensemble(*members)(x), labels), rng.standard_normal((N, D)), rng=rng)


@pytest.mark.parametrize("numbers", [2 * D, 10 ** 6])
def test_it_is_cut_into_parts_if_its_members_are(members, rng, numbers, monkeypatch):
    monkeypatch.setattr(parallel, "MICRO_BATCH_NUMBERS", numbers)
    x, seen = rng.standard_normal((N, D)).astype(np.float32), []
    forward = Linear.forward
    monkeypatch.setattr(Linear, "forward", lambda self, x: (seen.append(len(x)), forward(self, x))[1])
    y = parallel.run(Ensemble(*members), x)
    assert max(seen) == (2 if numbers == 2 * D else N)
    assert y == pytest.approx(Ensemble(*members)(Tensor(x)).data, abs=1e-6)


class AllRows(Module):
    """A layer that needs the whole batch, and says nothing."""

    def forward(self, x):
        return x - x.mean(axis=0)


def test_a_member_that_needs_all_rows_gets_them(members, rng, monkeypatch):
    monkeypatch.setattr(parallel, "MICRO_BATCH_NUMBERS", 2 * D)
    net = Ensemble(*members, Sequential(AllRows(), Linear(D, K, rng)))
    x = rng.standard_normal((N, D)).astype(np.float32)
    assert parallel.run(net, x) == pytest.approx(net(Tensor(x)).data, abs=1e-6)


def test_it_is_saved_and_loaded_as_any_network(members, rng, tmp_path):
    net = Ensemble(*members)
    save_weights(tmp_path / "e.safetensors", net.state_dict(), {})
    again = Ensemble(*[Sequential(hidden=Linear(D, 13, rng), relu=ReLU(), out=Linear(13, K, rng)) for _ in range(M)])
    again.load_state_dict(load_weights(tmp_path / "e.safetensors")[0])
    x = rng.standard_normal((N, D)).astype(np.float32)
    assert parallel.run(again, x).tobytes() == parallel.run(net, x).tobytes()
    assert [m is own for m, own in zip(net.members, members)] == [True] * M and len(net.parameters()) == 4 * M


class Impossible(Module):
    """A member that rules classes out: -inf."""

    def __init__(self, *classes):
        self.classes = classes

    def forward(self, x):
        scores = np.zeros((len(x), K), np.float32)
        scores[:, list(self.classes)] = -np.inf
        return Tensor(scores)


def test_what_a_member_rules_out_the_others_may_allow():
    x = Tensor(np.zeros((2, D), np.float32))
    with np.errstate(divide="ignore"):                      # log 0 is meant
        scores = Ensemble(Impossible(0), Impossible(0, 1))(x)
    assert ops.softmax(scores).data == pytest.approx(np.array([[0, 0.25, 0.75]] * 2))


def test_the_trunk_is_passed_once(members, rng):
    passes = []

    class Trunk(Module):
        def forward(self, x):
            passes.append(len(x))
            return x * 2

    Sequential(trunk=Trunk(), head=Ensemble(*members))(Tensor(rng.standard_normal((N, D)).astype(np.float32)))
    assert passes == [N]


def test_modes_reach_the_members(rng):
    net = Ensemble(Sequential(Dropout(0.5, rng), Linear(D, K, rng)), Linear(D, K, rng))
    x = rng.standard_normal((N, D)).astype(np.float32)
    assert (parallel.run(net.eval(), x) == parallel.run(net, x)).all()
    with pytest.raises(InputError, match="Dropout is in training mode"):
        parallel.run(net.train(), x)


class Cube(Module):
    """A member that gives no (N, K)."""

    def forward(self, x):
        return x.reshape(*x.shape, 1)


@pytest.mark.parametrize("make, words", [
    (lambda rng: Ensemble(), "its members are none"), (lambda rng: Ensemble([Linear(D, K, rng)]), "its members are list"),
    (lambda rng: Ensemble(Linear(D, K, rng), 3), "Linear, int"),
    (lambda rng: Ensemble(Linear(D, K, rng), Linear(D, 2, rng))(Tensor(np.zeros((N, D), np.float32))),
     r"scores are \(11, 2\), \(11, 3\)"),
    (lambda rng: Ensemble(Cube(), Cube())(Tensor(np.zeros((N, D), np.float32))), r"scores are \(11, 7, 1\); all must be"),
    (lambda rng: ViewEnsemble(Linear(D, K, rng))(Tensor(np.zeros((N, D), np.float32))), r"x is \(11, 7\); give views")])
def test_mistakes(make, words, rng):
    with pytest.raises(InputError, match=words) as error:
        make(rng)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("shape", [(D,), (2, 3, 5)])
def test_views_are_averaged_image_by_image(shape, rng, monkeypatch):
    net = Sequential(flat=Flatten(), out=Linear(int(np.prod(shape)), K, rng))
    x = rng.standard_normal((N, 4, *shape)).astype(np.float32)
    expected = np.mean([probabilities(net, np.ascontiguousarray(x[:, v])) for v in range(4)], axis=0)
    assert ops.softmax(ViewEnsemble(net)(Tensor(x))).data == pytest.approx(expected, abs=1e-6)
    monkeypatch.setattr(parallel, "MICRO_BATCH_NUMBERS", 2 * x[0].size)
    found = evaluate(ViewEnsemble(net), x, np.arange(N) % K)
    assert found.probabilities == pytest.approx(expected, abs=1e-6)


def test_members_and_views_together_are_one_mean(members, rng):
    x = rng.standard_normal((N, 4, D)).astype(np.float32)
    expected = np.mean([probabilities(member, np.ascontiguousarray(x[:, v])) for v in range(4) for member in members], axis=0)
    assert ops.softmax(ViewEnsemble(Ensemble(*members))(Tensor(x))).data == pytest.approx(expected, abs=1e-6)


def test_views_go_through_the_cache_to_evaluate(tmp_path, rng):
    cats, preprocessing = DrawnCats(2), Preprocessing(8, 7, "bilinear", "RGB", mean=(104, 117, 123), scale=0.02)
    trunk, head, rows = Sequential(flat=Flatten()).eval(), Linear(3 * 49, 3, rng), [5, 0, 3]
    codes = ActivationCache(tmp_path).activations(trunk, Views(cats, VIEWS, rows), preprocessing, "head", progress=False)
    found = evaluate(ViewEnsemble(head), codes.in_groups(2), cats.labels[rows])
    images = [[preprocessing(image) for image in (cats.image(i), cats.image(i)[:, ::-1])] for i in rows]
    expected = np.mean([probabilities(head, np.array([pair[v] for pair in images]).reshape(3, -1)) for v in (0, 1)], axis=0)
    assert found.probabilities == pytest.approx(expected, abs=1e-6)


def problem(rng):
    labels = rng.integers(K, size=67)
    return (rng.standard_normal((K, D))[labels] + rng.standard_normal((67, D))).astype(np.float32), labels


def test_a_snapshot_is_what_the_network_was_at_the_end_of_a_cycle(rng):
    x, labels = problem(rng)
    rows = np.arange(50)

    def start():
        rng = np.random.default_rng(1)
        net = Sequential(hidden=Linear(D, 13, rng), relu=ReLU(), out=Linear(13, K, rng))
        return net, SGD(net.parameters(), 0.1, momentum=0.9)

    net, optimizer = start()
    ensemble = snapshots(net, x, labels, rows, [], optimizer, 4, np.random.default_rng(2), 3, batch_size=8, progress=False)
    other, optimizer = start()
    together = fit(other, x, labels, rows, [], optimizer, 12, np.random.default_rng(2), 8, schedule=cosine(4), progress=False)
    assert len(together["train_loss"]) == 12 and len(ensemble.members) == 3
    own = other.state_dict()
    for name, array in ensemble.members[2].state_dict().items():
        assert array.tobytes() == own[name].tobytes() == net.state_dict()[name].tobytes()
        assert array is not net.state_dict()[name]
    assert (ensemble.members[0]["out"].weight.data != ensemble.members[1]["out"].weight.data).any()


@pytest.mark.parametrize("cycles, options", [(0, {}), (2, {"schedule": cosine(3)}), (2, {"checkpoint": None})])
def test_snapshots_have_a_schedule_of_their_own(cycles, options, rng):
    x, labels = problem(rng)
    net = Linear(D, K, rng)
    with pytest.raises(InputError, match="snapshots: ") as error:
        snapshots(net, x, labels, np.arange(50), [], SGD(net.parameters(), 0.1), 3, rng, cycles, **options)
    assert "\n" not in str(error.value)
