"""Comparing backward with the definition of the derivative. Taught in lesson 01."""
import numpy as np

from .backend import array_module
from .tensor import Tensor, no_grad


def gradcheck(f, *arrays, rng, eps=1e-6, rtol=1e-5, atol=1e-7):
    """Check the gradients of a function against central differences along random directions.

    With one random direction d per input, (f(x + eps d) - f(x - eps d)) / 2 eps must equal the gradient's component
    along d. The function's output is weighted by random numbers first, so that a sum of errors cannot cancel.

    Parameters
    ----------
    f : callable
        Takes Tensors, returns a Tensor of any shape. It must give the same result each time.
    *arrays : ndarray of float64
        Where to check; keep away from kinks (ReLU at 0, ties in a maximum).
    rng : numpy.random.Generator
        Draws directions and weights.
    eps : float
        Half the step of the difference; its error is about eps² f''' + 1e-16 / eps.
    rtol, atol : float
        Largest error allowed, relative and absolute.

    Raises
    ------
    TypeError
        If an array is not float64: in float32 the difference itself is wrong in the fourth digit.
    AssertionError
        If a gradient is wrong; the message gives the input's position and both numbers. Also if the function changes
        an input, or its backward the gradient it was given: alone it may look right, beside others it is not.
    """
    for array in arrays:
        if array.dtype != np.float64:
            raise TypeError(f"gradcheck: an input is {array.dtype}, float64 is needed; use array.astype(np.float64)")
    xp = array_module(*arrays)
    tensors = [Tensor(array.copy(), requires_grad=True) for array in arrays]
    y = f(*tensors)
    weights = xp.asarray(rng.standard_normal(y.shape))
    arriving = weights.copy()                               # a copy: backward might change it, and be weighed with it
    y.backward(arriving)
    if not (arriving == weights).all():
        raise AssertionError("gradcheck: backward changes the gradient it was given, which other operations read too; "
                             "make a new array, such as gy * mask")
    for i, tensor in enumerate(tensors):
        if not (tensor.data == arrays[i]).all():
            raise AssertionError(f"gradcheck: the function changes input {i} {tensor.shape} itself; let it make a new "
                                 "array, or copy the input first")
        direction = xp.asarray(rng.standard_normal(tensor.shape))
        ahead, behind = (
            _weighted(f, [a + step * direction if j == i else a for j, a in enumerate(arrays)], weights)
            for step in (eps, -eps))
        numeric = (ahead - behind) / (2 * eps)
        analytic = 0.0 if tensor.grad is None else float((tensor.grad * direction).sum())
        if not abs(numeric - analytic) <= atol + rtol * abs(numeric):
            raise AssertionError(f"gradcheck: input {i} {tensor.shape}: backward says {analytic:.8g} along a random "
                                 f"direction, central difference says {numeric:.8g}")


def _weighted(f, arrays, weights):
    with no_grad():
        return float((f(*(Tensor(array) for array in arrays)).data * weights).sum())
