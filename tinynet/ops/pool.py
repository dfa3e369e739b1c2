"""Max, average, adaptive and global average pooling. Taught in lesson 02."""
import numpy as np

from ..backend import array_module
from ..errors import InputError
from ..tensor import Function
from .reduce import mean
from .window import check_window, output_size, pair, reach, taps


class Pool(Function):
    """What the two windowed pools share: the window and the size of the output."""

    def __init__(self, kernel, stride, padding, ceil_mode):
        self.kernel, self.stride, self.padding, self.ceil_mode = kernel, stride, padding, ceil_mode

    def n_out(self, size):
        """Return (OH, OW) for an image of this (H, W)."""
        return tuple(output_size(*axis, self.ceil_mode) for axis in zip(size, self.kernel, self.stride, self.padding))

    def taps(self, size, n_out):
        """Yield (outputs, pixels) of each tap, row by row."""
        return taps(self.kernel, self.stride, self.padding, size, n_out)


class MaxPool2d(Pool):
    """y = the largest pixel under each window; of equal ones the first, row by row, gets the gradient."""

    def forward(self, x):
        n_out = self.n_out(x.shape[2:])
        y = self.along(2, x, n_out)                         # (N, C, OH, W): the largest of each column of the window
        y = self.along(3, y, n_out)                         # (N, C, OH, OW): the largest of those
        self.x, self.y = x, y
        return y

    def along(self, axis, x, n_out):
        """Return the largest under a window of one row or column, sliding along one axis."""
        xp, i = array_module(x), axis - 2
        before = (slice(None),) * axis
        taps = [reach(tap - self.padding[i], self.stride[i], x.shape[axis], n_out[i]) for tap in range(self.kernel[i])]
        if self.padding[i]:
            y = xp.full(x.shape[:axis] + n_out[i:i + 1] + x.shape[axis + 1:], -xp.inf, x.dtype)
        else:
            _, pixels = taps.pop(0)                         # without padding, the first tap reaches every output
            y = x[*before, pixels].copy()
        for outputs, pixels in taps:
            part = y[*before, outputs]
            xp.maximum(part, x[*before, pixels], out=part)
        return y

    def backward(self, gy):
        xp = array_module(gy)
        gx = xp.zeros(self.x.shape, gy.dtype)
        xp.add.at(gx.reshape(-1), self.winners(xp).reshape(-1), gy.reshape(-1))
        return gx

    def winners(self, xp):
        """Return where in x, taken as one long row of numbers, each output was found."""
        (N, C, H, W), (OH, OW), (R, S) = self.x.shape, self.y.shape[2:], self.kernel
        unmet = xp.ones(self.y.shape, bool)                 # windows whose maximum no tap has met so far
        tap = xp.zeros(self.y.shape, np.min_scalar_type(R * S))     # number of the first that meets it: so many did not
        *others, _ = self.taps((H, W), (OH, OW))            # what no other tap meets, the last one does
        for outputs, pixels in others:
            unmet[outputs] &= self.x[pixels] < self.y[outputs]
            tap += unmet
        offset = xp.arange(R)[:, None] * W + xp.arange(S)           # of each tap from the corner of its window
        row, column = (xp.arange(n) * stride - padding              # of the corners
                       for n, stride, padding in zip((OH, OW), self.stride, self.padding))
        winners = offset.reshape(-1)[tap]
        winners += row[:, None] * W + column
        winners += xp.arange(N * C).reshape(N, C, 1, 1) * (H * W)
        return winners


class AvgPool2d(Pool):
    """y = the mean of the pixels under each window; zeros of the padding count, what hangs over it does not."""

    def forward(self, x):
        xp = array_module(x)
        self.x_shape = x.shape
        y = xp.zeros(x.shape[:2] + self.n_out(x.shape[2:]), x.dtype)
        for outputs, pixels in self.taps(x.shape[2:], y.shape[2:]):
            y[outputs] += x[pixels]
        return y / self.counts(xp, y)

    def backward(self, gy):
        xp = array_module(gy)
        gx = xp.zeros(self.x_shape, gy.dtype)
        gy = gy / self.counts(xp, gy)
        for outputs, pixels in self.taps(gx.shape[2:], gy.shape[2:]):
            gx[pixels] += gy[outputs]
        return gx

    def counts(self, xp, y):
        """Return how many pixels and padding zeros each window covers, (OH, OW)."""
        rows, columns = (
            xp.minimum(xp.arange(n) * stride + kernel, size + 2 * padding) - xp.arange(n) * stride
            for n, size, kernel, stride, padding
            in zip(y.shape[2:], self.x_shape[2:], self.kernel, self.stride, self.padding))
        return (rows[:, None] * columns).astype(y.dtype)


