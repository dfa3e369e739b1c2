"""AdaGrad and RMSProp, worked by hand."""
import math

import numpy as np
import pytest

from tinynet.layers import Parameter
from tinynet.optim import AdaGrad, RMSProp

GRADIENTS = [1.0, -2.0, 0.5]


def steps(optimizer):
    """Where three steps lead, and what is remembered."""
    p, = optimizer.parameters()
    for gradient in GRADIENTS:
        p.grad = np.array([gradient])
        optimizer.step()
    return p.data[0], optimizer.state[0]["s"][0]


def test_adagrad_sums_the_squares():
    w, s = steps(AdaGrad([Parameter(np.array([10.0]))], lr=0.1, eps=1e-3))
    assert s == pytest.approx(1 + 4 + 0.25)
    steps_taken = 1 / (1 + 1e-3) - 2 / (math.sqrt(5) + 1e-3) + 0.5 / (math.sqrt(5.25) + 1e-3)
    assert w == pytest.approx(10 - 0.1 * steps_taken)


def test_rmsprop_forgets_old_squares():
    w, s = steps(RMSProp([Parameter(np.array([10.0]))], lr=0.1, decay=0.8, eps=1e-3))
    s1 = 0.2 * 1
    s2 = 0.8 * s1 + 0.2 * 4
    s3 = 0.8 * s2 + 0.2 * 0.25
    assert s == pytest.approx(s3)
    steps_taken = sum(g / (math.sqrt(s) + 1e-3) for g, s in zip(GRADIENTS, (s1, s2, s3)))
    assert w == pytest.approx(10 - 0.1 * steps_taken)


def test_adagrads_steps_shrink_and_rmsprops_do_not():
    last = {}
    for optimizer in AdaGrad([Parameter(np.zeros(1))], lr=0.1), RMSProp([Parameter(np.zeros(1))], lr=0.1):
        p, = optimizer.parameters()
        for _ in range(2000):
            before = p.data.copy()
            p.grad = np.array([3.0])
            optimizer.step()
        last[type(optimizer)] = (before - p.data)[0]
    assert last[AdaGrad] == pytest.approx(0.1 / math.sqrt(2000))
    assert last[RMSProp] == pytest.approx(0.1, rel=1e-3)
