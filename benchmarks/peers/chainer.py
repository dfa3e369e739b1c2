"""Chainer."""
from .. import inputs
from .shim import restore_numpy_names

restore_numpy_names()
import chainer                      # noqa: E402 (it needs those names)
import chainer.functions as F       # noqa: E402


def trunk(case, peer):
    """The whole batch to fire9's maps."""
    weights, images = inputs.trunk_weights(), inputs.images(case.batch)

    def conv(x, name, stride=1, pad=0):
        return F.relu(F.convolution_2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], stride, pad))

    def run():
        with chainer.no_backprop_mode(), chainer.using_config("train", False):
            x = conv(images, "conv1", stride=2)
            for name, _, _ in inputs.FIRES:
                if name in inputs.AFTER_POOL:
                    x = F.max_pooling_2d(x, 3, 2, cover_all=True)
                s = conv(x, f"{name}.squeeze1x1")
                x = F.concat([conv(s, f"{name}.expand1x1"), conv(s, f"{name}.expand3x3", pad=1)], axis=1)
            return [x.array]

    return run


RUNS = {"trunk": trunk}
