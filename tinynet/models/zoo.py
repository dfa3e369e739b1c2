"""The zoo: every published network that tinynet can build, and all that the rest of the library knows of it.

No other file knows a network by name but the network's own. A new network is a file with its table, and a row here.
"""
from collections.abc import Callable
from dataclasses import dataclass

from ..data import Preprocessing
from . import squeezenet
from .imagenet import class_names


@dataclass(frozen=True)
class Model:
    """What transfer, report and command line ask of a network.

    Attributes
    ----------
    build : callable
        ``build(pretrained=True, n_classes=K, rng=None)`` returns the network, a Sequential of named stages.
    preprocessing : Preprocessing
        What its pretrained weights expect of an image.
    class_names : callable
        Returns the names of the classes that the pretrained network tells apart, a list of str.
    classifier : str
        The stage with which its own classifier begins: a new head takes the place of this stage and the rest.
    first_stage : str
        The name of its first stage.
    words : str
        What it is and what it learned from, for the report: a noun with its apposition.
    """

    build: Callable
    preprocessing: Preprocessing
    class_names: Callable
    classifier: str
    first_stage: str
    words: str

    @property
    def image_shape(self):
        """Shape (C, H, W) of one prepared image."""
        return 3, self.preprocessing.crop, self.preprocessing.crop


DEFAULT = "squeezenet1_1"
ZOO = {
    "squeezenet1_1": Model(
        build=squeezenet.squeezenet1_1,
        preprocessing=squeezenet.PREPROCESSING,
        class_names=class_names,
        classifier="drop9",
        first_stage="conv1",
        words="SqueezeNet 1.1, which its authors trained on 1.2 million photographs of 1,000 kinds of things"),
}
