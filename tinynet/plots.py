"""Figures for seeing what a network learns, where it fails and why. Used from lesson 01 on.

Every function returns a `Figure` of its own and touches no global state, so they work in notebooks, on
threads and without a screen. Nothing is told by colour alone: lines differ in style and marker too, and
shades grow steadily darker or lighter, so a grey print can be read.
"""
import functools
import io
import itertools
from bisect import bisect_right
from dataclasses import dataclass, field

import matplotlib
import numpy as np
from matplotlib import figure as mpl
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.patches import Circle, FancyArrowPatch, Patch, Polygon, Rectangle
from matplotlib.path import Path
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator, PercentFormatter
from PIL import Image

from .backend import to_numpy
from .errors import InputError
from .tensor import Tensor

# M. Okabe and K. Ito, "Color Universal Design", 2008: colours that every kind of colour vision tells apart.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
GREY = "#595959"

LINES = (           # (colour, line style, marker) of the first, second ... line in a plot
    (BLUE, "-", "o"), (VERMILLION, "--", "s"), (GREEN, "-.", "^"), (BLACK, ":", "D"),
    (PURPLE, (0, (5, 1, 1, 1, 1, 1)), "v"), (ORANGE, (0, (8, 2)), "P"), (SKY, (0, (3, 3)), "X"),
)
MOST_TILES = 24     # more pictures than this are too small to look at
MOST_NODES = 60

# Which of these a system has depends on it; they draw what DejaVu Sans, which comes with matplotlib, cannot.
ASIAN_FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo",
               "Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "Arial Unicode MS")


class Figure(mpl.Figure):
    """A matplotlib figure that a notebook shows as the last line of a cell, without pyplot.

    ``figure.savefig(path)`` writes it to a file; `png` gives the bytes of that file.
    """

    def _repr_png_(self):
        return png(self)


def png(figure):
    """Return a figure as a PNG file, the same bytes for the same figure.

    Parameters
    ----------
    figure : Figure
        Any matplotlib figure.

    Returns
    -------
    data : bytes
        The file's contents.
    """
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})     # would name matplotlib's version
    return file.getvalue()


