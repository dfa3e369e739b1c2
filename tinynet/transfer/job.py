"""The main job, end to end: labelled images in, a trained classifier and a report out. Taught in lesson 08."""
import json
import math
import os
import sys
import time
import warnings
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from ..backend import to_device, to_numpy
from ..compute import parallel
from ..data import Preprocessing, stratified_split
from ..errors import InputError
from ..files import replaced_folder, restore_folder, sha256
from ..layers import Random
from ..models import DEFAULT, ZOO, find_again, pretrained
from ..models.pretrained import OWN
from ..optim import SGD, Adam, named_schedule
from ..version import __version__
from ..weights import load_weights, save_weights, tensors_sha256
from .cache import ActivationCache
from .checkpoint import Checkpoint
from .evaluate import evaluate
from .fit import fit
from .freeze import unfreeze
from .head import replace_head

RUN_FILES = ("model.safetensors", "metrics.json", "report.html", "curves.png", "confusion.png", "mistakes.png",
             "checkpoint.safetensors")
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


def transfer(dataset, out, settings=Settings(), cache=None, workers=None, progress=True, report=None):
    """Train a classifier for your own classes on a pretrained network and write everything about it into a folder.

    Parameters
    ----------
    dataset : Dataset
        Labelled images, such as `ImageFolder` or `DrawnCats`.
    out : str or Path
        The run's folder: model.safetensors, metrics.json, and what `report` adds.
    settings : Settings
        What to train, and how.
    cache : str or Path, optional
        Where cached activations are kept for this and later runs; by default the folder "cache" beside `out`.
    workers : int, optional
        Threads, see `parallel.run`.
    progress : bool
        Show a progress bar per phase on stderr.
    report : callable, optional
        `report.write_report`, which adds a page with pictures.

    Returns
    -------
    metrics : dict
        The contents of metrics.json. Peak memory is that of the work, before the report is drawn; None if unknown,
        as is any other number that is not finite.

    Raises
    ------
    InputError
        If a setting is impossible or an image cannot be read.
    """
    out, seconds, rng = Path(out), {}, np.random.default_rng(settings.seed)
    schedule = named_schedule(settings.schedule, settings.epochs, settings.warmup)
    cache = Path(cache or out.parent / "cache")
    refuse_inside(getattr(dataset, "root", None), out=out, cache=cache)
    restore_folder(out)
    out.mkdir(parents=True, exist_ok=True)                  # an impossible place is reported before the work
    if not os.access(out.resolve().parent, os.W_OK):
        raise InputError(f"{out.resolve().parent}: cannot be written to; check the permissions or choose another place")
    base = pretrained(settings.model, settings.weights)
    for note in base.notes:
        warnings.warn(note, stacklevel=2)
    net = _build(base, len(dataset.classes), settings.hidden, rng)
    settings = _with_rates(replace(settings, cut=settings.cut or net.stages[0]))
    unfreeze(net, settings.cut)
    optimizer = _optimizer(net, settings)
    net.to(settings.device)
    keys = [dataset.key(i) for i in range(len(dataset))]
    train, val, test = stratified_split(dataset.labels, seed=settings.seed, keys=keys)

    with _timed(seconds, "activations"):
        trunk, trained = net[:settings.cut], net[settings.cut:]
        codes = ActivationCache(cache).activations(
            trunk, dataset, base.preprocessing, cut=settings.cut, workers=workers, progress=progress,
            network=base.model)
    with _timed(seconds, "train"):
        _standardize(net, trained, codes, train, workers)
        run_id = sha256(json.dumps([asdict(settings), base.weights.get("sha256"), dataset.classes, keys,
                                    dataset.labels.tolist()]).encode())
        checkpoint = Checkpoint(out / "checkpoint.safetensors", run_id)
        history = fit(trained, codes, dataset.labels, train, val, optimizer, settings.epochs, rng, settings.batch_size,
                      schedule=schedule, workers=workers, progress=progress, checkpoint=checkpoint)
    with _timed(seconds, "evaluate"):
        measured = {part: evaluate(trained, codes, dataset.labels, rows, workers=workers)
                    for part, rows in (("train", train), ("val", val), ("test", test))}

    data = str(Path(dataset.root).resolve()) if hasattr(dataset, "root") else None
    metrics = {
        **{f"{part}_accuracy": found.accuracy for part, found in measured.items()},
        **{f"n_{part}": len(rows) for part, rows in (("train", train), ("val", val), ("test", test))},
        "classes": dataset.classes, "seconds": seconds, "peak_memory_mb": peak_memory_mb(), "tinynet": __version__,
        "model": base.model, "words": base.words, "first_stage": net.stages[0], "data": data, "out": str(out),
        "settings": asdict(settings),
    }
    metrics = {key: None if isinstance(value, float) and not math.isfinite(value) else value
               for key, value in metrics.items()}
    with replaced_folder(out, RUN_FILES) as folder:
        save_weights(folder / "model.safetensors", {name: to_numpy(array) for name, array in trained.state_dict().items()}, {
            "classes": dataset.classes, "hidden": settings.hidden, "cut": settings.cut, "model": base.model,
            "weights": base.weights, "trunk_sha256": _sha256(trunk), "preprocessing": base.preprocessing.to_dict(),
            "settings": asdict(settings), "tinynet": __version__})
        (folder / "metrics.json").write_text(json.dumps(metrics, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        if report is not None:
            report(folder, dataset, metrics, history, measured["test"], train, test)
    checkpoint.done()
    return metrics


def refuse_inside(data, **places):
    """Check that nothing will be written among the photos, where the next run would take it for a class.

    Parameters
    ----------
    data : str, Path or None
        The folder of the photos, if there is one.
    **places : str or Path
        Where something will be written, by the name of the option.

    Raises
    ------
    InputError
        If a place lies in the folder.
    """
    for option, place in places.items():
        if data is not None and Path(place).resolve().is_relative_to(Path(data).resolve()):
            raise InputError(f"{option} {place} lies in the folder of the photos, {data}; choose one outside with --{option}")


def load_run(folder):
    """Load the classifier that `transfer` left in a folder.

    Parameters
    ----------
    folder : str or Path
        The run's folder.

    Returns
    -------
    net : Sequential
        The whole network, in evaluation mode: images (N, 3, crop, crop) to scores (N, K).
    classes : list of str
        The K class names.
    preprocessing : Preprocessing
        How to make an image fit for it.

    Raises
    ------
    InputError
        If the folder holds no model, or one made on other pretrained weights than the ones installed.
    """
    restore_folder(folder)
    path = Path(folder) / "model.safetensors"
    if not path.exists():
        raise InputError(f"{folder}: no model.safetensors in it; give the folder of a finished run "
                         "of `tinynet transfer`")
    arrays, metadata = load_weights(path)
    if "trunk_sha256" not in metadata:
        raise InputError(f"{path}: these are weights, but not of a run; give the folder of a run of `tinynet transfer`")
    if metadata.get("model") not in (*ZOO, OWN):
        raise InputError(f"{path}: it was made on {metadata.get('model', 'a network without a name')}, this tinynet has "
                         f"{', '.join(ZOO)}; install the version of tinynet it was made with, or train again")
    try:
        base = find_again(metadata["model"], metadata.get("weights"))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    net = _build(base, len(metadata["classes"]), metadata["hidden"], np.random.default_rng(0))
    found = _sha256(net[:metadata["cut"]])
    if found != metadata["trunk_sha256"]:
        raise InputError(f"{path}: its head was trained on other pretrained weights (sha256 "
                         f"{metadata['trunk_sha256'][:12]}, installed are {found[:12]}); install the version of tinynet "
                         "it was made with, or train again")
    net[metadata["cut"]:].load_state_dict(arrays)
    return net.eval(), metadata["classes"], Preprocessing.from_dict(metadata["preprocessing"])


def peak_memory_mb():
    """Return the most memory this process has held so far, in MB (10⁶ bytes); None where the system does not tell."""
    try:
        import resource
    except ImportError:                                     # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _build(base, n_classes, hidden, rng):
    """Return the network with a new head; dropout in the stages kept draws from the run's own random numbers."""
    net = replace_head(base.net, n_classes, base.classifier, base.image_shape, hidden, rng)
    for layer in net.modules():
        if isinstance(layer, Random) and layer.rng is None:
            layer.rng = rng
    return net


def _with_rates(settings):
    """Fill in the optimiser's own learning rates where none were chosen, so that metrics.json says what was done."""
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


def _optimizer(net, settings):
    """Build the optimiser: the head and the pretrained stages are groups with learning rates of their own."""
    kind, options, _, _ = OPTIMIZERS[settings.optimizer]
    groups = [{"params": net["head"].parameters(), "weight_decay": settings.weight_decay},
              {"params": [p for p in net[:"head"].parameters() if p.requires_grad],
               "lr": settings.lr_pretrained}]
    return kind([group for group in groups if group["params"]], settings.lr, **options)


def _standardize(net, trained, codes, train, workers):
    """Give the head the mean and deviation of the training images' features, as the pretrained stages see them."""
    features = trained[:"head"]
    parts = [parallel.run(features.eval(), to_device(codes[train[i:i + 64]], net.device), workers)
             for i in range(0, len(train), 64)]
    net["head"]["standardize"].fit(to_device(np.concatenate([to_numpy(part) for part in parts]), net.device))


def _sha256(part):
    return tensors_sha256({name: to_numpy(array) for name, array in part.state_dict().items()})


@contextmanager
def _timed(seconds, phase):
    start = time.perf_counter()
    yield
    seconds[phase] = time.perf_counter() - start
