"""Any executor must give what threads give, send the network once to each worker, and lose nothing when something fails."""
import os
import pickle
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest

from tests.executors import KINDS, opened
from tinynet import InputError, ops
from tinynet.compute import executor_map, executors, parallel
from tinynet.layers import BatchNorm, Conv2d, Dropout, Flatten, Linear, Module, ReLU, Sequential

ROW = 3 * 6 * 5


@pytest.fixture(autouse=True)
def two_rows(monkeypatch):
    """Micro-batches of two images, and no worker among this process's threads has any task yet."""
    monkeypatch.setattr(parallel, "MICRO_BATCH_NUMBERS", 2 * ROW + ROW // 2)
    monkeypatch.setattr(executors, "_held", {})


@pytest.fixture
def x(rng):
    return rng.standard_normal((37, 3, 6, 5)).astype(np.float32)


LABELS = np.arange(37) % 3


def make_net(*extra):
    rng = np.random.default_rng(0)
    return Sequential(Conv2d(3, 4, 3, rng=rng), ReLU(), Dropout(0.3, rng), *extra, Flatten(), Linear(48, 3, rng))


@dataclass
class Task:
    """Adds a number; calls `before` first, if it is given."""

    net: Module = field(default_factory=Sequential)
    plus: int = 100
    before: object = None

    def __call__(self, job):
        if self.before is not None:
            self.before(job)
        return job + self.plus


def run_all(executor, task=None, jobs=range(50), **options):
    return {i: result for i, result, _ in executor_map(executor, task or Task(), jobs, len(jobs), **options)}


# --- the same numbers ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=KINDS)
def executor(request):
    with opened(request.param) as executor:
        yield executor


def test_every_job_is_done_once(executor):
    for n in (0, 1, 2, 33):
        assert run_all(executor, jobs=range(n)) == {i: i + 100 for i in range(n)}


def test_run_and_gradients_are_those_of_threads_to_the_last_bit(executor, x):
    """Random layers draw the same numbers, and gradients are added in the same order; in a second step too."""
    here, there = make_net(), make_net()
    for _ in range(2):
        expected = parallel.gradients(here, ops.cross_entropy, x, LABELS, workers=2)
        found = parallel.gradients(there, ops.cross_entropy, x, LABELS, executor=executor)
        assert found[0] == expected[0]
        np.testing.assert_array_equal(found[1], expected[1])
        for a, b in zip(here.parameters(), there.parameters(), strict=True):
            np.testing.assert_array_equal(a.grad, b.grad)
            a.data = b.data = a.data - 0.1 * a.grad
    np.testing.assert_array_equal(parallel.run(there.eval(), x, executor=executor), parallel.run(here.eval(), x))


def test_a_mistake_in_a_job_surfaces_in_one_line_and_changes_nothing(executor, x):
    net = make_net()
    with pytest.raises(InputError, match=r"labels run from 3 to 3.* \(on worker .+\)") as caught:
        parallel.gradients(net, ops.cross_entropy, x, np.append(LABELS[:-1], 3), executor=executor)
    assert "\n" not in str(caught.value)
    assert all(p.grad is None for p in net.parameters())
