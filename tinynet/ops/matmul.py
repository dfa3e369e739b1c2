"""Matrix products. Taught in lessons 01 and 02."""
from ..errors import InputError
from ..tensor import Function
from .arithmetic import operands, unbroadcast


class MatMul(Function):
    """Y = A B, with A (..., N, D), B (..., D, K), Y (..., N, K); leading axes broadcast."""

    def forward(self, A, B):
        self.shapes = A.shape, B.shape
        self.A, self.B = A if self.needs[1] else None, B if self.needs[0] else None
        return A @ B

    def backward(self, gY):                                     # (..., N, K)
        gA = gB = None
        if self.needs[0]:                                       # (..., N, K) @ (..., K, D) -> (..., N, D)
            gA = unbroadcast(gY @ self.B.swapaxes(-1, -2), self.shapes[0])
        if self.needs[1]:                                       # (..., D, N) @ (..., N, K) -> (..., D, K)
            gB = unbroadcast(self.A.swapaxes(-1, -2) @ gY, self.shapes[1])
        return gA, gB


class Linear(Function):
    """y = x Wᵀ + b, with x (N, D), W (K, D), b (K,), y (N, K)."""

    def forward(self, x, W, b):
        self.x, self.W = x if self.needs[1] else None, W if self.needs[0] else None
        y = x @ W.T                                             # (N, D) @ (D, K) -> (N, K)
        if b is not None:
            y += b
        return y

    def backward(self, gy):                                     # (N, K)
        gx = gy @ self.W if self.needs[0] else None             # (N, K) @ (K, D) -> (N, D)
        gW = gy.T @ self.x if self.needs[1] else None           # (K, N) @ (N, D) -> (K, D)
        gb = gy.sum(axis=0) if self.needs[2] else None          # (N, K) -> (K,)
        return gx, gW, gb


def matmul(A, B):
    """Return the matrix product A @ B.

    Parameters
    ----------
    A : Tensor, shape (..., N, D)
    B : Tensor, shape (..., D, K)
        At least two axes each; leading axes broadcast. One of them may be a constant array.

    Returns
    -------
    Y : Tensor, shape (..., N, K)

    Raises
    ------
    InputError
        If an operand has fewer than two axes or the inner lengths differ.
    """
    A, B = operands("matmul", A, B)
    if A.ndim < 2 or B.ndim < 2 or A.shape[-1] != B.shape[-2]:
        raise InputError(f"matmul: A {A.shape} and B {B.shape} do not fit; they must be (..., N, D) and (..., D, K); "
                         "reshape a vector to a matrix of one row or column")
    return MatMul()(A, B)


def linear(x, W, b=None):
    """Return x Wᵀ + b: every output is a weighted sum of all inputs.

    Parameters
    ----------
    x : Tensor, shape (N, D)
    W : Tensor, shape (K, D)
        One row of weights per output.
    b : Tensor, shape (K,), optional

    Returns
    -------
    y : Tensor, shape (N, K)

    Raises
    ------
    InputError
        If the number of features of x and W differ, x or W is not a matrix, their floats are of different kinds, or b
        has not one number per output.
    """
    if W.ndim != 2:
        raise InputError(f"linear: W is {W.shape}; it must be (n_out, n_in)")
    if x.ndim != 2 or x.shape[1] != W.shape[1]:
        raise InputError(f"linear: x is {x.shape}, W is {W.shape}: x must be (N, {W.shape[1]}), since W is (n_out, n_in); "
                         "flatten or pool the input, or build the layer for its size")
    x, W = operands("linear", x, W)
    if b is not None and b.shape != W.shape[:1]:
        raise InputError(f"linear: b is {b.shape}, W is {W.shape}: b must be ({W.shape[0]},), a number per output")
    return Linear()(x, W, b)
