"""What a search for hyperparameters found."""
import math

import numpy as np
from matplotlib.ticker import PercentFormatter

from ..errors import InputError
from .figure import BLUE, GREY, VERMILLION, Figure, tidy


def search(values, accuracies, errors, best, blocks=None):
    """Draw the accuracy of trials over each hyperparameter.

    Parameters
    ----------
    values : dict of str to sequence of float or None
        For each hyperparameter its value in each of the T trials, above 0; None, for "there is none", is drawn at the left.
    accuracies, errors : sequence of float, (T,)
        Each trial's accuracy in 0..1, and how far it reaches up and down. nan, a training that came to nothing, is a cross
        at the foot.
    best : int
        The trial that was chosen.
    blocks : sequence of str or None, optional
        The hyperparameter that each trial varied, the others standing still; its points are pale where they tell of another.

    Returns
    -------
    figure : Figure
        Side by side, with logarithmic axes. The best is a star.

    Raises
    ------
    InputError
        If the lists differ in length.
    """
    accuracies, errors = np.asarray(accuracies, float), np.asarray(errors, float)
    lengths = {name: len(column) for name, column in values.items()} | {"accuracies": len(accuracies), "errors": len(errors)}
    if len(set(lengths.values())) > 1:
        raise InputError(f"search: the lists have different lengths {lengths}; give one number per trial")
    blocks = [None] * len(accuracies) if blocks is None else blocks
    figure = Figure(figsize=(3.2 * len(values), 3.6), dpi=120, layout="constrained")
    for axes, (name, column) in zip(figure.subplots(1, len(values), sharey=True, squeeze=False)[0], values.items()):
        x = _places(axes, column)
        own = np.array([block in (name, None) for block in blocks])
        failed = np.isnan(accuracies)
        for of, ink, strength, label in ((~own, GREY, 0.25, "another was varied"), (own, BLUE, 1, "this one was varied")):
            shown = of & ~failed & (np.arange(len(x)) != best)
            if shown.any():
                axes.errorbar(x[shown], accuracies[shown], errors[shown], fmt="o", ms=4, lw=1, capsize=2, color=ink,
                              alpha=strength, label=label)
            for place in x[of & failed]:
                axes.plot(place, 0.03, "x", color=ink, alpha=strength, transform=axes.get_xaxis_transform())
        axes.margins(x=0.08)
        axes.errorbar(x[best], accuracies[best], errors[best], fmt="*", ms=13, lw=1, capsize=2, color=VERMILLION, mec="black",
                      mew=0.6, zorder=3, label="the best")
        axes.set_xlabel(name.replace("_", " "))
        tidy(axes)
    figure.axes[0].set_ylabel("cross-validated accuracy")
    figure.axes[0].yaxis.set_major_formatter(PercentFormatter(1))
    labelled = {label: line for axes in figure.axes for line, label in zip(*axes.get_legend_handles_labels())}
    if not any(blocks):
        labelled.pop("this one was varied", None)
    figure.legend(labelled.values(), labelled.keys(), loc="outside upper center", ncols=3, frameon=False)
    return figure


def _places(axes, column):
    """Return where each value stands on a logarithmic axis, and label that; None has a place left of the least."""
    some = [value for value in column if value is not None]
    low, high = (min(some), max(some)) if some else (1, 1)
    decades = math.log10(high / low)
    step = 10 if decades > 2 else 4 if decades > 1 else 2
    ticks = [step ** k for k in range(math.floor(math.log(low, step)), math.ceil(math.log(high, step)) + 1)]
    ticks = {tick: f"{tick:g}" for tick in ticks if low / 1.001 <= tick <= high * 1.001} or {low: f"{low:g}"}
    if decades > 4:
        ticks = dict(list(ticks.items())[::2])
    none = min(low, *ticks) / step
    if len(some) < len(column):
        ticks = {none: "none"} | ticks
    axes.set_xscale("log")
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.minorticks_off()
    return np.array([none if value is None else value for value in column])
