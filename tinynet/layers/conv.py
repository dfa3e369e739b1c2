"""Convolution. Taught in lesson 02."""
import numpy as np

from .. import ops
from ..ops.window import pair
from .init import he_normal
from .module import Module, Parameter


class Conv2d(Module):
    """Filters slid over images.

    Parameters
    ----------
    channels, filters : int
        Channels in, and filters (channels out).
    kernel : int or (int, int)
        Height and width of a filter, in pixels.
    stride, padding : int or (int, int)
        Step and border of zeros, in pixels.
    groups : int
        Independent parts of channels and filters; `channels` of them is depthwise.
    bias : bool
        Whether a number is added to each map (not wanted before batch norm).
    rng : numpy.random.Generator, optional
        Draws He weights; without it the weights are 0, to be loaded.
    """

    def __init__(self, channels, filters, kernel, stride=1, padding=0, groups=1, bias=True, rng=None):
        shape = (filters, channels // groups, *pair(kernel))
        self.weight = Parameter(np.zeros(shape, np.float32) if rng is None else he_normal(shape, rng))
        self.bias = Parameter(np.zeros(filters, np.float32)) if bias else None
        self.stride, self.padding, self.groups = stride, padding, groups

    def forward(self, x):
        """(N, channels, H, W) -> (N, filters, OH, OW)"""
        return ops.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.groups)
