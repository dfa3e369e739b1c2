"""Layers that draw numbers do so in training alone."""
import numpy as np
import pytest

from tinynet import InputError, Tensor
from tinynet.layers import Dropout


def test_dropout_drops_in_training_alone(device):
    layer = Dropout(0.5, np.random.default_rng(0))
    x = Tensor(np.ones((100, 101), np.float32)).to(device)
    assert set(np.unique(layer(x).numpy())) == {0, 2}
    assert layer.eval()(x) is x
    assert Dropout(0.0)(x) is x


def test_dropout_in_training_needs_a_generator():
    with pytest.raises(InputError, match="rng="):
        Dropout()(Tensor(np.ones((2, 3))))
    Dropout().eval()(Tensor(np.ones((2, 3))))


@pytest.mark.parametrize("cuts", [[0, 7], [0, 1, 7], [0, 3, 4, 7]])
def test_replicas_drop_what_the_whole_batch_drops(cuts):
    """In every forward: the second continues where the first stopped."""
    x = np.ones((7, 3, 5), np.float32)
    whole = Dropout(0.4, np.random.default_rng(0))
    expected = [whole(Tensor(x)).data for _ in range(2)]
    for start, stop in zip(cuts, cuts[1:]):
        part = Dropout(0.4, np.random.default_rng(0))
        part.take_rows(start, 7)
        for masks in expected:
            np.testing.assert_array_equal(part(Tensor(x[start:stop])).data, masks[start:stop])
        assert part.rng.random() == np.random.default_rng(0).random(7 * 15 * 2 + 1)[-1]
