"""Module, Parameter and Sequential: plain objects that own arrays. Taught in lessons 05 and 07."""
from contextlib import contextmanager

import numpy as np

from .. import backend
from ..errors import InputError
from ..tensor import Tensor


class Parameter(Tensor):
    """A Tensor that training may change.

    Parameters
    ----------
    data : ndarray
        Initial values; float32 as a rule.
    requires_grad : bool
        False freezes it: no gradient is computed and no optimiser touches it.
    """

    __slots__ = ()

    def __init__(self, data, requires_grad=True):
        super().__init__(data, requires_grad)


class Module:
    """A function with parameters: the base class of all layers and networks.

    A subclass assigns Parameters and Modules to attributes and defines ``forward``. The order of assignment is the
    order of `parameters`, and attribute names joined by dots are the names in a weight file.

    Attributes
    ----------
    training : bool
        Whether dropout drops and batch norm uses the batch's statistics. Set by `train` and `eval`.
    buffers : tuple of str
        Names of attributes that are arrays to be saved, but not trained (running statistics).
    by_row : bool
        Say True in a class whose ``forward`` makes row i of its output from row i of its input alone. A batch may
        then be cut into parts that run side by side; a network with a layer that does not say so runs whole.
    """

    training = True
    buffers = ()
    by_row = False

    def __call__(self, x):
        """Return ``forward(x)``."""
        return self.forward(x)

    def forward(self, x):
        """Compute the output, a Tensor, from the input Tensor."""
        raise NotImplementedError(f"{type(self).__name__}: write forward(self, x)")

    def __setattr__(self, name, value):
        if isinstance(vars(self).get(name), Parameter) and isinstance(value, Tensor) and not isinstance(value, Parameter):
            raise InputError(f"{type(self).__name__}: {name} is a Parameter, and a plain Tensor in its place would not be "
                             f"trained or saved; assign Parameter(x.data), or its values: module.{name}.data[...] = x.data")
        super().__setattr__(name, value)

    def __repr__(self):
        """Return a tree of the modules, with the shapes of their parameters."""
        own = [f"{name} {value.shape}" + " frozen" * (not value.requires_grad)
               for name, value in vars(self).items() if isinstance(value, Parameter)]
        lines = [" ".join([type(self).__name__, *[", ".join(own)] * bool(own)])]
        for name, child in self.children():
            lines += [f"  {line}" for line in f"{name}: {child!r}".splitlines()]
        return "\n".join(lines)

    def children(self):
        """Return the modules assigned to this one, as a list of (name, Module).

        Raises
        ------
        InputError
            If a list or dict holds a module or parameter that is no attribute too: nobody would find it.
        """
        for name, value in vars(self).items():
            if isinstance(value, (list, tuple, dict, set)) and _holds_hidden(value, self):
                raise InputError(f"{type(self).__name__}: {name} is a {type(value).__name__} with modules or parameters, "
                                 f"which would not be trained or saved; make it Sequential(*{name}), or assign each to "
                                 "an attribute")
        return [(name, value) for name, value in vars(self).items() if isinstance(value, Module)]

    def modules(self):
        """Return this module and every module inside it, each once, outermost first."""
        found = {id(self): self}
        for _, child in self.children():
            found |= {id(module): module for module in child.modules() if id(module) not in found}
        return list(found.values())

    def named_parameters(self, prefix=""):
        """Return every parameter in order, as a list of (dotted name, Parameter)."""
        for name, value in vars(self).items():
            if isinstance(value, Tensor) and not isinstance(value, Parameter) and value.requires_grad \
                    and value.creator is None:
                raise InputError(f"{type(self).__name__}: {name} is a Tensor that wants a gradient, but no Parameter, so "
                                 f"it would not be trained or saved; write {name} = Parameter(x.data)")
        own = [(prefix + name, value) for name, value in vars(self).items() if isinstance(value, Parameter)]
        for name, child in self.children():
            own += child.named_parameters(f"{prefix}{name}.")
        return own

    def parameters(self):
        """Return every parameter in order, each once."""
        return list({id(p): p for _, p in self.named_parameters()}.values())

    def train(self, mode=True):
        """Switch this module and all inside it, each by its own `train`, to training (with False to evaluation); return it."""
        self.training = mode
        for _, child in self.children():
            child.train(mode)
        return self

    def eval(self):
        """Switch this module and all inside it to evaluation and return it."""
        return self.train(False)

    def to(self, device):
        """Move every parameter and buffer to "cpu" or "gpu", in place, and return the module."""
        for module in self.modules():
            for name, value in vars(module).items():
                if isinstance(value, Parameter):
                    value.data, value.grad = backend.to_device(value.data, device), None
                elif name in module.buffers:
                    setattr(module, name, backend.to_device(value, device))
        return self

    @property
    def device(self):
        """Where the arrays are, "cpu" or "gpu"; "cpu" for a module without any."""
        on_gpu = any(backend.array_module(array) is not np for array in self.state_dict().values())
        return "gpu" if on_gpu else "cpu"

    def state_dict(self, prefix=""):
        """Return every parameter and buffer as {dotted name: ndarray}; the arrays are the live ones, not copies."""
        if not set(self.buffers) <= vars(self).keys():
            raise InputError(f"{type(self).__name__}: buffers is {self.buffers!r}; give names of arrays that __init__ assigns, "
                             'a tuple such as ("mean",)')
        own = {prefix + name: value.data if isinstance(value, Parameter) else value
               for name, value in vars(self).items() if isinstance(value, Parameter) or name in self.buffers}
        for name, child in self.children():
            own |= child.state_dict(f"{prefix}{name}.")
        return own

    def load_state_dict(self, arrays):
        """Copy arrays into the parameters and buffers of the same names.

        Parameters
        ----------
        arrays : dict of str to ndarray
            Exactly the names and shapes of `state_dict`; values are cast to the parameters' dtypes.

        Raises
        ------
        InputError
            If a name is missing, unknown, of another shape or holds no real numbers: all that do not fit are listed,
            and nothing was changed.
        """
        own, arrays = self.state_dict(), {name: _numbers(name, array) for name, array in arrays.items()}
        problems = [f"missing {name}" for name in own if name not in arrays]
        problems += [f"unknown {name}" for name in arrays if name not in own]
        problems += [f"{name} is {tuple(arrays[name].shape)}, needs {tuple(own[name].shape)}"
                     for name in own if name in arrays and arrays[name].shape != own[name].shape]
        if problems:
            raise InputError(f"load_state_dict: {len(problems)} of {len(own)} arrays do not fit: {'; '.join(problems)}; "
                             "build the network these weights were saved from")
        for name, array in own.items():
            array[...] = backend.array_module(array).asarray(arrays[name])
        for p in self.parameters():
            p.version += 1


