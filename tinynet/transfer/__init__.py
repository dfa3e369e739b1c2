"""Transfer learning: freeze, cache, fine-tune. It joins models, data and optimisers."""
from .cache import ActivationCache
from .checkpoint import Checkpoint
from .ensemble import Ensemble, ViewEnsemble, snapshots
from .evaluate import Evaluation, evaluate
from .fit import Best, fit
from .freeze import freeze, unfreeze
from .head import replace_head
from .job import transfer
from .range_test import RangeTest, lr_range_test
from .run import load_run
from .search import search
from .settings import OPTIMIZERS, Settings
from .trials import Trial, best_trial

__all__ = ["OPTIMIZERS", "ActivationCache", "Best", "Checkpoint", "Ensemble", "Evaluation", "RangeTest", "Settings", "Trial",
           "ViewEnsemble", "best_trial", "evaluate", "fit", "freeze", "load_run", "lr_range_test", "replace_head", "search",
           "snapshots", "transfer", "unfreeze"]
