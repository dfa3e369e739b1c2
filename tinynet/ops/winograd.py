"""Winograd's convolution: sixteen pixels of a 3x3 convolution by 36 multiplications in place of 144. Taught in lesson 19.

Source: A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, arXiv:1509.09308, F(4x4, 3x3).

Like a Fourier transform it turns sliding products into products number by number: a tile d (6 x 6) of the image and a filter
g (3 x 3) give the tile y (4 x 4) = Aᵀ [(G g Gᵀ) · (Bᵀ d B)] A. Summed over the channels, each of the 36 places of the middle
is one matrix product over all tiles. The transforms contain differences, so some digits are lost: the error is about 5e-5 of
the spread of y in float32, and 1e-6 by `conv2d`.
"""
import numpy as np

from ..backend import array_module
from ..errors import InputError
from ..tensor import Function
from .activation import rectify

TILES = 256                         # in one product: their numbers should stay in the cache

# The transforms of rows; `np.kron` makes those of whole tiles, vec(Bᵀ d B) = (Bᵀ ⊗ Bᵀ) vec(d).
B_T = np.array([[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
                [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]])
G = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24
A_T = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]])


class Winograd(Function):
    """y[n, f] = sum over c of x[n, c] * W[f, c] + b[f], for 3x3 filters that step by 1 on images padded by 1.

    x (N, C, H, W), U (36, F, C) the `transformed` filters, b (F,), y (N, F, H, W).
    """

    def __init__(self, relu):
        self.relu = relu

    def forward(self, x, U, b):
        if any(self.needs):
            raise InputError("winograd: no gradient goes through it; use conv2d in training")
        xp, (N, C, H, W), F = array_module(x), x.shape, U.shape[1]
        rows, columns = -(-H // 4), -(-W // 4)                                  # of tiles, T in all
        padded = xp.zeros((N, C, 4 * rows + 2, 4 * columns + 2), x.dtype)
        padded[:, :, 1:H + 1, 1:W + 1] = x
        tiles = xp.lib.stride_tricks.sliding_window_view(padded, (6, 6), axis=(2, 3))[:, :, ::4, ::4]
        forth, back = (xp.asarray(np.kron(matrix, matrix), dtype=x.dtype) for matrix in (B_T, A_T))
        y = xp.empty((N, F, rows, 4, columns, 4), x.dtype)
        for images, lines in _portions(y):
            d = tiles[images, :, lines].transpose(4, 5, 1, 0, 2, 3)             # (6, 6, C, n, rows, columns)
            V = forth @ d.reshape(36, -1)                                       # (36, 36) @ (36, C T)
            products = U @ V.reshape(36, C, -1)                                 # (36, F, C) @ (36, C, T) -> (36, F, T)
            maps = (back @ products.reshape(36, -1)).reshape(16, F, -1)         # (16, 36) @ (36, F T)
            if b is not None:
                maps += b[:, None]
            if self.relu:
                rectify(maps, out=maps)
            y[images, :, lines] = maps.reshape(4, 4, F, *d.shape[3:]).transpose(3, 2, 4, 0, 5, 1)
        return xp.ascontiguousarray(y.reshape(N, F, 4 * rows, 4 * columns)[:, :, :H, :W])


def _portions(y):
    """Yield slices of the images and of the rows of tiles, on the CPU few tiles in each; y is (N, F, rows, 4, columns, 4)."""
    N, _, rows, _, columns, _ = y.shape
    tiles = TILES if array_module(y) is np else y.size
    n, lines = max(1, tiles // (rows * columns)), max(1, tiles // columns)
    for image in range(0, N, n):
        for line in range(0, rows, lines):
            yield slice(image, image + n), slice(line, line + lines)


def transformed(W):
    """Return G g Gᵀ of each filter, as `winograd` takes them: array W (F, C, 3, 3) -> U (36, F, C)."""
    xp, (F, C) = array_module(W), W.shape[:2]
    whole = xp.asarray(np.kron(G, G), dtype=W.dtype)
    return (whole @ W.reshape(F * C, 9).T).reshape(36, F, C)                    # (36, 9) @ (9, F C)


def winograd(x, U, b=None, relu=False):
    """Return conv2d(x, W, b, padding=1, relu=relu) for filters that were transformed before; see the head of this file.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
    U : ndarray, shape (36, F, C)
        ``transformed(W)``.
    b : Tensor, shape (F,), optional
    relu : bool

    Returns
    -------
    y : Tensor, shape (N, F, H, W)

    Raises
    ------
    InputError
        If the shapes do not fit each other, or a gradient is wanted.
    """
    if x.ndim != 4 or U.shape[:1] + U.shape[2:] != (36, x.shape[1]):
        raise InputError(f"winograd: x is {x.shape}, U {U.shape}; x must be (N, C, H, W) and U (36, filters, C), as "
                         "transformed(W) makes it of W (filters, C, 3, 3)")
    return Winograd(relu)(x, U, b)
