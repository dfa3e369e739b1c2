"""Layers: modules that own parameters."""
from .activation import ReLU, ReLU6, Sigmoid, Softmax, Tanh
from .conv import Conv2d
from .init import he_normal, xavier_normal, zeros
from .linear import Linear, as_convolution
from .module import Module, Parameter, Sequential, evaluating
from .norm import BatchNorm, LocalResponseNorm, Standardize
from .pool import AdaptiveAvgPool2d, AvgPool2d, GlobalAvgPool2d, MaxPool2d
from .random import Dropout, Random
from .shape import Flatten
from .summary import stage_shapes, summary

__all__ = [
    "AdaptiveAvgPool2d", "AvgPool2d", "BatchNorm", "Conv2d", "Dropout", "Flatten", "GlobalAvgPool2d", "Linear",
    "LocalResponseNorm", "MaxPool2d", "Module", "Parameter", "Random", "ReLU", "ReLU6", "Sequential", "Sigmoid",
    "Softmax", "Standardize", "Tanh", "as_convolution", "evaluating", "he_normal", "stage_shapes", "summary", "xavier_normal", "zeros",
]
