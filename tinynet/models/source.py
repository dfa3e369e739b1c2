"""Whose weights a network can have, what they call its layers, and how their network differs from ours. Taught in lesson 19."""
from dataclasses import dataclass, field

from ..data import Preprocessing


@dataclass(frozen=True)
class Source:
    """One publisher of a network's weights.

    Attributes
    ----------
    name : str
        "torchvision", "timm", "Keras", "TensorFlow", "Caffe".
    layers : dict of str to str
        Their name of each layer, and ours.
    preprocessing : Preprocessing
        What these weights expect of an image.
    options : dict
        Arguments of the builder, where their network differs from ours.
    variants : tuple of dict
        Further arguments of which the file tells by its shapes which are right; the first that fits is taken.
    flattened : dict of str to (int, int, int)
        Our dense layers behind maps (C, H, W); who keeps channels last flattens them in another order.
    file_name : str
        Where two publishers have the same names and shapes: what the name of the file begins with.
    """

    name: str
    layers: dict
    preprocessing: Preprocessing
    options: dict = field(default_factory=dict)
    variants: tuple = ({},)
    flattened: dict = field(default_factory=dict)
    file_name: str = ""


def norm_pairs(layers, ending, norm_ending):
    """Return the names of convolutions and of the batch norms behind them.

    Parameters
    ----------
    layers : dict of str to str
        Their name of each convolution, and our ConvNorm.
    ending, norm_ending : str
        How their name of a convolution ends, and what stands in its place in the batch norm's.

    Returns
    -------
    layers : dict of str to str
        Their name of each layer, and ours.
    """
    convs = {theirs: f"{ours}.conv" for theirs, ours in layers.items()}
    norms = {theirs.removesuffix(ending) + norm_ending: f"{ours}.norm" for theirs, ours in layers.items() if ending != norm_ending}
    return convs | norms


def variants(option, values):
    """Return a tuple of dicts, each with one of the values for the option.

    Parameters
    ----------
    option : str
    values : sequence

    Returns
    -------
    variants : tuple of dict
    """
    return tuple({option: value} for value in values)
