"""Kinds of arguments that several commands take."""
import argparse
import sys

from ..models import DEFAULT


def number(kind, least, description, below=float("inf")):
    """Return a parser of arguments that are numbers.

    Parameters
    ----------
    kind : {int, float}
    least : number
        The smallest that is taken; none is infinite.
    description : str
        What to ask for, such as "a whole number above 0".
    below : number
        All that are taken are smaller.

    Returns
    -------
    parse : callable
        For ``type=`` of an argument.
    """
    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = float("nan")
        if not least <= value < below:
            raise argparse.ArgumentTypeError(f"{text!r} is not {description}")
        return value
    return parse


positive = number(int, 1, "a whole number above 0")
share = number(float, sys.float_info.min, "a number above 0 and below 1", below=1)
rate = number(float, sys.float_info.min, "a number above 0")


def add_network(parser):
    """Add the arguments that choose a pretrained network.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    parser.add_argument("--model", default=DEFAULT, metavar="NAME|FILE",
                        help="a network that `tinynet models` lists, or a weight file of one, or an ONNX file of any "
                             "(default %(default)s)")
    parser.add_argument("--weights", metavar="FILE",
                        help="other weights for it: PyTorch, safetensors, Keras, ONNX, TFLite, Caffe or TensorFlow")


def say(notes):
    """Print what is worth knowing, one line each, on stderr.

    Parameters
    ----------
    notes : list of str
    """
    for note in notes:
        print(f"tinynet: {note}", file=sys.stderr)
