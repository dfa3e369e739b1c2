"""From a stranger's names and layouts to ours: which layer of a weight file is which layer of a network. Taught in lesson 19.

Three things differ between frameworks: what the arrays of a layer are called (`names.WORDS`), in which order their axes lie
(`ours`), and what the layers are called (the tables of each network, `Source.layers`).
"""
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..layers import Module
from .names import by_layer, is_inside, known_names
from .unlike import unlike

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
    attempts = [(source, table) for source in sources if (table := known_names(layers, source.layers, file.name))]
    is_known = any(len(table) > len(layers) / 2 for _, table in attempts)       # and yet another network, if it does not fit
    if model.chain and file.format.startswith(ORDERED) and not is_known:
        attempts += [(source, None) for source in sources if _distance(source, file) < 2]
    for source, table in attempts:
        for variant in source.variants:
            found = _try(file, layers, model, source, source.options | variant, table)
            if isinstance(found, Match):
                return found
            best = found if best is None or len(found) < len(best) else best
    if not attempts:
        theirs = ", ".join(f"{name} {array.shape}" for name, array in list(file.arrays.items())[:4])
        wanted = "; ".join(f"{source.name}'s {', '.join(list(source.layers)[:3])}" for source in sources)
        raise InputError(f"{file.name}: no table of names of {model.name} knows a layer of it: it holds {theirs:.200}, ...; known "
                         f"are {wanted}, ...")
    raise InputError(f"{file.name} does not fit {model.name}, in {len(best)} places: {'; '.join(best[:12]):.700}"
                     f"{'; ...' * (len(best) > 12)}; `tinynet inspect` shows what the file holds and which network it fits")


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
    net, by_order = model.build(**options), table is None
    if by_order:
        table = _in_order(layers, net)
    classifier = _last(net)
    theirs = next((theirs for theirs, name in table.items() if name == classifier and "weight" in layers.get(theirs, {})), None)
    if theirs is not None:                              # another number of classes is no misfit
        weight = layers[theirs]["weight"]
        n_classes = weight.shape[-1] if file.layout == "HWIO" else len(weight)
        if n_classes != model.n_classes:
            options = options | {"n_classes": n_classes}
            net = model.build(**options)
    state, arrays, biases, problems, left_out = net.state_dict(), {}, {}, unlike(file, net), {}
    for layer, kinds in layers.items():
        for kind, array in kinds.items():
            name = f"{table.get(layer)}.{kind}"
            wanted = state.get(name)
            if wanted is None and kind == "bias" and name.replace(".conv.", ".norm.") in state:
                biases[name.removesuffix(".conv.bias")] = array             # in front of a batch norm, or with one inside
            elif wanted is None:
                left_out.setdefault(layer, []).append(f"{layer}.{kind} {array.shape}")
            elif name in arrays:
                problems.append(f"{layer}.{kind} is one of two for {name}")
            elif (fitting := ours(array, wanted.shape, file.layout, source.flattened.get(table.get(layer)))) is None:
                problems.append(f"{layer}.{kind} is {array.shape}, {name} needs {wanted.shape}")
            else:
                arrays[name] = fitting
    for block, bias in biases.items():
        mean = f"{block}.norm.running_mean"
        if mean in arrays:                              # the norm subtracts its mean from x + bias, ours from x
            arrays[mean] = arrays[mean] - bias if arrays[mean].shape == bias.shape else arrays[mean]
        else:
            arrays |= _folded(net, block, bias)
    for name in state:                                  # some batch norms learn no scale, or no shift
        norm, _, kind = name.rpartition(".")
        if name not in arrays and kind in ("weight", "bias") and f"{norm}.running_mean" in arrays:
            arrays[name] = state[name]
    missing = [name for name in state if name not in arrays]
    if missing or left_out:                             # somebody's own classifier, or none
        stages, missing = net.stages, missing or [name for name in state if name.startswith(classifier + ".")]
        first = min(stages.index(name.split(".")[0]) for name in missing)
        rest = [name for name in state if stages.index(name.split(".")[0]) >= first]
        trunk = [layer for layer, name in table.items() if layer in layers and f"{name}.weight" in state.keys() - set(rest)]
        inside = [f"{layer} has no place" for layer in layers if layer not in trunk and (layer in left_out or by_order)
                  and is_inside(layer, trunk, layers, file, by_order)]
        dense = all(state[name].ndim <= 2 and not name.endswith("running_mean") for name in rest) or rest[0].startswith(classifier)
        if not dense or not arrays or inside or set(rest) != set(missing) or first == 0:
            return problems + [f"nothing for {name} {state[name].shape}" for name in missing if name not in arrays] + inside
        left_out, problems, net = {**left_out, "": problems}, [], net[:stages[first]]
        arrays = {name: array for name, array in arrays.items() if name not in rest}
    if problems:
        return problems
    net.load_state_dict(arrays)
    return Match(net.eval(), source, options, by_order, sum(left_out.values(), []))


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


def _distance(source, file):
    """Return how far a publisher is from a file's format: 0 near, 1 thinkable, 2 only if the names say so."""
    if source.file_name and not file.name.startswith(source.file_name):
        return 2
    if file.format.startswith(source.name):
        return 0
    caffe, google = source.name == "Caffe", source.name in ("Keras", "TensorFlow")
    return 2 if caffe or file.format.startswith("Caffe") or google != (file.layout != "OIHW") else 1
