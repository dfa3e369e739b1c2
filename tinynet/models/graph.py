"""A network from an ONNX file: its graph is cut into stages that can be named, frozen and cached. Taught in lesson 19.

A graph can be cut wherever exactly one value flows: behind a convolution, behind the sum that ends a residual block, but
not inside of the block, where the shortcut flows beside it. Each piece between two such points becomes a stage.
"""
import re
from collections import Counter
from os.path import commonprefix
from types import SimpleNamespace

import numpy as np

from .. import ops
from ..errors import InputError
from ..layers import Module, Parameter, Sequential
from ..weights.onnx import place
from .onnx_fold import fold
from .onnx_ops import build


class Graph(Module):
    """The nodes of a graph, run in order; each value is dropped after its last use.

    Parameters
    ----------
    nodes : list of Node
        In order of execution. Only their first outputs are used, and all of them depend on the input.
    constants : dict of str to ndarray
        Floats become Parameters, except single numbers and the statistics of a batch norm, which stay as they are.
    source, target : str
        The values that come in and go out.
    opset : int
        The version of ONNX that the file follows.
    batch : int or None
        The number of images in a batch, where the file fixes it.
    prefix : str
        What the parameters' names here begin with in the file; it is left out.

    Raises
    ------
    InputError
        If tinynet cannot run a node; the message has its operator and name.
    """

    by_row = True                   # no operator mixes the images of a batch, or it is refused

    def __init__(self, nodes, constants, source, target, opset, batch=None, prefix=""):
        # what makes this network another than one of the same weights stands here as plain values: a cache compares them
        self.source, self.target, self.opset, self.batch, self.nodes = source, target, opset, batch, nodes
        self.attributes, self.numbers, self.settings, self.buffers = {}, {}, {}, ()
        self.plan = SimpleNamespace(steps=[])               # (function, names of its inputs, of its output, of what ends)
        last = {name: i for i, node in enumerate(nodes) for name in node.inputs}
        for i, node in enumerate(nodes):
            run = build(node, constants, opset, batch)
            done = [name for name in dict.fromkeys(node.inputs) if last[name] == i and name not in constants and name != target]
            self.plan.steps.append((run, node.inputs, node.outputs[0], done))
            for j, name in enumerate(node.inputs):
                if name in constants:
                    self._hold(name, constants[name], prefix, node.op == "BatchNormalization" and j > 2)

    def _hold(self, name, array, prefix, is_statistic):
        if array.dtype.kind != "f":
            self.settings[name] = array.tolist()            # was read when the operators were built
            return
        if name in self.attributes:
            return
        array = np.array(array, np.float32)
        if array.size == 1 and array.ndim == 0:
            self.numbers[name] = float(array)
            return
        own = _identifier(name.removeprefix(prefix + "."))
        while hasattr(self, own):
            own += "_"
        setattr(self, own, array if is_statistic else Parameter(array))
        self.attributes[name] = own
        self.buffers += (own,) * is_statistic

    def forward(self, x):
        """Run the nodes, (N, ...) -> (N, ...)."""
        values = {self.source: x, "": None, **self.numbers, **{name: getattr(self, own) for name, own in self.attributes.items()}}
        for run, inputs, output, done in self.plan.steps:
            values[output] = run(*[values.get(name) for name in inputs])
            for name in done:
                values.pop(name, None)
        y = values[self.target]
        if y.shape[:1] != x.shape[:1]:
            raise InputError(f"graph: {len(x)} images became {y.shape}; export the network with a batch of any size")
        return y


class ChannelsLast(Module):
    """Turn images into TensorFlow's order of axes, which the graphs of its networks begin with."""

    by_row = True

    def forward(self, x):
        """(N, C, H, W) -> (N, H, W, C)"""
        return ops.transpose(x, (0, 2, 3, 1))


