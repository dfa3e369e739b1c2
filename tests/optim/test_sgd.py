"""Gradient descent, worked by hand."""
import numpy as np
import pytest

from tinynet.layers import Parameter
from tinynet.optim import SGD

GRADIENTS = [np.array([1.0, -2.0]), np.array([3.0, 5.0]), np.array([-7.0, 0.5])]


def steps(lr, **options):
    """Where three steps lead from (10, 20)."""
    p = Parameter(np.array([10.0, 20.0]))
    optimizer = SGD([p], lr, **options)
    for gradient in GRADIENTS:
        p.grad = gradient.copy()
        optimizer.step()
    return p.data, optimizer.state


def test_plain_descent_keeps_no_state():
    w, state = steps(0.1)
    np.testing.assert_allclose(w, [10 - 0.1 * (1 + 3 - 7), 20 - 0.1 * (-2 + 5 + 0.5)])
    assert state == {0: {}}


def test_velocity_starts_at_0_and_gathers_gradients():
    w, state = steps(0.1, momentum=0.5)
    v1, v2, v3 = 1.0, 0.5 * 1 + 3, 0.5 * (0.5 * 1 + 3) - 7
    assert w[0] == pytest.approx(10 - 0.1 * (v1 + v2 + v3)) and state[0]["v"][0] == pytest.approx(v3)


def test_nesterov_looks_ahead():
    w, _ = steps(0.1, momentum=0.5, nesterov=True)
    v1, v2, v3 = 1.0, 0.5 * 1 + 3, 0.5 * (0.5 * 1 + 3) - 7
    assert w[0] == pytest.approx(10 - 0.1 * ((1 + 0.5 * v1) + (3 + 0.5 * v2) + (-7 + 0.5 * v3)))


def test_nesterov_is_the_textbook_form_seen_from_the_lookahead_point():
    """With u = w - lr momentum v: v <- momentum v + g(u), w <- w - lr v; here g(u) = u."""
    lr, momentum = 0.1, 0.8
    p = Parameter(np.array([10.0, 20.0]))
    optimizer = SGD([p], lr, momentum, nesterov=True)
    w, v = p.data.copy(), np.zeros(2)
    for _ in range(10):
        p.grad = p.data.copy()
        optimizer.step()
        v = momentum * v + (w - lr * momentum * v)
        w = w - lr * v
        np.testing.assert_allclose(p.data, w - lr * momentum * v)


def test_weight_decay_by_hand():
    p = Parameter(np.array([10.0]))
    p.grad = np.array([1.0])
    SGD([p], 0.1, weight_decay=0.01).step()
    np.testing.assert_allclose(p.data, 10 - 0.1 * (1 + 0.01 * 10))
