"""A trained classifier for PyTorch: its weights under the names that PyTorch's own library gives to the layers."""
import re

import numpy as np

from ..backend import to_numpy
from ..errors import InputError
from ..layers import Linear, Sequential
from ..models import ZOO
from ..models.onnx_nodes import Nodes, trace
from ..weights import save_weights
from .ensemble import Ensemble
from .export import described


def export_pytorch(path, classifier, model, about=None):
    """Write a classifier's weights to a safetensors file, as the network of a PyTorch library has them.

    The head standardises, which PyTorch has no layer for, and divides scores by a temperature: both are in the numbers of
    its linear layers, so that the softmax of what the PyTorch network returns is the classifier's answer.

    Parameters
    ----------
    path : str or Path
    classifier : Classifier
        Of one head. Further views than the first are left out.
    model : str
        The network of the zoo that it was made on.
    about : dict of str to str, optional
        Further metadata.

    Returns
    -------
    code : str
        The lines of Python that make the PyTorch network ``net`` and load the file into it.

    Raises
    ------
    InputError
        If no library of PyTorch has this network, or has it in another variant, or the head is none that `transfer` makes.
    """
    net, preprocessing, named = classifier.net, classifier.preprocessing, ZOO.get(model)
    if named is None or not named.pytorch:
        raise InputError(f"export: no library of PyTorch has {'this network' if named is None else model}; --onnx FILE takes "
                         "any")
    library, build, place = named.pytorch
    source = next(source for source in named.sources if source.name == library)
    theirs = named.build(**source.options | source.variants[0])[:named.classifier]
    pooled = len(net.stages) - 1 > len(theirs.stages)                           # `replace_head` put a pool before the head
    if pooled:
        theirs = Sequential(**dict(theirs.children()), **{net.stages[-2]: net[-2]})
    if not _same_network(net[:"head"], theirs, (preprocessing.n_channels, preprocessing.crop, preprocessing.crop)):
        raise InputError(f"export: this is not the {model} of {library}: whoever made its weights has other paddings, "
                         "steps or widths; --onnx FILE takes any")
    arrays = _renamed(net[:"head"].state_dict(), {ours: name for name, ours in source.layers.items()})
    linear = _folded(net["head"], classifier.temperature)
    layers = ["AdaptiveAvgPool2d(1)", "Flatten()"] * pooled
    for i, (W, b) in enumerate(linear):
        layers += ["ReLU()"] * (i > 0)
        arrays |= {f"{place}.{len(layers)}.weight": W, f"{place}.{len(layers)}.bias": b}
        layers.append(f"Linear({W.shape[1]}, {W.shape[0]})")
    save_weights(path, arrays, described(classifier) | {"model": model, "pytorch": build} | (about or {}))
    target = re.sub(r"\.(\d+)", r"[\1]", place)                                 # classifier.6 -> classifier[6]
    return "\n".join([
        f"import {library}", "from safetensors.torch import load_file", "from torch import nn", "",
        f"net = {build}", f"net.{target} = nn.Sequential({', '.join(f'nn.{layer}' for layer in layers)})",
        f"net.load_state_dict(load_file({str(path)!r}))", "net.eval()", *_preparation(classifier)])


def _preparation(classifier):
    """Return the lines that say what the network takes and gives."""
    p = classifier.preprocessing
    scale = p.scale if isinstance(p.scale, tuple) else (p.scale,) * p.n_channels
    return [f"# x: ({p.channels} of 0..255 - mean) * scale, float32 (N, {p.n_channels}, {p.crop}, {p.crop}), "
            f"of photos scaled to {p.resize} pixels ({p.resample}) and cropped",
            f"mean, scale = {list(p.mean)}, {list(scale)}",
            f"classes = {list(classifier.classes)}          # in the order of net(x).softmax(1)"]


def _same_network(ours, theirs, image_shape):
    """Return whether two networks do the same with weights of the same names and shapes."""
    shapes = [{name: array.shape for name, array in net.state_dict().items()} for net in (ours, theirs)]
    if shapes[0] != shapes[1]:
        return False
    graphs = [Nodes(net.state_dict()) for net in (ours, theirs)]
    for graph, net in zip(graphs, (ours, theirs)):
        trace(graph, net, "image", image_shape)
    return graphs[0].nodes == graphs[1].nodes


def _renamed(arrays, names):
    """Return arrays under PyTorch's names, with the counter that its batch norms keep beside their statistics."""
    renamed = {}
    for name, array in arrays.items():
        layer, _, what = name.rpartition(".")
        renamed[f"{names[layer]}.{what}"] = to_numpy(array)
        if what == "running_var":
            renamed[f"{names[layer]}.num_batches_tracked"] = np.array(0)
    return renamed


def _folded(head, temperature):
    """Return weights and biases of a head's linear layers, (x - mean) / std before them and 1 / temperature behind them."""
    if isinstance(head, Ensemble):
        raise InputError(f"export: an ensemble of {len(head.members)} heads is no network of PyTorch's libraries; --onnx FILE "
                         "takes all of them")
    layers = [stage for _, stage in head.children() if isinstance(stage, Linear)]
    if head.stages not in (["standardize", "softmax"], ["standardize", "hidden", "relu", "softmax"]):
        raise InputError(f"export: the head has the stages {', '.join(head.stages)}, which `transfer` does not make; "
                         "--onnx FILE takes any")
    numbers = [[to_numpy(p.data).astype(float) for p in layer.parameters()] for layer in layers]            # W (K, D), b (K,)
    mean, std = (to_numpy(array).astype(float) for array in (head["standardize"].mean, head["standardize"].std))
    W, b = numbers[0]
    numbers[0] = [W / std, b - W / std @ mean]
    numbers[-1] = [array / temperature for array in numbers[-1]]
    return [[array.astype(np.float32) for array in pair] for pair in numbers]
