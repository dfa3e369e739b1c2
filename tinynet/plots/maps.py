"""Answers that are maps: where in a picture is what was found? Used in lessons 16 and 20."""
import matplotlib
import numpy as np
from PIL import Image

from ..backend import to_numpy
from ..errors import InputError
from ..ops.window import pair
from .figure import VERMILLION, Figure
from .text import fit_text, text_font


def heat_map(image, answers, window, stride, boxes=(), limits=(0, 1)):
    """Draw a picture, and beside it what a classifier said at each place where it was asked.

    Parameters
    ----------
    image : ndarray, uint8 (H, W, 3) or (H, W)
        The picture as the network saw it.
    answers : dict of str to ndarray, float (OH, OW)
        A map for each title: one number for each place, such as a class's probability.
    window : int or (int, int)
        Height and width of what one answer has seen, in pixels; that of answer (0, 0) begins in the corner of the picture.
    stride : int or (int, int)
        From one answer to the next, in pixels.
    boxes : sequence of (left, top, right, bottom)
        Frames to draw, in pixels.
    limits : (float, float)
        The answers that are drawn darkest and lightest.

    Returns
    -------
    figure : Figure
        Each answer is a rectangle of stride x stride pixels around the middle of its window; lighter is higher.

    Raises
    ------
    InputError
        If the picture or the answers have another shape, or the windows do not lie in the picture.
    """
    if not isinstance(answers, dict):
        raise InputError(f"heat_map: the answers are a {type(answers).__name__}; give a map for each title, {{'p(cat)': p}}")
    image, answers = np.asarray(image), {title: to_numpy(values) for title, values in answers.items()}
    shapes, window, stride = {values.shape for values in answers.values()}, pair(window), pair(stride)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)) or len(shapes) != 1 \
            or len(min(shapes)) != 2:
        raise InputError(f"heat_map: the picture is {image.dtype} {image.shape} and the answers {sorted(shapes)}; "
                         "give uint8 (H, W, 3) or (H, W), and maps (OH, OW), all of one shape")
    (height, width), n_out = image.shape[:2], min(shapes)
    last = [(n - 1) * step + side for n, step, side in zip(n_out, stride, window)]
    if not all(n_out) or last[0] > height or last[1] > width:
        raise InputError(f"heat_map: {n_out} windows of {window} pixels, {stride} apart, end at {tuple(last)}, outside the "
                         f"picture of {height, width}; give the window and stride of the network that answered")
    top, left = ((side - step) / 2 - 0.5 for side, step in zip(window, stride))         # pixel 0 is drawn from -0.5 to 0.5
    extent = (left, left + n_out[1] * stride[1], top + n_out[0] * stride[0], top)
    grey = image if image.ndim == 2 else image @ np.array([0.299, 0.587, 0.114])        # the luminance of JPEG
    panels, inches = 1 + len(answers), 3.2
    figure = Figure(figsize=(inches * panels + 0.6, 0.4 + inches * min(height / width, 1.5)), dpi=80, layout="constrained")
    plain, *hot = figure.subplots(1, panels, sharex=True, sharey=True)
    plain.imshow(image, cmap="gray", vmin=0, vmax=255)
    for axes, (title, values) in zip(hot, answers.items()):
        axes.imshow(grey, cmap="gray", vmin=0, vmax=255)
        drawn = axes.imshow(values, extent=extent, cmap="inferno", vmin=limits[0], vmax=limits[1], alpha=0.6)
        axes.set_title(fit_text(title, 72 * inches, 10), **text_font(10))
    for axes in plain, *hot:
        for x0, y0, x1, y1 in boxes:
            axes.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], color=VERMILLION, lw=2)
        axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), xticks=[], yticks=[])
    figure.colorbar(drawn, ax=hot, fraction=0.04)
    return figure


def overlay(image, heat):
    """Lay a map over a picture: grey where it is low, bright colours where it is high.

    Parameters
    ----------
    image : ndarray, uint8 (H, W, 3)
        The picture as the network saw it.
    heat : ndarray, float (h, w)
        The map, of any size; it is stretched over the picture. What is below 0 counts as 0, and the highest as full colour.

    Returns
    -------
    picture : ndarray, uint8 (H, W, 3)
        For `pictures`, or a page.

    Raises
    ------
    InputError
        If the picture or the map has another shape.
    """
    image, heat = np.asarray(image), np.maximum(to_numpy(heat), 0)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or heat.ndim != 2 or not heat.size:
        raise InputError(f"overlay: the picture is {image.dtype} {image.shape} and the map {heat.shape}; give uint8 (H, W, 3) "
                         "and a map (h, w)")
    scaled = Image.fromarray((heat / max(heat.max(), 1e-12)).astype(np.float32))
    share = np.asarray(scaled.resize(image.shape[1::-1], Image.Resampling.BILINEAR))[..., None]         # (H, W, 1), 0..1
    grey = np.repeat(image @ np.array([0.299, 0.587, 0.114])[:, None], 3, axis=2)                       # as in JPEG
    colour = 255 * matplotlib.colormaps["inferno"](share[..., 0])[..., :3]
    opaque = 0.75 * np.sqrt(share)
    return np.clip((1 - opaque) * grey + opaque * colour, 0, 255).astype(np.uint8)
