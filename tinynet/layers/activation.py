"""Nonlinearities as layers. Taught in lessons 02 and 03."""
from .. import ops
from .module import Module


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, x):
        """Any shape to the same shape."""
        return ops.relu(x)


class ReLU6(Module):
    """min(max(x, 0), 6)."""

    def forward(self, x):
        """Any shape to the same shape."""
        return ops.relu6(x)


class LeakyReLU(Module):
    """x where positive, slope times x elsewhere."""

    def __init__(self, slope=0.01):
        self.slope = slope

    def forward(self, x):
        """Any shape to the same shape."""
        return ops.leaky_relu(x, self.slope)


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ)."""

    def forward(self, x):
        """Any shape to the same shape."""
        return ops.sigmoid(x)


class Tanh(Module):
    """tanh x."""

    def forward(self, x):
        """Any shape to the same shape."""
        return ops.tanh(x)


class Softmax(Module):
    """Scores to probabilities. Not needed before `ops.cross_entropy`, which contains it."""

    def forward(self, x):
        """(N, K) -> (N, K), each row summing to 1"""
        return ops.softmax(x, axis=1)
