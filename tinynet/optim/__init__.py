"""Optimisers and learning-rate schedules."""
from .adam import Adam
from .adaptive import AdaGrad, RMSProp
from .optimizer import Optimizer
from .schedule import SCHEDULES, constant, cosine, exponential_decay, named_schedule, step_decay, warmup
from .sgd import SGD

__all__ = ["SCHEDULES", "AdaGrad", "Adam", "Optimizer", "RMSProp", "SGD", "constant", "cosine", "exponential_decay",
           "named_schedule", "step_decay", "warmup"]
