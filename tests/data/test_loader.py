"""batches: every index once, in order or shuffled; load_inputs: the rows asked for, in order."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.data import Preprocessing
from tinynet.data.loader import batches, load_inputs
from tinynet.errors import InputError

PREP = Preprocessing(resize=5, crop=3, resample="bicubic", channels="BGR", mean=(1, 2, 3), scale=0.5)


@settings(deadline=None)
@given(n=st.integers(0, 99), batch_size=st.integers(1, 110), shuffle=st.booleans())
def test_every_index_comes_once_in_full_batches_but_the_last(n, batch_size, shuffle):
    found = list(batches(n, batch_size, np.random.default_rng(0) if shuffle else None))
    assert sorted(i for batch in found for i in batch) == list(range(n))
    assert all(len(batch) == batch_size for batch in found[:-1])
    assert all(batch.dtype == np.int64 for batch in found)
    assert not found or 0 < len(found[-1]) <= batch_size + (batch_size > 1)
    assert n < 2 or batch_size == 1 or all(len(batch) > 1 for batch in found), "batch norm cannot learn from one row"


def test_order_is_kept_without_a_generator_and_drawn_with_one():
    assert [batch.tolist() for batch in batches(8, 3)] == [[0, 1, 2], [3, 4, 5], [6, 7]]
    assert [batch.tolist() for batch in batches(7, 3)] == [[0, 1, 2], [3, 4, 5, 6]]
    rng = np.random.default_rng(0)
    first, second = (np.concatenate(list(batches(50, 7, rng))) for _ in range(2))
    np.testing.assert_array_equal(first, np.random.default_rng(0).permutation(50))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("batch_size", [0, -3])
def test_batch_size_below_one_is_refused_at_once(batch_size):
    with pytest.raises(InputError, match=f"batch size is {batch_size}, it must be at least 1"):
        batches(5, batch_size)


class Pictures:
    """As much of a dataset as load_inputs asks for."""

    def image(self, i):
        if i == 13:
            raise InputError("13.jpg: is gone; put it back")
        return np.random.default_rng(i).integers(0, 256, (7 + i, 11, 3), np.uint8)


def test_inputs_are_the_prepared_images_in_the_order_asked_for():
    indices = np.array([5, 2, 9, 2, 0, 7, 1])
    x = load_inputs(Pictures(), indices, PREP)
    assert x.dtype == np.float32 and x.shape == (7, 3, 3, 3)
    for row, i in zip(x, indices):
        np.testing.assert_array_equal(row, PREP(Pictures().image(i)))


def test_grey_inputs_have_one_channel():
    prep = Preprocessing(resize=5, crop=3, resample="bicubic", channels="L", mean=(1,), scale=0.5)
    x = load_inputs(Pictures(), [2, 0], prep)
    assert x.shape == (2, 1, 3, 3)
    np.testing.assert_array_equal(x[1], prep(Pictures().image(0)))


def test_no_inputs():
    assert load_inputs(Pictures(), [], PREP).shape == (0, 3, 3, 3)


def test_an_error_on_a_thread_reaches_the_caller():
    with pytest.raises(InputError, match="13.jpg: is gone"):
        load_inputs(Pictures(), [1, 13, 2], PREP)