def curves(history):
    """Draw loss and accuracy over the epochs of a training run.

    Parameters
    ----------
    history : dict
        "train_loss", "val_loss", "train_accuracy" and "val_accuracy": lists with one number per epoch,
        accuracies in 0..1. A missing or empty list is not drawn. "best_epoch", counted from 0, is marked if
        it is there.

    Returns
    -------
    figure : Figure
        Loss on the left, accuracy on the right, epochs counted from 1.

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
    figure = Figure(figsize=(9, 3.6), dpi=120, layout="constrained")
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy")):
        for part, label, (colour, dashes, marker) in zip(("train", "val"), ("training", "validation"), LINES):
            values = lists.get(f"{part}_{quantity}")
            if values is not None:
                axes.plot(epochs, values, color=colour, ls=dashes, marker=marker, ms=5, label=label,
                          markevery=max(1, len(epochs) // 10))
        if best is not None:
            axes.axvline(best + 1, color=GREY, ls=":", label=f"best epoch: {best + 1}")
        axes.set(xlabel="epoch", ylabel=quantity, xlim=(0.5, max(len(epochs), 1) + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        _tidy(axes)
    figure.axes[0].set_ylim(bottom=0)
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
    names = [_fit(name, 13 * size, size) for name in classes]
    room = max(_width(name, size) for name in names) / 72
    figure = Figure(figsize=(max(k * cell + room + 1.3, 4), k * cell + 0.7 * room + 1.2), dpi=120)
    width, height = figure.get_size_inches()
    axes = figure.add_axes([(room + 1) / width, (0.7 * room + 0.7) / height,
                            k * cell / width, k * cell / height])
    _draw_cells(axes, matrix, matrix / np.maximum(totals, 1)[:, None])
    axes.set_xticks(range(k), names, rotation=40, ha="right", rotation_mode="anchor", **_font(size))
    axes.set_yticks(range(k), [f"{name} ({n})" for name, n in zip(names, totals)], **_font(size))
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


def mistakes(images, true_names, predicted_names, probabilities, titles, total=None):
    """Draw the pictures that were given a wrong name, or a pleased cat if there are none.

    Parameters
    ----------
    images : iterable of ndarray, uint8 (H, W, 3) or (H, W)
        The pictures, the most telling first; only the first 24 are taken and shown.
    true_names, predicted_names : sequence of str
        What each picture shows, and what the network said.
    probabilities : sequence of float
        How sure the network was of its answer, 0..1.
    titles : sequence of str
        A short name of each picture, such as its file's.
    total : int, optional
        The number of mistakes, if more were made than are passed.

    Returns
    -------
    figure : Figure
    """
    n = len(titles) if total is None else total
    if n == 0:
        return _pleased_cat("No mistakes: every picture was given its own name.")
    captions = [(true, f"\u2192 {predicted} {p:.0%}", title)
                for true, predicted, p, title in zip(true_names, predicted_names, probabilities, titles)]
    shown = min(len(captions), MOST_TILES)
    more = f" ({n - shown} more are not shown)" if n > shown else ""
    heading = f"{n} wrong{more}. Bold: true; arrow: the network's answer"
    return _tiles(list(itertools.islice(images, shown)), captions[:shown], heading)


def pictures(images, titles):
    """Draw a contact sheet.

    Parameters
    ----------
    images : sequence of ndarray, uint8 (H, W, 3) or (H, W)
        Pictures of any size.
    titles : sequence of str
        A line below each.

    Returns
    -------
    figure : Figure

    Raises
    ------
    InputError
        If there is no picture, the numbers of pictures and titles differ, or a picture is of another kind.
    """
    return _tiles(images, [(title,) for title in titles])


def neighbours(query_image, images, distances, titles):
    """Draw a picture, framed, and beside it those that are nearest to it.

    Parameters
    ----------
    query_image : ndarray, uint8 (H, W, 3) or (H, W)
        The picture that was looked up.
    images : sequence of ndarray, uint8 (H, W, 3) or (H, W)
        Its neighbours, the nearest first.
    distances : sequence of float
        How far each is from it.
    titles : sequence of str
        A name of each neighbour, such as its class.

    Returns
    -------
    figure : Figure
    """
    captions = [(title, f"distance {distance:.3g}") for title, distance in zip(titles, distances)]
    figure = _tiles([query_image, *images], [("the picture", "and its nearest:"), *captions])
    frame = figure.axes[0]
    frame.set_axis_on()
    frame.set(xticks=[], yticks=[])
    frame.spines[:].set(color=VERMILLION, linewidth=4)
    return figure


def filters(weight, channels="RGB"):
    """Draw the filters of a first layer as the small pictures they respond to most.

    Parameters
    ----------
    weight : ndarray, float (F, 3, R, S)
        One filter per row.
    channels : {"RGB", "BGR"}
        The colours of axis 1, in order.

    Returns
    -------
    figure : Figure
        Middle grey is 0. Each filter is divided by its own largest magnitude, so weak ones are as visible as
        strong ones.

    Raises
    ------
    InputError
        If the shape or the channel order is another.
    """
    weight = to_numpy(weight)
    if weight.ndim != 4 or weight.shape[1] != 3 or channels not in ("RGB", "BGR"):
        raise InputError(f"filters: the weight is {weight.shape} in order {channels!r}, expected "
                         "(F, 3, R, S) in 'RGB' or 'BGR': only what sees colours can be drawn as a picture")
    cells = weight.transpose(0, 2, 3, 1)[..., :: 1 if channels == "RGB" else -1]  # (F, R, S, 3)
    cells = 0.5 + 0.5 * cells / np.maximum(np.abs(cells).max(axis=(1, 2, 3), keepdims=True), 1e-12)
    columns = int(np.ceil(np.sqrt(len(cells))))
    rows = -(-len(cells) // columns)
    sheet = _mosaic(cells, rows, columns)
    w, h = 0.55 * columns, 0.55 * columns * sheet.shape[0] / sheet.shape[1]       # inches
    figure = Figure(figsize=(w + 0.75, h + 0.75), dpi=120)
    axes = figure.add_axes([0.65 / (w + 0.75), 0.65 / (h + 0.75), w / (w + 0.75), h / (h + 0.75)])
    axes.imshow(sheet, aspect="auto", extent=(-0.5, columns - 0.5, rows - 0.5, -0.5))
    axes.set_xticks(range(columns), [f"+{column}" for column in range(columns)])
    axes.set_yticks(range(rows), range(0, rows * columns, columns))
    axes.set(ylabel="filter", xlabel="grey is 0")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=8)
    return figure


def _mosaic(cells, rows, columns):
    """Return small pictures (N, H, W, 3), enlarged to about 24 pixels, as one with white between them."""
    zoom = -(-24 // max(cells.shape[1:3]))
    cells = cells.repeat(zoom, axis=1).repeat(zoom, axis=2)
    n, height, width, _ = cells.shape
    sheet = np.ones((rows * columns, height + 4, width + 4, 3))
    sheet[:n, 2:-2, 2:-2] = cells
    sheet = sheet.reshape(rows, columns, height + 4, width + 4, 3).swapaxes(1, 2)  # (rows, h, columns, w, 3)
    return sheet.reshape(rows * (height + 4), columns * (width + 4), 3)


def activations(maps, titles=None, shown=12):
    """Draw the most active maps of one picture at one stage.

    Parameters
    ----------
    maps : ndarray, float (C, H, W)
        What the stage gives for the picture.
    titles : sequence of str, optional
        A name of each of the C maps; by default their numbers.
    shown : int
        How many to draw: those with the largest mean, the largest first.

    Returns
    -------
    figure : Figure
        Each map has its own scale, from its lowest value (dark) to its highest (light), written below it.

    Raises
    ------
    InputError
        If the maps have another number of axes.
    """
    maps = to_numpy(maps)
    if maps.ndim != 3:
        raise InputError(f"activations: the maps are {maps.shape}, expected (C, H, W): those of one picture")
    order = np.argsort(-maps.mean(axis=(1, 2)), kind="stable")[:shown]
    images, captions = [], []
    for c in order.tolist():
        low, high = maps[c].min(), maps[c].max()
        scaled = (maps[c] - low) / max(high - low, 1e-12)
        images.append(matplotlib.colormaps["viridis"](scaled, bytes=True)[..., :3])
        captions.append((titles[c] if titles is not None else f"map {c}", f"{low:.3g} to {high:.3g}"))
    return _tiles(images, captions, f"The {len(order)} most active of {len(maps)} maps, dark to light")


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


def graph(tensor, /, **names):
    """Draw how a Tensor was computed: inputs above, operations below what they use, the result at the bottom.

    Parameters
    ----------
    tensor : Tensor
        The result of a small expression, before its backward.
    **names : Tensor
        Tensors to call by a name: ``graph(loss, x=x, W=W)``.

    Returns
    -------
    figure : Figure
        Rounded boxes are operations and the shape (or the value, of a single number) that comes out; sharp
        boxes are inputs, with a thick frame where a gradient will arrive.

    Raises
    ------
    InputError
        If nothing was recorded, the tape was freed by backward, or there are more than 60 boxes.
    """
    if tensor.creator is None:
        raise InputError("graph: nothing was recorded for this Tensor; compute it, outside no_grad(), "
                         "from one with requires_grad=True")
    nodes = {}
    if tensor.creator.depth <= MOST_NODES:
        result = _node(tensor, {id(x): name for name, x in names.items()}, nodes)
    if not 0 < len(nodes) <= MOST_NODES:
        raise InputError(f"graph: {len(nodes) or tensor.creator.depth} boxes or more cannot be read; "
                         f"draw a smaller expression, of at most {MOST_NODES}")
    nodes = list(nodes.values())
    layers = _layers(nodes)
    _place(layers)
    return _draw_graph(nodes, layers, result)


KINDS = {           # of node: what the legend calls it, its box, its looks
    "wanted": ("wants a gradient", "square,pad=.4", {"fc": "#fdf0d5", "ec": BLACK, "lw": 2}),
    "constant": ("constant", "square,pad=.4", {"fc": "white", "ec": GREY, "ls": "--"}),
    "operation": ("operation", "round,pad=.4,rounding_size=.6", {"fc": "#dcebf5", "ec": BLUE}),
}


@dataclass(eq=False)
class _Node:
    """One box of a graph, or a bend (no label) in the arrows that pass a layer."""

    label: str = ""
    kind: str = "bend"                              # one of KINDS, or "bend"
    layer: int = 0
    x: float = 0.0
    inputs: list = field(default_factory=list)      # the nodes above that it uses, in order
    bends: list = field(default_factory=list)       # of its arrows, one in each layer they pass
    linked: list = field(default_factory=list)      # (node or bend one layer away, where arrows meet it)


def _node(x, names, nodes):
    """Return the node of a Tensor or constant, added to `nodes` after everything it was computed from."""
    is_tensor = isinstance(x, Tensor)
    if is_tensor and id(x) in nodes:
        return nodes[id(x)]
    data = x.numpy() if is_tensor else to_numpy(x)
    value = f"{data.item():.4g}" if data.size == 1 else str(data.shape)
    name, creator = names.get(id(x), ""), x.creator if is_tensor else None
    if creator is None:
        kind = "wanted" if is_tensor and x.requires_grad else "constant"
        node = _Node(f"{name or ('leaf' if kind == 'wanted' else kind)}\n{value}", kind)
    elif creator.inputs is None:
        raise InputError(f"graph: the tape was freed at {creator}; draw the graph before backward")
    else:
        above = [_node(i, names, nodes) for i in creator.inputs]
        label = f"{name} = {creator}" if name else f"{creator}"
        node = _Node(f"{label}\n{value}", "operation", creator.depth, inputs=above)
    nodes[id(x) if is_tensor else (len(nodes), "constant")] = node
    return node


def _layers(nodes):
    """Return the nodes layer by layer, with a bend in every layer that a node's arrows pass."""
    users = {node: [user for user in nodes if node in user.inputs] for node in nodes}
    for node in nodes:
        if not node.inputs:                         # an input stands just above what uses it first
            node.layer = min(user.layer for user in users[node]) - 1
    layers = [[] for _ in range(max(node.layer for node in nodes) + 1)]
    for node in nodes:
        layers[node.layer].append(node)
    for node in nodes:
        last = max((user.layer for user in users[node]), default=node.layer)
        node.bends = [_Node(layer=layer) for layer in range(node.layer + 1, last)]
        stations = [node, *node.bends]
        links = [(upper, lower, 0) for upper, lower in itertools.pairwise(stations)]
        links += [(stations[user.layer - node.layer - 1], user, at) for user in users[node]
                  for above, at in zip(user.inputs, _landings(user)) if above is node]
        for upper, lower, at in links:
            upper.linked.append((lower, at))
            lower.linked.append((upper, 0))
        for bend in node.bends:
            layers[bend.layer].append(bend)
    return layers


