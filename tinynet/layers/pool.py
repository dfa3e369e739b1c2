"""Pooling: fewer pixels. Taught in lesson 02."""
from .. import ops
from ..ops.window import check_sizes
from .module import Module


class MaxPool2d(Module):
    """The largest pixel under each window; the parameters are those of `ops.max_pool2d`."""

    by_row = True

    def __init__(self, kernel, stride=None, padding=0, ceil_mode=False):
        check_sizes("MaxPool2d", kernel, kernel if stride is None else stride, padding)
        self.window = kernel, stride, padding, ceil_mode

    def forward(self, x):
        """(N, C, H, W) -> (N, C, OH, OW)"""
        return ops.max_pool2d(x, *self.window)


class AvgPool2d(Module):
    """The mean of the pixels under each window; the parameters are those of `ops.avg_pool2d`."""

    by_row = True

    def __init__(self, kernel, stride=None, padding=0, ceil_mode=False):
        check_sizes("AvgPool2d", kernel, kernel if stride is None else stride, padding)
        self.window = kernel, stride, padding, ceil_mode

    def forward(self, x):
        """(N, C, H, W) -> (N, C, OH, OW)"""
        return ops.avg_pool2d(x, *self.window)


class AdaptiveAvgPool2d(Module):
    """Maps of a given size, whatever theirs was; see `ops.adaptive_avg_pool2d`."""

    by_row = True

    def __init__(self, size):
        self.size = size

    def forward(self, x):
        """(N, C, H, W) -> (N, C, *size)"""
        return ops.adaptive_avg_pool2d(x, self.size)


class GlobalAvgPool2d(Module):
    """The mean of each map."""

    by_row = True

    def forward(self, x):
        """(N, C, H, W) -> (N, C)"""
        return ops.global_avg_pool2d(x)
