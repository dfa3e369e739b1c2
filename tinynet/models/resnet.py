"""ResNet: blocks that add to what passes them, so that 50 layers can be trained. Taught in lesson 19.

Source: K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", 2015, arXiv:1512.03385, table 1.
PyTorch's ResNet50 takes a block's step in its 3x3 convolution; the paper's, Caffe's and Keras' in the 1x1 before it.
"""
from functools import partial

from ..layers import GlobalAvgPool2d, Linear, MaxPool2d, Sequential, he_normal, zeros
from .blocks import BasicBlock, Bottleneck, ConvNorm
from .contracts import IMAGENET_BGR, IMAGENET_RGB
from .source import Source, norm_pairs

TABLE = {                                           # block, and how many of it make up conv2_x, conv3_x, conv4_x, conv5_x
    "resnet18": (BasicBlock, (2, 2, 2, 2)),
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
}
WIDTHS = (64, 128, 256, 512)                        # channels of the 3x3 convolutions in conv2_x to conv5_x


def resnet(block, depths, n_classes=1000, rng=None, **options):
    """Build a ResNet: images (N, 3, 224, 224) to class scores (N, n_classes).

    Parameters
    ----------
    block : {BasicBlock, Bottleneck}
    depths : tuple of int
        Number of blocks in each of the four parts.
    n_classes : int
        Number of classes.
    rng : numpy.random.Generator, optional
        Draws random weights (He); without it they are 0, to be loaded.
    **options
        ``stride_first=True`` (of Bottleneck), ``bias=True`` and ``eps`` (of each convolution), where a source differs.

    Returns
    -------
    net : Sequential
        Stages conv1 pool1 conv2_1 conv2_2 ... conv5_3 pool5 fc, as in the paper.
    """
    stem = {name: value for name, value in options.items() if name != "stride_first"}
    stages, channels = {}, 64
    for part, (width, depth) in enumerate(zip(WIDTHS, depths), 2):              # (N, 64 e, 56, 56) ... (N, 512 e, 7, 7),
        for i in range(1, depth + 1):                                           # e being 1 or, for Bottleneck, 4
            stride = 2 if part > 2 and i == 1 else 1
            stages[f"conv{part}_{i}"] = block(channels, width, stride, rng=rng, **options)
            channels = width * block.expansion
    return Sequential(
        conv1=ConvNorm(3, 64, 7, 2, rng=rng, **stem),                           # (N, 64, 112, 112)
        pool1=MaxPool2d(3, 2, padding=1),                                       # (N, 64, 56, 56)
        **stages,
        pool5=GlobalAvgPool2d(),                                                # (N, 512 e)
        fc=Linear(channels, n_classes, rng, init=zeros if rng is None else he_normal),
    )


def sources(block, depths):
    """Return who publishes weights of a ResNet, and what they call its layers.

    Parameters
    ----------
    block : {BasicBlock, Bottleneck}
    depths : tuple of int
        As `resnet` takes them.

    Returns
    -------
    sources : tuple of Source
    """
    n_convs = 3 if block is Bottleneck else 2
    torchvision, keras, caffe = ({"conv1": "conv1.conv", "bn1": "conv1.norm", "fc": "fc"},
                                 norm_pairs({"conv1_conv": "conv1"}, "_conv", "_bn") | {"predictions": "fc"},
                                 _caffe("conv1", "bn_conv1", "scale_conv1", "conv1") | {"fc1000": "fc"})
    for part, depth in enumerate(depths, 2):
        for i in range(depth):
            ours = f"conv{part}_{i + 1}"
            theirs, letter = f"layer{part - 1}.{i}", "abcdef"[i]
            for k in range(1, n_convs + 1):
                torchvision |= {f"{theirs}.conv{k}": f"{ours}.conv{k}.conv", f"{theirs}.bn{k}": f"{ours}.conv{k}.norm"}
                keras |= norm_pairs({f"conv{part}_block{i + 1}_{k}_conv": f"{ours}.conv{k}"}, "_conv", "_bn")
                branch = f"{part}{letter}_branch2{'abc'[k - 1]}"
                caffe |= _caffe(f"res{branch}", f"bn{branch}", f"scale{branch}", f"{ours}.conv{k}")
            if i == 0:                                      # blocks without a shortcut: their names find nothing, in file or net
                torchvision |= {f"{theirs}.downsample.0": f"{ours}.shortcut.conv",
                                f"{theirs}.downsample.1": f"{ours}.shortcut.norm"}
                keras |= norm_pairs({f"conv{part}_block1_0_conv": f"{ours}.shortcut"}, "_conv", "_bn")
                branch = f"{part}a_branch1"
                caffe |= _caffe(f"res{branch}", f"bn{branch}", f"scale{branch}", f"{ours}.shortcut")
    found = [Source("torchvision", torchvision, IMAGENET_RGB),
             Source("torchvision's stages in a row", {_in_a_row(name): ours for name, ours in torchvision.items()}, IMAGENET_RGB),
             Source("Transformers", _transformers(depths, n_convs), IMAGENET_RGB)]
    if block is Bottleneck:
        found += [Source("Keras", keras, IMAGENET_BGR, {"stride_first": True, "bias": True, "eps": 1.001e-5}),
                  Source("Keras before 2.2.3", {name: ours for name, ours in caffe.items() if not name.startswith("scale")},
                         IMAGENET_BGR, {"stride_first": True, "bias": True, "eps": 1e-3}),
                  Source("Caffe", caffe, IMAGENET_BGR, {"stride_first": True})]
    return tuple(found)


def _in_a_row(name):
    """Return what a layer is called where the network was cut as nn.Sequential(*list(net.children())[:n])."""
    first, dot, rest = name.partition(".")
    return str(["conv1", "bn1", "", "", "layer1", "layer2", "layer3", "layer4", "", "fc"].index(first)) + dot + rest


def _transformers(depths, n_convs):
    """Return the names of the library Transformers."""
    convs = {"embedder.embedder.convolution": "conv1"}
    for part, depth in enumerate(depths):
        for i in range(depth):
            theirs, ours = f"encoder.stages.{part}.layers.{i}", f"conv{part + 2}_{i + 1}"
            convs |= {f"{theirs}.layer.{k}.convolution": f"{ours}.conv{k + 1}" for k in range(n_convs)}
            convs |= {f"{theirs}.shortcut.convolution": f"{ours}.shortcut"} if i == 0 else {}
    layers = norm_pairs(convs, "convolution", "normalization")
    return {f"resnet.{theirs}": ours for theirs, ours in layers.items()} | layers | {"classifier.1": "fc"}


def _caffe(conv, norm, scale, ours):
    return {conv: f"{ours}.conv", norm: f"{ours}.norm", scale: f"{ours}.norm"}


BUILDERS = {name: partial(resnet, *row) for name, row in TABLE.items()}
