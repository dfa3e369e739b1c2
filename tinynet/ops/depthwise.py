"""Depthwise convolution: every channel has one filter of its own. Taught in lesson 02.

Source: L. Sifre, "Rigid-Motion Scattering for Image Classification", 2014, section 6.2; known from A. Howard et al.,
"MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", 2017.

As a matrix product (`conv`) it would have one row per channel, too few for a product to be fast. So the taps are added
up one after the other by ``einsum``, and what counts is that its innermost loop is long, as each start costs as much as
a hundred numbers. Two layouts of the memory offer one: `LongRuns` over pixels, `ChannelsLast` over channels.
"""
import numpy as np

from ..backend import array_module
from ..tensor import Function
from .window import reach

SHIFTED_NUMBERS = 2 ** 19           # numbers that LongRuns copies at a time: 2 MB
MANY_CHANNELS = 256                 # a run of memory that is long enough


class Depthwise(Function):
    """y[n, c] = x[n, c] * W[c] + b[c], with * the sliding product: what `Conv2d` computes for G = C = F.

    x (N, C, H, W), W (C, 1, R, S), b (C,), y (N, C, OH, OW); the sides of the border are ((top, bottom), (left, right)).
    """

    def __init__(self, stride, sides):
        self.stride, self.sides = stride, sides

    def forward(self, x, W, b):
        self.x_shape, self.W = x.shape, W
        self.x = x if self.needs[1] else None
        return correlate(x, W[:, 0], b, self.stride, self.sides)

    def backward(self, gy):                                 # (N, C, OH, OW)
        W = self.W[:, 0]
        gx = correlate_transposed(gy, W, self.stride, self.sides, self.x_shape) if self.needs[0] else None
        gW = filters_gradient(self.x, gy, W.shape[1:], self.stride, self.sides)[:, None] if self.needs[1] else None
        gb = gy.sum(axis=(0, 2, 3)) if self.needs[2] else None
        return gx, gW, gb