def graph_network(weights):
    """Build a network that runs the graph of an ONNX file.

    Parameters
    ----------
    weights : WeightFile
        From `tinynet.weights.onnx.read`. The graph's first output is the network's.

    Returns
    -------
    net : Sequential
        A stage for each piece of the graph between points where exactly one value flows, named after where its nodes stand
        in the file: ``net[:"layer4_0"]`` is a trunk, and ``transfer`` can give it a new head. It takes (N, C, H, W), also
        where the file wants (N, H, W, C).

    Raises
    ------
    InputError
        If the file has no graph or more than one input, or tinynet cannot run one of its nodes.
    """
    sources = [key.removeprefix("input ") for key in weights.facts if key.startswith("input ")]
    targets = [key.removeprefix("output ") for key in weights.facts if key.startswith("output ")]
    if not weights.nodes or len(sources) != 1 or not targets:
        raise InputError(f"graph: the file has {len(weights.nodes or [])} nodes, {len(sources)} inputs and {len(targets)} outputs; "
                         "an ONNX network with one input is needed")
    source, target, opset = sources[0], targets[0], int(weights.facts.get("opset", 1))
    batch = re.match(r"\((\d+),", weights.facts[f"input {source}"])
    batch = int(batch[1]) if batch else None
    nodes, constants = fold(_used(weights.nodes, target), weights.arrays, source, opset)
    stages, names, before, start = {}, Counter(), source, 0
    for stop in _cuts(nodes, source, target):
        piece = nodes[start:stop]
        where = _place(piece)
        own = _identifier(where) if where else piece[-1].op.lower()
        names[own] += 1
        own = own if names[own] == 1 and not hasattr(Sequential, own) else f"{own}_{names[own] + (names[own] == 1)}"
        stages[own] = Graph(piece, constants, before, piece[-1].outputs[0], opset, batch, where)
        before, start = piece[-1].outputs[0], stop
    if before != target:
        raise InputError(f"graph: the output {target!r} is not computed from the input {source!r}")
    return Sequential(channels_last=ChannelsLast(), **stages) if _image_shape(weights)[1] else Sequential(**stages)


def image_shape(weights):
    """Return the shape of an image that an ONNX file wants.

    Parameters
    ----------
    weights : WeightFile
        Of one input.

    Returns
    -------
    shape : tuple of int
        (C, H, W), or whatever follows the batch; sides that may vary are 224, channels 3.
    """
    return _image_shape(weights)[0]


def _image_shape(weights):
    """Return the shape, and whether the file itself has the channels last."""
    text = next(value for key, value in weights.facts.items() if key.startswith("input "))
    shape = [int(n) if n.isdigit() else None for n in text.strip("()").split(", ")][1:]
    if len(shape) != 3:
        return tuple(n or 1 for n in shape), False
    is_last = shape[2] in (1, 3) and shape[0] not in (1, 3)
    shape = [shape[2], *shape[:2]] if is_last else shape
    return tuple(n or default for n, default in zip(shape, (3, 224, 224))), is_last


def _identifier(name):
    """Return a name as an attribute's: layer1.0.conv1 -> layer1_0_conv1."""
    own = re.sub(r"\W", "_", name).strip("_")
    return own if own[:1].isalpha() else f"n{own}"


def _used(nodes, target):
    """Return the nodes, in order, on which a value depends."""
    wanted, found = {target}, []
    for node in reversed(nodes):
        if wanted & set(node.outputs):
            found.append(node)
            wanted |= set(node.inputs)
    return found[::-1]


def _cuts(nodes, source, target):
    """Yield the positions behind which exactly one value flows."""
    last = {name: i for i, node in enumerate(nodes) for name in node.inputs} | {target: len(nodes)}
    flowing = {source}
    for i, node in enumerate(nodes):
        flowing = {name for name in flowing | {node.outputs[0]} if last.get(name, -1) > i}
        if len(flowing) == 1:
            yield i + 1


def _place(nodes):
    """Return what the places of nodes have in common: layer1.0 for those of one block."""
    common = commonprefix([place(node).split(".") for node in nodes])
    return ".".join(common)
