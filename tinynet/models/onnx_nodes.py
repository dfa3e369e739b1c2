"""What each of tinynet's operations is in an ONNX graph: the way back from `onnx_ops`.

A network is not taken apart, but run: its tape (lesson 01) holds every operation in order, those of a reader's own layers
too. What a tape cannot hold is a number taken from the images past it, as by ``x.data``, or from how many there are. So the
network runs twice, on two images of noise and on three, and what then differs, but for the axis of the batch, is refused.
Conventions: https://github.com/onnx/onnx/blob/main/docs/Operators.md
"""
import itertools

import numpy as np

from ..backend import to_device, to_numpy
from ..errors import InputError
from ..layers import Sequential, evaluating
from ..ops import activation, arithmetic, conv, depthwise, norm, pool, random, reduce
from ..ops.matmul import Linear, MatMul
from ..ops.shape import Concat, GetItem, Pad2d, Reshape, Transpose
from ..tensor import Tensor
from ..weights.file import Node

OPSET = 18                          # of the operators; files of it name version 8 of the format
END = np.iinfo(np.int64).max        # in a Slice: as far as it goes


class Nodes:
    """The nodes of a graph in the making.

    Parameters
    ----------
    arrays : dict of str to ndarray
        Constants with a name, such as ``net.state_dict()``.
    taken : sequence of str
        Names of values that no node may use.

    Attributes
    ----------
    nodes : list of Node
        In order of execution.
    constants : dict of str to ndarray
        Those that they read.
    place : str
        What the names of the next nodes begin with.
    """

    def __init__(self, arrays, taken=()):
        self.nodes, self.constants, self.place = [], {}, ""
        self.arrays, self.taken = arrays, {*arrays, *taken}
        self.names = {id(array): name for name, array in arrays.items()}        # valid as long as `arrays` holds them

    def add(self, op, *inputs, outputs=1, **attributes):
        """Append a node.

        Parameters
        ----------
        op : str
            The operator.
        *inputs : str, Tensor, ndarray, number or None
            Names of values; what is no name becomes a constant, a number one of float32. None is left out.
        outputs : int
            How many values it computes.
        **attributes

        Returns
        -------
        value : str
            The name of its first output, which is the node's own.
        """
        names = [x if isinstance(x, str) else "" if x is None else self.constant(x) for x in inputs]
        while not names[-1]:
            names.pop()
        own = [self.free(op) for _ in range(outputs)]
        self.nodes.append(Node(op, own[0], names, own, attributes))
        return own[0]

    def constant(self, value):
        """Return the name of a constant: the one that its array has, or a new one."""
        array = value.data if isinstance(value, Tensor) else value
        name = self.names.get(id(array)) or self.free("constant")
        array = np.asarray(to_numpy(array) if hasattr(array, "shape") else np.float32(array))
        self.constants[name] = array.astype(np.float32, copy=False) if array.dtype.kind == "f" else array
        return name

    def free(self, word):
        """Return a new name."""
        name = first = f"{self.place}/{word}" if self.place else word
        for i in itertools.count(2):
            if name not in self.taken:
                self.taken.add(name)
                return name
            name = f"{first}_{i}"

    def call(self, name):
        """Give the last node's output, which no node may have read yet, another name; return it."""
        self.nodes[-1].outputs[0] = name
        self.taken.add(name)
        return name

    def twin(self):
        """Return an empty one that will give the same names."""
        other = Nodes(self.arrays, self.taken)
        other.place = self.place
        return other


def trace(graph, net, source, image_shape, place=""):
    """Append the nodes of a network.

    Parameters
    ----------
    graph : Nodes
        Made with the network's arrays.
    net : Module
        Runs in evaluation mode. Of a Sequential, each stage's last value has the name of the stage.
    source : str
        The value that goes in.
    image_shape : tuple of int
        Of one row of the batch, such as (C, H, W).
    place : str
        The network's name within a larger one, "" if it is the whole.

    Returns
    -------
    target : str
        The value that comes out; `source` itself if the network does nothing.

    Raises
    ------
    InputError
        If a stage uses an operation that is not in `NODES`, or takes numbers past the tape.
    """
    rng = np.random.default_rng(0)
    batches = [to_device(rng.standard_normal((n, *image_shape), dtype=np.float32), net.device) for n in (2, 3)]
    stages = net.children() if type(net) is Sequential else [("", net)]
    with evaluating(net):
        for name, stage in stages:
            graph.place = ".".join(filter(None, (place, name)))
            xs = [Tensor(x, requires_grad=True) for x in batches]
            ys = [stage(x) for x in xs]
            before, source = source, _append(graph, xs, ys, source, f"stage {graph.place!r} ({type(stage).__name__})")
            if source != before and graph.place and graph.place not in graph.taken:
                source = graph.call(graph.place)
            batches = [y.data for y in ys]
    return source


