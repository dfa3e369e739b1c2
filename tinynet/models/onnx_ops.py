"""What each operator of an ONNX graph means in tinynet's ops. Taught in lesson 19.

``build(node, constants, opset, batch)`` looks at a node once, when the network is made, and returns the function that runs
it; what a node asks for and cannot get is refused there. Axis 0 holds the images of a batch, and no operator here mixes
them. Conventions: https://github.com/onnx/onnx/blob/main/docs/Operators.md, with what older opsets did otherwise.
"""
import functools
import math

import numpy as np

from .. import ops
from ..errors import InputError
from ..tensor import Tensor

MIXES = "axis 0 holds the images of a batch, which must stay apart"


class Call:
    """One node as an operator sees it: its attributes, and those of its inputs that are constants."""

    def __init__(self, node, constants, opset, batch):
        self.node, self.opset, self.batch, self.attributes = node, opset, batch, node.attributes
        self.constants = [constants.get(name) if name else None for name in node.inputs]

    def get(self, name, default=None):
        """Return an attribute."""
        return self.attributes.get(name, default)

    def setting(self, name, i, default=None):
        """Return a setting that is an attribute in old files and a constant input, the i-th, in new ones."""
        if name in self.attributes or i >= len(self.node.inputs) or not self.node.inputs[i]:
            return self.attributes.get(name, default)
        self.needs(self.constants[i] is not None, f"{name} must be a constant, and is computed")
        return self.constants[i].tolist()

    def needs(self, fits, rule):
        """Refuse the node unless it fits."""
        if not fits:
            raise InputError(f"graph: node {self.node.name or self.node.outputs[0]!r} is {self.node.op}: {rule}; "
                             "build this network from tinynet's own layers")


def build(node, constants, opset, batch):
    """Return the function that runs a node.

    Parameters
    ----------
    node : Node
    constants : dict of str to ndarray
    opset : int
        The version of ONNX that the file follows.
    batch : int or None
        The number of images in a batch, where the file fixes it: it then stands in the shapes of Reshape.

    Returns
    -------
    run : callable
        Takes the node's inputs, Tensors (or None) and returns a Tensor.

    Raises
    ------
    InputError
        If tinynet has no such operator, or not with these attributes.
    """
    call = Call(node, constants, opset, batch)
    call.needs(node.op in OPERATORS, f"no such operator here, only {', '.join(sorted(OPERATORS))}")
    return OPERATORS[node.op](call)


