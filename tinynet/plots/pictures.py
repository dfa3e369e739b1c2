"""Photos, filters and activations in rows."""
import itertools

import matplotlib
import numpy as np
from matplotlib.patches import Circle, Polygon
from PIL import Image

from ..backend import to_numpy
from ..errors import InputError
from .figure import BLACK, GREY, VERMILLION, Figure
from .text import fit_text, text_font

MOST_TILES = 24     # more pictures than this are too small to look at


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
            figure.text(x / width, (y - line * k - 0.04) / height, fit_text(text, 72 * side, 8, weight),
                        va="top", color=ink, **text_font(8, weight))
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
