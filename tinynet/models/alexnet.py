"""AlexNet: the network with which it all began, in 2012; its 4096 numbers before the classifier are the first "CNN codes".
Taught in lesson 19.

Source: A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", 2012,
in the form of A. Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014, arXiv:1404.5997,
which PyTorch's vision package trained; with `original`, the two-tower form of 2012 that Caffe published as CaffeNet, and,
with its norms before its pools, as AlexNet.
"""
from ..layers import AdaptiveAvgPool2d, Dropout, Flatten, Linear, LocalResponseNorm, MaxPool2d, ReLU, Sequential, he_normal, zeros
from .blocks import ConvReLU
from .contracts import IMAGENET_BGR, IMAGENET_RGB
from .source import Source, variants


def alexnet(n_classes=1000, rng=None, original=False, norm_first=False):
    """Build AlexNet: images (N, 3, 224, 224) to class scores (N, n_classes).

    Parameters
    ----------
    n_classes : int
        Number of classes.
    rng : numpy.random.Generator, optional
        Draws random weights (He) and the masks of dropout; without it the weights are 0, to be loaded.
    original : bool
        CaffeNet: more filters, in two independent halves, with local response normalisation; 227 x 227 images.
    norm_first : bool
        Of the original: whether it normalises before it pools, as in the paper, or after.

    Returns
    -------
    net : Sequential
        Stages conv1 to conv5 (with their ReLU) and pools, then flatten, fc6, relu6, fc7, relu7, fc8 with dropout between.
    """
    init = zeros if rng is None else he_normal
    if original:
        features = {
            "conv1": ConvReLU(3, 96, 11, stride=4, rng=rng),                    # (N, 96, 55, 55) for 227 x 227
            "pool1": MaxPool2d(3, 2, ceil_mode=True),                           # (N, 96, 27, 27)
            "norm1": LocalResponseNorm(),
            "conv2": ConvReLU(96, 256, 5, padding=2, groups=2, rng=rng),        # (N, 256, 27, 27)
            "pool2": MaxPool2d(3, 2, ceil_mode=True),                           # (N, 256, 13, 13)
            "norm2": LocalResponseNorm(),
            "conv3": ConvReLU(256, 384, 3, padding=1, rng=rng),                 # (N, 384, 13, 13)
            "conv4": ConvReLU(384, 384, 3, padding=1, groups=2, rng=rng),       # (N, 384, 13, 13)
            "conv5": ConvReLU(384, 256, 3, padding=1, groups=2, rng=rng),       # (N, 256, 13, 13)
            "pool5": MaxPool2d(3, 2, ceil_mode=True),                           # (N, 256, 6, 6)
        }
    else:
        features = {
            "conv1": ConvReLU(3, 64, 11, stride=4, padding=2, rng=rng),         # (N, 64, 55, 55) for 224 x 224
            "pool1": MaxPool2d(3, 2),                                           # (N, 64, 27, 27)
            "conv2": ConvReLU(64, 192, 5, padding=2, rng=rng),                  # (N, 192, 27, 27)
            "pool2": MaxPool2d(3, 2),                                           # (N, 192, 13, 13)
            "conv3": ConvReLU(192, 384, 3, padding=1, rng=rng),                 # (N, 384, 13, 13)
            "conv4": ConvReLU(384, 256, 3, padding=1, rng=rng),                 # (N, 256, 13, 13)
            "conv5": ConvReLU(256, 256, 3, padding=1, rng=rng),                 # (N, 256, 13, 13)
            "pool5": MaxPool2d(3, 2),                                           # (N, 256, 6, 6)
            "resize6": AdaptiveAvgPool2d(6),                                    # nothing at 224 x 224; other sizes fit too
        }
    names = list(features)
    if original and norm_first:
        names[1:3], names[4:6] = names[2:0:-1], names[5:3:-1]                   # norm1 pool1 and norm2 pool2
    return Sequential(
        **{name: features[name] for name in names},
        flatten=Flatten(),                                                      # (N, 9216)
        drop6=Dropout(0.5, rng=rng),
        fc6=Linear(256 * 6 * 6, 4096, rng, init=init),                          # (N, 4096)
        relu6=ReLU(),
        drop7=Dropout(0.5, rng=rng),
        fc7=Linear(4096, 4096, rng, init=init),                                 # (N, 4096): the CNN codes, after relu7
        relu7=ReLU(),
        fc8=Linear(4096, n_classes, rng, init=init),
    )


LAYERS = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]
TORCHVISION = ["features.0", "features.3", "features.6", "features.8", "features.10", "classifier.1", "classifier.4",
               "classifier.6"]

SOURCES = (
    Source("torchvision", dict(zip(TORCHVISION, LAYERS)), IMAGENET_RGB),
    Source("Caffe", {name: name for name in LAYERS}, IMAGENET_BGR.with_size(256, 227), {"original": True},
           variants("norm_first", (False, True))),
)