def _place(layers):
    """Give every node its x: near those it is linked to, and far enough from its neighbours.

    Nodes of a layer are ordered by the mean position of those they are linked to, as in K. Sugiyama,
    S. Tagawa, M. Toda, "Methods for visual understanding of hierarchical system structures", 1981.
    """
    for layer in layers:
        for position, node in enumerate(layer):
            node.x = position - (len(layer) - 1) / 2
    for sweep in range(24):
        for layer in layers[:: 1 if sweep % 2 else -1]:
            wish = {node: np.mean([other.x + at for other, at in node.linked]) for node in layer}
            layer.sort(key=wish.get)
            x = [wish[node] for node in layer]
            for i, (left, right) in enumerate(itertools.pairwise(layer)):
                x[i + 1] = max(x[i + 1], x[i] + (1 if left.label and right.label else 0.6))
            shift = np.mean([wish[node] - at for node, at in zip(layer, x)])
            for node, at in zip(layer, x):
                node.x = at + shift


def _draw_graph(nodes, layers, result):
    """Return the figure of placed nodes."""
    columns = [node.x for layer in layers for node in layer]
    left, right = min(columns) - 0.6, max(columns) + 0.6
    size = max(1.4 * (right - left), 3.6), 0.8 * len(layers) + 0.4              # inches
    figure = Figure(figsize=size, dpi=120)
    axes = figure.add_axes([0, 0, 1, 1], xlim=(left, right), ylim=(len(layers) - 0.4, -0.9))
    axes.set_axis_off()
    for node in nodes:
        _, box, look = KINDS[node.kind]
        frame = {"boxstyle": box} | look | ({"lw": 3} if node is result else {})
        text = "\n".join(_fit(line, 90, 9) for line in node.label.split("\n"))
        axes.text(node.x, node.layer, text, ha="center", va="center", bbox=frame, **_font(9))
        for above, at in zip(node.inputs, _landings(node)):
            axes.add_patch(_arrow(above, node, node.x + at))
    present = [KINDS[kind] for kind in KINDS if any(node.kind == kind for node in nodes)]
    axes.legend([Patch(**look) for _, _, look in present], [words for words, _, _ in present],
                loc="upper center", ncols=3, frameon=False, fontsize=8)
    return figure


