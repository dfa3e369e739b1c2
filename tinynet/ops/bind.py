"""The one table that gives Tensor its operators and methods."""
from ..tensor import Tensor
from . import activation, arithmetic, matmul, reduce, shape


def _swapped(op):
    """Return the op with its operands exchanged, for 2 - x and the like."""
    return lambda x, other: op(other, x)


def _reshape(x, *lengths):
    """Return x under another shape: x.reshape(2, -1) or x.reshape((2, -1))."""
    return shape.reshape(x, lengths[0] if len(lengths) == 1 else lengths)


Tensor.__add__ = arithmetic.add
Tensor.__radd__ = _swapped(arithmetic.add)
Tensor.__sub__ = arithmetic.subtract
Tensor.__rsub__ = _swapped(arithmetic.subtract)
Tensor.__mul__ = arithmetic.multiply
Tensor.__rmul__ = _swapped(arithmetic.multiply)
Tensor.__truediv__ = arithmetic.divide
Tensor.__rtruediv__ = _swapped(arithmetic.divide)
Tensor.__pow__ = arithmetic.power
Tensor.__neg__ = arithmetic.negative
Tensor.__matmul__ = matmul.matmul
Tensor.__rmatmul__ = _swapped(matmul.matmul)
Tensor.__getitem__ = shape.getitem

Tensor.T = property(shape.transpose, doc="The Tensor with its axes reversed.")
Tensor.reshape = _reshape
Tensor.transpose = shape.transpose
Tensor.sum = reduce.sum
Tensor.mean = reduce.mean
Tensor.max = reduce.max
Tensor.exp = arithmetic.exp
Tensor.log = arithmetic.log
Tensor.relu = activation.relu
Tensor.sigmoid = activation.sigmoid
Tensor.tanh = activation.tanh
