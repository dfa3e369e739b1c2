"""What every library is given: the same images, weights, labels and shapes, made from fixed seeds."""
import atexit
import functools
import hashlib
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from tinynet.models import ZOO
from tinynet.models.squeezenet import PRETRAINED
from tinynet.samples import DrawnCats
from tinynet.weights import load_weights

SIZE = 227                          # pixels
N_CLASSES = 3
CODES = 2000, 512                   # rows and features of the softmax head's cached codes
HEAD_BATCH = 32
CHAIN = 100                         # times multiply, add, ReLU in the chain that shows the cost of a tape
LR, MOMENTUM = 1e-4, 0.9
EPOCHS = 25                         # of the head, on a network's codes

# The fires: name, squeeze filters, expand filters of each size; and those that a pool comes before.
FIRES = [("fire2", 16, 64), ("fire3", 16, 64), ("fire4", 32, 128), ("fire5", 32, 128),
         ("fire6", 48, 192), ("fire7", 48, 192), ("fire8", 64, 256), ("fire9", 64, 256)]
AFTER_POOL = {"fire2", "fire4", "fire6"}

# Floating-point operations of one image, in 10⁹: two for each weight of a convolution at each place.
TRUNK_GFLOP = 0.575
PARTIAL_GFLOP = 0.151                # fire8 and fire9

# Operations on their own: an image's shape (C, H, W), and for convolutions the filters (F, C / groups, R, S).
CONVOLUTIONS = {
    "conv 3x3 64-64 56x56": {"x": (64, 56, 56), "W": (64, 64, 3, 3), "stride": 1, "padding": 1, "groups": 1},
    "conv 3x3 256-256 14x14": {"x": (256, 14, 14), "W": (256, 256, 3, 3), "stride": 1, "padding": 1, "groups": 1},
    "conv 1x1 512-1000 13x13": {"x": (512, 13, 13), "W": (1000, 512, 1, 1), "stride": 1, "padding": 0, "groups": 1},
    "conv 7x7/2 3-64 224x224": {"x": (3, 224, 224), "W": (64, 3, 7, 7), "stride": 2, "padding": 3, "groups": 1},
    "depthwise 3x3 96 56x56": {"x": (96, 56, 56), "W": (96, 1, 3, 3), "stride": 1, "padding": 1, "groups": 96},
    "depthwise 5x5 672 14x14": {"x": (672, 14, 14), "W": (672, 1, 5, 5), "stride": 1, "padding": 2, "groups": 672},
}
POOL = "max-pool 3x3/2 64 113x113"
NORM = "batch norm 64 56x56"
LOSS = "cross-entropy 1000 classes"
TAPE = "tape"                       # 3 CHAIN operations on 8 x 8 numbers
SHAPES = {POOL: (64, 113, 113), NORM: (64, 56, 56), LOSS: (1000,), TAPE: (8,)}


# Networks of the zoo.
NETWORKS = ("alexnet", "vgg16", "resnet18", "resnet50", "mobilenet_v2", "efficientnet_lite0")


def matrices(n):
    """Return two matrices, float32 (n, n)."""
    return _normal((n, n)), _normal((n, n)) + 1


def trunk_weights():
    """Return SqueezeNet 1.1's weights before drop9 as {name: array}."""
    weights, _ = load_weights(PRETRAINED)
    return {name: array for name, array in weights.items() if not name.startswith("conv10")}


def images(n):
    """Return n preprocessed images, float32 (n, 3, SIZE, SIZE)."""
    return 50 * _normal((n, 3, SIZE, SIZE))


def network(name):
    """Return a network of the zoo with random weights, its weights under the names that PyTorch's networks have, and the
    name that its last layer has there.
    """
    options, weights = _random_weights(name)
    net = ZOO[name].build(**options).eval()
    net.load_state_dict(weights)
    theirs = {ours: layer for layer, ours in _published(name).layers.items()}
    state = {f"{theirs[key.rpartition('.')[0]]}.{key.rpartition('.')[2]}": array for key, array in weights.items()}
    return net, state, theirs.get(net.stages[-1])


