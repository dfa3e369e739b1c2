"""stratified_split: a partition, every class in every part, in proportion, and repeatable."""
import hashlib

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


# By key

def keys(n, name="photo"):
    return [hashlib.sha256(f"{name} {i}".encode()).hexdigest() for i in range(n)]


def by_key(labels, names, **options):
    """{key: number of its part}"""
    parts = stratified_split(labels, keys=names, **options)
    assert sorted(np.concatenate(parts)) == list(range(len(labels)))
    return {names[i]: part for part, rows in enumerate(parts) for i in rows}


@pytest.mark.parametrize("n_new", [1, 10, 100, 1000])
@pytest.mark.parametrize("seed", range(5))
def test_old_photos_stay_where_they_were(n_new, seed):
    old, new, labels = keys(180), keys(n_new, "new"), np.arange(180) % 3
    before = by_key(labels, old, seed=seed)
    after = by_key(np.r_[np.arange(n_new) % 3, labels], new + old, seed=seed)
    assert {key: after[key] for key in old} == before
    assert by_key(labels[::-1], old[::-1], seed=seed) == before, "whatever their order"
    assert by_key(labels[6:], old[6:], seed=seed) == {key: before[key] for key in old[6:]}, "fewer of them too"


def test_few_photos_move_where_a_part_had_to_be_filled():
    """Of 300 classes of 3 to 12 photos, to which one is added: those that change their part, and the test photos among them."""
    moved = back = total = 0
    for case in range(300):
        old, new = keys(3 + case % 10, f"class {case}"), keys(1, f"new {case}")
        before, after = by_key([0] * len(old), old), by_key([0] * (len(old) + 1), old + new)
        total += len(old)
        moved += sum(before[key] != after[key] for key in old)
        back += sum(before[key] == 2 and after[key] == 0 for key in old)
    assert moved / total < 0.05 and back / total < 0.02


def test_every_part_is_filled_and_about_as_large_as_asked_for():
    sizes = np.array([[len(part) for part in stratified_split([0] * n, keys=keys(n, str(n)))] for n in range(3, 60)])
    assert (sizes >= 1).all()
    large = [len(part) / 3000 for part in stratified_split([0] * 3000, keys=keys(3000))]
    np.testing.assert_allclose(large, (0.7, 0.1, 0.2), atol=0.03)
    assert [len(part) for part in stratified_split([0] * 90, (0.5, 0, 0.5), keys=keys(90))][1] == 0


def test_equal_keys_are_in_one_part_and_another_seed_is_another_split():
    names = keys(30) * 2
    for part in (found := stratified_split([0] * 60, keys=names)):
        assert len({names[i] for i in part}) * 2 == len(part)
    assert any(len(a) != len(b) or (a != b).any() for a, b in zip(found, stratified_split([0] * 60, keys=names, seed=1)))
    with pytest.raises(InputError, match="1 different examples, too few"):
        stratified_split([0] * 9, keys=keys(1) * 9)
    with pytest.raises(InputError, match="2 keys for 9 labels"):
        stratified_split([0] * 9, keys=keys(2))


def test_equal_keys_of_two_classes_are_in_one_part_also_where_one_had_to_be_filled():
    filled = 0
    for case in range(200):
        names, labels = keys(9, str(case)), np.array([0] * 6 + [1] * 7)
        names = names[:6] + names[3:6] + names[6:9] + names[:1]                 # four photos have a double in the other class
        found = stratified_split(labels, keys=names)
        where = {}
        for part, rows in enumerate(found):
            assert {0, 1} == set(labels[rows].tolist()), "a class is not in every part"
            for i in rows:
                assert where.setdefault(names[i], part) == part
        filled += any(len(rows) < 3 for rows in found)
    assert filled > 50


def test_a_class_that_others_leave_nothing_for_is_refused():
    names = keys(2, "x") + keys(1, "y")
    labels, doubles = [0] * 3 + [1] * 2 + [2] * 2 + [3] * 2, names + names[:2] + names[1:] + names[::2]
    with pytest.raises(InputError, match="too few for 3 parts"):
        stratified_split(labels, keys=doubles)
    for seed in range(30):                                                      # two parts: each class has two of three keys
        try:
            parts = stratified_split(labels, (0.9, 0.1), seed, doubles)
        except InputError as error:
            assert "shares its keys with others, which leaves none for part" in str(error)
        else:
            raise AssertionError(f"three classes of two keys each cannot be in two parts: {parts}")


@pytest.mark.parametrize("fractions", [(0.7, 0.1, 0.19), (0.33, 0.33, 0.33), (0.7, 0.1, 0.21)])
def test_fractions_that_do_not_quite_add_up_are_refused(fractions):
    with pytest.raises(InputError, match="a sum of 1"):
        stratified_split([0] * 99, fractions)


def test_in_a_tie_the_earlier_part_gets_the_example():
    assert [len(part) for part in stratified_split([0] * 3, (0.5, 0.5))] == [2, 1]
    assert [len(part) for part in stratified_split([0] * 5, (0.25, 0.25, 0.25, 0.25))] == [2, 1, 1, 1]
