"""Initial weights keep the size of what flows through."""
import numpy as np
import pytest

from tinynet.layers import he_normal, xavier_normal


@pytest.mark.parametrize("init, shape, variance", [
    (he_normal, (101, 307), 2 / 307), (he_normal, (101, 31, 5, 3), 2 / (31 * 5 * 3)),
    (xavier_normal, (101, 307), 2 / (101 + 307)), (xavier_normal, (101, 31, 5, 3), 2 / ((101 + 31) * 5 * 3))])
def test_variance(init, shape, variance, rng):
    W = init(shape, rng)
    assert W.dtype == np.float32 and W.shape == shape
    assert W.var() == pytest.approx(variance, rel=0.03) and abs(W.mean()) < 0.02 * variance ** 0.5


@pytest.mark.parametrize("init", [he_normal, xavier_normal])
def test_the_generator_decides(init):
    one, same, other = (init((3, 5), np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert (one == same).all() and (one != other).all()


def test_he_keeps_the_variance_through_relus(rng):
    x = rng.standard_normal((512, 50))
    for _ in range(10):
        x = np.maximum(he_normal((512, 512), rng) @ x, 0)
    assert 0.3 < (x ** 2).mean() < 3                        # without the 2 it would be 2^-10