def _window(call, kernel_of):
    """Return a function x, W -> (kernel, stride, padding (top, left, bottom, right)) of a convolution or a pool."""
    auto, pads = call.get("auto_pad", "NOTSET"), call.get("pads") or [0, 0, 0, 0]
    stride = tuple(call.get("strides") or (1, 1))
    call.needs(len(stride) == 2 and len(pads) == 4, "only images, with two axes, are convolved and pooled here")
    call.needs(set(call.get("dilations") or [1]) == {1}, "windows with gaps (dilations) are not known here")
    call.needs(min(pads) >= 0, f"pads are {pads}")

    def measure(x, W=None):
        kernel = kernel_of(W)
        if auto in ("NOTSET", "VALID"):
            return kernel, stride, tuple(pads) if auto == "NOTSET" else (0, 0, 0, 0)
        totals = [max((-(-n // s) - 1) * s + k - n, 0) for n, s, k in zip(x.shape[2:], stride, kernel)]
        small, large = [n // 2 for n in totals], [n - n // 2 for n in totals]
        return kernel, stride, tuple(small + large if auto == "SAME_UPPER" else large + small)
    return measure


def _border(x, padding, kernel=None, value=0.0):
    """Return x and the padding that is left for the op: equal sides, and for a pool at most half its kernel."""
    top, left, bottom, right = padding
    if (top, left) == (bottom, right) and (kernel is None or top <= kernel[0] // 2 and left <= kernel[1] // 2):
        return x, (top, left)
    return ops.pad2d(x, ((top, bottom), (left, right)), value), (0, 0)


def _conv(call):
    groups, measure = call.get("group", 1), _window(call, lambda W: W.shape[2:])

    def run(x, W, b=None):
        _, stride, padding = measure(x, W)
        x, padding = _border(x, padding)
        return ops.conv2d(x, W, b, stride, padding, groups)
    return run


def _pool(call, op, value):
    kernel, ceil_mode = tuple(call.get("kernel_shape") or ()), bool(call.get("ceil_mode", 0))
    measure, pads = _window(call, lambda W: kernel), call.get("pads") or [0] * 4
    call.needs(len(kernel) == 2, f"the kernel is {kernel}")
    call.needs(not ceil_mode or pads[:2] == pads[2:], "pads that differ on opposite sides do not go with ceil_mode here")

    def run(x):
        _, stride, padding = measure(x)
        x, padding = _border(x, padding, kernel, value)
        return op(x, kernel, stride, padding, ceil_mode)
    return run


def _average_pool(call):
    with_zeros = _pool(call, ops.avg_pool2d, 0.0)
    if call.get("count_include_pad", 0):
        return with_zeros

    def run(x):
        share = with_zeros(Tensor(np.ones((1, 1, *x.shape[2:]), x.dtype))).data      # of each window that is image
        y = with_zeros(x)
        return y if (share == 1).all() else y / share
    return run


def _clip(call):
    low, high = call.setting("min", 1), call.setting("max", 2)
    low, high = (-math.inf if low is None else float(low)), (math.inf if high is None else float(high))
    return lambda x, *_: _clamp(x, low, high)


def _clamp(x, low, high):
    """Return min(max(x, low), high)."""
    if (low, high) == (0, 6):
        return ops.relu6(x)
    x = x if low == -math.inf else ops.relu(x - low) + low if low else ops.relu(x)
    return x if high == math.inf else high - ops.relu(high - x)


def _leaky_relu(x, slope):
    """Return x where it is positive, slope times x elsewhere."""
    return ops.relu(x) - slope * ops.relu(-x)


def _batch_norm(call):
    call.needs(not call.get("training_mode", 0), "it was exported in training mode")
    eps = call.get("epsilon", 1e-5)
    return lambda x, gamma, beta, mean, var: ops.fixed_norm(x, gamma, beta, mean, var, eps)


def _local_response_norm(call):
    size, alpha, beta, bias = call.get("size"), call.get("alpha", 1e-4), call.get("beta", 0.75), call.get("bias", 1.0)
    call.needs(size % 2 == 1, f"the window over {size} channels has no middle")

    def run(x):
        squares = ops.reshape(x * x, (len(x), 1, x.shape[1], -1))                   # (N, 1, C, HW): channels as rows
        mean = ops.avg_pool2d(squares, (size, 1), 1, (size // 2, 0))
        return x / ops.power(ops.reshape(mean, x.shape) * alpha + bias, beta)
    return run


def _arithmetic(op):
    def make(call):
        aligned = call.opset < 7 and call.get("broadcast", 0)                       # the second operand's first axis

        def run(a, b):
            if aligned and hasattr(b, "shape"):
                b = ops.reshape(b, b.shape + (1,) * (a.ndim - call.get("axis", a.ndim - b.ndim) - b.ndim))
            return op(a, b)
        return run
    return make


def _matmul(call):
    alpha, beta = (call.get("alpha", 1.0), call.get("beta", 1.0)) if call.node.op == "Gemm" else (1.0, 1.0)
    turned = call.get("transB", 0)
    call.needs(not call.get("transA", 0), "its first factor is transposed")
    call.needs(call.constants[1] is not None and call.constants[1].ndim == 2, "its second factor must be a constant matrix")

    def run(x, W, b=None):
        if alpha == beta == 1 and turned and x.ndim == 2 and (b is None or b.shape == W.shape[:1]):
            return ops.linear(x, W, b)
        y = ops.matmul(x, W.T if turned else W)
        y = y if alpha == 1 else y * alpha
        return y if b is None else y + (b if beta == 1 else b * beta)
    return run


def _flatten(call):
    call.needs(call.get("axis", 1) == 1, f"axis {call.get('axis')} would mix the images of a batch")
    return lambda x: ops.flatten(x)


def _reshape(call):
    shape = call.setting("shape", 1)
    live = call.constants[0] is None                                                # it holds images
    call.needs(shape and (not live or shape[0] in (0, -1, call.batch)), f"the shape {shape} would mix the images of a batch")

    def run(x, *_):
        lengths = [x.shape[i] if n == 0 and i < x.ndim else n for i, n in enumerate(shape)]
        if live:
            lengths[0] = len(x)
        known = math.prod(n for n in lengths if n != -1)
        if known == 0 or x.size % known or (-1 not in lengths and x.size != known):
            raise InputError(f"graph: Reshape {call.node.name!r} of {x.shape} to {shape}: that would mix the images of a batch; "
                             "give images of the size that the network was exported for")
        return ops.reshape(x, tuple(lengths))
    return run


def _transpose(call):
    order = call.get("perm")
    call.needs(call.constants[0] is not None or order and order[0] == 0, f"the order {order} would mix the images of a batch")
    return lambda x: ops.transpose(x, None if order is None else tuple(order))


def _axes_of(call, i, default=None):
    axes = call.setting("axes", i, default)
    call.needs(call.constants[0] is not None or axes is None or 0 not in axes, MIXES)
    return axes


def _squeeze(call):
    axes = _axes_of(call, 1)

    def run(x, *_):
        gone = {a % x.ndim for a in axes} if axes else {a for a in range(1, x.ndim) if x.shape[a] == 1}
        return ops.reshape(x, tuple(n for a, n in enumerate(x.shape) if a not in gone))
    return run


def _unsqueeze(call):
    axes = _axes_of(call, 1)

    def run(x, *_):
        ndim, lengths = x.ndim + len(axes), iter(x.shape)
        new = {a % ndim for a in axes}
        return ops.reshape(x, tuple(1 if a in new else next(lengths) for a in range(ndim)))
    return run


def _reduce_mean(call):
    axes, keepdims = _axes_of(call, 1), bool(call.get("keepdims", 1))
    call.needs(bool(axes), "it would average over the images of a batch")
    return lambda x, *_: ops.mean(x, tuple(axes), keepdims)


def _concat(call):
    axis = call.get("axis", 1)
    call.needs(axis != 0, MIXES)
    return lambda *xs: ops.concat(list(xs), axis)


def _softmax(call):
    axis, flat = call.get("axis", -1 if call.opset >= 13 else 1), call.opset < 13   # before, one over all axes from there on
    call.needs(axis != 0, MIXES)

    def run(x):
        if not flat:
            return ops.softmax(x, axis)
        return ops.reshape(ops.softmax(ops.reshape(x, (*x.shape[:axis], -1))), x.shape)
    return run


def _pad(call):
    pads, value = call.setting("pads", 1) or call.get("paddings"), call.setting("value", 2, 0.0)
    call.needs(call.get("mode", "constant") == "constant", f"a border of the kind {call.get('mode')} is not known here")
    call.needs(pads and len(pads) == 8 and not any(pads[i] for i in (0, 1, 4, 5)) and min(pads) >= 0, f"pads are {pads}")
    return lambda x, *_: ops.pad2d(x, ((pads[2], pads[6]), (pads[3], pads[7])), float(value or 0.0))


def _hard_sigmoid(call):
    alpha, beta = (1 / 6, 0.5) if call.node.op == "HardSwish" else (call.get("alpha", 0.2), call.get("beta", 0.5))
    gate = lambda x: _clamp(x * alpha + beta, 0.0, 1.0)                              # noqa: E731
    return gate if call.node.op == "HardSigmoid" else lambda x: x * gate(x)


def _plain(op):
    return lambda call: op


OPERATORS = {
    "Add": _arithmetic(ops.add), "AveragePool": _average_pool, "BatchNormalization": _batch_norm, "Clip": _clip, "Concat": _concat,
    "Conv": _conv, "Div": _arithmetic(ops.divide), "Dropout": _plain(lambda x, *_: x), "Flatten": _flatten, "Gemm": _matmul,
    "GlobalAveragePool": _plain(lambda x: ops.mean(x, (2, 3), keepdims=True)), "HardSigmoid": _hard_sigmoid,
    "HardSwish": _hard_sigmoid,
    "Identity": _plain(lambda x, *_: x), "LRN": _local_response_norm,
    "LeakyRelu": lambda call: lambda x: _leaky_relu(x, call.get("alpha", 0.01)), "MatMul": _matmul,
    "MaxPool": lambda call: _pool(call, ops.max_pool2d, -math.inf), "Mul": _arithmetic(ops.multiply), "PRelu": _plain(_leaky_relu),
    "Pad": _pad, "ReduceMean": _reduce_mean, "Relu": _plain(ops.relu), "Reshape": _reshape, "Sigmoid": _plain(ops.sigmoid),
    "Softmax": _softmax, "Squeeze": _squeeze, "Sub": _arithmetic(ops.subtract),
    "Sum": _plain(lambda *xs: functools.reduce(ops.add, xs)), "Tanh": _plain(ops.tanh),
    "Transpose": _transpose, "Unsqueeze": _unsqueeze,
}
