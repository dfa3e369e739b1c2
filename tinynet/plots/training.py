"""How training went, epoch by epoch and class by class, and the way of an optimiser downhill."""
import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ..errors import InputError
from .figure import BLACK, GREY, LINES, Figure, tidy
from .text import fit_text, text_font, text_width


def curves(history):
    """Draw loss and accuracy over the epochs of a training run.

    Parameters
    ----------
    history : dict
        "train_loss", "val_loss", "train_accuracy" and "val_accuracy": lists with one number per epoch,
        accuracies in 0..1. A missing or empty list is not drawn. "best_epoch", counted from 0, is marked if
        it is there. "lr", the learning rate of each epoch, is drawn if it is there.

    Returns
    -------
    figure : Figure
        Loss on the left, accuracy beside it, then the learning rate; epochs are counted from 1.

    Raises
    ------
    InputError
        If the lists that are there differ in length.
    """
    lists = {name: history[name] for name in history if name != "best_epoch" and len(history[name])}
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"curves: the lists have different lengths {lengths}; give one number per epoch")
    epochs = np.arange(1, max(lengths.values(), default=0) + 1)
    best = history.get("best_epoch") if lists else None
    quantities = ["loss", "accuracy"] + ["learning rate"] * ("lr" in lists)
    figure = Figure(figsize=(9 if len(quantities) == 2 else 12, 3.6), dpi=120, layout="constrained")
    for axes, quantity in zip(figure.subplots(1, len(quantities)), quantities):
        if quantity == "learning rate":
            axes.plot(epochs, lists["lr"], color=GREY)
        for part, label, (colour, dashes, marker) in zip(("train", "val"), ("training", "validation"), LINES):
            values = lists.get(f"{part}_{quantity}")
            if values is not None:
                axes.plot(epochs, values, color=colour, ls=dashes, marker=marker, ms=5, label=label,
                          markevery=max(1, len(epochs) // 10))
        if best is not None:
            axes.axvline(best + 1, color=GREY, ls=":", label=f"best epoch: {best + 1}")
        axes.set(xlabel="epoch", ylabel=quantity, xlim=(0.5, max(len(epochs), 1) + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        tidy(axes)
    for axes in figure.axes[::2]:
        axes.set_ylim(bottom=0)
    figure.axes[1].yaxis.set_major_formatter(PercentFormatter(1))
    if lists:
        labelled = figure.axes[0].get_legend_handles_labels()
        figure.legend(*labelled, loc="outside upper center", ncols=3, frameon=False)
    return figure


def confusion(matrix, classes):
    """Draw how often each class was given each name.

    Parameters
    ----------
    matrix : ndarray of int, shape (K, K)
        Number of pictures; rows by true class, columns by predicted class.
    classes : sequence of str
        The K names.

    Returns
    -------
    figure : Figure
        Each field has a number and, unless it is 0, its share of the row; the darker, the greater the share.
        The right answers are framed. Above 25 classes there is no room for numbers.

    Raises
    ------
    InputError
        If the matrix is not square or the number of names differs.
    """
    matrix = np.asarray(matrix)
    if matrix.shape != (len(classes), len(classes)):
        raise InputError(f"confusion: the matrix is {matrix.shape}, expected one row and one column "
                         f"for each of {len(classes)} classes")
    k, totals = len(matrix), matrix.sum(axis=1)
    cell = 0.85 if k <= 8 else 0.55 if k <= 25 else min(0.16, 40 / k)           # inches
    size = 9 if k <= 25 else min(6, 40 * cell)                                  # points
    names = [fit_text(name, 13 * size, size) for name in classes]
    room = max(text_width(name, size) for name in names) / 72
    figure = Figure(figsize=(max(k * cell + room + 1.3, 4), k * cell + 0.7 * room + 1.2), dpi=120)
    width, height = figure.get_size_inches()
    axes = figure.add_axes([(room + 1) / width, (0.7 * room + 0.7) / height,
                            k * cell / width, k * cell / height])
    _draw_cells(axes, matrix, matrix / np.maximum(totals, 1)[:, None])
    axes.set_xticks(range(k), names, rotation=40, ha="right", rotation_mode="anchor", **text_font(size))
    axes.set_yticks(range(k), [f"{name} ({n})" for name, n in zip(names, totals)], **text_font(size))
    axes.set(xlabel="the network's answer", ylabel="true class (number of pictures)")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    right, n = np.trace(matrix), matrix.sum()
    axes.set_title(f"{right} of {n} right" + (f" ({right / n:.1%})" if n else ""), size=11, loc="right")
    return figure


def _draw_cells(axes, matrix, shares):
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i in range(len(matrix)):
        axes.add_patch(Rectangle((i - 0.5, i - 0.5), 1, 1, fill=False))
    if len(matrix) > 25:
        return
    for (i, j), n in np.ndenumerate(matrix):
        ink = "white" if shares[i, j] > 0.55 else BLACK if n else GREY
        axes.text(j, i, f"{n}\n{shares[i, j]:.0%}" if n else "0", color=ink, ha="center", va="center",
                  size=9 if len(matrix) <= 8 else 7)


def reliability(reports):
    """Draw how often answers were right against how sure they were: a reliability diagram.

    Parameters
    ----------
    reports : dict of str to Calibration
        For each name ``sure``, ``right`` and ``count``, arrays (B,), as `transfer.trust.calibration` finds them; at most 7.

    Returns
    -------
    figure : Figure
        A point for each bin, the larger the more answers are in it; beside those of the last report stands how many. On the
        dotted line, the network keeps its word; below it, it is too sure.
    """
    figure = Figure(figsize=(5.4, 4.4), dpi=120, layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=GREY, ls=":", label="it keeps its word")
    for (name, found), (colour, dashes, marker) in zip(reports.items(), LINES):
        axes.plot(found.sure, found.right, color=colour, ls=dashes, marker=marker, ms=4, label=name)
        axes.scatter(found.sure, found.right, s=400 * found.count / found.count.sum(), color=colour, marker=marker, alpha=0.35, lw=0)
    for x, y, n in zip(found.sure, found.right, found.count):
        axes.annotate(str(n), (x, y), (7, -9), textcoords="offset points", color=colour, size=9)
    axes.set(xlabel="how sure it was", ylabel="share that was right", xlim=(0, 1.06), ylim=(-0.03, 1.06))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    tidy(axes)
    axes.legend(loc="upper left", frameon=False)
    return figure


def contour_paths(f, paths, xlim, ylim):
    """Draw the way that optimisers take over the contours of a function of two numbers.

    Parameters
    ----------
    f : callable
        ``f(x, y)`` for two float64 arrays of one shape gives an array of that shape.
    paths : dict of str to array_like, float (T, 2)
        For each optimiser the points it visited, the start first; at most 7 optimisers.
    xlim, ylim : (float, float)
        The part of the plane to draw. A path may leave it.

    Returns
    -------
    figure : Figure
        The darker, the lower; between two contours lies always the same area, so flat valleys and steep walls
        both show. Paths begin at the circle, have a marker every few steps and end at the star. Both axes
        have the same scale unless one range is more than 5 times the other.

    Raises
    ------
    InputError
        If there are more than 7 paths or one is not a list of points.
    """
    paths = {name: np.asarray(path, dtype=float) for name, path in paths.items()}
    wrong = {name: path.shape for name, path in paths.items() if path.ndim != 2 or path.shape[1] != 2}
    if wrong or len(paths) > len(LINES):
        raise InputError(f"contour_paths: {len(paths)} paths, of wrong shape {wrong}; "
                         f"give at most {len(LINES)}, each (T, 2)")
    x, y = np.meshgrid(np.linspace(*xlim, 200), np.linspace(*ylim, 200))
    z = f(x, y)
    levels = np.unique(np.quantile(z[np.isfinite(z)], np.linspace(0.005, 0.99, 18)))
    ratio = np.clip(abs(ylim[1] - ylim[0]) / abs(xlim[1] - xlim[0]), 0.2, 5)
    w, h, legend = 6.5 * min(1, 1 / ratio), 6.5 * min(1, ratio), 0.25 * -(-len(paths) // 4)     # inches
    width, height = 7.8, h + legend + 0.85
    figure = Figure(figsize=(width, height), dpi=120)
    axes = figure.add_axes([((width - w) / 2 + 0.25) / width, 0.55 / height, w / width, h / height])
    axes.contourf(x, y, z, levels, cmap="Greys_r", alpha=0.2, extend="both")
    axes.contour(x, y, z, levels, colors="#a0a0a0", linewidths=0.6)
    for (name, path), (colour, dashes, marker) in zip(paths.items(), LINES):
        axes.plot(*path.T, color=colour, ls=dashes, marker=marker, ms=5, mec=BLACK, mew=0.6,
                  label=name, markevery=max(1, len(path) // 12))
        axes.plot(*path[-1], color=colour, marker="*", ms=15, mec=BLACK)
        axes.plot(*path[0], color="white", marker="o", ms=9, mec=BLACK, mew=1.5)
    axes.set(xlabel="x", ylabel="y", xlim=xlim, ylim=ylim)
    figure.legend(loc="upper center", ncols=4, frameon=False)
    return figure
