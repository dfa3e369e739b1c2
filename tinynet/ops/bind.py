"""The one table that gives Tensor its operators and methods.

Comparisons (< <= > >= == !=) are answered element by element by an array of bool: a constant, without a gradient.
"""
import operator

from ..tensor import Tensor
from . import activation, arithmetic, matmul, reduce, shape


def _swapped(op):
    """Return the op with its operands exchanged, for 2 - x and the like."""
    return lambda x, other: op(other, x)


def _compared(op):
    """Return a comparison of the values."""
    return lambda x, other: op(x.data, other.data if isinstance(other, Tensor) else other)


def _spread(op):
    """Return a method that takes x.reshape(2, -1) as well as x.reshape((2, -1))."""
    return lambda x, *numbers: op(x, *numbers) if len(numbers) < 2 else op(x, numbers)


Tensor.__add__ = arithmetic.add
Tensor.__radd__ = _swapped(arithmetic.add)
Tensor.__sub__ = arithmetic.subtract
Tensor.__rsub__ = _swapped(arithmetic.subtract)
Tensor.__mul__ = arithmetic.multiply
Tensor.__rmul__ = _swapped(arithmetic.multiply)
Tensor.__truediv__ = arithmetic.divide
Tensor.__rtruediv__ = _swapped(arithmetic.divide)
Tensor.__pow__ = arithmetic.power
Tensor.__rpow__ = _swapped(arithmetic.exponential)
Tensor.__neg__ = arithmetic.negative
Tensor.__abs__ = arithmetic.absolute
Tensor.__matmul__ = matmul.matmul
Tensor.__rmatmul__ = _swapped(matmul.matmul)
Tensor.__getitem__ = shape.getitem

Tensor.__float__ = lambda x: float(x.item())
Tensor.__int__ = lambda x: int(x.item())
Tensor.__bool__ = lambda x: bool(x.item())
Tensor.__format__ = lambda x, spec: format(x.item(), spec) if spec else str(x)

Tensor.__lt__ = _compared(operator.lt)
Tensor.__le__ = _compared(operator.le)
Tensor.__gt__ = _compared(operator.gt)
Tensor.__ge__ = _compared(operator.ge)
Tensor.__eq__ = _compared(operator.eq)
Tensor.__ne__ = _compared(operator.ne)

Tensor.T = property(shape.transpose, doc="The Tensor with its axes reversed.")
Tensor.reshape = _spread(shape.reshape)
Tensor.transpose = _spread(shape.transpose)
Tensor.sum = reduce.sum
Tensor.mean = reduce.mean
Tensor.var = reduce.var
Tensor.max = reduce.max
Tensor.exp = arithmetic.exp
Tensor.log = arithmetic.log
Tensor.sqrt = arithmetic.sqrt
Tensor.relu = activation.relu
Tensor.sigmoid = activation.sigmoid
Tensor.tanh = activation.tanh
