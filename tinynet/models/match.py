"""From a stranger's names and layouts to ours: which layer of a weight file is which layer of a network. Taught in lesson 19.

Three things differ between frameworks: what the arrays of a layer are called (`WORDS`), in which order their axes lie
(`ours`), and what the layers are called (the tables of each network, `Source.layers`).
"""
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..layers import Module

WORDS = {                                           # the last word of an array's name, and what we call it
    "weight": "weight", "kernel": "weight", "depthwise_kernel": "weight", "weights": "weight", "depthwise_weights": "weight",
    "gamma": "weight", "W": "weight", "bias": "bias", "biases": "bias", "beta": "bias", "b": "bias",
    "running_mean": "running_mean", "moving_mean": "running_mean", "running_var": "running_var",
    "moving_variance": "running_var",
}
ORDERED = ("PyTorch", "Keras", "ONNX", "TensorFlow Lite", "Caffe")   # formats that keep a network's layers in their order


@dataclass
class Match:
    """A file's numbers in a network of ours.

    Attributes
    ----------
    net : Sequential
        With its weights, in evaluation mode. Without its last stages, if the file has nothing for them.
    source : Source
        By whose names they were found.
    options : dict
        With which the builder was called.
    by_order : bool
        Whether layers were paired by their order, for want of known names.
    left_out : list of str
        What the file holds and the network does not need, such as somebody's own classifier.
    """

    net: Module
    source: object
    options: dict
    by_order: bool
    left_out: list


def match(file, model):
    """Put a file's numbers into a network of the zoo.

    Parameters
    ----------
    file : WeightFile
    model : Model
        A row of the zoo.

    Returns
    -------
    match : Match

    Raises
    ------
    InputError
        If they do not fit, by no table of names and not by their order: what is missing, misshapen and unknown is listed.
    """
    layers, best = by_layer(file.arrays), None
    sources = sorted(model.sources, key=lambda source: _distance(source, file))
    attempts = [(source, source.layers) for source in sources if set(source.layers) & set(layers)]
    if not attempts and model.chain and file.format.startswith(ORDERED):
        attempts = [(source, None) for source in sources if _distance(source, file) < 2]
    for source, table in attempts:
        for variant in source.variants:
            found = _try(file, layers, model, source, source.options | variant, table)
            if isinstance(found, Match):
                return found
            best = found if best is None or len(found) < len(best) else best
    problems = best or [f"layers are called {', '.join(list(layers)[:6]) or 'nothing'}, which no table of names knows"]
    raise InputError(f"{file.name}: {len(problems)} things do not fit {model.name}: {'; '.join(problems[:12])}"
                     f"{'; ...' * (len(problems) > 12)}; `tinynet inspect` shows what the file holds and which network it fits")


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


def ours(array, shape, layout, flattened=None):
    """Return an array with its axes in our order, None if it cannot have the shape.

    Parameters
    ----------
    array : ndarray
        As it lies in the file.
    shape : tuple of int
        Of our array: (F, C / groups, R, S) of a convolution, (out, in) of a dense layer.
    layout : {"OIHW", "HWIO", "OHWI"}
        The file's order of axes.
    flattened : (int, int, int), optional
        Maps (C, H, W) that a dense layer takes as one row; with channels last they lie in another order in it.

    Returns
    -------
    array : ndarray or None
    """
    depthwise = len(shape) == 4 and shape[1] == 1 and shape[0] != 1
    if array.ndim == 4 and layout == "HWIO":
        array = array.transpose(2, 3, 0, 1) if depthwise and array.shape[3] == 1 else array.transpose(3, 2, 0, 1)
    elif array.ndim == 4 and layout == "OHWI":
        array = array.transpose(3, 0, 1, 2) if depthwise and array.shape[0] == 1 else array.transpose(0, 3, 1, 2)
    elif array.ndim == 2 and layout == "HWIO":
        array = array.T
    if len(shape) == 2 and array.ndim == 2 and flattened and layout != "OIHW" and array.shape == shape:
        C, H, W = flattened
        array = array.reshape(-1, H, W, C).transpose(0, 3, 1, 2)
    fits = array.shape == shape or array.size == np.prod(shape) and len(array) == shape[0] and {array.ndim, len(shape)} == {2, 4}
    return array.reshape(shape) if fits else None       # a 1x1 convolution over one pixel is a dense layer


