"""A candidate for the GPU beside what stands: im2col, col2im and the filters' gradient in one launch each.

Run by `gpu_candidates`. tinynet's im2col is R + S copies of slices, each a kernel that Python launches, and on a GPU
launching is what takes the time. Here each is one kernel, as in Caffe (Y. Jia and others, "Caffe: Convolutional
Architecture for Fast Feature Embedding", 2014). It must first give what stands gives; then both take turns, alone and
inside whole networks. Not in the library: a measurement decides.
"""
import functools
from contextlib import contextmanager

import numpy as np

from tinynet.backend import to_device
from tinynet.ops import conv
from tinynet.ops.window import output_size

from . import gpu, peers
from .cases import Case

GEOMETRY = "int32 H, int32 W, int32 R, int32 S, int32 OH, int32 OW, int32 down, int32 across, int32 top, int32 left"

# One thread for each place (image and channel, i, j) of the window: it copies the R S pixels under it. Places are
# counted in 32 bits, since a GPU divides 64 slowly; 2³² of them are 16 GB of a 1x1 kernel's columns.
IM2COL = """
    unsigned int place = i;
    int j = place % OW, row = place / OW % OH;
    ptrdiff_t image = place / ((unsigned int)OH * OW);
    ptrdiff_t to = image * R * S * OH * OW + row * OW + j;
    for (int r = 0; r < R; ++r)
        for (int s = 0; s < S; ++s, to += (ptrdiff_t)OH * OW) {
            int h = row * down + r - top, w = j * across + s - left;
            cols[to] = 0 <= h && h < H && 0 <= w && w < W ? x[(image * H + h) * W + w] : 0;
        }
"""

# One thread for each pixel (image and channel, h, w): it adds up what the windows over it hold. Nobody else writes it.
COL2IM = """
    unsigned int pixel = i;
    int w = pixel % W + left, h = pixel / W % H + top;      // in the padded image
    ptrdiff_t image = pixel / ((unsigned int)H * W);
    int first_row = h < R ? 0 : (h - R) / down + 1, last_row = h / down < OH ? h / down : OH - 1;
    int first = w < S ? 0 : (w - S) / across + 1, last = w / across < OW ? w / across : OW - 1;
    T sum = 0;
    for (int row = first_row; row <= last_row; ++row)
        for (int j = first; j <= last; ++j)
            sum += cols[(((image * R + h - row * down) * S + w - j * across) * OH + row) * OW + j];
    x = sum;
"""

# Layers of the zoo's networks: images' (C, H, W), filters' (F, R, S), stride, padding.
LAYERS = {
    "conv1 of SqueezeNet": ((3, 227, 227), (64, 3, 3), 2, 0),
    "fire2 3x3": ((16, 56, 56), (64, 3, 3), 1, 1),
    "fire9 3x3": ((64, 14, 14), (256, 3, 3), 1, 1),
    "conv1 of ResNet, 7x7": ((3, 224, 224), (64, 7, 7), 2, 3),
    "64 of 56x56, 3x3": ((64, 56, 56), (64, 3, 3), 1, 1),
    "256 of 14x14, 3x3": ((256, 14, 14), (256, 3, 3), 1, 1),
}
BATCHES = 16, 64
WHOLE = [Case(case, op, n, ()) for case, op in (("trunk", "forward"), ("finetune", "step"), ("network", "resnet18"),
                                                ("network", "resnet50"), ("network", "vgg16")) for n in BATCHES]


@functools.cache
def _kernel(inputs_, outputs, body, name):
    import cupy
    return cupy.ElementwiseKernel(inputs_, outputs, body, name)


def im2col(x, kernel, stride, padding):
    """Do what `tinynet.ops.conv.im2col` does, in one launch."""
    N, C, H, W = x.shape
    (R, S), xp = kernel, conv.array_module(x)
    if tuple(kernel) == tuple(stride) == (1, 1) and tuple(padding) == (0, 0):
        return x.reshape(N, C, H * W)
    OH, OW = (output_size(*axis) for axis in zip((H, W), kernel, stride, padding))
    cols = xp.empty((N, C * R * S, OH * OW), x.dtype)
    _kernel(f"raw T x, {GEOMETRY}", "raw T cols", IM2COL, "im2col")(
        xp.ascontiguousarray(x), H, W, R, S, OH, OW, *stride, *padding, cols, size=N * C * OH * OW)
    return cols


def col2im(cols, x_shape, kernel, stride, padding):
    """Do what `tinynet.ops.conv.col2im` does, in one launch."""
    (H, W), (R, S), xp = x_shape[2:], kernel, conv.array_module(cols)
    if tuple(kernel) == tuple(stride) == (1, 1) and tuple(padding) == (0, 0):
        return cols.reshape(x_shape)
    OH, OW = (output_size(*axis) for axis in zip((H, W), kernel, stride, padding))
    x = xp.empty(x_shape, cols.dtype)
    _kernel(f"raw T cols, {GEOMETRY}", "T x", COL2IM, "col2im")(
        xp.ascontiguousarray(cols), H, W, R, S, OH, OW, *stride, *padding, x)
    return x


def filters_gradient(g, cols):
    """g (N, F, L), cols (N, D, L) -> (F, D): one product over all images, in place of one each and their sum."""
    return conv.array_module(g).tensordot(g, cols, axes=((0, 2), (0, 2)))


def filters_gradient_now(g, cols):
    """The same as `tinynet.ops.conv` has it."""
    return (g @ cols.swapaxes(-1, -2)).sum(axis=0)


@contextmanager
def candidate():
    """Let tinynet's convolutions use the candidate meanwhile."""
    standing = conv.im2col, conv.col2im
    conv.im2col, conv.col2im = im2col, col2im
    try:
        yield
    finally:
        conv.im2col, conv.col2im = standing


def pairs(layer, n, device):
    """Return {what: (what stands, the candidate)} of a layer with n images, functions of no arguments that return arrays."""
    shape, (F, *kernel), stride, padding = LAYERS[layer]
    rng, geometry = np.random.default_rng(0), (tuple(kernel), (stride, stride), (padding, padding))
    x = to_device(rng.standard_normal((n, *shape), dtype=np.float32), device)
    cols = conv.im2col(x, *geometry)
    g = to_device(rng.standard_normal((n, F, cols.shape[-1]), dtype=np.float32), device)
    return {
        "im2col": (lambda: [conv.im2col(x, *geometry)], lambda: [im2col(x, *geometry)]),
        "col2im": (lambda: [conv.col2im(cols, x.shape, *geometry)], lambda: [col2im(cols, x.shape, *geometry)]),
        "filters' gradient": (lambda: [filters_gradient_now(g, cols)], lambda: [filters_gradient(g, cols)]),
    }


def table():
    """Print what was measured."""
    print("| what | of | batch | now ms | candidate ms | candidate / now (min-max) | results differ by |\n|---|---|---|---|---|---|---|", flush=True)
    for layer in LAYERS:
        for n in BATCHES:
            for what, (now, new) in pairs(layer, n, "gpu").items():
                print(f"| {what} | {layer} | {n} | {gpu.turns(now, new)} |", flush=True)
    for case in WHOLE:
        gpu.empty_pools()
        now, other = (peers.prepare(gpu.OURS, case) for _ in range(2))

        def new(other=other):
            with candidate():
                return other()

        print(f"| {case.op} | {case.case} | {case.batch} | {gpu.turns(now, new)} |", flush=True)
