"""Layers: modules that own parameters."""
from .activation import LeakyReLU, ReLU, ReLU6, Sigmoid, Softmax, Tanh
from .conv import Conv2d
from .init import he_normal, xavier_normal
from .linear import Linear
from .module import Module, Parameter, Sequential
from .norm import BatchNorm, Standardize
from .pool import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from .random import Dropout
from .shape import Flatten

__all__ = [
    "AvgPool2d", "BatchNorm", "Conv2d", "Dropout", "Flatten", "GlobalAvgPool2d", "LeakyReLU", "Linear", "MaxPool2d",
    "Module", "Parameter", "ReLU", "ReLU6", "Sequential", "Sigmoid", "Softmax",
    "Standardize", "Tanh", "he_normal", "xavier_normal",
]