def _append(graph, xs, ys, source, stage):
    """Append the nodes of one stage that made ys of xs, two and three rows of them; return the name of y."""
    differs = (f"export: {stage} does not compute the same of two images as of three: a number that it takes from the "
               "images or from how many there are, as by x.data, cannot be written down; compute it with tinynet.ops alone")
    graphs, tapes = (graph, graph.twin()), [_tape(y) for y in ys]
    ways = [[type(function) for function, _ in tape] for tape in tapes]
    if ways[0] != ways[1] or any(not way and x is not y for way, x, y in zip(ways, xs, ys)):
        raise InputError(differs)
    start, values = len(graph.nodes), [{id(x): source} for x in xs]
    for steps in zip(*tapes):
        function, lengths = steps[0][0], zip(*(y.shape for _, y in steps))
        if type(function) not in NODES:
            raise InputError(f"export: {stage} uses {function}, which has no ONNX nodes here; write the layer with other "
                             f"functions of tinynet.ops, or say what it is: models.onnx_nodes.NODES[{function}] = ...")
        free = tuple(n if n == m else -1 for n, m in lengths)                   # shape of the result, -1 for the batch
        for nodes, names, (function, y) in zip(graphs, values, steps):
            inputs = [names.get(id(x), x) for x in function.inputs]
            try:
                names[id(y)] = NODES[type(function)](nodes, function, free, *inputs)
            except NotImplementedError as error:
                raise InputError(f"export: {stage} uses {function}: {error}") from error
    nodes, pairs = graphs[1].nodes, ((graph.constants[name], array) for name, array in graphs[1].constants.items())
    if graph.nodes[start:] != nodes or not all(a is b or np.array_equal(a, b) for a, b in pairs):
        raise InputError(differs)
    return values[0][id(ys[0])]


def _tape(y):
    """Return the operations behind a Tensor in order of execution, a list of (Function, its result)."""
    found, waiting = {}, [y]
    while waiting:
        made = waiting.pop()
        if made.creator is not None and made.creator not in found:
            found[made.creator] = made
            waiting += [x for x in made.creator.inputs if isinstance(x, Tensor)]
    return sorted(found.items(), key=lambda step: step[0].depth)


def _plain(op):
    """Return the writer of an operation that ONNX has as it is."""
    return lambda graph, function, shape, *inputs: graph.add(op, *inputs)


def _along(op):
    return lambda graph, function, shape, x: graph.add(op, x, axis=function.axis)


def _reduced(op):
    def write(graph, function, shape, x):
        axes = None if function.axis is None else np.atleast_1d(np.array(function.axis, np.int64))
        return graph.add(op, x, axes, keepdims=int(function.keepdims))
    return write


def _conv(graph, function, shape, x, W, b):
    return graph.add("Conv", x, W, b, strides=[*function.stride], pads=[*function.padding] * 2, group=function.groups)


def _depthwise(graph, function, shape, x, W, b):
    (top, bottom), (left, right) = function.sides
    return graph.add("Conv", x, W, b, strides=[*function.stride], pads=[top, left, bottom, right], group=shape[1])


def _pool_window(function):
    """Return a pool's window as attributes; with ceil_mode, the far border is as wide as the last windows hang over."""
    size = function.inputs[0].shape[2:]
    far = [max(p, (n - 1) * s + k - p - length) for n, length, k, s, p in
           zip(function.n_out(size), size, function.kernel, function.stride, function.padding)]
    return {"kernel_shape": [*function.kernel], "strides": [*function.stride], "pads": [*function.padding, *far]}


def _avg_pool(graph, function, shape, x):
    y = graph.add("AveragePool", x, **_pool_window(function), count_include_pad=1)
    share = np.prod(function.kernel) / function.counts(np, np.empty((1, 1, *shape[2:]), np.float32))
    return y if (share == 1).all() else graph.add("Mul", y, share)              # what hangs over is not counted


def _adaptive_pool(graph, function, shape, x):
    if function.inputs[0].shape[2:] == shape[2:]:
        return x
    return graph.add("MatMul", graph.add("MatMul", function.P, x), function.Q.T.copy())     # P x Qᵀ


def _fractional_pool(graph, function, shape, x):
    rows = graph.add("Gather", x, function.rows, axis=2)                        # (N, C, OH, R, W)
    columns = graph.add("Gather", graph.add("ReduceMax", rows, np.array([3]), keepdims=0), function.columns, axis=3)
    return graph.add("ReduceMax", columns, np.array([4]), keepdims=0)


