"""Factors of the learning rate, epoch by epoch."""
import pytest

from tinynet.optim import constant, exponential_decay, step_decay


@pytest.mark.parametrize("schedule, factors", [
    (constant, [1, 1, 1, 1, 1, 1, 1]),
    (step_decay(3), [1, 1, 1, 0.1, 0.1, 0.1, 0.01]),
    (step_decay(2, factor=0.5), [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]),
    (step_decay(1, factor=0.5), [1, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625]),
    (exponential_decay(0.5), [1, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625]),
], ids=["constant", "every 3", "every 2", "every 1", "exponential"])
def test_factors(schedule, factors):
    assert [schedule(epoch) for epoch in range(7)] == pytest.approx(factors)
