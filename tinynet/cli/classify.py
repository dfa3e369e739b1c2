"""``tinynet classify``: what is in a photo, out of the classes that a published network knows."""
import numpy as np

from ..compute import parallel
from ..errors import InputError
from ..models import pretrained
from ..ops import softmax
from ..tensor import Tensor
from ..transfer import Answers
from .arguments import add_network, say
from .label import add_photos, label


def add(commands):
    """Add the command to the parser's commands."""
    parser = commands.add_parser("classify", help="name what is in a photo, out of ImageNet's 1,000 classes")
    add_photos(parser, top=5, help_top="how many classes to show (default %(default)s)")
    add_network(parser)
    parser.set_defaults(run=run)


def run(arguments):
    """Name each photo."""
    base = pretrained(arguments.model, arguments.weights)
    say(base.notes)
    if not base.class_names:
        raise InputError(f"{arguments.weights or arguments.model}: it is not known what its classes are; train a classifier of "
                         "your own on it: tinynet transfer")

    def answer(images):
        x = np.stack([base.preprocessing(image) for image in images])
        return Answers(softmax(Tensor(parallel.run(base.net, x))).numpy())

    return label(arguments, answer, base.class_names)
