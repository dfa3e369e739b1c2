"""MobileNet: each 3x3 convolution split into one per channel and a 1x1 across channels, nine times cheaper.
Taught in lesson 19.

Source: A. Howard, M. Zhu, B. Chen, D. Kalenichenko, W. Wang, T. Weyand, M. Andreetto, H. Adam, "MobileNets: Efficient
Convolutional Neural Networks for Mobile Vision Applications", 2017, arXiv:1704.04861, table 1.
"""
from .. import ops
from ..layers import Dropout, GlobalAvgPool2d, Linear, Module, Sequential, he_normal, zeros
from .blocks import ConvNorm
from .contracts import TENSORFLOW_RGB
from .source import Source, norm_pairs, variants

TABLE = (                                           # filters, stride of each depthwise separable convolution
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2),
    (1024, 1))


class DepthwiseSeparable(Module):
    """A 3x3 filter for each channel by itself, then 1x1 filters across the channels; each with batch norm and ReLU6 (or ReLU)."""

    by_row = True

    def __init__(self, channels, filters, stride, **options):
        self.depthwise = ConvNorm(channels, channels, 3, stride, channels, **options)
        self.pointwise = ConvNorm(channels, filters, 1, **options)

    def forward(self, x):
        """(N, channels, H, W) -> (N, filters, H / stride, W / stride)"""
        return self.pointwise(self.depthwise(x))


def mobilenet_v1(n_classes=1000, rng=None, width=1.0, padding="same", eps=1e-3, relu6=True):
    """Build MobileNet: images (N, 3, 224, 224) to class scores (N, n_classes); other sizes work too.

    Parameters
    ----------
    n_classes : int
        Number of classes; TensorFlow's own weights have 1,001, the first being "background".
    rng : numpy.random.Generator, optional
        Draws random weights (He) and the masks of dropout; without it the weights are 0, to be loaded.
    width : float
        Multiplies the number of channels everywhere, rounded down.
    padding, eps
        "same" and 1e-3, TensorFlow's, who trained it; None and 1e-5 for PyTorch's and timm's.
    relu6 : bool
        Whether activations end at 6, or it is the paper's plain ReLU.

    Returns
    -------
    net : Sequential
        Stages conv0, block1 ... block13, pool, drop, fc.
    """
    options = {"padding": padding, "eps": eps, "rng": rng, "activation": ops.relu6 if relu6 else ops.relu}
    channels = int(32 * width)
    stages = {"conv0": ConvNorm(3, channels, 3, 2, **options)}                                   # (N, 32, 112, 112)
    for i, (filters, stride) in enumerate(TABLE, 1):                                            # ... (N, 1024, 7, 7)
        stages[f"block{i}"] = DepthwiseSeparable(channels, int(filters * width), stride, **options)
        channels = int(filters * width)
    return Sequential(
        **stages,
        pool=GlobalAvgPool2d(),                                                                 # (N, 1024)
        drop=Dropout(0.001, rng=rng),
        fc=Linear(channels, n_classes, rng, init=zeros if rng is None else he_normal),
    )


def _sources():
    keras = norm_pairs({"conv1": "conv0"}, "", "_bn") | {"conv_preds": "fc", "predictions": "fc"}
    slim = norm_pairs({"MobilenetV1/Conv2d_0": "conv0"}, "", "/BatchNorm") | {"MobilenetV1/Logits/Conv2d_1c_1x1": "fc"}
    timm = {"conv_stem": "conv0.conv", "bn1": "conv0.norm", "classifier": "fc"}
    transformers = norm_pairs({"conv_stem.convolution": "conv0"}, "convolution", "normalization") | {"classifier": "fc"}
    part, place = 0, 0
    for i, (_, stride) in enumerate(TABLE, 1):
        depthwise, pointwise = f"block{i}.depthwise", f"block{i}.pointwise"
        keras |= norm_pairs({f"conv_dw_{i}": depthwise, f"conv_pw_{i}": pointwise}, "", "_bn")
        slim |= norm_pairs({f"MobilenetV1/Conv2d_{i}_depthwise": depthwise, f"MobilenetV1/Conv2d_{i}_pointwise": pointwise},
                           "", "/BatchNorm")
        part, place = (part + 1, 0) if stride == 2 else (part, place + (i > 1))         # timm counts anew after each step
        for conv, bn, ours in ("conv_dw", "bn1", depthwise), ("conv_pw", "bn2", pointwise):
            timm |= {f"blocks.{part}.{place}.{conv}": f"{ours}.conv", f"blocks.{part}.{place}.{bn}": f"{ours}.norm"}
        for k, ours in (2 * i - 2, depthwise), (2 * i - 1, pointwise):
            transformers |= norm_pairs({f"layer.{k}.convolution": ours}, "convolution", "normalization")
    transformers |= {f"mobilenet_v1.{theirs}": ours for theirs, ours in transformers.items() if ours != "fc"}
    widths = variants("width", (1.0, 0.75, 0.5, 0.25))
    plain = tuple(width | {"relu6": False} for width in widths)
    return (Source("TensorFlow", slim, TENSORFLOW_RGB, variants=widths),
            Source("Keras", keras, TENSORFLOW_RGB, variants=widths + plain),
            Source("timm", timm, TENSORFLOW_RGB, {"padding": None, "eps": 1e-5}, variants("width", (1.0, 1.25))),
            Source("Transformers", transformers, TENSORFLOW_RGB, variants=widths))


SOURCES = _sources()
