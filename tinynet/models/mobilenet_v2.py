"""MobileNetV2: the way round each block joins where the channels are few. Taught in lesson 19.

Source: M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L.-C. Chen, "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
2018, arXiv:1801.04381, table 2. PyTorch's pads both sides and has eps 1e-5; TensorFlow's and Keras' pad as TensorFlow does.
"""
from .. import ops
from ..layers import Dropout, GlobalAvgPool2d, Linear, Sequential, he_normal, zeros
from .blocks import ConvNorm, InvertedResidual, make_divisible
from .contracts import IMAGENET_RGB, TENSORFLOW_RGB
from .source import Source, norm_pairs, variants

TABLE = (                                           # t: expand, c: filters, n: how many blocks, s: stride of the first
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet_v2(n_classes=1000, rng=None, width=1.0, padding=None, eps=1e-5):
    """Build MobileNetV2: images (N, 3, 224, 224) to class scores (N, n_classes); other sizes work too.

    Parameters
    ----------
    n_classes : int
        Number of classes; TensorFlow's own weights have 1,001, the first being "background".
    rng : numpy.random.Generator, optional
        Draws random weights (He) and the masks of dropout; without it the weights are 0, to be loaded.
    width : float
        Multiplies the number of channels, rounded to multiples of 8.
    padding, eps
        None and 1e-5 for PyTorch's weights, "same" and 1e-3 for TensorFlow's and Keras'.

    Returns
    -------
    net : Sequential
        Stages conv0, block1 ... block17, conv18, pool, drop, fc.
    """
    options = {"padding": padding, "eps": eps, "rng": rng}
    channels = make_divisible(32 * width)
    stages = {"conv0": ConvNorm(3, channels, 3, 2, activation=ops.relu6, **options)}            # (N, 32, 112, 112)
    for expand, filters, n, first_stride in TABLE:                                              # ... (N, 320, 7, 7)
        for i in range(n):
            stride, wanted = first_stride if i == 0 else 1, make_divisible(filters * width)
            stages[f"block{len(stages)}"] = InvertedResidual(channels, wanted, 3, stride, expand, **options)
            channels = wanted
    last = make_divisible(1280 * max(1.0, width))
    return Sequential(
        **stages,
        conv18=ConvNorm(channels, last, 1, activation=ops.relu6, eps=eps, rng=rng),             # (N, 1280, 7, 7)
        pool=GlobalAvgPool2d(),                                                                 # (N, 1280)
        drop=Dropout(0.2, rng=rng),
        fc=Linear(last, n_classes, rng, init=zeros if rng is None else he_normal),
    )


def _sources():
    torchvision = {"features.0.0": "conv0.conv", "features.0.1": "conv0.norm", "features.18.0": "conv18.conv",
                   "features.18.1": "conv18.norm", "classifier.1": "fc"}
    timm = {"conv_stem": "conv0.conv", "bn1": "conv0.norm", "conv_head": "conv18.conv", "bn2": "conv18.norm", "classifier": "fc"}
    keras = norm_pairs({"Conv1": "conv0"}, "", "") | {"bn_Conv1": "conv0.norm"}
    keras |= norm_pairs({"Conv_1": "conv18"}, "", "_bn") | {"predictions": "fc", "Logits": "fc"}
    slim = norm_pairs({"MobilenetV2/Conv": "conv0", "MobilenetV2/Conv_1": "conv18"}, "", "/BatchNorm")
    slim["MobilenetV2/Logits/Conv2d_1c_1x1"] = "fc"
    stem = {"first_conv": "conv0", "conv_3x3": "block1.depthwise", "reduce_1x1": "block1.project"}
    transformers = {f"conv_stem.{name}.convolution": ours for name, ours in stem.items()} | {"conv_1x1.convolution": "conv18"}
    number = 0
    for part, (expand, _, n, _) in enumerate(TABLE):
        for i in range(n):
            number += 1
            ours, steps = f"block{number}", ("depthwise", "project") if expand == 1 else ("expand", "depthwise", "project")
            *paired, last = steps
            for k, step in enumerate(paired):
                torchvision |= {f"features.{number}.conv.{k}.0": f"{ours}.{step}.conv",
                                f"features.{number}.conv.{k}.1": f"{ours}.{step}.norm"}
            torchvision |= {f"features.{number}.conv.{len(paired)}": f"{ours}.{last}.conv",
                            f"features.{number}.conv.{len(paired) + 1}": f"{ours}.{last}.norm"}
            timm |= timm_block(f"blocks.{part}.{i}", ours, steps)
            keras_name = "expanded_conv" if number == 1 else f"block_{number - 1}"
            keras |= norm_pairs({f"{keras_name}_{step}": f"{ours}.{step}" for step in steps}, "", "_BN")
            slim_name = "expanded_conv" if number == 1 else f"expanded_conv_{number - 1}"
            if number > 1:
                theirs = {"expand": "expand_1x1", "depthwise": "conv_3x3", "project": "reduce_1x1"}
                transformers |= {f"layer.{number - 2}.{theirs[step]}.convolution": f"{ours}.{step}" for step in steps}
            slim |= norm_pairs({f"MobilenetV2/{slim_name}/{step}": f"{ours}.{step}" for step in steps}, "", "/BatchNorm")
    transformers = norm_pairs(transformers, "convolution", "normalization")
    transformers |= {f"mobilenet_v2.{theirs}": ours for theirs, ours in transformers.items()} | {"classifier": "fc"}
    google = {"padding": "same", "eps": 1e-3}
    widths = variants("width", (1.0, 0.75, 0.5, 0.35, 1.3, 1.4))
    return (Source("torchvision", torchvision, IMAGENET_RGB, variants=widths),
            Source("timm", timm, IMAGENET_RGB, variants=widths),
            Source("Keras", keras, TENSORFLOW_RGB, google, variants=widths),
            Source("TensorFlow", slim, TENSORFLOW_RGB, google, variants=widths),
            Source("Transformers", transformers, TENSORFLOW_RGB, google, variants=widths))


def timm_block(theirs, ours, steps):
    """Return what timm calls the layers of an inverted residual block, and what we call them.

    Parameters
    ----------
    theirs, ours : str
        The block's names.
    steps : sequence of str
        Those of expand, depthwise, project that the block has.

    Returns
    -------
    layers : dict of str to str
    """
    convs = {"expand": "conv_pw", "depthwise": "conv_dw", "project": "conv_pwl" if "expand" in steps else "conv_pw"}
    return {f"{theirs}.{convs[step]}": f"{ours}.{step}.conv" for step in steps} \
        | {f"{theirs}.bn{k}": f"{ours}.{step}.norm" for k, step in enumerate(steps, 1)}


SOURCES = _sources()
