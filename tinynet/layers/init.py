"""Random initial weights that keep the size of activations and gradients. Taught in lesson 02.

Sources: K. He et al., "Delving Deep into Rectifiers", 2015; X. Glorot, Y. Bengio, "Understanding the difficulty of
training deep feedforward neural networks", 2010.
"""
import math

import numpy as np

from ..errors import InputError


def zeros(shape, rng=None):
    """Return weights of 0 of this shape, without rng: for a single softmax layer, or to be loaded. Hidden units stay alike."""
    return np.zeros(shape, np.float32)


def he_normal(shape, rng):
    """Return normal weights of variance 2 / fan_in, which keeps the variance through layers with ReLU.

    The shape is (n_out, n_in) or (F, C, R, S), float32; fan_in is the product of all but the first. rng draws them.
    """
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(math.sqrt(2 / math.prod(shape[1:])))


def xavier_normal(shape, rng):
    """Return normal weights of variance 2 / (fan_in + fan_out), for linear, tanh and softmax layers.

    The shape is (n_out, n_in) or (F, C, R, S), float32; a fan is the number of inputs (outputs) times the kernel's
    area. rng draws them.
    """
    area = math.prod(shape[2:])
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(math.sqrt(2 / (area * (shape[0] + shape[1]))))


def initial(layer, shape, rng, init):
    """Return the first weights of a layer.

    Parameters
    ----------
    layer : str
        Who asks, for the message.
    shape : tuple of int
    rng : numpy.random.Generator or None
    init : callable

    Returns
    -------
    W : ndarray

    Raises
    ------
    InputError
        If a length is below 1, or random weights are wanted without rng.
    """
    if not all(isinstance(n, (int, np.integer)) and n > 0 for n in shape):
        raise InputError(f"{layer}: its weights would be {shape}; every size must be a whole number above 0")
    if rng is None and init is not zeros:
        raise InputError(f"{layer}: random weights need rng=np.random.default_rng(seed); weights of 0, for a single "
                         "softmax layer or to be loaded, are asked for by init=zeros")
    return init(shape, rng)
