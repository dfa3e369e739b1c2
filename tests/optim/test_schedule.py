"""Factors of the learning rate, epoch by epoch."""
import math

import pytest

from tinynet import InputError
from tinynet.optim import SCHEDULES, constant, cosine, exponential_decay, named_schedule, step_decay, warmup


@pytest.mark.parametrize("schedule, factors", [
    (constant, [1, 1, 1, 1, 1, 1, 1]),
    (step_decay(3), [1, 1, 1, 0.1, 0.1, 0.1, 0.01]),
    (step_decay(2, factor=0.5), [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]),
    (step_decay(1, factor=0.5), [1, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625]),
    (exponential_decay(0.5), [1, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625]),
    (cosine(2), [1, 0.5, 1, 0.5, 1, 0.5, 1]),
    (cosine(7), [(1 + math.cos(math.pi * t / 7)) / 2 for t in range(7)]),
    (cosine(1, growth=3), [1, 1, 0.75, 0.25, 1, *[(1 + math.cos(math.pi * t / 9)) / 2 for t in (1, 2)]]),
    (warmup(4), [0.25, 0.5, 0.75, 1, 1, 1, 1]),
    (warmup(2, then=step_decay(3)), [0.5, 1, 1, 1, 1, 0.1, 0.1]),
    (warmup(0, then=step_decay(3)), [1, 1, 1, 0.1, 0.1, 0.1, 0.01]),
    (named_schedule("constant", 7), [1, 1, 1, 1, 1, 1, 1]),
    (named_schedule("constant", 7, 2), [0.5, 1, 1, 1, 1, 1, 1]),
    (named_schedule("step", 7), [1, 1, 1, 0.1, 0.1, 0.1, 0.01]),
    (named_schedule("step", 7, 2), [0.5, 1, 1, 1, 0.1, 0.1, 0.01]),
    (named_schedule("exponential", 4), [1, 10 ** -0.5, 0.1, 10 ** -1.5, 0.01, 10 ** -2.5, 0.001]),
    (named_schedule("cosine", 7), [(1 + math.cos(math.pi * t / 7)) / 2 for t in range(7)]),
])
def test_factors(schedule, factors):
    assert [schedule(epoch) for epoch in range(7)] == pytest.approx(factors)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_run_of_one_epoch_has_the_full_rate(name):
    assert named_schedule(name, 1)(0) == 1


@pytest.mark.parametrize("period, growth", [(1, 1), (5, 1), (3, 2)])
def test_cosine_is_that_of_pytorch(period, growth):
    theirs = pytorch(lambda scheduler, optimizer: scheduler.CosineAnnealingWarmRestarts(optimizer, period, growth))
    assert [cosine(period, growth)(epoch) for epoch in range(40)] == pytest.approx(theirs)


def test_a_cosine_without_restarts_is_that_of_pytorch():
    theirs = pytorch(lambda scheduler, optimizer: scheduler.CosineAnnealingLR(optimizer, 40))
    assert [cosine(40)(epoch) for epoch in range(40)] == pytest.approx(theirs)


def test_warm_up_then_decay_is_that_of_pytorch():
    def make(scheduler, optimizer):
        # Theirs starts from its own factor 0, which is our epoch -1, and has its 1 where ours goes on.
        parts = [scheduler.LinearLR(optimizer, 1 / 5, 1, 4), scheduler.StepLR(optimizer, 7, 0.3)]
        return scheduler.SequentialLR(optimizer, parts, [5])

    assert [warmup(5, then=step_decay(7, 0.3))(epoch) for epoch in range(40)] == pytest.approx(pytorch(make))


def pytorch(make):
    """The rates of 40 epochs of a PyTorch scheduler, from 1."""
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule, rates = make(torch.optim.lr_scheduler, optimizer), []
    for _ in range(40):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


@pytest.mark.parametrize("make, message", [
    (lambda: cosine(0), "period of 0 epochs"),
    (lambda: cosine(3, growth=0.5), "grows by 0.5"),
    (lambda: named_schedule("cosinus", 9), "'cosinus'; choose constant, step, exponential, cosine"),
    (lambda: named_schedule("cosine", 9, 9), "warmup is 9 of 9 epochs"),
    (lambda: named_schedule("cosine", 9, -1), "warmup is -1"),
])
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
