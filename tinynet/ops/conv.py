"""2-D convolution as one matrix product (im2col). Taught in lesson 02.

Source: K. Chellapilla, S. Puri, P. Simard, "High Performance Convolutional Neural Networks for Document
Processing", 2006.
"""
import numpy as np

from ..backend import array_module
from ..errors import InputError
from ..tensor import Function
from .activation import rectify
from .activation import relu as rectified
from .arithmetic import operands
from .depthwise import Depthwise
from .shape import pad2d
from .window import check_window, output_size, pair, reach, same_padding

COLUMN_NUMBERS = 2 ** 20            # numbers in the columns that are made at a time: 4 MB


def im2col(x, kernel, stride, padding):
    """Lay the pixels under every window into one column each.

    x (N, C, H, W) -> cols (N, C R S, OH OW): row (c, r, s) holds the pixel under tap (r, s) in channel c, one per
    window; 0 in the padding. For a 1x1 kernel with stride 1 that is x itself, and nothing is copied. In two steps,
    first along the rows of the image and then down its columns: that takes R + S large copies, not R S.
    """
    N, C, H, W = x.shape
    R, S = kernel
    if kernel == stride == (1, 1) and padding == (0, 0):
        return x.reshape(N, C, H * W)
    OH, OW = (output_size(*axis) for axis in zip((H, W), kernel, stride, padding))
    xp = array_module(x)
    new = xp.empty if padding == (0, 0) else xp.zeros
    across = new((N, C, S, H + 2 * padding[0], OW), x.dtype)    # what tap column s reads in each row of the image
    inside = across[:, :, :, padding[0]:padding[0] + H]
    for s in range(S):
        outputs, pixels = reach(s - padding[1], stride[1], W, OW)
        inside[:, :, s, :, outputs] = x[..., pixels]
    cols = xp.empty((N, C, R, S, OH, OW), x.dtype)
    for r in range(R):                                          # whole rows from here on: long runs of memory
        cols[:, :, r] = across[:, :, :, r:r + (OH - 1) * stride[0] + 1:stride[0]]
    return cols.reshape(N, C * R * S, OH * OW)


def col2im(cols, x_shape, kernel, stride, padding):
    """Add every column back to the pixels it came from: the transpose of `im2col`.

    cols (N, C R S, OH OW) -> x of x_shape (N, C, H, W); kernel, stride and padding are heights and widths.
    """
    N, C, H, W = x_shape
    R, S = kernel
    if kernel == stride == (1, 1) and padding == (0, 0):
        return cols.reshape(x_shape)
    OH, OW = (output_size(*axis) for axis in zip((H, W), kernel, stride, padding))
    cols = cols.reshape(N, C, R, S, OH, OW)
    xp = array_module(cols)
    across = xp.zeros((N, C, S, H + 2 * padding[0], OW), cols.dtype)
    for r in range(R):
        across[:, :, :, r:r + (OH - 1) * stride[0] + 1:stride[0]] += cols[:, :, r]
    inside = across[:, :, :, padding[0]:padding[0] + H]
    x = xp.zeros(x_shape, cols.dtype)
    for s in range(S):
        outputs, pixels = reach(s - padding[1], stride[1], W, OW)
        x[..., pixels] += inside[:, :, s, :, outputs]
    return x


