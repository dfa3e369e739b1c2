"""What the layers and arrays of a stranger's file are called, and which of them a table of names knows. Taught in lesson 19."""
import re
from collections import Counter
from os.path import commonprefix

from ..errors import InputError

WORDS = {                                           # the last word of an array's name, and what we call it
    "weight": "weight", "kernel": "weight", "depthwise_kernel": "weight", "weights": "weight", "depthwise_weights": "weight",
    "gamma": "weight", "W": "weight", "bias": "bias", "biases": "bias", "beta": "bias", "b": "bias",
    "running_mean": "running_mean", "moving_mean": "running_mean", "running_var": "running_var",
    "moving_variance": "running_var",
}


def by_layer(arrays):
    """Return a file's arrays by layer, what each is in our words.

    Parameters
    ----------
    arrays : dict of str to ndarray
        As a reader gives them.

    Returns
    -------
    layers : dict of str to dict of str to ndarray
        {layer: {"weight": ..., "bias": ..., "running_mean": ..., "running_var": ...}}, in the file's order; arrays of
        other names are left out, such as a counter of batches.
    """
    layers = {}
    for name, array in arrays.items():
        cut = max(name.rfind("."), name.rfind("/"))
        word = WORDS.get(name[cut + 1:])
        if word and cut > 0:
            layers.setdefault(name[:cut], {})[word] = array
    return layers


def known_names(layers, table, file_name):
    """Return which of a file's layers a table knows, also where the network is kept inside of another.

    Parameters
    ----------
    layers : dict
        By their names in the file, such as backbone.layer1.0.conv1.
    table : dict of str to str
        A publisher's name of each layer, such as layer1.0.conv1, and ours.
    file_name : str
        For the message.

    Returns
    -------
    known : dict of str to str
        The file's name of each layer, and ours.

    Raises
    ------
    InputError
        If the file holds two such networks.
    """
    starts = {layer: (0, *(dot.end() for dot in re.finditer("[./]", layer))) for layer in layers}
    places = Counter(layer[:next(cut for cut in cuts if layer[cut:] in table)]
                     for layer, cuts in starts.items() if any(layer[cut:] in table for cut in cuts))
    (prefix, n), (other, m) = (*places.most_common(2), ("", 0), ("", 0))[:2]
    if n > 3 and m > n / 2:
        raise InputError(f"{file_name} holds two networks, {prefix!r} and {other!r}; save the state dict of one of them alone")
    found = {layer: table.get(layer.removeprefix(prefix)) for layer in layers if layer.startswith(prefix)}
    return {layer: ours for layer, ours in found.items() if ours}


def is_inside(layer, trunk, layers, file, by_order):
    """Return whether a layer of a file, unknown to us, belongs to the trunk and not to somebody's own classifier.

    Parameters
    ----------
    layer : str
    trunk : list of str
        The file's layers that were found in ours, without the classifier.
    layers : dict of str to dict of str to ndarray
        All of the file, in its order.
    file : WeightFile
    by_order : bool
        Whether the trunk was found by the order of its layers, and not by their names.

    Returns
    -------
    is_inside : bool
    """
    kinds, maps = layers[layer], [name for name in trunk if _sees_maps(layers[name])]
    if _has_window(kinds, file.layout):
        return True
    if not re.search("[./]", layer):                        # a list of layers: behind the last of the trunk, or before
        places = list(layers)
        if file.facts.get("order") == "by kind":            # nothing to be told by it, where names do not tell the others
            return by_order and _sees_maps(kinds)
        return bool(maps) and places.index(layer) < max(map(places.index, maps))
    root = re.match(r"(.*[./])?", commonprefix(maps))[0]    # a tree: layer1.0.se.fc1 is of layer1
    blocks = {_block(name, root) for name in maps}
    block = _block(layer, root)
    return layer.startswith(root) and (block in blocks or block.isdigit() and any(
        other.isdigit() and int(block) < int(other) for other in blocks))


def _block(layer, root):
    return re.split("[./]", layer.removeprefix(root))[0]


def _sees_maps(kinds):
    return "running_mean" in kinds or "weight" in kinds and kinds["weight"].ndim == 4


def _has_window(kinds, layout):
    """Return whether a layer is a convolution that sees more than one pixel."""
    shape = kinds["weight"].shape if "weight" in kinds else ()
    sides = {"OIHW": shape[2:], "HWIO": shape[:2], "OHWI": shape[1:3]}[layout]
    return len(shape) == 4 and max(sides) > 1
