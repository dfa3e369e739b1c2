"""Published networks with their pretrained weights, and the names of the classes they know."""
from .imagenet import class_names
from .squeezenet import squeezenet1_1

__all__ = ["class_names", "squeezenet1_1"]
