"""The whole autograd engine: Tensor, Function, backward and no_grad. It knows no operation.

A *tape* is recorded while the program runs: every Tensor that was computed remembers the Function that made it,
and every Function its input Tensors. `Tensor.backward` walks the tape from the last Function to the first and
applies the chain rule at each. Taught in lesson 01.
"""
import heapq
import threading
from contextlib import contextmanager

import numpy as np

from . import backend


class _Mode(threading.local):
    """The switch of `no_grad`. Each thread records its own tape, so each has its own."""

    recording = True


_mode = _Mode()


def is_recording():
    """Return whether operations in this thread are recorded for backward."""
    return _mode.recording


@contextmanager
def no_grad():
    """Record nothing inside this block: results need no gradient and nothing is kept for backward."""
    before = _mode.recording
    _mode.recording = False
    try:
        yield
    finally:
        _mode.recording = before


class Tensor:
    """An array that remembers how it was computed.

    Parameters
    ----------
    data : array_like
        Numbers of any shape. NumPy and CuPy arrays are kept as they are, not copied (but for a foreign byte order);
        Python floats and lists of them become float32.
    requires_grad : bool
        Whether backward should compute a gradient for it. Only floating-point data can have one.

    Attributes
    ----------
    data : ndarray
        The values.
    version : int
        How often `data` was assigned to, as by ``x.data -= ...``. Backward refuses to use what was changed after an
        operation read it, and a result that was changed at all. Writing to elements, ``x.data[0] = ...``, is not counted.
    grad : ndarray or None
        The gradient of the last backward, of the data's shape and dtype; calls of backward add up.
    requires_grad : bool
        True for a leaf that wants a gradient and for everything computed from one.
    creator : Function or None
        The operation that made it; None for a leaf.

    Raises
    ------
    TypeError
        If data holds no real numbers, or requires_grad is asked for data that is not floating-point.
    """

    __slots__ = ("_data", "version", "grad", "requires_grad", "creator", "__weakref__")
    __array_priority__ = 1000       # ndarray + Tensor is answered by Tensor
    __array_ufunc__ = None

    def __init__(self, data, requires_grad=False):
        if type(data) is not np.ndarray or data.dtype.kind not in "biuf" or not data.dtype.isnative:
            if isinstance(data, Tensor):
                raise TypeError("Tensor: data is a Tensor already; pass its .data to share the array without the tape")
            data = backend.as_numbers(data)
        if requires_grad and data.dtype.kind != "f":
            raise TypeError(f"Tensor: only floats have gradients, this is {data.dtype}; use data.astype(np.float32)")
        self._data = data
        self.version = 0
        self.grad = None
        self.requires_grad = requires_grad
        self.creator = None

    def _change(self, array):
        self._data = array
        self.version += 1

    data = property(lambda self: self._data, _change, doc="The values, an ndarray.")
    shape = property(lambda self: self._data.shape, doc="Lengths of the axes.")
    dtype = property(lambda self: self._data.dtype, doc="Type of the numbers.")
    ndim = property(lambda self: self._data.ndim, doc="Number of axes.")
    size = property(lambda self: self._data.size, doc="Number of elements.")

    def __len__(self):
        return len(self.data)

    def __repr__(self):
        made_by = f", made by {self.creator}" if self.creator else ""
        return f"Tensor({self.data}{made_by})"

    def __array__(self, *args, **kwargs):
        raise TypeError("a Tensor is not an array: use .numpy() or .data for its values, which leaves the tape")

    def item(self):
        """Return the only element as a Python number."""
        if self.size != 1:
            raise TypeError(f"a Tensor of shape {self.shape} is not one number: pick one (x[0]) or reduce it (x.sum())")
        return self.data.item()

    def numpy(self):
        """Return the values as a NumPy array (a copy only if they are on the GPU)."""
        return backend.to_numpy(self.data)

    def detach(self):
        """Return a Tensor of the same array that starts a new tape."""
        return Tensor(self.data)

    def to(self, device):
        """Return a leaf with the values on "cpu" or "gpu"; the tape does not cross devices."""
        if self.creator is not None:
            raise RuntimeError(f"to: this Tensor was made by {self.creator}, and no gradient would find its way back "
                               "from the other device; move the leaves before the forward pass, or use x.detach().to()")
        return Tensor(backend.to_device(self.data, device), requires_grad=self.requires_grad)

    def zero_grad(self):
        """Forget the gradient."""
        self.grad = None

    def backward(self, gradient=None):
        """Add the gradient of this Tensor with respect to every leaf that wants one to that leaf's ``grad``.

        The tape is freed on the way: a second call needs a second forward.

        Parameters
        ----------
        gradient : ndarray, optional
            The gradient arriving at this Tensor, of its shape and dtype. A Tensor with one element may leave it
            out: it is then 1.

        Raises
        ------
        RuntimeError
            If nothing was recorded, the tape was freed by an earlier backward, or what it read was changed since.
        ValueError
            If the gradient is missing for more than one element, or an operation returned a wrong one or changed its own.
        """
        if not self.requires_grad:
            raise RuntimeError("backward: this Tensor was computed from nothing that requires a gradient, "
                               "or under no_grad(); set requires_grad=True on a leaf before the forward pass")
        if gradient is None:
            if self.data.size != 1:
                raise ValueError(f"backward: a Tensor of shape {self.shape} has no single gradient; "
                                 "reduce it to one number (a loss) or pass gradient=")
            gradient = backend.array_module(self.data).ones_like(self.data)
        _check_gradient(gradient, self.data, "backward")
        _run_tape(self, gradient)


