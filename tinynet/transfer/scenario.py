"""Which of the four scenarios is it: few or many photos, similar to those that the network learned from or not? Lesson 15."""
from dataclasses import dataclass

import numpy as np

from .layer_curve import PIXELS

MANY = 40           # photos of the smallest class; some 30 of them train, from which on deeper cuts pay (lesson 08)
HALF = 0.5          # of the pixels' mistakes: what the last stage's codes must save to count as made for such photos


@dataclass(frozen=True)
class Scenario:
    """What a layer curve says about how to transfer.

    Attributes
    ----------
    many, similar : bool
        Of what kind the photos are.
    gain : float
        Share of the pixels' mistakes that the last stage saves; below 0 if it makes more.
    best : str
        Name of the codes that did best, the later of two equal ones; it may be "pixels".
    cut : str or None
        The first stage to train; "head" is the classifier alone, None everything.
    doubts : list of str
        What makes this unsure; empty if nothing does.
    """

    many: bool
    similar: bool
    gain: float
    best: str
    cut: str | None
    doubts: list


def recommend(curve, net_stages, smallest):
    """Tell the scenario from a layer curve, and where to cut.

    Photos are *similar* to those of the network's training if its last stage saves half of the mistakes that pixels make, and
    no earlier stage is clearly better. All is judged at the largest number of training images.

    * few, similar: the head alone.
    * many, similar: the last two stages of the curve, too.
    * few, different: what comes after the best stage.
    * many, different: all stages.

    Parameters
    ----------
    curve : LayerCurve
        Of "pixels" and the stages before the classifier, in order.
    net_stages : list of str
        Names of all stages before the classifier, in order.
    smallest : int
        Number of images of the smallest class, training and testing together.

    Returns
    -------
    scenario : Scenario
    """
    stages = [name for name in curve.stages if name != PIXELS]
    found = dict(zip(curve.stages, curve.accuracy[:, -1]))                          # {name: (R,)}
    best = max(reversed(curve.stages), key=lambda name: found[name].mean())         # the later of two equal ones
    last, pixels = found[stages[-1]], found[PIXELS]
    gain, gains = float(_saved(pixels.mean(), last.mean())), _saved(pixels, last)
    earlier_is_better = not _overlap(found[best], last)
    similar, many = gain >= HALF and not earlier_is_better, smallest >= MANY
    top = max(stages, key=lambda name: found[name].mean())
    doubts = []
    if found[top].mean() < pixels.mean() or _overlap(found[top], pixels):
        doubts.append("no stage is clearly better than pixels, so these features may not help at all")
    if abs(gain - HALF) <= gains.std():
        doubts.append(f"another split may bring the gain from {gain:.0%} to the other side of {HALF:.0%}")
    if best not in (PIXELS, stages[-1]) and not earlier_is_better:
        doubts.append(f"the error bars of {best} and {stages[-1]} overlap, so the peak may be elsewhere")
    if MANY / 2 <= smallest < 2 * MANY:
        doubts.append(f"{smallest} photos of a class are neither few nor many: try the head alone, too")
    if smallest - curve.n_per_class[-1] < 10:
        doubts.append(f"{smallest - curve.n_per_class[-1]} test photos of a class tell little")
    following = dict(zip(net_stages, [*net_stages[1:], "head"]))
    if similar and many:
        cut = following[stages[-3]] if len(stages) > 2 else None
    elif many:
        cut = None
    else:
        cut = "head" if similar or best == PIXELS else following[best]
    return Scenario(many, similar, gain, best, cut, doubts)


def _saved(pixels, last):
    """Return the share of the pixels' mistakes that are saved; 0 where there are none to save."""
    return np.where(pixels < 1, 1 - (1 - last) / np.where(pixels < 1, 1 - pixels, 1), 0.0)


def _overlap(a, b):
    """Return whether the error bars, mean and deviation, of two rows of accuracies touch."""
    return abs(a.mean() - b.mean()) <= a.std() + b.std()
