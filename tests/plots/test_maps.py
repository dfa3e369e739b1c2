"""A heat map's rectangles lie where the windows lay, and what cannot lie there is refused."""
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from tinynet import InputError, plots

PHOTO = np.random.default_rng(0).integers(0, 256, (35, 53, 3), np.uint8)


def test_an_answer_is_drawn_around_the_middle_of_its_window():
    answers = np.zeros((3, 4))
    answers[1, 2] = 1                                   # its window: rows 5 to 11, columns 14 to 24; the middle (8, 19)
    figure = plots.heat_map(PHOTO, {"p(cat)": answers, "p(dog)": answers.T.reshape(3, 4)}, window=(7, 11), stride=(5, 7))
    FigureCanvasAgg(figure).draw()
    plain, hot, other, bar = figure.axes
    left, right, bottom, top = hot.images[1].get_extent()
    assert (right - left, bottom - top) == (4 * 7, 3 * 5)
    assert (top + 1.5 * 5, left + 2.5 * 7) == (5 + 3, 14 + 5)                  # pixel 8 is drawn from 7.5 to 8.5
    np.testing.assert_array_equal(plain.images[0].get_array(), PHOTO)
    assert [axes.get_title() for axes in (plain, hot, other)] == ["", "p(cat)", "p(dog)"]
    assert hot.get_xlim() == (-0.5, 52.5) and hot.get_ylim() == (34.5, -0.5)
    assert hot.images[1].get_clim() == (0, 1)


def test_windows_that_fill_the_picture_reach_its_edges():
    figure = plots.heat_map(PHOTO[:, :, 0], {"": np.ones((5, 53))}, window=(7, 1), stride=(7, 1), limits=(0, 3),
                            boxes=[(3, 2, 20, 30)])
    plain, hot = figure.axes[:2]
    assert hot.images[1].get_extent() == [-0.5, 52.5, 34.5, -0.5]
    assert hot.images[1].get_clim() == (0, 3)
    for axes in plain, hot:
        x, y = axes.lines[0].get_data()
        assert (min(x), min(y), max(x), max(y)) == (3, 2, 20, 30)


@pytest.mark.parametrize("image, answers, words", [
    (PHOTO / 255, np.ones((2, 2)), "the picture is float64 (35, 53, 3)"),
    (PHOTO, np.ones((3, 2, 2)), "the answers [(3, 2, 2)]"),
    (PHOTO, np.ones((0, 2)), "(0, 2) windows"),
    (PHOTO, np.ones((7, 2)), "end at (37, 12)"),         # one row of windows too many
    (PHOTO, np.ones((2, 11)), "end at (12, 57)"),
])
def test_what_does_not_fit_is_refused(image, answers, words):
    with pytest.raises(InputError) as caught:
        plots.heat_map(image, {"p": answers}, window=7, stride=5)
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("answers", [{}, {"a": np.ones((2, 2)), "b": np.ones((2, 3))}])
def test_maps_are_of_one_shape(answers):
    with pytest.raises(InputError, match="all of one shape"):
        plots.heat_map(PHOTO, answers, window=7, stride=5)


def test_a_map_needs_a_title():
    with pytest.raises(InputError, match="the answers are a ndarray; give a map for each title"):
        plots.heat_map(PHOTO, np.ones((2, 2)), window=7, stride=5)