def correlate(x, W, b, stride, sides):
    """Slide filter c over channel c, by a stride (down, across), between the sides ((top, bottom), (left, right)).

    x (N, C, H, W), W (C, R, S), b (C,) or None -> y (N, C, OH, OW). A negative side crops the image.
    """
    xp, kernel = array_module(x), W.shape[1:]
    OH, OW = ((size + sum(side) - k) // step + 1 for size, side, k, step in zip(x.shape[2:], sides, kernel, stride))
    y = xp.empty((*x.shape[:2], OH, OW), xp.result_type(x, W))
    layout = layout_for(y, stride)
    W = layout.arrange(W)
    for part in layout.portions(y, kernel):
        y[part] = layout.correlate(layout.windows(x[part], kernel, stride, sides), W[part[1]]).reshape(y[part].shape)
        if b is not None:                                   # while the maps are in the cache
            y[part] += b[part[1]].reshape(-1, 1, 1)
    return y


def correlate_transposed(gy, W, stride, sides, x_shape):
    """Return the gradient of x, of x_shape (N, C, H, W): slide filters, turned by half a turn, over gy (N, C, OH, OW).

    W, stride and sides are those of `correlate`. Pixel h is read through tap r by output (h + top - r) / stride, if that
    is whole. So the taps i, i + stride, ... belong to every stride-th pixel: one small filter for each (i, j) of the
    stride, which slides by 1.
    """
    gx = array_module(gy).zeros(x_shape, gy.dtype)
    for first in np.ndindex(*stride):
        part = W[:, first[0]::stride[0], first[1]::stride[1]][:, ::-1, ::-1]
        outputs, pixels = zip(*(reach(i - near, step, size, size + near)
                                for i, (near, _), step, size in zip(first, sides, stride, x_shape[2:])))
        if 0 in part.shape or any(o.start == o.stop for o in outputs):
            continue                                        # a stride longer than the kernel or the image
        around = [(k - 1 - o.start, o.stop - n) for k, o, n in zip(part.shape[1:], outputs, gy.shape[2:])]
        gx[..., pixels[0], pixels[1]] = correlate(gy, part, None, (1, 1), around)
    return gx


def filters_gradient(x, gy, kernel, stride, sides):
    """Return the gradient of W, (C, R, S) with (R, S) the kernel: for each tap, the pixels it read times gy, summed.

    x, stride and sides are those of `correlate`.
    """
    layout = layout_for(gy, stride)
    gW = array_module(gy).zeros((gy.shape[1], *kernel), gy.dtype)
    for part in layout.portions(gy, kernel):
        gW[part[1]] += layout.filters(layout.windows(x[part], kernel, stride, sides), gy[part])
    return gW


def layout_for(y, stride):
    """Return the layout with the longer innermost loop for maps y: over pixels, which a stride tears apart, or channels."""
    _, C, OH, OW = y.shape
    return LongRuns if stride == (1, 1) and OH * OW > C else ChannelsLast


class LongRuns:
    """Large maps: one tap is one number times a whole map, a single run of memory.

    The image is copied S times, each a column further to the left, so that rows have OW pixels and follow each other
    without a gap. Tap (r, s) then reads, in copy s, the OH OW pixels that begin r rows down: im2col without its second step.
    """

    @staticmethod
    def portions(y, kernel):
        """Return slices of the batch and the channels: on the CPU few of them, for the cache."""
        N, C, OH, OW = y.shape
        if array_module(y) is not np:
            return [(slice(N), slice(C))]
        few = max(1, SHIFTED_NUMBERS // max(1, kernel[1] * OH * OW))
        return [(slice(n, n + 1), slice(c, c + few)) for n in range(N) for c in range(0, C, few)]

    @staticmethod
    def windows(x, kernel, stride, sides):
        """x (n, c, H, W) -> (n, c, S, R, L = OH OW), where the R runs overlap."""
        xp, (n, c, H, W), (R, S), ((top, bottom), (left, right)) = array_module(x), x.shape, kernel, sides
        rows, OW = H + top + bottom, W + left + right - S + 1
        shifted = xp.zeros((n, c, S, rows, OW), x.dtype)
        inside, pixel_rows = reach(-top, 1, H, rows)
        for s in range(S):
            outputs, pixels = reach(s - left, 1, W, OW)
            shifted[:, :, s, inside, outputs] = x[:, :, pixel_rows, pixels]
        shifted = shifted.reshape(n, c, S, rows * OW)
        return xp.lib.stride_tricks.sliding_window_view(shifted, (rows - R + 1) * OW, axis=3)[:, :, :, ::OW]

    @staticmethod
    def arrange(W):
        """W (C, R, S), as it is."""
        return W

    @staticmethod
    def correlate(windows, W):
        """Return the maps (n, c, OH OW)."""
        return array_module(W).einsum("ncsrl,crs->ncl", windows, W)

    @staticmethod
    def filters(windows, gy):
        """gy (n, c, OH, OW) -> (c, R, S)"""
        return array_module(gy).einsum("ncsrl,ncl->crs", windows, gy.reshape(*gy.shape[:2], windows.shape[-1]))


class ChannelsLast:
    """Small maps, and strides: one tap is C numbers times the C channels of a pixel, which now follow each other."""

    @staticmethod
    def portions(y, kernel):
        """Return slices of the batch and the channels: on the CPU one image at a time."""
        N, C, _, _ = y.shape
        n_images = 1 if array_module(y) is np else max(1, N)
        return [(slice(n, n + n_images), slice(C)) for n in range(0, N, n_images)]

    @staticmethod
    def windows(x, kernel, stride, sides):
        """x (n, C, H, W) -> (n, OH, w, R, S, L), a view of the padded images with their channels last.

        Of few channels and by a stride of 1 across, w = 1 and L = OW C: neighbours follow each other. Else w = OW, L = C.
        """
        xp, (n, C, H, W), S, ((top, bottom), (left, right)) = array_module(x), x.shape, kernel[1], sides
        padded = xp.zeros((n, H + top + bottom, W + left + right, C), x.dtype)
        (rows, pixel_rows), (columns, pixels) = reach(-top, 1, H, padded.shape[1]), reach(-left, 1, W, padded.shape[2])
        padded[:, rows, columns] = x[:, :, pixel_rows, pixels].transpose(0, 2, 3, 1)
        view = xp.lib.stride_tricks.sliding_window_view
        if stride[1] > 1 or C >= MANY_CHANNELS:
            return view(padded, kernel, axis=(1, 2))[:, ::stride[0], ::stride[1]].transpose(0, 1, 2, 4, 5, 3)
        runs = view(padded.reshape(n, padded.shape[1], padded.shape[2] * C), (padded.shape[2] - S + 1) * C, axis=2)[:, :, ::C]
        return view(runs, kernel[0], axis=1)[:, ::stride[0], None].transpose(0, 1, 2, 5, 3, 4)

    @staticmethod
    def arrange(W):
        """W (C, R, S), with the channels last in memory."""
        return array_module(W).ascontiguousarray(W.transpose(1, 2, 0)).transpose(2, 0, 1)

    @staticmethod
    def correlate(windows, W):
        """Return the maps (n, C, OH, OW), their channels last in memory."""
        xp, (n, OH, w, _, _, L), C = array_module(W), windows.shape, len(W)
        maps = xp.einsum("nhwrsl,rsl->nhwl", windows, xp.tile(W.transpose(1, 2, 0), L // C))
        return maps.reshape(n, OH, w * L // C, C).transpose(0, 3, 1, 2)

    @staticmethod
    def filters(windows, gy):
        """gy (n, C, OH, OW) -> (C, R, S)"""
        xp, C = array_module(gy), gy.shape[1]
        gy = xp.ascontiguousarray(gy.transpose(0, 2, 3, 1)).reshape(*windows.shape[:3], -1)
        runs = xp.einsum("nhwrsl,nhwl->rsl", windows, gy)
        return runs.reshape(*runs.shape[:2], -1, C).sum(axis=2).transpose(2, 0, 1)


def correlate_channels_last(x, W, stride, sides):
    """Return what `correlate` would, but with the channels last in memory, whatever they are in x: nothing is turned back."""
    return ChannelsLast.correlate(ChannelsLast.windows(x, W.shape[1:], stride, sides), ChannelsLast.arrange(W))
