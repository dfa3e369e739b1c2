"""Transfer learning: freeze, cache, fine-tune. It joins models, data and optimisers."""
from .cache import ActivationCache
from .checkpoint import Checkpoint
from .evaluate import Evaluation, evaluate
from .fit import Best, fit
from .freeze import freeze, unfreeze
from .head import replace_head
from .job import OPTIMIZERS, Settings, load_run, transfer
from .layer_curve import LayerCurve, layer_curve, linear_classifier, linear_probes, stage_codes
from .range_test import RangeTest, lr_range_test
from .scenario import Scenario, recommend

__all__ = ["OPTIMIZERS", "ActivationCache", "Best", "Checkpoint", "Evaluation", "LayerCurve", "RangeTest", "Scenario", "Settings",
           "evaluate", "fit", "freeze", "layer_curve", "linear_classifier", "linear_probes", "load_run", "lr_range_test",
           "recommend", "replace_head", "stage_codes", "transfer", "unfreeze"]
