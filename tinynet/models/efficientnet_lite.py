"""EfficientNet-Lite: MobileNetV2's blocks with 5x5 filters too, sized by a search. Taught in lesson 19.

Sources: M. Tan, Q. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019, arXiv:1905.11946,
table 1; R. Liu, "Higher accuracy on vision models with EfficientNet-Lite", 2020: no squeeze-and-excitation, ReLU6, a stem and
a top that keep their width.
"""
import math
from functools import partial

from .. import ops
from ..layers import Dropout, GlobalAvgPool2d, Linear, Sequential, he_normal, zeros
from .blocks import ConvNorm, InvertedResidual, make_divisible
from .contracts import IMAGENET_RGB, LITE_RGB
from .mobilenet_v2 import timm_block
from .source import Source

TABLE = (                                           # kernel, stride of the first, expand, filters, how many blocks
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
SIZES = {                                           # channels and blocks are multiplied by, image's side, dropout
    "efficientnet_lite0": (1.0, 1.0, 224, 0.2),
    "efficientnet_lite1": (1.0, 1.1, 240, 0.2),
    "efficientnet_lite2": (1.1, 1.2, 260, 0.3),
}


def blocks(depth):
    """Return the rows of `TABLE` for a network so many times as deep, one for each block.

    Parameters
    ----------
    depth : float
        Multiplies the number of blocks, rounded up, but in the first and last row.

    Returns
    -------
    rows : list of tuple
        Row of the table, number in the row, kernel, stride, expand, filters.
    """
    found = []
    for part, (kernel, stride, expand, filters, n) in enumerate(TABLE):
        repeats = n if part in (0, len(TABLE) - 1) else math.ceil(n * depth)
        found += [(part, i, kernel, stride if i == 0 else 1, expand, filters) for i in range(repeats)]
    return found


def efficientnet_lite(width, depth, dropout, n_classes=1000, rng=None, padding="same", eps=1e-3):
    """Build an EfficientNet-Lite: images (N, 3, S, S) to class scores (N, n_classes); any size works.

    Parameters
    ----------
    width, depth, dropout : float
        See `SIZES`.
    n_classes : int
        Number of classes.
    rng : numpy.random.Generator, optional
        Draws random weights (He) and the masks of dropout; without it the weights are 0, to be loaded.
    padding, eps
        "same" and 1e-3, TensorFlow's, whose authors trained it; None and 1e-5 for timm's own training.

    Returns
    -------
    net : Sequential
        Stages stem, block1 ..., top, pool, drop, fc.
    """
    options, channels = {"padding": padding, "eps": eps, "rng": rng}, 32
    stages = {"stem": ConvNorm(3, channels, 3, 2, activation=ops.relu6, **options)}             # (N, 32, 112, 112)
    for _, _, kernel, stride, expand, filters in blocks(depth):                                 # ... (N, 320, 7, 7)
        wanted = make_divisible(filters * width)
        stages[f"block{len(stages)}"] = InvertedResidual(channels, wanted, kernel, stride, expand, **options)
        channels = wanted
    return Sequential(
        **stages,
        top=ConvNorm(channels, 1280, 1, activation=ops.relu6, eps=eps, rng=rng),                # (N, 1280, 7, 7)
        pool=GlobalAvgPool2d(),                                                                 # (N, 1280)
        drop=Dropout(dropout, rng=rng),
        fc=Linear(1280, n_classes, rng, init=zeros if rng is None else he_normal),
    )


def sources(depth, size):
    """Return who publishes weights of an EfficientNet-Lite, and what they call its layers.

    Parameters
    ----------
    depth : float
        As `efficientnet_lite` takes it.
    size : int
        Side of its images, pixels.

    Returns
    -------
    sources : tuple of Source
    """
    lukemelas = {"_conv_stem": "stem.conv", "_bn0": "stem.norm", "_conv_head": "top.conv", "_bn1": "top.norm", "_fc": "fc"}
    timm = {"conv_stem": "stem.conv", "bn1": "stem.norm", "conv_head": "top.conv", "bn2": "top.norm", "classifier": "fc"}
    for number, (part, i, _, _, expand, _) in enumerate(blocks(depth)):
        theirs, ours = f"_blocks.{number}", f"block{number + 1}"
        steps = ("depthwise", "project") if expand == 1 else ("expand", "depthwise", "project")
        for step, bn in ("expand", "_bn0"), ("depthwise", "_bn1"), ("project", "_bn2"):
            lukemelas |= {f"{theirs}._{step}_conv": f"{ours}.{step}.conv", f"{theirs}.{bn}": f"{ours}.{step}.norm"}
        timm |= timm_block(f"blocks.{part}.{i}", ours, steps)
    prepare = LITE_RGB.with_size(round(size * 256 / 224), size)
    return (Source("the package efficientnet_lite_pytorch", lukemelas, prepare),
            Source("timm", timm, prepare, file_name="tf_efficientnet"),
            Source("timm's own training", timm, IMAGENET_RGB.with_size(prepare.resize, size), {"padding": None, "eps": 1e-5},
                   file_name="efficientnet"))


BUILDERS = {name: partial(efficientnet_lite, width, depth, dropout) for name, (width, depth, _, dropout) in SIZES.items()}
