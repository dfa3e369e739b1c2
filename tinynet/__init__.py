"""tinynet: transfer learning from scratch, in NumPy (CuPy on a GPU), small enough to read in an afternoon."""
from . import ops
from .errors import InputError
from .gradcheck import gradcheck
from .tensor import Function, Tensor, no_grad

__version__ = "0.1.0"
__all__ = ["Function", "InputError", "Tensor", "gradcheck", "no_grad", "ops"]
