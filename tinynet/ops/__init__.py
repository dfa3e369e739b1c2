"""Differentiable functions of Tensors: each a Function (the maths) and a function (the checks and the docs)."""
from . import bind  # noqa: F401  (gives Tensor its operators)
from .activation import log_softmax, relu, relu6, sigmoid, softmax, tanh
from .arithmetic import absolute, add, divide, exp, log, multiply, negative, power, sqrt, subtract
from .conv import conv2d
from .loss import cross_entropy, hinge
from .matmul import linear, matmul
from .norm import batch_norm, fixed_norm, local_response_norm
from .pool import adaptive_avg_pool2d, avg_pool2d, global_avg_pool2d, max_pool2d
from .random import drop_path, dropout, fractional_max_pool2d
from .reduce import max, mean, sum, var
from .shape import concat, flatten, getitem, pad2d, reshape, transpose

__all__ = [
    "absolute", "adaptive_avg_pool2d", "add", "avg_pool2d", "batch_norm", "concat", "conv2d", "cross_entropy",
    "divide", "drop_path", "dropout", "exp", "fixed_norm", "flatten", "fractional_max_pool2d", "getitem",
    "global_avg_pool2d", "hinge", "linear", "local_response_norm", "log", "log_softmax", "matmul", "max",
    "max_pool2d", "mean", "multiply", "negative", "pad2d", "power", "relu", "relu6", "reshape", "sigmoid",
    "softmax", "sqrt", "subtract", "sum", "tanh", "transpose", "var",
]
