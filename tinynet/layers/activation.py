"""Nonlinearities as layers. Taught in lessons 02 and 03."""
from .. import ops
from .module import Module


class ReLU(Module):
    """max(x, 0)."""

    by_row = True

    def forward(self, x):
        """Any shape to the same shape."""
        return ops.relu(x)


class ReLU6(Module):
    """min(max(x, 0), 6)."""

    by_row = True

    def forward(self, x):
        """Any shape to the same shape."""
        return ops.relu6(x)


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ)."""

    by_row = True

    def forward(self, x):
        """Any shape to the same shape."""
        return ops.sigmoid(x)


class Tanh(Module):
    """tanh x."""

    by_row = True

    def forward(self, x):
        """Any shape to the same shape."""
        return ops.tanh(x)


class Softmax(Module):
    """Scores to probabilities. Not needed before `ops.cross_entropy`, which contains it."""

    by_row = True

    def forward(self, x):
        """(N, K) -> (N, K), each row summing to 1"""
        return ops.softmax(x, axis=1)
