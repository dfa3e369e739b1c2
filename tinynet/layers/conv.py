"""Convolution. Taught in lesson 02."""
import numpy as np

from .. import ops
from ..errors import InputError
from ..ops.window import check_sizes, pair
from .init import he_normal, initial
from .module import Module, Parameter


class Conv2d(Module):
    """Filters slid over images.

    Parameters
    ----------
    channels, filters : int
        Channels in, and filters (channels out).
    kernel : int or (int, int)
        Height and width of a filter, in pixels.
    stride : int or (int, int)
        Step, in pixels.
    padding : int, (int, int) or "same"
        Border of zeros, in pixels, or TensorFlow's rule for it (`ops.window.same_padding`).
    groups : int
        Independent parts of channels and filters; `channels` of them is depthwise.
    bias : bool
        Whether a number is added to each map (not wanted before batch norm).
    rng : numpy.random.Generator
        Draws the weights.
    init : callable
        ``init(shape, rng)`` returns them. With `zeros`, for weights that will be loaded, no rng is needed.

    Raises
    ------
    InputError
        If a number is impossible, the groups do not divide channels and filters, or rng is missing.
    """

    by_row = True

    def __init__(self, channels, filters, kernel, stride=1, padding=0, groups=1, bias=True, rng=None, init=he_normal):
        if groups < 1 or channels % groups or filters % groups:
            raise InputError(f"Conv2d: {channels} channels and {filters} filters cannot be cut into {groups} groups; "
                             "both must be multiples of it")
        check_sizes("Conv2d", kernel, stride, 0 if padding == "same" else padding)
        self.weight = Parameter(initial("Conv2d", (filters, channels // groups, *pair(kernel)), rng, init))
        self.bias = Parameter(np.zeros(filters, np.float32)) if bias else None
        self.stride, self.padding, self.groups = stride, padding, groups

    def forward(self, x):
        """(N, channels, H, W) -> (N, filters, OH, OW)"""
        return ops.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.groups)
