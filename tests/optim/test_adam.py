"""Adam, worked by hand."""
import math

import numpy as np
import pytest

from tinynet.layers import Parameter
from tinynet.optim import Adam


@pytest.mark.parametrize("gradient", [1e-3, 2.0, -500.0])
def test_the_first_step_is_lr_whatever_the_gradient(gradient):
    """m̂ = g and v̂ = g². Without the correction of the bias the step would be 0.1 / sqrt(0.001) = 3.2 lr."""
    p = Parameter(np.array([10.0]))
    p.grad = np.array([gradient])
    Adam([p], lr=0.01).step()
    assert p.data[0] == pytest.approx(10 - 0.01 * gradient / (abs(gradient) + 1e-8), rel=1e-12)


def test_three_steps_by_hand():
    w, m, v = 10.0, 0.0, 0.0
    p = Parameter(np.array([w]))
    optimizer = Adam([p], lr=0.1, betas=(0.8, 0.95), eps=1e-3)
    for t, g in enumerate([1.0, -2.0, 0.5], start=1):
        p.grad = np.array([g])
        optimizer.step()
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g * g
        w -= 0.1 * (m / (1 - 0.8 ** t)) / (math.sqrt(v / (1 - 0.95 ** t)) + 1e-3)
        assert p.data[0] == pytest.approx(w, rel=1e-12)
    assert optimizer.state[0]["t"] == 3


def test_each_parameter_counts_its_own_steps():
    """One that is thawed late gets its own correction."""
    p, q = Parameter(np.array([10.0])), Parameter(np.array([10.0]), requires_grad=False)
    optimizer = Adam([p, q], lr=0.01)
    for step in range(5):
        q.requires_grad = step == 4
        p.grad = q.grad = np.array([2.0])
        optimizer.step()
    assert q.data[0] == pytest.approx(9.99) and optimizer.state[0]["t"] == 5 and optimizer.state[1]["t"] == 1


def test_a_gradient_of_0_moves_nothing():
    p = Parameter(np.array([10.0]))
    p.grad = np.array([0.0])
    Adam([p]).step()
    assert p.data.tolist() == [10]
