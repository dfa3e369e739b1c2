"""A network at a glance: what comes out of each stage, and how many numbers are trained there."""
import numpy as np

from ..backend import to_device
from ..tensor import Tensor, no_grad
from .module import evaluating


class Table(str):
    """Text that is shown as it is, in a notebook and in Python's own prompt."""

    __repr__ = str.__str__


def stage_shapes(net, shape):
    """Return {stage of net: shape of its output} for one input of this shape, such as (C, H, W), all without the batch."""
    x, shapes = Tensor(to_device(np.zeros((1, *shape), np.float32), net.device)), {}
    with evaluating(net), no_grad():
        for name, stage in net.children():
            x = stage(x)
            shapes[name] = x.shape[1:]
    return shapes


def summary(net, shape):
    """Return a table of the stages of net: output for one input of this shape, numbers, and how many are trained."""
    rows = [("stage", "layer", "output", "numbers", "trained")]
    total = trained = 0
    for name, output in stage_shapes(net, shape).items():
        parameters = net[name].parameters()
        count, free = sum(p.size for p in parameters), sum(p.size for p in parameters if p.requires_grad)
        rows.append((name, type(net[name]).__name__, " x ".join(map(str, output)), f"{count:,}", f"{free:,}"))
        total, trained = total + count, trained + free
    rows.append(("together", "", "", f"{total:,}", f"{trained:,}"))
    widths = [max(map(len, column)) for column in zip(*rows)]
    return Table("\n".join("  ".join(cell.ljust(width) if i < 3 else cell.rjust(width)
                                     for i, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows))
