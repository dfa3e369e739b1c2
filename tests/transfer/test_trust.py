"""Temperature, calibration and strangeness: against definitions, scikit-learn where it has them, and planted truths."""
import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from tinynet import InputError, Tensor, ops
from tinynet.transfer.trust import Familiar, calibration, temperature


def test_temperature_finds_by_how_much_scores_are_too_large():
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 2, (4000, 3))
    p = ops.softmax(Tensor(scores)).data
    labels = (p.cumsum(axis=1) > rng.random((4000, 1))).argmax(axis=1)       # as often as the probabilities say
    for factor in 0.3, 1, 5:
        assert temperature(factor * scores, labels, np.inf) == pytest.approx(factor, rel=0.08)
        assert temperature(factor * scores, labels) == pytest.approx(factor, rel=0.12), "many photos outweigh the prior"


def test_temperature_is_the_least_loss_within_its_bounds():
    rng = np.random.default_rng(1)
    scores, labels = rng.normal(0, 3, (40, 4)), rng.integers(4, size=40)
    losses = [ops.cross_entropy(Tensor(scores / t), labels).item() for t in np.geomspace(1 / 20, 20, 2001)]
    t = temperature(scores, labels, np.inf)
    assert ops.cross_entropy(Tensor(scores / t), labels).item() <= min(losses) + 1e-5
    assert temperature(scores, scores.argmax(axis=1), np.inf) == pytest.approx(1 / 20, rel=1e-3)      # all right: ever surer
    assert temperature(scores, scores.argmin(axis=1), np.inf) == pytest.approx(20, rel=1e-3)


def test_a_few_right_answers_are_no_reason_to_be_certain():
    scores = np.array([[1.0, 0, 0], [0, 2.0, 0], [0, 0, 1.5]])
    assert 0.8 < temperature(scores, [0, 1, 2]) < 1 < temperature(scores, [1, 2, 0]) < 1.3
    p = ops.softmax(Tensor(scores / temperature(scores, [0, 1, 2]))).data.max()
    assert p < 0.85 and temperature(scores, [0, 1, 2], np.inf) < 0.06


def test_calibration_counts_each_answer_once():
    p = np.array([[0.55, 0.45], [0.41, 0.59], [0.9, 0.1], [1.0, 0.0], [0.05, 0.95]])
    found = calibration(p, np.array([0, 0, 0, 0, 0]), bins=10)
    np.testing.assert_array_equal(found.count, [2, 3])                  # the bins 0.5.. and 0.9.., 1 among the last
    np.testing.assert_allclose(found.sure, [0.57, 0.95])
    np.testing.assert_allclose(found.right, [0.5, 2 / 3])
    assert found.error == pytest.approx((2 * 0.07 + 3 * (0.95 - 2 / 3)) / 5)


def test_strangeness_is_the_distance_to_the_kth_neighbour():
    rng = np.random.default_rng(2)
    known, asked = rng.random((30, 8)), rng.random((11, 8))
    peer = NearestNeighbors(n_neighbors=4, metric="cosine").fit(known)
    np.testing.assert_allclose(Familiar(known, k=4).distance(asked), peer.kneighbors(asked)[0][:, 3], atol=1e-6)
    left_out = peer.kneighbors()[0][:, 3]                               # of each known one to the others
    familiar = Familiar(known, k=4)
    limit = familiar.choose_limit(asked, kept=0.8)
    together = np.concatenate([peer.kneighbors(asked)[0][:, 3], left_out])
    assert limit == familiar.limit == pytest.approx(np.quantile(together, 0.8), abs=1e-6)
    np.testing.assert_array_equal(familiar.knows(asked), familiar.distance(asked) <= limit)


def test_what_answers_in_other_maps_is_strange():
    rng = np.random.default_rng(3)
    known = np.abs(rng.normal(0, 1, (200, 40))) * (np.arange(40) < 30)
    new, other = np.abs(rng.normal(0, 1, (100, 40))) * (np.arange(40) < 30), np.abs(rng.normal(0, 1, (100, 40)))[:, ::-1]
    familiar = Familiar(known[:150], k=3)
    familiar.choose_limit(known[150:])
    assert familiar.knows(new).mean() > 0.85 and familiar.knows(other * (np.arange(40) >= 20)).mean() < 0.05
    assert not familiar.knows(np.zeros((1, 40))).any(), "a photo at which nothing answers"


def test_few_training_photos_are_enough_or_refused():
    codes = np.eye(5)
    assert Familiar(codes[:2]).k == 1 and Familiar(codes, k=9).k == 4
    with pytest.raises(InputError, match="1 training photos"):
        Familiar(codes[:1])


def test_bursts_do_not_make_the_limit_too_narrow():
    """Four shots of each moment, and new moments: with each photo left out alone, its own burst says that all is familiar."""
    rng = np.random.default_rng(4)
    moments = rng.random((40, 30))
    known, new = np.abs(moments[:30].repeat(4, axis=0) + rng.normal(0, 0.01, (120, 30))), moments[30:]
    group = np.arange(30).repeat(4)
    kept = []
    for found in None, group:
        familiar = Familiar(known, k=3)
        familiar.choose_limit(new[:2], group=found)
        kept.append(familiar.knows(new[2:]).mean())
    assert kept[0] < 0.3 and kept[1] > 0.7
    lone = Familiar(known[:4], k=3)
    assert np.isfinite(lone.choose_limit(new[:2], group=np.zeros(4)))           # no moment but one
