"""A convolution as a student of CS231n writes it: im2col of the whole batch by an array of indices, one product."""
import numpy as np

from .. import inputs


def windows(x, size, stride):
    """Return the columns under every window, (C size size, OH OW N), picked by index arrays."""
    _, C, H, W = x.shape
    OH, OW = (H - size) // stride + 1, (W - size) // stride + 1
    c, r, s = (index.reshape(-1, 1) for index in np.indices((C, size, size)))
    i, j = (stride * index.reshape(1, -1) for index in np.indices((OH, OW)))
    return x[:, c, r + i, s + j].transpose(1, 2, 0).reshape(C * size * size, -1), (OH, OW)


def conv_relu(x, W, b, stride=1, pad=0):
    """Return max(conv(x), 0)."""
    F, _, size, _ = W.shape
    cols, (OH, OW) = windows(np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad))), size, stride)
    y = W.reshape(F, -1) @ cols + b[:, None]
    return np.maximum(0, y.reshape(F, OH, OW, -1).transpose(3, 0, 1, 2))


def max_pool(x):
    """Return the largest of each 3x3 window, step 2; zeros where it hangs over the far edge."""
    N, C, H, W = x.shape
    x = np.pad(x, ((0, 0), (0, 0), (0, (H - 3) % 2), (0, (W - 3) % 2)))
    cols, (OH, OW) = windows(x.reshape(N * C, 1, *x.shape[2:]), 3, 2)
    return cols.max(axis=0).reshape(OH, OW, N, C).transpose(2, 3, 0, 1)


def trunk(case, peer):
    """The whole batch to fire9's maps."""
    weights, images = inputs.trunk_weights(), inputs.images(case.batch)

    def conv(x, name, stride=1, pad=0):
        return conv_relu(x, weights[f"{name}.weight"], weights[f"{name}.bias"], stride, pad)

    def run():
        x = conv(images, "conv1", stride=2)
        for name, _, _ in inputs.FIRES:
            if name in inputs.AFTER_POOL:
                x = max_pool(x)
            s = conv(x, f"{name}.squeeze1x1")
            x = np.concatenate([conv(s, f"{name}.expand1x1"), conv(s, f"{name}.expand3x3", pad=1)], axis=1)
        return [x]

    return run


RUNS = {"trunk": trunk}
