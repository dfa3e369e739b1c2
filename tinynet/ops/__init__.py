"""Differentiable functions of Tensors: each a Function (the maths) and a function (the checks and the docs)."""
from . import bind  # noqa: F401  (gives Tensor its operators)
from .activation import log_softmax, relu, relu6, sigmoid, softmax, tanh
from .arithmetic import absolute, add, divide, exp, log, multiply, negative, power, sqrt, subtract
from .conv import conv2d
from .loss import cross_entropy, hinge
from .matmul import linear, matmul
from .norm import batch_norm, fixed_norm
from .pool import avg_pool2d, global_avg_pool2d, max_pool2d
from .random import dropout
from .reduce import max, mean, sum, var
from .shape import concat, flatten, getitem, pad2d, reshape, transpose

__all__ = [
    "absolute", "add", "avg_pool2d", "batch_norm", "concat", "conv2d", "cross_entropy", "divide", "dropout", "exp",
    "fixed_norm", "flatten", "getitem", "global_avg_pool2d", "hinge", "linear", "log", "log_softmax", "matmul", "max",
    "max_pool2d", "mean", "multiply", "negative", "pad2d", "power", "relu", "relu6", "reshape", "sigmoid", "softmax",
    "sqrt", "subtract", "sum", "tanh", "transpose", "var",
]