class AdaptiveAvgPool2d(Function):
    """y = P x Qᵀ for each map x (H, W): P (OH, H) averages rows, Q (OW, W) columns."""

    def __init__(self, size):
        self.size = size

    def forward(self, x):                                   # (N, C, H, W)
        xp = array_module(x)
        self.P, self.Q = (xp.asarray(averages(*axis), dtype=x.dtype) for axis in zip(self.size, x.shape[2:]))
        return self.P @ x @ self.Q.T                        # (OH, H) @ (N, C, H, W) @ (W, OW)

    def backward(self, gy):                                 # (N, C, OH, OW)
        return self.P.T @ gy @ self.Q


def averages(n_out, size):
    """Return a matrix (n_out, size) whose row i averages the pixels from floor(i size / n_out) to
    ceil((i + 1) size / n_out): equal parts, which overlap where they do not come out even.
    """
    matrix = np.zeros((n_out, size))
    for i in range(n_out):
        start, stop = i * size // n_out, -(-(i + 1) * size // n_out)
        matrix[i, start:stop] = 1 / (stop - start)
    return matrix


def max_pool2d(x, kernel, stride=None, padding=0, ceil_mode=False):
    """Return the largest pixel under each window.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
    kernel : int or (int, int)
        Height and width of the window, in pixels.
    stride : int or (int, int), optional
        Step of the window, by default its size.
    padding : int or (int, int)
        Border that never wins, at most half the kernel.
    ceil_mode : bool
        Let a last window hang over the far edge, as Caffe does, instead of leaving pixels out.

    Returns
    -------
    y : Tensor, shape (N, C, OH, OW)
        See `window.output_size`. Where pixels tie, the first, row by row, receives the gradient.

    Raises
    ------
    InputError
        If the window does not fit.
    """
    return MaxPool2d(*_window("max_pool2d", x, kernel, stride, padding, ceil_mode))(x)


def avg_pool2d(x, kernel, stride=None, padding=0, ceil_mode=False):
    """Return the mean of the pixels under each window.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
    kernel : int or (int, int)
        Height and width of the window, in pixels.
    stride : int or (int, int), optional
        Step of the window, by default its size.
    padding : int or (int, int)
        Border of zeros, which count in the mean; at most half the kernel.
    ceil_mode : bool
        Let a last window hang over the far edge; what hangs over is not counted.

    Returns
    -------
    y : Tensor, shape (N, C, OH, OW)

    Raises
    ------
    InputError
        If the window does not fit.
    """
    return AvgPool2d(*_window("avg_pool2d", x, kernel, stride, padding, ceil_mode))(x)


def adaptive_avg_pool2d(x, size):
    """Return maps of a given size, each pixel the mean of its part of the old map, however large that was.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
    size : int or (int, int)
        Height OH and width OW of the result, in pixels.

    Returns
    -------
    y : Tensor, shape (N, C, OH, OW)
        Pixel i averages pixels floor(i H / OH) to ceil((i + 1) H / OH) of each axis: where H is OH, y is x.

    Raises
    ------
    InputError
        If x holds no maps, or the size is below 1.
    """
    size = pair(size)
    if x.ndim != 4 or min(size) < 1:
        raise InputError(f"adaptive_avg_pool2d: x is {x.shape}, size {size}; x must be (N, C, H, W), size at least 1 x 1")
    return AdaptiveAvgPool2d(size)(x)


def global_avg_pool2d(x):
    """Return the mean of each map, (N, C, H, W) -> (N, C), whatever H and W are."""
    return mean(x, axis=(2, 3))


def _window(op, x, kernel, stride, padding, ceil_mode):
    kernel, padding = pair(kernel), pair(padding)
    stride = kernel if stride is None else pair(stride)
    check_window(op, x.shape, kernel, stride, padding, ceil_mode)
    if padding[0] > kernel[0] // 2 or padding[1] > kernel[1] // 2:
        raise InputError(f"{op}: padding {padding} is more than half the kernel {kernel}: a window could see no pixel; "
                         "use less padding")
    return kernel, stride, padding, ceil_mode
