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
    with pytest.raises(InputError, match="call net.eval.. for answers, or build it with rng="):
        Dropout()(Tensor(np.ones((2, 3))))
    Dropout().eval()(Tensor(np.ones((2, 3))))
