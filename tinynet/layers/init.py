"""Random initial weights that keep the size of activations and gradients. Taught in lesson 02.

Sources: K. He et al., "Delving Deep into Rectifiers", 2015; X. Glorot, Y. Bengio, "Understanding the difficulty of
training deep feedforward neural networks", 2010.
"""
import math

import numpy as np


def he_normal(shape, rng):
    """Return normal weights of variance 2 / fan_in, which keeps the variance through layers with ReLU.

    Parameters
    ----------
    shape : tuple of int
        (n_out, n_in) or (F, C, R, S); fan_in is the product of all but the first.
    rng : numpy.random.Generator
        Where the numbers come from.

    Returns
    -------
    W : ndarray of float32
    """
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(math.sqrt(2 / math.prod(shape[1:])))


def xavier_normal(shape, rng):
    """Return normal weights of variance 2 / (fan_in + fan_out), for linear, tanh and softmax layers.

    Parameters
    ----------
    shape : tuple of int
        (n_out, n_in) or (F, C, R, S); a fan is the number of inputs (outputs) times the kernel's area.
    rng : numpy.random.Generator
        Where the numbers come from.

    Returns
    -------
    W : ndarray of float32
    """
    area = math.prod(shape[2:])
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(math.sqrt(2 / (area * (shape[0] + shape[1]))))