class Function:
    """One differentiable operation: the base class of all ops.

    A subclass defines ``forward(self, *arrays)``, which returns an array and keeps on ``self`` what backward will
    read, and ``backward(self, gy)``, which returns one gradient per input (None where ``self.needs`` is False).
    Both work on arrays, not Tensors, and change none that they are given. Options are passed to ``__init__``.

    Attributes
    ----------
    needs : list of bool
        Which inputs want a gradient. Known before forward runs, so that nothing is kept for no one.
    inputs : tuple
        What the operation was applied to, Tensors and constants; None once backward has freed the tape.
    """

    needs = ()
    inputs = None
    depth = 0                       # one more than the deepest input: a topological order of the tape

    def __call__(self, *inputs):
        """Apply the operation to Tensors (or constants: arrays and numbers) and record it if a gradient is wanted."""
        if self.inputs is not None:
            raise RuntimeError(f"{self}: applied a second time, which would overwrite what the first backward reads; "
                               f"make a new one, {self}(...), for each application")
        recording = _mode.recording
        arrays, needs, depth, versions = [], [], 0, 0
        for x in inputs:
            if isinstance(x, Tensor):
                arrays.append(x._data)
                versions += x.version
                needs.append(recording and x.requires_grad)
                if x.creator is not None and x.creator.depth > depth:
                    depth = x.creator.depth
            else:
                arrays.append(x)
                needs.append(False)
        self.needs = needs
        y = _result(self.forward(*arrays))
        if True in needs:
            self.inputs, self.depth, self.versions = inputs, depth + 1, versions
            y.requires_grad, y.creator = True, self
        return y

    def __repr__(self):
        return type(self).__name__

    def forward(self, *arrays):
        """Compute the result from the input arrays."""
        raise NotImplementedError(f"{self}: write forward(self, *arrays)")

    def backward(self, gy):
        """Compute the gradient of each input from the gradient of the result."""
        raise NotImplementedError(f"{self}: write backward(self, gy)")


def _result(array):
    """Return an array that an operation made as a Tensor; as a rule it need not be looked at again."""
    if type(array) is not np.ndarray:
        return Tensor(array)
    y = Tensor.__new__(Tensor)
    y._data, y.version, y.grad, y.requires_grad, y.creator = array, 0, None, False, None
    return y


def _run_tape(output, gradient):
    """Visit every Function behind `output` once, the deepest first, and hand each its complete gradient."""
    if output.creator is None:
        return _accumulate(output, gradient)
    on_cpu = isinstance(gradient, np.ndarray)
    arriving = {output.creator: gradient[...]}       # gradients of results, summed over their uses
    waiting = [(-output.creator.depth, 0, output.creator)]
    count = 1                                        # breaks ties in the heap, in order of discovery
    while waiting:
        function = heapq.heappop(waiting)[2]
        if function.inputs is None:
            raise RuntimeError(f"backward: the tape was freed at {function}; run the forward pass again first")
        inputs, needs, versions = function.inputs, function.needs, function.versions
        for x in inputs:
            if isinstance(x, Tensor):
                versions -= x.version                # they only ever grow: the sum tells whether one has
        if versions:
            raise RuntimeError(f"backward: what {function} read was changed after it read it, by a step of an optimiser, "
                               "by load_state_dict or by assigning to .data; call backward first, or run the forward "
                               "pass again")
        gy = arriving.pop(function)
        if on_cpu:                                   # other operations may read it too (CuPy cannot forbid writing)
            gy.setflags(write=False)
        try:
            gradients = function.backward(gy)
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            raise ValueError(f"{function}: backward writes into the gradient it was given, which other operations read "
                             "too; make a new array, such as gy * mask, or copy it first") from error
        if not isinstance(gradients, tuple):
            gradients = (gradients,)
        function.__dict__.clear()                    # frees the inputs and what forward kept
        if len(gradients) != len(inputs):
            raise ValueError(f"{function}: backward returned {len(gradients)} gradients for {len(inputs)} inputs")
        for x, wanted, gx in zip(inputs, needs, gradients):
            if not wanted:
                continue
            _check_gradient(gx, x._data, function)
            if x.creator is None:
                _accumulate(x, gx)
                continue
            if x.version:
                raise RuntimeError(f"backward: the result of {x.creator} was changed by assigning to .data, as x.data *= 2 does, "
                                   "which no tape records; compute a new Tensor, such as x * 2")
            if x.creator in arriving:
                arriving[x.creator] = arriving[x.creator] + gx      # used twice: gradients add
            else:
                arriving[x.creator] = gx
                heapq.heappush(waiting, (-x.creator.depth, count, x.creator))
                count += 1


def _accumulate(leaf, gradient):
    """Add to a leaf's grad, a copy: the operation may have returned one array for two leaves, or one that it keeps."""
    xp = backend.array_module(gradient)
    leaf.grad = xp.array(gradient) if leaf.grad is None else xp.asarray(leaf.grad + gradient)


def _check_gradient(gradient, data, function):
    if getattr(gradient, "shape", None) != data.shape or gradient.dtype != data.dtype:
        found = f"{gradient.dtype} {gradient.shape}" if hasattr(gradient, "shape") else repr(gradient)
        raise ValueError(f"{function}: gradient is {found}, its input is {data.dtype} {data.shape}; "
                         "a gradient has the shape and dtype of what it belongs to "
                         "(if only the dtypes differ, the forward pass mixed float32 and float64: convert one)")
