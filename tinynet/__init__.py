"""tinynet: transfer learning from scratch, in NumPy (CuPy on a GPU), small enough to read in an afternoon."""
from . import ops
from .errors import InputError
from .gradcheck import gradcheck
from .tensor import Function, Tensor, no_grad
from .version import __version__

__all__ = ["Function", "InputError", "Tensor", "__version__", "gradcheck", "no_grad", "ops"]
