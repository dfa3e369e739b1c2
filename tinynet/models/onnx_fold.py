"""The part of an ONNX graph that no image touches, computed once: exporters leave much of it. Taught in lesson 19."""
import math

import numpy as np

from ..errors import InputError
from ..tensor import Tensor, no_grad
from .onnx_ops import build

FILLED = 2 ** 28                    # numbers that one constant may have: a small file could ask for any number of them
CAST = {1: np.float32, 6: np.int32, 7: np.int64, 9: np.bool_, 11: np.float64}


def fold(nodes, arrays, source, opset):
    """Compute what depends on constants alone.

    Parameters
    ----------
    nodes : list of Node
    arrays : dict of str to ndarray
        The graph's constants.
    source : str
        The graph's input.
    opset : int

    Returns
    -------
    rest : list of Node
        The nodes that depend on the input.
    constants : dict of str to ndarray
        The arrays, and what the other nodes made of them.

    Raises
    ------
    InputError
        If a node reads what neither the file nor a node before it has, or cannot be run.
    """
    constants, rest, known = dict(arrays), [], {source, "", *arrays}
    for node in nodes:
        missing = [name for name in node.inputs if name not in known]
        if missing:
            raise InputError(f"graph: node {node.name or node.outputs[0]!r} is {node.op} of {missing[0]!r}, which nothing "
                             "computes; give a file with one input, whose nodes stand in order of execution")
        known.add(node.outputs[0])
        if any(name and name not in constants for name in node.inputs):
            rest.append(node)
            continue
        inputs = [constants[name] if name else None for name in node.inputs]
        try:
            constants[node.outputs[0]] = _computed(node, inputs, constants, opset)
        except (ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"graph: node {node.name or node.outputs[0]!r} is {node.op}, and its constants do not fit it "
                             f"({error}); export the network again") from error
    return rest, constants


def _computed(node, inputs, constants, opset):
    if node.op in FOLDED:
        return FOLDED[node.op](node.attributes.get, *inputs)
    with no_grad():
        return build(node, constants, opset, None)(*[None if array is None else Tensor(array) for array in inputs]).data


def _filled(get, shape):
    if math.prod(shape.tolist()) > FILLED:
        raise ValueError(f"{shape.tolist()} is more than {FILLED:,} numbers")
    return np.full(shape, get("value", np.zeros(1, np.float32)).reshape(-1)[0])


def _sliced(get, x, starts=None, ends=None, axes=None, steps=None):
    starts, ends = get("starts", starts), get("ends", ends)
    axes = get("axes", range(len(starts)) if axes is None else axes)
    parts = [slice(None)] * x.ndim
    for i, axis in enumerate(axes):
        step, end = 1 if steps is None else int(steps[i]), int(ends[i])
        parts[axis] = slice(int(starts[i]), None if step < 0 and end < -x.shape[axis] else end, step)
    return x[tuple(parts)]


# What only shapes and borders need: (the node's attributes, its inputs) -> ndarray
FOLDED = {
    "Cast": lambda get, x: x.astype(CAST[get("to")]),
    "Concat": lambda get, *xs: np.concatenate(xs, get("axis")),
    "ConstantOfShape": _filled,
    "Gather": lambda get, x, index: np.take(x, index, get("axis", 0)),
    "Shape": lambda get, x: np.array(x.shape, np.int64),
    "Slice": _sliced,
}
