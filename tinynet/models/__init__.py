"""Published networks with their pretrained weights, and the names of the classes they know."""
from .imagenet import class_names
from .inference import for_inference
from .pretrained import Pretrained, find_again, pretrained
from .squeezenet import squeezenet1_1
from .zoo import DEFAULT, ZOO, Model

__all__ = ["DEFAULT", "ZOO", "Model", "Pretrained", "class_names", "find_again", "for_inference", "pretrained", "squeezenet1_1"]
