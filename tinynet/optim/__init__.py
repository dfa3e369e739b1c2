"""Optimisers, learning-rate schedules and the average of the weights."""
from .adam import Adam
from .adaptive import AdaGrad, RMSProp
from .average import EMA
from .lbfgs import LBFGS
from .optimizer import Optimizer
from .schedule import SCHEDULES, constant, cosine, exponential_decay, named_schedule, step_decay, warmup
from .sgd import SGD

__all__ = ["EMA", "LBFGS", "SCHEDULES", "SGD", "AdaGrad", "Adam", "Optimizer", "RMSProp", "constant", "cosine",
           "exponential_decay", "named_schedule", "step_decay", "warmup"]
