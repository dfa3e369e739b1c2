"""Published networks with their pretrained weights, and the names of the classes they know."""
from .imagenet import class_names
from .squeezenet import squeezenet1_1
from .zoo import DEFAULT, ZOO, Model

__all__ = ["DEFAULT", "ZOO", "Model", "class_names", "squeezenet1_1"]
