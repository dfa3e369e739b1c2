"""Layers that only rearrange numbers."""
from .. import ops
from .module import Module


class Flatten(Module):
    """One row of numbers per image."""

    by_row = True

    def forward(self, x):
        """(N, ...) -> (N, D)"""
        return ops.flatten(x)
