"""Optimisers and learning-rate schedules."""
from .adam import Adam
from .adaptive import AdaGrad, RMSProp
from .lbfgs import LBFGS
from .optimizer import Optimizer
from .schedule import constant, exponential_decay, step_decay
from .sgd import SGD

__all__ = ["AdaGrad", "Adam", "LBFGS", "Optimizer", "RMSProp", "SGD", "constant", "exponential_decay", "step_decay"]
