"""Transfer learning: freeze, cache, fine-tune. It joins models, data and optimisers."""
from .cache import ActivationCache
from .checkpoint import Checkpoint
from .classifier import Answers, Classifier
from .ensemble import Ensemble, ViewEnsemble, snapshots
from .evaluate import Evaluation, evaluate
from .fit import Best, fit
from .freeze import freeze, unfreeze
from .head import replace_head
from .job import transfer
from .layer_curve import LayerCurve, layer_curve, linear_classifier, linear_probes, stage_codes
from .range_test import RangeTest, lr_range_test
from .run import load_run
from .scenario import Scenario, recommend
from .search import search
from .settings import OPTIMIZERS, Settings
from .trials import Trial, best_trial

__all__ = ["OPTIMIZERS", "ActivationCache", "Answers", "Best", "Checkpoint", "Classifier", "Ensemble", "Evaluation",
           "LayerCurve", "RangeTest", "Scenario", "Settings", "Trial", "ViewEnsemble", "best_trial", "evaluate", "fit",
           "freeze", "layer_curve", "linear_classifier", "linear_probes", "load_run", "lr_range_test", "recommend",
           "replace_head", "search", "snapshots", "stage_codes", "transfer", "unfreeze"]
