"""The geometry shared by convolution and pooling: which inputs a window of the kernel reads. Taught in lesson 02.

A kernel of R x S weights slides over the image. Seen the other way round, *one tap* (r, s) of the kernel visits a
regular grid of pixels, one per output: a strided slice of the image. So a convolution or a pool is a loop over the
few taps with whole slices at each, instead of a loop over the many outputs.
"""
import numpy as np

from ..errors import InputError


def pair(value):
    """Return a window's number for both directions.

    Parameters
    ----------
    value : int or (int, int)
        The same for both, or height and width.

    Returns
    -------
    pair : (int, int)
        Height and width.

    Raises
    ------
    InputError
        If it is neither.
    """
    both = (value, value) if isinstance(value, (int, np.integer)) else value
    if not isinstance(both, (tuple, list)) or len(both) != 2 or not all(isinstance(n, (int, np.integer)) for n in both):
        raise InputError(f"a window's kernel, stride or padding is {value!r}; give pixels, an int or (down, across)")
    return tuple(both)


def check_sizes(op, kernel, stride, padding):
    """Check that a window is possible on any image.

    Parameters
    ----------
    op : str
        Who asks, for the message.
    kernel, stride, padding : int or (int, int)
        In pixels.

    Raises
    ------
    InputError
        If it is not.
    """
    kernel, stride, padding = pair(kernel), pair(stride), pair(padding)
    if min(kernel) < 1 or min(stride) < 1 or min(padding) < 0:
        raise InputError(f"{op}: kernel {kernel}, stride {stride}, padding {padding}: "
                         "kernel and stride must be at least 1, padding at least 0")


def check_window(op, x_shape, kernel, stride, padding, ceil_mode=False):
    """Check that a window is possible and fits the padded image.

    Parameters
    ----------
    op : str
        Who asks, for the message.
    x_shape : tuple of int
        Should be (N, C, H, W).
    kernel, stride, padding : (int, int)
        In pixels, down and across.
    ceil_mode : bool
        Whether a window may hang over the far edge.

    Raises
    ------
    InputError
        If it does not.
    """
    if len(x_shape) != 4:
        raise InputError(f"{op}: x is {x_shape}; images come as (N, C, H, W): add the missing axis with reshape")
    check_sizes(op, kernel, stride, padding)
    padded = (x_shape[2] + 2 * padding[0], x_shape[3] + 2 * padding[1])
    if min(output_size(*axis, ceil_mode) for axis in zip(x_shape[2:], kernel, stride, padding)) < 1:
        raise InputError(f"{op}: a {kernel[0]}x{kernel[1]} window does not fit into x {x_shape}, {padded[0]}x{padded[1]} "
                         "with its padding; give a larger image, more padding or a smaller kernel")


def output_size(size, kernel, stride, padding, ceil_mode=False):
    """Return how many windows fit along one axis.

    floor((size + 2 padding - kernel) / stride) + 1, all in pixels; with ceil_mode a last window may hang over the far
    edge, as long as it starts inside the image or its near padding (the rule of Caffe and PyTorch).

    >>> output_size(227, 3, 2, 0), output_size(112, 3, 2, 0, ceil_mode=True)
    (113, 56)
    """
    span = size + 2 * padding - kernel
    if not ceil_mode:
        return span // stride + 1
    n_out = -(-span // stride) + 1
    return n_out - 1 if (n_out - 1) * stride >= size + padding else n_out


def same_padding(size, kernel, stride):
    """Return the border (before, after) with which one axis gives size / stride outputs, rounded up: TensorFlow's "SAME".

    Of an odd number of pixels the far side gets one more: at stride 2 a 3-pixel kernel over 224 pixels is padded by
    (0, 1), where PyTorch's networks say padding=1, which is (1, 1): all windows lie one pixel apart. See `output_size`.

    >>> same_padding(224, 3, 2), same_padding(113, 3, 2), same_padding(56, 5, 1)
    ((0, 1), (1, 1), (2, 2))
    """
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def taps(kernel, stride, padding, size, n_out):
    """Yield, for each tap (r, s) of the kernel, row by row, the outputs it contributes to and the pixels they read.

    Both are indices into the last two axes, of equal shape: output (i, j) reads pixel (i stride + r - padding, ...).
    Taps that fall into the padding are left out, so nobody ever builds a padded copy. kernel, stride, padding, size
    (of the image) and n_out are heights and widths.
    """
    for r in range(kernel[0]):
        out_rows, rows = reach(r - padding[0], stride[0], size[0], n_out[0])
        for s in range(kernel[1]):
            out_columns, columns = reach(s - padding[1], stride[1], size[1], n_out[1])
            yield (..., out_rows, out_columns), (..., rows, columns)


def reach(offset, stride, size, n_out):
    """Return, for one tap along one axis, the outputs it contributes to and the pixels they read, as slices.

    The offset is the tap's position in the kernel minus the padding: output i of n_out reads pixel i stride + offset,
    where that lies inside the size of the image.
    """
    first = max(0, -(offset // stride))                         # smallest i with i stride + offset >= 0
    last = min(n_out, -((offset - size) // stride))             # one after the largest with ... < size
    if last <= first:
        return slice(0, 0), slice(0, 0)
    start = first * stride + offset
    return slice(first, last), slice(start, start + (last - first - 1) * stride + 1, stride)
