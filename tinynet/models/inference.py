"""A network that only answers: the same numbers with less arithmetic, once its weights will not change. Taught in lesson 19.

Batch norm in evaluation is a straight line per channel, and so is what a convolution does to a channel of filters: together
they are one convolution. A ReLU can be written over that convolution's result, and 3x3 filters be transformed once for
`ops.winograd.winograd`.
"""
import copy

import numpy as np

from .. import ops
from ..backend import array_module
from ..layers import BatchNorm, Conv2d, Module, Parameter, Sequential
from ..ops.activation import rectify
from ..ops.conv import border
from ..ops.depthwise import correlate_channels_last
from ..ops.window import pair
from ..ops.winograd import transformed, winograd
from ..tensor import Tensor
from .blocks import BasicBlock, Bottleneck, ConvNorm, ConvReLU, InvertedResidual
from .mobilenet_v1 import DepthwiseSeparable

BLOCKS = Sequential, BasicBlock, Bottleneck, InvertedResidual, DepthwiseSeparable     # they only call the layers in them
CHANNELS, PIXELS = 64, 24 * 16                      # from how many on Winograd's convolution is the faster one, measured
POINTWISE = [1, 1], (1, 1), ((0, 0), (0, 0))        # kernel, stride and border of filters that see one pixel


class _Filters:
    """Filters transformed for Winograd's convolution when they are used first: four times the room, so no copy has them."""

    transformed = None

    def of(self, weight):
        if self.transformed is None:
            self.transformed = transformed(weight)
        return self.transformed

    def __getstate__(self):
        return {}


class FixedConv(Module):
    """A convolution whose weights will not change, and the nonlinearity after it.

    Parameters
    ----------
    conv : Conv2d
        Gives stride, padding and groups.
    weight, bias : ndarray or None
        In place of its own.
    activation : callable or None
        Of a Tensor.
    """

    by_row = True

    def __init__(self, conv, weight, bias, activation=None):
        self.weight = Parameter(weight, requires_grad=False)
        self.bias = None if bias is None else Parameter(bias, requires_grad=False)
        self.stride, self.padding, self.groups, self.activation = conv.stride, conv.padding, conv.groups, activation
        self._winograd = _Filters()

    def forward(self, x):
        """(N, C, H, W) -> (N, F, OH, OW)"""
        relu = self.activation is ops.relu
        y = self.with_channels_last(x)
        if y is not None and relu:
            rectify(y.data, out=y.data)
        elif y is None and self.winograd_pays(x):
            y = winograd(x, self._winograd.of(self.weight.data), self.bias, relu)
        elif y is None:
            y = ops.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.groups, relu)
        if relu or self.activation is None:
            return y
        if self.activation is not ops.relu6 or y.requires_grad:
            return self.activation(y)
        array_module(y.data).clip(y.data, 0, 6, out=y.data)         # nobody else has seen it
        return y

    def with_channels_last(self, x):
        """Return the maps of one filter per channel, or of 1x1 filters behind it, their channels last in memory; else None.

        Only there a row of pixels is one run of memory for the former, and one product does all pixels for the latter; and
        as long as both follow each other, nothing is turned from one order to the other.
        """
        W, stride = self.weight.data, pair(self.stride)
        F, C, *kernel = W.shape
        sides = border(x, self.padding, kernel, stride)
        if x.requires_grad or x.dtype != W.dtype or array_module(x.data) is not np:
            return None
        last = x.data.transpose(0, 2, 3, 1)
        if self.groups == F == x.shape[1] > 1:
            y = correlate_channels_last(x.data, W[:, 0], stride, sides)
        elif (self.groups, x.shape[1]) == (1, C) and (kernel, stride, sides) == POINTWISE and last.flags.c_contiguous:
            y = (last.reshape(-1, C) @ W.reshape(F, C).T).reshape(*last.shape[:3], F).transpose(0, 3, 1, 2)
        else:
            return None
        if self.bias is not None:
            y += self.bias.data.reshape(F, 1, 1)
        return Tensor(y)

    def winograd_pays(self, x):
        """Return whether `ops.winograd.winograd` computes this, and sooner: for many channels and tiles, and no gradient."""
        (F, C, *kernel), (N, _, H, W) = self.weight.shape, x.shape
        window = kernel, self.stride in (1, (1, 1)), self.padding in (1, (1, 1)), self.groups
        return (window == ([3, 3], True, True, 1) and CHANNELS <= C and F <= 2 * C and PIXELS <= N * H * W
                and not x.requires_grad and array_module(x.data) is np)


def fold_batch_norm(conv, norm):
    """Return weight (F, C, R, S) and bias (F,) of one convolution in place of a convolution and the batch norm after it.

    gamma (W * x + b - mean) / sqrt(var + eps) + beta, with * the sliding product, is W' * x + b' with
    W' = s W, b' = beta + s (b - mean), s = gamma / sqrt(var + eps) for each filter.

    Parameters
    ----------
    conv : Conv2d
    norm : BatchNorm
        Its running statistics are used.

    Returns
    -------
    weight, bias : ndarray
    """
    s = norm.weight.data / array_module(norm.weight.data).sqrt(norm.running_var.astype(np.float64) + norm.eps)
    b = 0 if conv.bias is None else conv.bias.data
    bias = norm.bias.data + s * (b - norm.running_mean)
    weight = conv.weight.data * s.reshape(-1, 1, 1, 1)
    return weight.astype(conv.weight.dtype), bias.astype(conv.weight.dtype)


def for_inference(net):
    """Return a network that gives a network's answers, but for rounding, with less arithmetic.

    Parameters
    ----------
    net : Module
        Not changed. Convolutions inside the networks and blocks of tinynet are made ready, with the batch norms behind
        them. Anything else is kept as it is: a norm that uses the batch's statistics, whatever does not follow a
        convolution, layers and blocks of one's own.

    Returns
    -------
    twin : Module
        With the same stages. It holds copies of what was folded: weights that change later do not change it.
    """
    if "forward" in vars(net):
        return net
    if type(net) in (Conv2d, ConvReLU):
        return FixedConv(net, net.weight.data, None if net.bias is None else net.bias.data,
                         ops.relu if type(net) is ConvReLU else None)
    if type(net) is ConvNorm and _folds(net.conv, net.norm):
        return FixedConv(net.conv, *fold_batch_norm(net.conv, net.norm), net.activation)
    if type(net) not in BLOCKS:
        return net
    twin, children = copy.copy(net), net.children()
    for name, child in children:
        setattr(twin, name, for_inference(child))
    if type(net) is Sequential:
        for (name, conv), (after, norm) in zip(children, children[1:]):
            if _folds(conv, norm):
                setattr(twin, name, FixedConv(conv, *fold_batch_norm(conv, norm)))
                setattr(twin, after, Sequential())          # a stage of this name that does nothing
    return twin


def _folds(conv, norm):
    """Return whether a batch norm can become part of the convolution before it."""
    return (type(conv) is Conv2d and type(norm) is BatchNorm and not norm.uses_batch
            and len(conv.weight) == len(norm.weight) and not {"forward"} & (vars(conv).keys() | vars(norm).keys()))
