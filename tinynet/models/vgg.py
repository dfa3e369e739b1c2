"""VGG: nothing but 3x3 convolutions, 11 to 19 layers deep. Taught in lesson 19.

Source: K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2014,
arXiv:1409.1556, table 1: columns A (VGG11), B (13), D (16) and E (19).
"""
from functools import partial

from ..layers import AdaptiveAvgPool2d, Dropout, Flatten, Linear, MaxPool2d, ReLU, Sequential, he_normal, zeros
from .blocks import ConvReLU
from .contracts import IMAGENET_BGR, IMAGENET_RGB
from .source import Source

FILTERS = (64, 128, 256, 512, 512)                  # of the five blocks; a 2x2 max-pool ends each
DEPTHS = {                                          # convolutions in each block; three dense layers follow
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}


def vgg(depths, n_classes=1000, rng=None):
    """Build a VGG: images (N, 3, 224, 224) to class scores (N, n_classes).

    Parameters
    ----------
    depths : tuple of int
        A row of `DEPTHS`.
    n_classes : int
        Number of classes.
    rng : numpy.random.Generator, optional
        Draws random weights (He) and the masks of dropout; without it the weights are 0, to be loaded.

    Returns
    -------
    net : Sequential
        Stages conv1_1 ... conv5_3 (with their ReLU) and pool1 ... pool5, flatten, then fc6, relu6, fc7, relu7, fc8.
    """
    init, stages, channels = zeros if rng is None else he_normal, {}, 3
    for block, (filters, depth) in enumerate(zip(FILTERS, depths), 1):
        for i in range(1, depth + 1):
            stages[f"conv{block}_{i}"] = ConvReLU(channels, filters, 3, padding=1, rng=rng)
            channels = filters
        stages[f"pool{block}"] = MaxPool2d(2)                                   # 224 -> 112 -> 56 -> 28 -> 14 -> 7
    return Sequential(
        **stages,                                                               # (N, 512, 7, 7)
        resize6=AdaptiveAvgPool2d(7),                                           # nothing at 224 x 224; other sizes fit too
        flatten=Flatten(),                                                      # (N, 25088)
        fc6=Linear(512 * 7 * 7, 4096, rng, init=init),                          # (N, 4096): nine tenths of all its numbers
        relu6=ReLU(),
        drop6=Dropout(0.5, rng=rng),
        fc7=Linear(4096, 4096, rng, init=init),                                 # (N, 4096)
        relu7=ReLU(),
        drop7=Dropout(0.5, rng=rng),
        fc8=Linear(4096, n_classes, rng, init=init),
    )


def sources(depths):
    """Return who publishes weights of a VGG, and what they call its layers.

    Parameters
    ----------
    depths : tuple of int
        A row of `DEPTHS`.

    Returns
    -------
    sources : tuple of Source
    """
    torchvision, keras, position = {}, {}, 0
    for block, depth in enumerate(depths, 1):
        for i in range(1, depth + 1):
            torchvision[f"features.{position}"] = f"conv{block}_{i}"
            keras[f"block{block}_conv{i}"] = f"conv{block}_{i}"
            position += 2                                                       # a ReLU lies between
        position += 1                                                           # the pool
    caffe = {name: name for name in keras.values()}
    dense, flattened = ("fc6", "fc7", "fc8"), {"fc6": (512, 7, 7)}
    return (
        Source("torchvision", torchvision | dict(zip(("classifier.0", "classifier.3", "classifier.6"), dense)), IMAGENET_RGB),
        Source("timm", torchvision | dict(zip(("pre_logits.fc1", "pre_logits.fc2", "head.fc"), dense)), IMAGENET_RGB),
        Source("Keras", keras | dict(zip(("fc1", "fc2", "predictions"), dense)), IMAGENET_BGR, flattened=flattened),
        Source("Caffe", caffe | {name: name for name in dense}, IMAGENET_BGR),
    )


BUILDERS = {name: partial(vgg, depths) for name, depths in DEPTHS.items()}
