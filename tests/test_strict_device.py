"""The stand-in must raise where CuPy raises or copies in silence, or tests that run on it prove nothing."""
import copy

import numpy as np
import pytest

from tests.strict_device import cupy, ndarray

HOST = np.arange(15.0).reshape(3, 5)


@pytest.fixture
def dev():
    return cupy.asarray(HOST)


@pytest.mark.parametrize("mix", [
    lambda dev: dev + HOST,
    lambda dev: HOST + dev,
    lambda dev: dev @ HOST.T,
    lambda dev: HOST.T @ dev,
    lambda dev: dev == HOST,
    lambda dev: HOST[0, 0, None] * dev,                 # one element, but an array
    lambda dev: cupy.maximum(dev, HOST),
    lambda dev: cupy.concatenate([dev, HOST]),
    lambda dev: cupy.where(dev > 0, dev, HOST),
    lambda dev: dev[np.array([0, 2])],
    lambda dev: dev[HOST > 3],
    lambda dev: dev[:, np.array([0, 2])],
    lambda dev: HOST[dev > 3],
    lambda dev: HOST[dev],
    lambda dev: np.asarray(dev),
    lambda dev: np.array([dev[0, 0], dev[0, 1]]),
    lambda dev: np.float32(dev),
    lambda dev: np.exp(dev),
    lambda dev: np.maximum(dev, 0),
    lambda dev: np.concatenate([dev, dev]),
    lambda dev: np.sum(dev),
    lambda dev: dev.sum(out=HOST),
    lambda dev: cupy.exp(dev, out=HOST.copy()),
    lambda dev: cupy.add.at(dev, np.array([0]), 1.0),
    lambda dev: cupy.add.at(dev, 0, HOST[0]),
    lambda dev: HOST.copy().__setitem__(0, dev[0]),
    lambda dev: dev.__setitem__(0, HOST[0]),
    lambda dev: dev.__iadd__(HOST),
    lambda dev: HOST.copy().__iadd__(dev),
    lambda dev: range(dev.sum()),                       # CuPy's arrays have no __index__
])
def test_a_mix_of_host_and_device_raises(dev, mix):
    with pytest.raises(TypeError):
        mix(dev)


@pytest.mark.parametrize("call", [
    lambda dev: dev.sum(where=dev > 0),
    lambda dev: dev.max(initial=0),
    lambda dev: cupy.maximum(dev, 0, where=dev > 0),
    lambda dev: cupy.einsum("ij->i", dev, out=dev),
    lambda dev: cupy.clip(dev, min=0),
    lambda dev: dev.item(0),
    lambda dev: cupy.errstate(),
    lambda dev: cupy.add.reduceat(dev, [0]),
    lambda dev: cupy.random.default_rng(),
])
def test_what_cupy_lacks_is_refused(dev, call):
    with pytest.raises((TypeError, AttributeError)):
        call(dev)


@pytest.mark.parametrize("compute, expected", [
    (lambda xp, x: x + 1, HOST + 1),
    (lambda xp, x: 2 - x, 2 - HOST),
    (lambda xp, x: np.float64(3) * x, 3 * HOST),
    (lambda xp, x: x @ x.T, HOST @ HOST.T),
    (lambda xp, x: -x ** 2, -HOST ** 2),
    (lambda xp, x: x.sum(axis=0), HOST.sum(axis=0)),
    (lambda xp, x: x.sum(), HOST.sum()),
    (lambda xp, x: x[1, 2], HOST[1, 2]),
    (lambda xp, x: x[[0, 2]], HOST[[0, 2]]),
    (lambda xp, x: x[x > 3], HOST[HOST > 3]),
    (lambda xp, x: x[xp.arange(3), xp.asarray([0, 1, 4])], HOST[np.arange(3), [0, 1, 4]]),
    (lambda xp, x: xp.concatenate([x, x], axis=1), np.concatenate([HOST, HOST], axis=1)),
    (lambda xp, x: xp.maximum(x, xp.zeros(5)), HOST),
    (lambda xp, x: xp.array([x[0, 1], x[2, 3]]), np.array([1.0, 13.0])),
    (lambda xp, x: xp.lib.stride_tricks.sliding_window_view(x, 2, axis=1)[0, 1], np.array([1.0, 2.0])),
])
def test_computations_stay_on_the_device(dev, compute, expected):
    result = compute(cupy, dev)
    assert type(result) is ndarray
    np.testing.assert_array_equal(cupy.asnumpy(result), expected)
    assert result.shape == np.shape(expected)


def test_reading_a_single_number_is_allowed(dev):
    assert float(dev.sum()) == int(dev.sum()) == dev.sum().item() == 105
    assert bool((dev >= 0).all())


def test_changes_in_place_reach_views(dev):
    row = dev[1]
    row += 1
    element = dev[0, 0]
    element += 7
    dev[2] = dev[0]
    cupy.add.at(dev, (cupy.asarray([0, 0]), 1), 1.0)
    cupy.maximum(row, 8, out=row)
    expected = HOST.copy()
    expected[1] = [8, 8, 8, 9, 10]
    expected[0, 0] = expected[2, 0] = 7
    expected[2, 1:] = HOST[0, 1:]
    expected[0, 1] += 2
    assert row.base is not None and dev.copy().base is None
    np.testing.assert_array_equal(dev.get(), expected)


def test_copies_share_nothing(dev):
    for twin in (dev.copy(), copy.deepcopy(dev), cupy.asarray(dev.get())):
        twin += 1
    np.testing.assert_array_equal(dev.get(), HOST)
    assert cupy.asarray(dev) is dev
