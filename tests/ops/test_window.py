"""The geometry of windows, against counting them one by one."""
import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tinynet.errors import InputError
from tinynet.ops.window import check_window, output_size, pair, reach, same_padding, taps


@st.composite
def axes(draw):
    """(size, kernel, stride, padding) of one axis, such that the window fits."""
    size, kernel, stride, padding = (draw(st.integers(low, 11)) for low in (1, 1, 1, 0))
    return size, min(kernel, size + 2 * padding), stride, padding


def starts(size, kernel, stride, padding, ceil_mode):
    """Where windows start, seen from the first pixel: every step at which the rule lets one begin."""
    start, end = -padding, size + padding
    while start + kernel <= end or (ceil_mode and start < size and start + kernel - stride < end):
        yield start
        start += stride


@given(axes(), st.booleans())
def test_output_size_counts_the_windows(axis, ceil_mode):
    _, kernel, _, padding = axis
    assume(not ceil_mode or padding <= kernel // 2)             # what pools, the users of ceil_mode, ask for
    assert output_size(*axis, ceil_mode) == len(list(starts(*axis, ceil_mode)))


@pytest.mark.parametrize("size, kernel, stride, padding, ceil_mode, n_out", [
    (227, 3, 2, 0, False, 113), (113, 3, 2, 0, True, 56), (56, 3, 2, 0, True, 28), (56, 3, 2, 0, False, 27),
    (5, 2, 2, 0, True, 3), (5, 2, 2, 1, True, 3), (3, 2, 3, 1, True, 2), (2, 2, 5, 1, True, 1)])
def test_output_size_in_known_cases(size, kernel, stride, padding, ceil_mode, n_out):
    """SqueezeNet's own sizes, and windows that would start in the far padding, which are left out."""
    assert output_size(size, kernel, stride, padding, ceil_mode) == n_out


@given(axes(), st.booleans())
@example((5, 11, 5, 3), False)                          # one window, whose first tap is in the padding
def test_reach_names_every_pixel_of_a_tap(axis, ceil_mode):
    size, kernel, stride, padding = axis
    n_out = output_size(*axis, ceil_mode)
    for tap in range(kernel):
        outputs, pixels = reach(tap - padding, stride, size, n_out)
        positions = [i * stride + tap - padding for i in range(n_out)]
        expected = [(i, position) for i, position in enumerate(positions) if 0 <= position < size]
        assert list(zip(np.arange(n_out)[outputs], np.arange(size)[pixels], strict=True)) == expected


def test_taps_go_row_by_row():
    found = list(taps((2, 3), (1, 2), (0, 1), (5, 7), (4, 4)))
    assert len(found) == 6
    assert found[3] == ((..., slice(0, 4), slice(1, 4)), (..., slice(1, 5, 1), slice(1, 6, 2)))


@pytest.mark.parametrize("value, expected", [
    (3, (3, 3)), (np.int64(3), (3, 3)), ((3, 2), (3, 2)), ([3, 2], (3, 2))])
def test_pair(value, expected):
    assert pair(value) == expected


def test_three_numbers_are_no_pair():
    with pytest.raises(ValueError):
        pair((1, 2, 3))


@pytest.mark.parametrize("shape, kernel, stride, padding, word", [
    ((3, 5, 7), (2, 2), (1, 1), (0, 0), "(N, C, H, W)"),
    ((2, 3, 5, 7), (0, 2), (1, 1), (0, 0), "at least 1"),
    ((2, 3, 5, 7), (2, 2), (1, 0), (0, 0), "at least 1"),
    ((2, 3, 5, 7), (2, 2), (1, 1), (0, -1), "at least 0"),
    ((2, 3, 5, 7), (6, 2), (1, 1), (0, 0), "does not fit"),
    ((2, 3, 5, 7), (2, 10), (1, 1), (0, 1), "does not fit"),
])
def test_impossible_windows(shape, kernel, stride, padding, word):
    with pytest.raises(InputError, match=r"op: .*") as error:
        check_window("op", shape, kernel, stride, padding)
    assert word in str(error.value)


def test_a_window_as_large_as_the_padded_image_fits():
    check_window("op", (2, 3, 5, 7), (7, 11), (1, 1), (1, 2))


@given(st.integers(1, 30), st.integers(1, 7), st.integers(1, 5))
def test_same_padding_is_the_least_that_gives_an_output_per_step(size, kernel, stride):
    before, after = same_padding(size, kernel, stride)
    steps = -(-size // stride)
    assert 0 <= after - before <= 1
    if size + before + after >= kernel:
        assert (size + before + after - kernel) // stride + 1 == steps
    if after:
        assert (size + before + after - 1 - kernel) // stride + 1 < steps