class Conv2d(Function):
    """y[n, f] = sum over c of x[n, c] * W[f, c] + b[f], with * the sliding product (cross-correlation).

    x (N, C, H, W), W (F, C/G, R, S), b (F,), y (N, F, OH, OW). With G groups, the channels and the filters are
    cut into G parts and part g of the filters sees part g of the channels alone; G = C = F is `Depthwise`.

    Columns are made for a few images at a time and used while they are in the cache. Backward makes them again:
    kept, they would take R S times the memory of the images.
    """

    def __init__(self, stride, padding, groups):
        self.stride, self.padding, self.groups = stride, padding, groups

    def forward(self, x, W, b):
        N, F, G, self.kernel = len(x), len(W), self.groups, W.shape[2:]
        OH, OW = (output_size(*axis) for axis in zip(x.shape[2:], self.kernel, self.stride, self.padding))
        xp = array_module(x)
        self.W = W.reshape(G, F // G, -1)
        y = xp.empty((N, G, F // G, OH * OW), xp.result_type(x, W))
        for images in self.portions(y):                     # (G, F/G, CRS/G) @ (n, G, CRS/G, L) -> (n, G, F/G, L)
            xp.matmul(self.W, self.columns(x[images]), out=y[images])
        y = y.reshape(N, F, OH, OW)
        if b is not None:
            y += b.reshape(F, 1, 1)
        self.x_shape, self.W_shape = x.shape, W.shape
        self.x = x if self.needs[1] else None
        return y

    def backward(self, gy):                                 # (N, F, OH, OW)
        xp, (N, F, OH, OW), G = array_module(gy), gy.shape, self.groups
        g = gy.reshape(N, G, F // G, OH * OW)               # (N, G, F/G, L)
        gx = gW = None
        if self.needs[0]:                                   # (G, CRS/G, F/G) @ (n, G, F/G, L) -> (n, G, CRS/G, L)
            parts = [self.pixels(self.W.swapaxes(-1, -2) @ g[images]) for images in self.portions(g)]
            gx = parts[0] if len(parts) == 1 else xp.concatenate(parts)
        if self.needs[1]:                                   # (n, G, F/G, L) @ (n, G, L, CRS/G), summed over n
            gW = sum((g[images] @ self.columns(self.x[images]).swapaxes(-1, -2)).sum(axis=0)
                     for images in self.portions(g)).reshape(self.W_shape)
        gb = gy.sum(axis=(0, 2, 3)) if self.needs[2] else None
        return gx, gW, gb

    def columns(self, x):
        """Return the columns of n images, (n, G, CRS/G, L)."""
        cols = im2col(x, self.kernel, self.stride, self.padding)
        return cols.reshape(len(x), *self.W.shape[::2], cols.shape[-1])

    def pixels(self, gcols):
        """Return the gradient of n images, (n, C, H, W), from that of their columns."""
        return col2im(gcols, (len(gcols), *self.x_shape[1:]), self.kernel, self.stride, self.padding)

    def portions(self, y):
        """Return slices of the batch, few images in each on the CPU; y is (N, G, F/G, L)."""
        N, G, _, L = y.shape
        numbers = G * self.W.shape[2] * L                   # in the columns of one image
        n = COLUMN_NUMBERS // numbers if array_module(y) is np else N
        return [slice(start, start + max(1, n)) for start in range(0, max(1, N), max(1, n))]


class ConvReLU(Conv2d):
    """y = max(conv2d(x), 0), written over the convolution's own result, which nobody else can have read."""

    def forward(self, x, W, b):
        self.y = super().forward(x, W, b)
        return rectify(self.y, out=self.y)

    def backward(self, gy):
        return super().backward(gy * (self.y > 0))


def conv2d(x, W, b=None, stride=1, padding=0, groups=1, relu=False):
    """Slide filters over images.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Images.
    W : Tensor, shape (F, C // groups, R, S)
        Filters. As everywhere in deep learning they are not flipped: this is cross-correlation.
    b : Tensor, shape (F,), optional
        A number added to each filter's map.
    stride : int or (int, int)
        Step of the window, in pixels, down and across.
    padding : int, (int, int) or "same"
        Width of the border of zeros, in pixels, down and across; "same" is TensorFlow's rule, see `window.same_padding`.
    groups : int
        Cut channels and filters into this many independent parts; C is depthwise convolution.
    relu : bool
        Return max(y, 0) instead of y: as `relu` would, with half the memory traffic.

    Returns
    -------
    y : Tensor, shape (N, F, OH, OW)
        OH = (H + 2 padding - R) // stride + 1, and OW likewise; with "same", OH is H / stride, rounded up.

    Raises
    ------
    InputError
        If the shapes do not fit each other, or the window does not fit the image.

    Examples
    --------
    >>> x, W = Tensor(np.zeros((1, 3, 227, 227))), Tensor(np.zeros((64, 3, 3, 3)))
    >>> conv2d(x, W, stride=2).shape
    (1, 64, 113, 113)
    """
    stride = pair(stride)
    if W.ndim != 4:
        raise InputError(f"conv2d: W is {W.shape}; it must be (n_filters, channels / groups, height, width)")
    F, C, R, S = W.shape
    sides = border(x, padding, (R, S), stride)
    if groups < 1 or x.shape[1] != C * groups or F % groups:
        raise InputError(f"conv2d: x has {x.shape[1]} channels, W expects {C * groups} "
                         f"(x {x.shape}, W {W.shape}, groups {groups}); W is (n_filters, channels / groups, height, width) "
                         "and n_filters is a multiple of groups")
    if b is not None and b.shape != (F,):
        raise InputError(f"conv2d: b is {b.shape}, W is {W.shape}: b must be ({F},), a number per filter")
    x, W = operands("conv2d", x, W)
    if groups == x.shape[1] == F:
        y = Depthwise(stride, sides)(x, W, b)
        return rectified(y) if relu else y
    (top, bottom), (left, right) = sides
    if (top, left) != (bottom, right):
        x, top, left = pad2d(x, sides), 0, 0
    return (ConvReLU if relu else Conv2d)(stride, (top, left), groups)(x, W, b)


def border(x, padding, kernel, stride):
    """Return how many pixels of zeros surround the images, having checked that the window fits.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
    padding : int, (int, int) or "same"
    kernel, stride : (int, int)
        Heights and widths.

    Returns
    -------
    sides : ((int, int), (int, int))
        Top and bottom, left and right.

    Raises
    ------
    InputError
        If the window does not fit, or padding is something else.
    """
    if not isinstance(padding, str):
        padding = pair(padding)
        check_window("conv2d", x.shape, kernel, stride, padding)
        return tuple((n, n) for n in padding)
    if padding != "same" or x.ndim != 4:
        raise InputError(f"conv2d: padding is {padding!r}, x {x.shape}; padding is \"same\" or pixels, x (N, C, H, W)")
    return tuple(same_padding(*axis) for axis in zip(x.shape[2:], kernel, stride))
