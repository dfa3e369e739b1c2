"""What can be chosen about a transfer. Taught in lesson 08."""
from dataclasses import dataclass, replace

from ..errors import InputError
from ..models import DEFAULT
from ..optim import SGD, Adam

OPTIMIZERS = {                      # name: (class, options, learning rate of the head, of the pretrained stages)
    "sgd": (SGD, {}, 0.1, 0.01),
    "momentum": (SGD, {"momentum": 0.9}, 0.02, 0.001),
    "nesterov": (SGD, {"momentum": 0.9, "nesterov": True}, 0.02, 0.001),
    "adam": (Adam, {}, 0.002, 0.0001),
}


@dataclass(frozen=True)
class Settings:
    """What can be chosen about a transfer; all of it is kept in metrics.json.

    Attributes
    ----------
    model : str
        The pretrained network: a name of the zoo, or a weight file, see `models.pretrained`.
    weights : str or None
        A file of other weights for it.
    cut : str or None
        The first stage to train; all before it are frozen, and computed once. "head" trains the new classifier alone,
        None everything.
    hidden : int or None
        Units of a hidden layer in the head.
    optimizer : {"sgd", "momentum", "nesterov", "adam"}
    lr, lr_pretrained : float or None
        Learning rates of the head and of the pretrained stages; None is the optimiser's own default.
    schedule : {"constant", "step", "exponential", "cosine"}
        How the rates fall over the epochs, see `optim.named_schedule`.
    warmup : int
        For how many epochs they rise first.
    epochs, batch_size, seed : int
        The seed draws the split, the order of the batches and the hidden layer's first weights.
    weight_decay : float
        L2 on the head. The pretrained stages have none: they are good where they are.
    device : {"cpu", "gpu"}
    """

    model: str = DEFAULT
    weights: str | None = None
    cut: str | None = "head"
    hidden: int | None = None
    optimizer: str = "momentum"
    lr: float | None = None
    lr_pretrained: float | None = None
    schedule: str = "constant"
    warmup: int = 0
    epochs: int = 60
    batch_size: int = 32
    seed: int = 0
    weight_decay: float = 0.1
    device: str = "cpu"


def with_rates(settings):
    """Return settings with the optimiser's own learning rates where none were chosen, so that metrics.json says what was done.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    settings : Settings

    Raises
    ------
    InputError
        If there is no such optimiser, or a rate for stages that are not trained.
    """
    if settings.optimizer not in OPTIMIZERS:
        raise InputError(f"optimizer is {settings.optimizer!r}; choose {', '.join(OPTIMIZERS)}")
    if settings.lr_pretrained is not None and settings.cut == "head":
        raise InputError(f"lr_pretrained is {settings.lr_pretrained}, but no pretrained stage is trained; "
                         "leave it out, or train from an earlier stage (--cut STAGE)")
    _, _, lr, lr_pretrained = OPTIMIZERS[settings.optimizer]
    if settings.cut == "head":
        lr_pretrained = None
    return replace(settings, lr=lr if settings.lr is None else settings.lr,
                   lr_pretrained=lr_pretrained if settings.lr_pretrained is None else settings.lr_pretrained)


def build_optimizer(net, settings):
    """Return the optimiser of a network: the head and the pretrained stages are groups with learning rates of their own.

    Parameters
    ----------
    net : Sequential
        With a stage "head"; frozen parameters are left out.
    settings : Settings
        With rates, see `with_rates`.

    Returns
    -------
    optimizer : Optimizer
    """
    kind, options, _, _ = OPTIMIZERS[settings.optimizer]
    groups = [{"params": net["head"].parameters(), "weight_decay": settings.weight_decay},
              {"params": [p for p in net[:"head"].parameters() if p.requires_grad],
               "lr": settings.lr_pretrained}]
    return kind([group for group in groups if group["params"]], settings.lr, **options)
