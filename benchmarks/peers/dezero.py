"""DeZero, whose pooling leaves out what hangs over the edge: the two maps where that happens get a row and a column
of zeros first, which under a ReLU changes nothing else."""
import numpy as np

from .. import inputs
from .shim import restore_numpy_names

restore_numpy_names()
import dezero                       # noqa: E402 (it needs those names)
import dezero.functions as F        # noqa: E402


def trunk(case, peer):
    """The whole batch to fire9's maps."""
    weights, images = inputs.trunk_weights(), dezero.Variable(inputs.images(case.batch))

    def conv(x, name, stride=1, pad=0):
        return F.relu(F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], stride, pad))

    def pool(x):
        if x.shape[2] % 2 == 0:
            x = dezero.Variable(np.pad(x.data, ((0, 0), (0, 0), (0, 1), (0, 1))))
        return F.pooling(x, 3, 2)

    def run():
        with dezero.no_grad():
            x = conv(images, "conv1", stride=2)
            for name, _, _ in inputs.FIRES:
                if name in inputs.AFTER_POOL:
                    x = pool(x)
                s = conv(x, f"{name}.squeeze1x1")
                parts = conv(s, f"{name}.expand1x1"), conv(s, f"{name}.expand3x3", pad=1)
                x = dezero.Variable(np.concatenate([part.data for part in parts], axis=1))      # it has no concat
            return [x.data]

    return run


RUNS = {"trunk": trunk}
