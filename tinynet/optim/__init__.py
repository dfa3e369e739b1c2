"""Optimisers and learning-rate schedules."""
from .adam import Adam
from .adaptive import AdaGrad, RMSProp
from .optimizer import Optimizer
from .schedule import constant, exponential_decay, step_decay
from .sgd import SGD

__all__ = ["AdaGrad", "Adam", "Optimizer", "RMSProp", "SGD", "constant", "exponential_decay", "step_decay"]