class Sequential(Module):
    """Modules applied one after the other, each a named stage.

    ``Sequential(conv1=..., pool1=...)`` names the stages; ``Sequential(first, second)`` numbers them "0", "1".
    ``net["conv1"]`` is a stage, ``net[:"pool1"]`` the stages before it and ``net["pool1":]`` it and the rest:
    networks of their own that share the parameters. Positions work too: ``net[0]``, ``net[:-1]``.

    Raises
    ------
    InputError
        If named and unnamed stages are mixed, or a name is one of Module's own attributes or holds a dot; or for a part of
        a network that has a ``forward`` of its own.
    """

    by_row = True                   # as far as it goes itself: each stage speaks for itself

    def __init__(self, *modules, **named):
        if modules and named:
            raise InputError("Sequential: name all stages or none of them")
        for name, module in (named or {str(i): module for i, module in enumerate(modules)}).items():
            if hasattr(self, name) or "." in name:
                raise InputError(f"Sequential: a stage cannot be called {name!r}: choose a name that is not an attribute "
                                 "of Module and has no dot")
            if not isinstance(module, Module):
                raise InputError(f"Sequential: stage {name!r} is a {type(module).__name__}, a Module is needed")
            setattr(self, name, module)

    @property
    def stages(self):
        """Names of the stages in order, a list of str."""
        return [name for name, _ in self.children()]

    def forward(self, x):
        """Apply every stage in order."""
        for stage in vars(self).values():
            if isinstance(stage, Module):
                x = stage(x)
        return x

    def __len__(self):
        return len(self.children())

    def __getitem__(self, key):
        if isinstance(key, slice):
            if type(self).forward is not Sequential.forward or "forward" in vars(self):
                raise InputError(f"Sequential: {type(self).__name__} has a forward of its own, which a part of it would not "
                                 "have; make what it does a stage, a Module of its own")
            start, stop = self._position(key.start), self._position(key.stop)
            part = Sequential(**dict(self.children()[start:stop:key.step]))
            part.training = self.training
            return part
        return self.children()[self._position(key)][1]

    def _position(self, key):
        if not isinstance(key, str):
            return key
        if key not in self.stages:
            raise InputError(f"Sequential: no stage {key!r}; the stages are {', '.join(self.stages)}")
        return self.stages.index(key)


def works_by_row(net):
    """Return whether every layer makes row i of its output from row i of its input alone, as far as the layers say.

    Parameters
    ----------
    net : Module
        In the mode in which it will run.

    Returns
    -------
    answer : bool
        False also for a class that inherits ``by_row = True`` but has a ``forward``, or another method that this may call, of
        its own: that one has not said it.
    """
    return all(_says_by_row(module) for module in net.modules())


def _says_by_row(module):
    if "by_row" in vars(module) or not module.by_row:
        return module.by_row
    if "forward" in vars(module):
        return False
    bases = type(module).__mro__
    said = next(i for i, base in enumerate(bases) if "by_row" in vars(base))
    return not any("__call__" in vars(base) or any(name in dir(bases[said]) and (callable(value) or isinstance(value, property))
                                                   for name, value in vars(base).items() if not name.startswith("__"))
                   for base in bases[:said])


@contextmanager
def evaluating(net):
    """Hold a network in evaluation mode inside a ``with`` block; afterwards each module is in its own mode again.

    Parameters
    ----------
    net : Module
    """
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def _holds_hidden(value, module):
    """Return whether a container holds, at any depth, a module or parameter that the module does not have as attribute."""
    if isinstance(value, (list, tuple, dict, set)):
        return any(_holds_hidden(part, module) for part in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, (Module, Parameter)) and not any(value is own for own in vars(module).values())


def _numbers(name, array):
    """Return what was given for a parameter as an array of real numbers."""
    if not hasattr(array, "shape"):
        array = np.asarray(array)
    if array.dtype.kind not in "biuf":
        raise InputError(f"load_state_dict: {name} is {array.dtype}; give real numbers")
    return array