def _landings(node):
    """Return where on a node's top its arrows end, from its middle: operands from left to right."""
    return 0.16 * (np.arange(len(node.inputs)) - (len(node.inputs) - 1) / 2)


def _arrow(above, node, landing):
    """Return the arrow from under one node, through its bends, to a point on top of another."""
    half = 0.26                                                                 # of a box's height, in layers
    bends = above.bends[:node.layer - above.layer - 1]
    stops = [(above.x, above.layer + half), *((b.x, b.layer) for b in bends), (landing, node.layer - half)]
    points, codes = [stops[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in itertools.pairwise(stops):
        points += [(x0, (y0 + y1) / 2), (x1, (y0 + y1) / 2), (x1, y1)]          # upright at both ends
        codes += [Path.CURVE4] * 3
    return FancyArrowPatch(path=Path(points, codes), arrowstyle="-|>", mutation_scale=9, color=GREY)


def _tiles(images, captions, heading=None):
    """Return a figure of pictures in rows, each above its caption: a tuple of lines, the first bold."""
    if not len(images) or len(images) != len(captions):
        raise InputError(f"pictures: {len(images)} pictures and {len(captions)} titles; "
                         "give at least one picture, and a title for each")
    side, gap, line = 1.7, 0.15, 0.16                                           # inches
    columns = min(len(images), 6)
    rows = -(-len(images) // columns)
    step = side + gap + line * len(captions[0])
    width = max(columns, 3 if heading else 1) * (side + gap) + gap
    height = rows * step + gap + (0.3 if heading else 0)
    figure = Figure(figsize=(width, height), dpi=100)
    if heading:
        figure.text(gap / width, 1 - gap / height, heading, va="top", size=11)
    for i, (image, caption) in enumerate(zip(images, captions)):
        x = gap + (i % columns) * (side + gap)
        y = (rows - 1 - i // columns) * step + gap + line * len(caption)
        axes = figure.add_axes([x / width, y / height, side / width, side / height], anchor="SW")
        axes.imshow(_thumbnail(image, round(side * figure.dpi)), cmap="gray", vmin=0, vmax=255)
        axes.set_axis_off()
        styles = ("bold", BLACK), ("normal", BLACK), ("normal", GREY)
        for k, (text, (weight, ink)) in enumerate(zip(caption, styles)):
            figure.text(x / width, (y - line * k - 0.04) / height, _fit(text, 72 * side, 8, weight),
                        va="top", color=ink, **_font(8, weight))
    return figure


def _thumbnail(image, side):
    """Return an image that is no larger than it is drawn."""
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)):
        raise InputError(f"pictures: an image is {image.dtype} {image.shape}; "
                         "give uint8 (H, W, 3), red, green, blue, or (H, W)")
    small = Image.fromarray(image)
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(small)


def _pleased_cat(words):
    """Return a drawing of a cat's face above some words."""
    figure = Figure(figsize=(5, 3.4), dpi=100)
    axes = figure.add_axes([0, 0.15, 1, 0.85], xlim=(-2.6, 2.6), ylim=(-1.4, 1.6), aspect="equal")
    axes.set_axis_off()
    fur, ink = "#f0c27a", dict(color=BLACK, lw=2, solid_capstyle="round")
    for side in (-1, 1):
        ear = [(side * 1.0, 0.3), (side * 0.95, 1.5), (side * 0.2, 0.8)]
        axes.add_patch(Polygon(ear, fc=fur, ec=BLACK, lw=2))
    axes.add_patch(Circle((0, 0), 1.1, fc=fur, ec=BLACK, lw=2))
    t = np.linspace(0, np.pi, 20)
    for side in (-1, 1):
        axes.plot(side * 0.45 + 0.2 * np.cos(t), 0.15 + 0.15 * np.sin(t), **ink)      # shut eyes
        axes.plot(side * 0.18 + 0.18 * np.cos(t), -0.35 - 0.18 * np.sin(t), **ink)    # mouth
        for k in (-1, 0, 1):
            axes.plot([side * 0.6, side * 1.7], [-0.3 + 0.06 * k, -0.25 + 0.25 * k], **ink | {"lw": 1})
    axes.add_patch(Polygon([(-0.13, -0.18), (0.13, -0.18), (0, -0.33)], fc=VERMILLION, ec=BLACK))
    figure.text(0.5, 0.08, words, ha="center", size=11)
    return figure


def _tidy(axes):
    """Leave of the frame what the eye needs."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e0e0e0", lw=0.6)
    axes.set_axisbelow(True)


@functools.cache
def _families():
    """Return the installed font families to draw names with, in order of preference."""
    installed = {font.name for font in fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in ASIAN_FONTS if name in installed)]


@functools.cache
def _drawable():
    """Return the code points that these families can draw."""
    return frozenset().union(*(get_font(findfont(name)).get_charmap() for name in _families()))


def _font(size, weight="normal"):
    """Return how to draw text that came from outside, which may hold dollar signs and any script."""
    return {"fontfamily": _families(), "fontsize": size, "fontweight": weight, "parse_math": False}


def _width(text, size, weight="normal"):
    """Return the width of text in points."""
    font = FontProperties(family=_families(), size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]


def _fit(text, width, size, weight="normal"):
    """Return text on one line, shortened in its middle until it is at most `width` points wide."""
    text = "".join(c if ord(c) in _drawable() else "\u25a1" for c in " ".join(str(text).split()))

    def shortened(n):
        return text[:n - n // 2] + "\u2026" + text[len(text) - n // 2:]

    def width_of(n):
        return _width(shortened(n), size, weight)

    if _width(text, size, weight) <= width:
        return text
    return shortened(bisect_right(range(1, len(text)), width, key=width_of))
