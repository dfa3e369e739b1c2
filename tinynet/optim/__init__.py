"""Optimisers and learning-rate schedules."""
from .adam import Adam
from .adaptive import AdaGrad, RMSProp
from .lbfgs import LBFGS
from .optimizer import Optimizer
from .schedule import SCHEDULES, constant, cosine, exponential_decay, named_schedule, step_decay, warmup
from .sgd import SGD

__all__ = ["LBFGS", "SCHEDULES", "SGD", "AdaGrad", "Adam", "Optimizer", "RMSProp", "constant", "cosine", "exponential_decay",
           "named_schedule", "step_decay", "warmup"]
