"""How far codes carry: accuracy over the stages of a network, and over the number of photos. Used in lesson 15."""
import numpy as np
from matplotlib.ticker import PercentFormatter

from ..errors import InputError
from .figure import BLACK, LINES, Figure, tidy
from .text import fit_text, text_width


def layer_curve(stages, curves, controls=None):
    """Draw the accuracy of linear classifiers on the codes of each stage.

    Parameters
    ----------
    stages : sequence of str
        Names of the S stages, in order.
    curves : dict of str to array_like, float (S, R)
        For each line its accuracies, 0..1, in R splits; at most 7 lines.
    controls : dict of str to array_like, float (R,), optional
        What has no stages, such as pixels: a level each; at most 7 with the lines.

    Returns
    -------
    figure : Figure
        Points are means, bars the standard deviation between the splits; a star marks the best stage of a line. A level has
        its deviation as a band.

    Raises
    ------
    InputError
        If a shape is another, or there are too many lines.
    """
    curves, controls = _splits("layer_curve", curves, len(stages), controls or {})
    names = [fit_text(name, 100, 9) for name in stages]
    figure, axes = _sheet(max(6.5, 0.42 * len(stages) + 2), [*curves, *controls],
                          bottom=0.5 + 0.65 * max(text_width(name, 9) for name in names) / 72)
    places = np.arange(len(stages))
    for (name, values), (colour, dashes, marker) in zip(curves.items(), LINES):
        mean = values.mean(axis=1)
        axes.errorbar(places, mean, values.std(axis=1), color=colour, ls=dashes, marker=marker, ms=5, capsize=3,
                      label=fit_text(name, 120, 10))
        axes.plot(mean.argmax(), mean.max(), color=colour, marker="*", ms=14, mec=BLACK)
    for (name, values), (colour, dashes, _) in zip(controls.items(), LINES[len(curves):]):
        axes.axhline(values.mean(), color=colour, ls=dashes, label=fit_text(name, 120, 10))
        axes.axhspan(values.mean() - values.std(), values.mean() + values.std(), color=colour, alpha=0.12, lw=0)
    axes.set_xticks(places, names, rotation=40, ha="right", rotation_mode="anchor", size=9)
    axes.set_xlabel("stage whose codes are classified")
    return _legend(figure)


def learning_curves(n_per_class, curves):
    """Draw accuracy over the number of training images.

    Parameters
    ----------
    n_per_class : sequence of int
        The M numbers of training images of each class.
    curves : dict of str to array_like, float (M, R)
        For each line its accuracies, 0..1, in R splits; at most 7 lines.

    Returns
    -------
    figure : Figure
        Points are means, bars the standard deviation between the splits. The axis of numbers is logarithmic.

    Raises
    ------
    InputError
        If a shape is another, or there are too many lines.
    """
    curves, _ = _splits("learning_curves", curves, len(n_per_class), {})
    figure, axes = _sheet(6.5, curves, bottom=0.55)
    for (name, values), (colour, dashes, marker) in zip(curves.items(), LINES):
        axes.errorbar(n_per_class, values.mean(axis=1), values.std(axis=1), color=colour, ls=dashes, marker=marker, ms=5,
                      capsize=3, label=fit_text(name, 120, 10))
    axes.set_xscale("log")
    axes.set_xticks(n_per_class, n_per_class)
    axes.minorticks_off()
    axes.set_xlabel("training pictures of each class")
    return _legend(figure)


def _splits(what, curves, length, controls):
    """Return lines and levels as arrays, if they have the right shapes."""
    curves = {name: np.asarray(values, dtype=float) for name, values in curves.items()}
    controls = {name: np.asarray(values, dtype=float) for name, values in controls.items()}
    wrong = {name: v.shape for name, v in curves.items() if v.ndim != 2 or len(v) != length or not v.size}
    wrong |= {name: v.shape for name, v in controls.items() if v.ndim != 1 or not v.size}
    if wrong or not curves or len(curves) + len(controls) > len(LINES):
        raise InputError(f"{what}: {len(curves)} lines and {len(controls)} levels, of wrong shape {wrong}; give 1 to "
                         f"{len(LINES)}, lines ({length}, splits) and levels (splits,)")
    return curves, controls


def _sheet(width, names, bottom):
    """Return a figure and its axes of accuracies, with room for the names of lines above and `bottom` inches below."""
    legend = 0.12 + 0.22 * -(-len(names) // 3)                                  # inches
    height = 2.8 + legend + bottom
    figure = Figure(figsize=(width, height), dpi=120)
    axes = figure.add_axes([0.75 / width, bottom / height, 1 - 0.95 / width, 2.8 / height])
    axes.set(ylabel="accuracy", ylim=(0, 1.02))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    tidy(axes)
    return figure, axes


def _legend(figure):
    figure.legend(loc="upper center", ncols=3, frameon=False)
    return figure
