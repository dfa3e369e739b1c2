"""The four scenarios, each from a layer curve that shows it, and when it says that it is unsure."""
import numpy as np
import pytest

from tinynet.transfer import LayerCurve, recommend

NET = ["conv1", "pool1", "fire2", "fire3", "pool3", "fire4", "drop"]
STAGES = ("pixels", "conv1", "fire2", "fire3", "fire4")
SPREAD = np.array([-.01, 0, .01])
LATE, EARLY, FLAT = (.4, .5, .6, .7, .9), (.4, .5, .8, .7, .6), (.6, .61, .61, .6, .6)


def curve(means, n=60, spread=SPREAD):
    return LayerCurve(STAGES, (5, n), np.stack([np.full((5, 3), .3), np.array(means)[:, None] + spread], axis=1))


@pytest.mark.parametrize("means, smallest, many, similar, best, cut", [
    (LATE, 15, False, True, "fire4", "head"),
    (LATE, 200, True, True, "fire4", "fire3"),                  # the stage after fire2: the last two are trained
    (EARLY, 15, False, False, "fire2", "fire3"),                # the stage after the best
    ((.4, .5, .6, .8, .6), 15, False, False, "fire3", "pool3"),
    (EARLY, 200, True, False, "fire2", None),
    (FLAT, 200, True, False, "fire2", None),
    ((.9, .5, .6, .7, .8), 15, False, False, "pixels", "head"),
    ((1, 1, 1, 1, 1), 200, True, False, "fire4", None),         # no mistakes to save
])
def test_size_and_similarity_tell_the_scenario(means, smallest, many, similar, best, cut):
    found = recommend(curve(means, n=2), NET, smallest)
    assert (found.many, found.similar, found.best, found.cut) == (many, similar, best, cut)


def test_the_gain_is_the_share_of_the_pixels_mistakes():
    assert recommend(curve(LATE), NET, 200).gain == pytest.approx((.6 - .1) / .6)
    assert recommend(curve((.9, .5, .6, .7, .8)), NET, 200).gain == pytest.approx(-1)


def test_half_of_the_mistakes_is_enough():
    exact = np.array([-.25, 0, .25])                            # numbers that binary fractions hold
    assert recommend(curve((.5, .5, .5, .5, .75), spread=0 * exact), NET, 200).similar


def test_an_earlier_stage_counts_if_its_error_bars_do_not_touch():
    means = (.4, .5, .97, .7, .9)
    assert not recommend(curve(means), NET, 15).similar
    found = recommend(curve(means, spread=5 * SPREAD), NET, 15)
    assert found.similar and any("bars of fire2 and fire4 overlap" in doubt for doubt in found.doubts)


@pytest.mark.parametrize("means, n, smallest, spread, doubt", [
    (LATE, 60, 200, SPREAD, None), (EARLY, 2, 15, SPREAD, None),
    (FLAT, 60, 200, SPREAD, "no stage is clearly better than pixels"),
    ((.9, .5, .6, .7, .8), 60, 200, SPREAD, "may not help at all"),
    ((.4, .5, .6, .6, .71), 60, 200, 3 * SPREAD, "to the other side of 50%"),
    (LATE, 20, 40, SPREAD, "neither few nor many"), (LATE, 20, 39, SPREAD, "neither few nor many"),
    (LATE, 20, 79, SPREAD, "neither few nor many"), (LATE, 20, 80, SPREAD, None), (LATE, 5, 20, SPREAD, "neither few nor many"),
    (LATE, 5, 19, SPREAD, None),
    (LATE, 195, 200, SPREAD, "5 test photos of a class tell little"),
])
def test_it_says_what_makes_it_unsure(means, n, smallest, spread, doubt):
    doubts = recommend(curve(means, n, spread), NET, smallest).doubts
    assert doubts == [] if doubt is None else any(doubt in text for text in doubts)


def test_many_begins_at_40_photos_of_the_smallest_class():
    assert recommend(curve(LATE), NET, 40).many and not recommend(curve(LATE), NET, 39).many


def test_a_curve_of_one_stage_will_do():
    one = LayerCurve(("pixels", "fire4"), (5,), np.array([[[.4, .4]], [[.9, .9]]]))
    assert recommend(one, NET, 200).cut is None and recommend(one, NET, 15).cut == "head"