@functools.lru_cache(maxsize=1)         # VGG's 140 million random numbers are drawn once for both libraries and all sizes
def _random_weights(name):
    """Return the builder's options for the network that PyTorch's world publishes, and {name: array}."""
    options = _published(name).options
    return options, ZOO[name].build(rng=np.random.default_rng(0), **options).state_dict()


def _published(name):
    """Return the Source of a network's weights in PyTorch's vision package or in timm, None if neither has it."""
    return next((source for source in ZOO[name].sources if source.name in ("torchvision", "timm")), None)


def published_networks():
    """Return the names of all networks of the zoo that PyTorch's world publishes too, those of `NETWORKS` first."""
    return [*NETWORKS, *(name for name in ZOO if name not in NETWORKS and _published(name))]


@functools.lru_cache(maxsize=3)
def prepared(n):
    """Return n images as networks take them that divide by the deviation, float32 (n, 3, 224, 224), not to be written to."""
    return _normal((n, 3, 224, 224))


def labels(n):
    """Return n true classes, int64 (n,)."""
    return np.arange(n) % N_CLASSES


def centred(codes):
    """Return codes as the head of "codes and head" takes them: of mean 0 and deviation 1 together."""
    return (codes - codes.mean()) / codes.std()


def activations(n):
    """Return what reaches fire8 for n images, float32 (n, 384, 14, 14), no number below 0."""
    return np.maximum(20 * _normal((n, 384, 14, 14)), 0)


def codes(n=CODES[0]):
    """Return n codes in three overlapping clouds, float32 (n, 512), and their classes, int64 (n,)."""
    centres = 0.1 * np.random.default_rng(1).standard_normal((N_CLASSES, CODES[1]), dtype=np.float32)
    return _normal((n, CODES[1])) + centres[labels(n)], labels(n)


def op_arrays(op, n):
    """Return the arrays of an operation: {"x", and W and b of a convolution, "gy" the gradient of its result}."""
    if op in CONVOLUTIONS:
        shape = CONVOLUTIONS[op]
        (_, H, W), (F, _, R, S) = shape["x"], shape["W"]
        out = [(size + 2 * shape["padding"] - kernel) // shape["stride"] + 1 for size, kernel in ((H, R), (W, S))]
        return {"x": _normal((n, *shape["x"])), "W": 0.1 * _normal(shape["W"], 1), "b": _normal((F,), 2),
                "gy": _normal((n, F, *out), 3)}
    shape = (n, *SHAPES[op])
    result = {POOL: (n, 64, 56, 56), LOSS: ()}.get(op, shape)
    return {"x": _normal(shape), "gy": np.ones(result, np.float32) if op == LOSS else _normal(result, 3)}


def _normal(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


class Noise:
    """A dataset of n images of noise, quick to make: for measuring what the number of images changes."""

    name = "noise"
    classes = ["a", "b", "c"]

    def __init__(self, n):
        self.labels = labels(n)

    def __len__(self):
        return len(self.labels)

    def image(self, i):
        """Return image i, uint8 (256, 256, 3)."""
        return np.random.default_rng(i).integers(0, 256, (256, 256, 3), np.uint8)

    def key(self, i):
        """Return 64 hexadecimal digits that name image i."""
        return hashlib.sha256(f"noise {i}".encode()).hexdigest()

    def title(self, i):
        """Return a short name."""
        return f"noise {i}"


def write_photos(folder, n):
    """Write n drawn cats as JPEG files into a folder for each class."""
    dataset = DrawnCats(n // N_CLASSES)
    for i in range(len(dataset)):
        path = Path(folder) / dataset.classes[dataset.labels[i]] / f"{i:04}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(dataset.image(i)).save(path, quality=95)


def scratch():
    """Return a new folder that is removed when this process ends."""
    folder = tempfile.TemporaryDirectory(prefix="tinynet-benchmark-")
    atexit.register(folder.cleanup)
    return Path(folder.name)