def _fixed_norm(graph, function, shape, x, gamma, beta):
    return graph.add("BatchNormalization", x, gamma, beta, function.mean, function.var, epsilon=function.eps)


def _response_norm(graph, function, shape, x):
    return graph.add("LRN", x, size=function.n, alpha=function.slope * function.n, beta=function.beta, bias=function.k)


def _reshape(graph, function, shape, x):
    if shape.count(-1) > 1:
        raise NotImplementedError(f"of the lengths {shape} more than one depends on how many images there are")
    return graph.add("Reshape", x, np.array(shape, np.int64))


def _transpose(graph, function, shape, x):
    axes = range(len(shape))[::-1] if function.axes is None else function.axes
    return graph.add("Transpose", x, perm=[axis % len(shape) for axis in axes])


def _pad(graph, function, shape, x):
    pads = [0, 0, function.top, function.left, 0, 0, function.bottom, function.right]
    return graph.add("Pad", x, np.array(pads, np.int64), function.value)


def _getitem(graph, function, shape, x):
    index, lengths = function.index, function.inputs[0].shape
    parts = list(index if isinstance(index, tuple) else (index,))
    n = sum(part is not None and part is not Ellipsis for part in parts)
    if not any(part is Ellipsis for part in parts):
        parts.append(Ellipsis)
    if not all(part is None or part is Ellipsis or isinstance(part, (int, np.integer, slice)) for part in parts):
        raise NotImplementedError(f"x[{index}] picks by an array; here x is indexed by numbers and slices alone")
    i = next(i for i, part in enumerate(parts) if part is Ellipsis)
    parts[i:i + 1] = [slice(None)] * (len(lengths) - n)
    new = [axis for axis, part in enumerate(part for part in parts if part is None or isinstance(part, slice)) if part is None]
    for axis, part in [*enumerate(part for part in parts if part is not None)][::-1]:   # the last first: the others stay
        if part == slice(None):
            continue
        if isinstance(part, slice):
            start, stop, step = part.indices(lengths[axis])
            stop = -END if stop < 0 else stop
            x = graph.add("Slice", x, *(np.array([number], np.int64) for number in (start, stop, axis, step)))
        else:
            x = graph.add("Gather", x, np.array(int(part), np.int64), axis=axis)
    return graph.add("Unsqueeze", x, np.array(new, np.int64)) if new else x


# the class of an operation: (Nodes, the Function with what forward kept, its result's shape, its inputs) -> the result's name
NODES = {
    arithmetic.Add: _plain("Add"), arithmetic.Subtract: _plain("Sub"), arithmetic.Multiply: _plain("Mul"),
    arithmetic.Divide: _plain("Div"), arithmetic.Negative: _plain("Neg"), arithmetic.Abs: _plain("Abs"),
    arithmetic.Exp: _plain("Exp"), arithmetic.Log: _plain("Log"),
    arithmetic.Power: lambda graph, function, shape, x: graph.add("Pow", x, function.n),
    MatMul: _plain("MatMul"), Linear: lambda graph, function, shape, x, W, b: graph.add("Gemm", x, W, b, transB=1),
    conv.Conv2d: _conv, conv.ConvReLU: lambda graph, *call: graph.add("Relu", _conv(graph, *call)),
    depthwise.Depthwise: _depthwise,
    activation.ReLU: _plain("Relu"), activation.ReLU6: lambda graph, function, shape, x: graph.add("Clip", x, 0, 6),
    activation.Sigmoid: _plain("Sigmoid"), activation.Tanh: _plain("Tanh"), activation.Softmax: _along("Softmax"),
    activation.LogSoftmax: _along("LogSoftmax"),
    norm.FixedNorm: _fixed_norm, norm.LocalResponseNorm: _response_norm,
    pool.MaxPool2d: lambda graph, function, shape, x: graph.add("MaxPool", x, **_pool_window(function)),
    pool.AvgPool2d: _avg_pool, pool.AdaptiveAvgPool2d: _adaptive_pool, random.FractionalMaxPool2d: _fractional_pool,
    reduce.Sum: _reduced("ReduceSum"), reduce.Mean: _reduced("ReduceMean"), reduce.Max: _reduced("ReduceMax"),
    Reshape: _reshape, Transpose: _transpose, GetItem: _getitem, Pad2d: _pad,
    Concat: lambda graph, function, shape, *xs: graph.add("Concat", *xs, axis=function.axis),
}
