"""Optimisers and learning-rate schedules."""
from .adam import Adam
from .optimizer import Optimizer
from .schedule import constant, exponential_decay, step_decay
from .sgd import SGD

__all__ = ["Adam", "Optimizer", "SGD", "constant", "exponential_decay", "step_decay"]
