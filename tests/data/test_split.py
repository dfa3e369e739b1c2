"""stratified_split: a partition, every class in every part, in proportion, and repeatable."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.data.split import stratified_split
from tinynet.errors import InputError

FRACTIONS = [(0.7, 0.1, 0.2), (0.5, 0.5), (0.7, 0.0, 0.3), (1.0,), (0.1, 0.2, 0.3, 0.4), (0.98, 0.01, 0.01)]


@settings(deadline=None)
@given(counts=st.lists(st.integers(4, 90), min_size=1, max_size=5), fractions=st.sampled_from(FRACTIONS),
       seed=st.integers(0, 2**32))
def test_parts_are_a_partition_with_every_class_in_proportion(counts, fractions, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    parts = stratified_split(labels, fractions, seed)
    assert len(parts) == len(fractions)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(len(labels)))
    for part, fraction in zip(parts, fractions):
        assert part.dtype == np.int64
        np.testing.assert_array_equal(part, np.sort(part))
        for label, count in enumerate(counts):
            size = np.count_nonzero(labels[part] == label)
            if fraction == 0:
                assert size == 0
            else:
                forced = len(fractions) if min(fractions) * count < 1 else 1  # the others' single examples
                assert 1 <= size and abs(size - max(1, fraction * count)) < forced


@pytest.mark.parametrize("count, sizes", [(3, (1, 1, 1)), (4, (2, 1, 1)), (10, (7, 1, 2)), (60, (42, 6, 12)),
                                          (100, (70, 10, 20))])
def test_sizes_of_the_default_fractions(count, sizes):
    parts = stratified_split(np.zeros(count, int))
    assert tuple(map(len, parts)) == sizes


def test_the_seed_decides_the_split():
    labels = np.repeat([0, 1, 2], 20)
    first, again, other = (stratified_split(labels, seed=seed) for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    assert not np.array_equal(first[2], other[2])


def test_the_split_stays_as_it_was_published():
    _, val, test = stratified_split(np.repeat([0, 1], 10), seed=0)
    assert (val.tolist(), test.tolist()) == ([0, 17], [1, 8, 11, 15])


def test_examples_are_shuffled_before_they_are_dealt():
    train, _, test = stratified_split(np.zeros(100, int))
    assert train.max() > 90 and test.min() < 10


def test_a_part_of_fraction_zero_needs_no_example():
    assert [len(part) for part in stratified_split([4, 4], (0.5, 0, 0.5))] == [1, 0, 1]


def test_a_class_too_small_is_named_with_its_count():
    with pytest.raises(InputError, match="class 7 has 2 examples, too few for 3 parts; add examples"):
        stratified_split([5] * 9 + [7] * 2)


@pytest.mark.parametrize("labels", [[], [[1, 2]], [0.0, 1.0], ["cat", "dog"]])
def test_labels_of_another_kind_are_refused(labels):
    with pytest.raises(InputError, match="expected a list of integers"):
        stratified_split(labels)


@pytest.mark.parametrize("fractions", [(0.7, 0.2), (1.2, -0.2), (np.nan, 1), (np.inf, 0), (), 1.0])
def test_fractions_that_are_none_are_refused(fractions):
    with pytest.raises(InputError, match="a sum of 1"):
        stratified_split([0] * 9, fractions)
