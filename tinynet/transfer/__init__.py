"""Transfer learning: freeze, cache, fine-tune, report. It joins models, data and optimisers."""
from .cache import ActivationCache
from .finetune import Evaluation, evaluate, fit
from .freeze import freeze, replace_head, unfreeze
from .job import OPTIMIZERS, Settings, load_run, transfer

__all__ = ["OPTIMIZERS", "ActivationCache", "Evaluation", "Settings", "evaluate", "fit", "freeze", "load_run",
           "replace_head", "transfer", "unfreeze"]