def _try(file, layers, model, source, options, table):
    """Return a Match, or a list of what is wrong with it; without a table, layers are paired by their order."""
    net = model.build(**options)
    if table is None:
        table = _in_order(layers, net)
    classifier = _last(net)
    theirs = next((theirs for theirs, name in table.items() if name == classifier and "weight" in layers.get(theirs, {})), None)
    if theirs is not None:                              # another number of classes is no misfit
        weight = layers[theirs]["weight"]
        n_classes = weight.shape[-1] if file.layout == "HWIO" else len(weight)
        if n_classes != model.n_classes:
            options = options | {"n_classes": n_classes}
            net = model.build(**options)
    state, arrays, problems, left_out = net.state_dict(), {}, [], []
    for layer, kinds in layers.items():
        for kind, array in kinds.items():
            name = f"{table.get(layer)}.{kind}"
            wanted = state.get(name)
            if wanted is None:
                if not (kind == "bias" and name.endswith(".conv.bias") and name.replace(".conv.", ".norm.") in state):
                    left_out.append(f"{layer}.{kind} {array.shape}")
                    continue
                arrays |= _folded(net, name.removesuffix(".conv.bias"), array)      # batch norm went into the convolution
                continue
            fitting = ours(array, wanted.shape, file.layout, source.flattened.get(table.get(layer)))
            if fitting is None:
                problems.append(f"{layer}.{kind} is {array.shape}, {name} needs {wanted.shape}")
            else:
                arrays[name] = fitting
    for name in state:                                  # some batch norms learn no scale, or no shift
        norm, _, kind = name.rpartition(".")
        if name not in arrays and kind in ("weight", "bias") and f"{norm}.running_mean" in arrays:
            arrays[name] = state[name]
    missing = [name for name in state if name not in arrays]
    if missing:
        stages = net.stages
        first = min(stages.index(name.split(".")[0]) for name in missing)
        rest = [name for name in state if stages.index(name.split(".")[0]) >= first]
        dense = all(state[name].ndim <= 2 and not name.endswith("running_mean") for name in rest)
        windows = [layer for layer, kinds in layers.items() if table.get(layer) is None and _has_window(kinds, file.layout)]
        if not dense or not arrays or windows or set(rest) != set(missing) or first == 0:
            return problems + [f"nothing for {name} {state[name].shape}" for name in missing] \
                + [f"{layer} has no place" for layer in windows]
        left_out, net = left_out + problems, net[:stages[first]]
    elif left_out:
        return [f"{name} has no place" for name in left_out]
    net.load_state_dict(arrays)
    return Match(net.eval(), source, options, table is not source.layers, left_out)


def _in_order(layers, net):
    """Return {their layer: ours}, the first with the first, weights and batch norms each by themselves."""
    theirs = [layer for layer, kinds in layers.items() if "weight" in kinds and kinds["weight"].ndim > 1]
    norms = [layer for layer, kinds in layers.items() if "running_mean" in kinds]
    state = net.state_dict()
    our_weights = [name.removesuffix(".weight") for name in state if name.endswith(".weight") and state[name].ndim > 1]
    our_norms = [name.removesuffix(".running_mean") for name in state if name.endswith(".running_mean")]
    return dict(zip(theirs, our_weights)) | dict(zip(norms, our_norms))


def _last(net):
    """Return the name of the last layer with weights: the classifier."""
    return [name.removesuffix(".weight") for name in net.state_dict() if name.endswith(".weight")][-1]


def _folded(net, block, bias):
    """Return a batch norm that adds a bias and changes nothing else."""
    module = net
    for name in f"{block}.norm".split("."):
        module = vars(module)[name]
    one = np.ones_like(bias)
    return {f"{block}.norm.weight": one, f"{block}.norm.bias": bias, f"{block}.norm.running_mean": 0 * one,
            f"{block}.norm.running_var": one * (1 - module.eps)}


def _has_window(kinds, layout):
    """Return whether a layer is a convolution that sees more than one pixel."""
    shape = kinds["weight"].shape if "weight" in kinds else ()
    sides = {"OIHW": shape[2:], "HWIO": shape[:2], "OHWI": shape[1:3]}[layout]
    return len(shape) == 4 and max(sides) > 1


def _distance(source, file):
    """Return how far a publisher is from a file's format: 0 near, 1 thinkable, 2 only if the names say so."""
    if source.file_name and not file.name.startswith(source.file_name):
        return 2
    if file.format.startswith(source.name):
        return 0
    caffe, google = source.name == "Caffe", source.name in ("Keras", "TensorFlow")
    return 2 if caffe or file.format.startswith("Caffe") or google != (file.layout != "OIHW") else 1
