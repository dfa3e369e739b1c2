"""Module, Parameter and Sequential: plain objects that own arrays. Taught in lessons 05 and 07."""
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
    """

    training = True
    buffers = ()

    def __call__(self, x):
        """Return ``forward(x)``."""
        return self.forward(x)

    def forward(self, x):
        """Compute the output, a Tensor, from the input Tensor."""
        raise NotImplementedError(f"{type(self).__name__}: write forward(self, x)")

    def children(self):
        """Return the modules assigned to this one, as a list of (name, Module)."""
        return [(name, value) for name, value in vars(self).items() if isinstance(value, Module)]

    def modules(self):
        """Return this module and every module inside it, outermost first."""
        return [self] + [module for _, child in self.children() for module in child.modules()]

    def named_parameters(self, prefix=""):
        """Return every parameter in order, as a list of (dotted name, Parameter)."""
        own = [(prefix + name, value) for name, value in vars(self).items() if isinstance(value, Parameter)]
        for name, child in self.children():
            own += child.named_parameters(f"{prefix}{name}.")
        return own

    def parameters(self):
        """Return every parameter in order, each once."""
        return list({id(p): p for _, p in self.named_parameters()}.values())

    def train(self, mode=True):
        """Switch this module and all inside it to training (or with False to evaluation) and return it."""
        for module in self.modules():
            module.training = mode
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
            If a name is missing, unknown or of another shape: all of them are listed, and nothing was changed.
        """
        own = self.state_dict()
        problems = [f"missing {name}" for name in own if name not in arrays]
        problems += [f"unknown {name}" for name in arrays if name not in own]
        problems += [f"{name} is {tuple(arrays[name].shape)}, needs {tuple(own[name].shape)}"
                     for name in own if name in arrays and arrays[name].shape != own[name].shape]
        if problems:
            raise InputError(f"load_state_dict: {len(problems)} of {len(own)} arrays do not fit: {'; '.join(problems)}; "
                             "build the network these weights were saved from")
        for name, array in own.items():
            array[...] = backend.array_module(array).asarray(arrays[name])


class Sequential(Module):
    """Modules applied one after the other, each a named stage.

    ``Sequential(conv1=..., pool1=...)`` names the stages; ``Sequential(first, second)`` numbers them "0", "1".
    ``net["conv1"]`` is a stage, ``net[:"pool1"]`` the stages before it and ``net["pool1":]`` it and the rest:
    networks of their own that share the parameters. Positions work too: ``net[0]``, ``net[:-1]``.

    Raises
    ------
    InputError
        If named and unnamed stages are mixed, or a name is one of Module's own attributes or holds a dot.
    """

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
        for _, stage in self.children():
            x = stage(x)
        return x

    def __len__(self):
        return len(self.children())

    def __getitem__(self, key):
        if isinstance(key, slice):
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
