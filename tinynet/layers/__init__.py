"""Layers: modules that own parameters."""
from .init import he_normal, xavier_normal
from .layers import (AvgPool2d, BatchNorm2d, Conv2d, Dropout, Flatten, GlobalAvgPool2d, LeakyReLU, Linear, MaxPool2d,
                     ReLU, ReLU6, Sigmoid, Softmax, Standardize, Tanh)
from .module import Module, Parameter, Sequential

__all__ = [
    "AvgPool2d", "BatchNorm2d", "Conv2d", "Dropout", "Flatten", "GlobalAvgPool2d", "LeakyReLU", "Linear", "MaxPool2d",
    "Module", "Parameter", "ReLU", "ReLU6", "Sequential", "Sigmoid", "Softmax",
    "Standardize", "Tanh", "he_normal", "xavier_normal",
]
