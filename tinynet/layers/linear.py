"""The fully connected layer, and the convolution that it is. Taught in lessons 02 and 16."""
import numpy as np

from .. import ops
from ..errors import InputError
from ..ops.window import check_sizes
from .conv import Conv2d
from .init import initial, xavier_normal, zeros
from .module import Module, Parameter


class Linear(Module):
    """y = x Wᵀ + b.

    Parameters
    ----------
    n_in, n_out : int
        Number of features in and out.
    rng : numpy.random.Generator
        Draws the weights.
    init : callable
        ``init(shape, rng)`` returns them. With `zeros`, fine for a single softmax layer, no rng is needed.

    Raises
    ------
    InputError
        If a number is below 1, or rng is missing.
    """

    by_row = True

    def __init__(self, n_in, n_out, rng=None, init=xavier_normal):
        self.weight = Parameter(initial("Linear", (n_out, n_in), rng, init))
        self.bias = Parameter(np.zeros(n_out, np.float32))

    def forward(self, x):
        """(N, n_in) -> (N, n_out)"""
        return ops.linear(x, self.weight, self.bias)


def as_convolution(linear, height, width):
    """Return the convolution that does on maps of any size what a fully connected layer does on maps of one size.

    A fully connected layer after `Flatten` is a convolution whose kernel is as large as its input: on maps of that size
    it has one answer, on larger ones an answer for every place of the kernel. `Flatten` is not needed before it.

    Parameters
    ----------
    linear : Linear
        Takes C * height * width features, those of a flattened (C, height, width). Its numbers are copied, and what is
        frozen stays frozen.
    height, width : int
        Size of the maps for which the layer was made, in pixels; 1 and 1 after a `GlobalAvgPool2d`.

    Returns
    -------
    convolution : Conv2d
        (N, C, H, W) -> (N, n_out, H - height + 1, W - width + 1)

    Raises
    ------
    InputError
        If the layer is no Linear, or its features cannot be cut into maps of this size.

    >>> as_convolution(Linear(256 * 6 * 6, 10, init=zeros), 6, 6).weight.shape
    (10, 256, 6, 6)
    """
    if not isinstance(linear, Linear):
        raise InputError(f"as_convolution: got a {type(linear).__name__}; give a Linear, such as net['fc6']")
    check_sizes("as_convolution", (height, width), 1, 0)
    n_out, n_in = linear.weight.shape
    if n_in % (height * width):
        raise InputError(f"as_convolution: {n_in} features are no maps of {height} x {width}, {height * width} pixels each; give "
                         "the size of the maps that arrive at the Flatten before the layer (`layers.summary` shows it)")
    convolution = Conv2d(n_in // (height * width), n_out, (height, width), init=zeros)
    for own, given in zip(convolution.parameters(), linear.parameters()):       # weight (K, D), bias (K,)
        own.data, own.requires_grad = given.data.reshape(own.shape).copy(), given.requires_grad
    return convolution
