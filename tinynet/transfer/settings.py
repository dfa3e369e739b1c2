"""What can be chosen about a transfer. Taught in lesson 08."""
from dataclasses import dataclass, replace

from ..data.augment import augment_names
from ..errors import InputError
from ..models import DEFAULT
from ..optim import SGD, Adam, named_schedule

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
    augment : str or None
        Distortions of the training images, by name: "mirror,crop", see `data.named_augment`.
    copies : int or None
        How many distorted copies of each training image go through the frozen stages, once, and are cached beside it. None
        distorts the images anew in every epoch, and runs the frozen stages on them each time.
    ema : float or None
        The decay of an average of the weights along the training, which is what is kept, see `optim.EMA`.
    ensemble : int
        How many heads are trained on one cache, each with random numbers of its own; their probabilities are averaged.
    tta : bool
        Test-time augmentation: each image is also seen in the mirror, and the probabilities are averaged.
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
    augment: str | None = None
    copies: int | None = None
    ema: float | None = None
    ensemble: int = 1
    tta: bool = False
    device: str = "cpu"


def checked(settings):
    """Return the settings as they will be used, with the optimiser's own rates where none were chosen.

    Parameters
    ----------
    settings : Settings
        Their cut is a name.

    Returns
    -------
    settings : Settings

    Raises
    ------
    InputError
        If one is impossible, or two of them contradict each other.
    """
    named_schedule(settings.schedule, settings.epochs, settings.warmup)
    if settings.augment is not None:
        augment_names(settings.augment)
    for wrong, what in _mistakes(settings):
        if wrong:
            raise InputError(what)
    _, _, lr, lr_pretrained = OPTIMIZERS[settings.optimizer]
    if settings.cut == "head":
        lr_pretrained = None
    return replace(settings, lr=lr if settings.lr is None else settings.lr,
                   lr_pretrained=lr_pretrained if settings.lr_pretrained is None else settings.lr_pretrained)


def _mistakes(settings):
    """Yield what might be wrong: whether it is, and what to say."""
    s = settings
    yield s.optimizer not in OPTIMIZERS, f"optimizer is {s.optimizer!r}; choose {', '.join(OPTIMIZERS)}"
    yield s.lr_pretrained is not None and s.cut == "head", (
        f"lr_pretrained is {s.lr_pretrained}, but no pretrained stage is trained; leave it out, or train from an earlier stage "
        "(--cut STAGE)")
    yield s.copies is not None and s.augment is None, (
        f"copies is {s.copies}, but nothing distorts them; name distortions (--augment mirror,crop), or leave it out")
    yield s.copies is not None and s.copies < 1, (
        f"copies is {s.copies}; it must be 1 or more, or left out to distort anew in every epoch")
    yield s.ema is not None and not 0 < s.ema < 1, (
        f"ema is {s.ema}; it is the share of the average that is kept at each step, above 0 and below 1, such as 0.99")
    yield s.ensemble < 1, f"ensemble is {s.ensemble}; it must be 1 or more"
    yield s.ensemble > 1 and s.cut != "head", (
        f"ensemble is {s.ensemble} and the cut {s.cut}, but its members are heads, which share all stages before them; leave out "
        "one of the two")
    yield s.ensemble > 1 and s.augment is not None and s.copies is None, (
        f"ensemble is {s.ensemble} with distortions anew in every epoch, but its members share one cache; say how many distorted "
        "copies it should hold (--copies 4)")


def build_optimizer(net, settings):
    """Return the optimiser of a network: the head and the pretrained stages are groups with learning rates of their own.

    Parameters
    ----------
    net : Sequential
        With a stage "head"; frozen parameters are left out.
    settings : Settings
        With rates, see `checked`.

    Returns
    -------
    optimizer : Optimizer
    """
    kind, options, _, _ = OPTIMIZERS[settings.optimizer]
    groups = [{"params": net["head"].parameters(), "weight_decay": settings.weight_decay},
              {"params": [p for p in net[:"head"].parameters() if p.requires_grad],
               "lr": settings.lr_pretrained}]
    return kind([group for group in groups if group["params"]], settings.lr, **options)
