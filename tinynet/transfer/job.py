"""The main job, end to end: labelled images in, a trained classifier and a report out. Taught in lesson 08."""
import json
import math
import os
import sys
import time
import warnings
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from ..data import stratified_split
from ..errors import InputError
from ..files import replaced_folder, restore_folder, sha256
from ..models import pretrained
from ..optim import named_schedule
from ..version import __version__
from .cache import ActivationCache
from .checkpoint import Checkpoint
from .evaluate import evaluate
from .freeze import unfreeze
from .run import RUN_FILES, build, refuse_inside, save_run
from .settings import Settings, with_rates
from .train import train_stages


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
    named_schedule(settings.schedule, settings.epochs, settings.warmup)     # an impossible one is reported before the work
    cache = Path(cache or out.parent / "cache")
    refuse_inside(getattr(dataset, "root", None), out=out, cache=cache)
    restore_folder(out)
    out.mkdir(parents=True, exist_ok=True)                  # an impossible place is reported before the work
    if not os.access(out.resolve().parent, os.W_OK):
        raise InputError(f"{out.resolve().parent}: cannot be written to; check the permissions or choose another place")
    base = pretrained(settings.model, settings.weights)
    for note in base.notes:
        warnings.warn(note, stacklevel=2)
    net = build(base, len(dataset.classes), settings.hidden, rng)
    settings = with_rates(replace(settings, cut=settings.cut or net.stages[0]))
    unfreeze(net, settings.cut)
    net.to(settings.device)
    keys = [dataset.key(i) for i in range(len(dataset))]
    train, val, test = stratified_split(dataset.labels, seed=settings.seed, keys=keys)

    with _timed(seconds, "activations"):
        trunk, trained = net[:settings.cut], net[settings.cut:]
        codes = ActivationCache(cache).activations(
            trunk, dataset, base.preprocessing, cut=settings.cut, workers=workers, progress=progress,
            network=base.model)
    with _timed(seconds, "train"):
        run_id = sha256(json.dumps([asdict(settings), base.weights.get("sha256"), dataset.classes, keys,
                                    dataset.labels.tolist()]).encode())
        checkpoint = Checkpoint(out / "checkpoint.safetensors", run_id)
        history = train_stages(trained, codes, dataset.labels, train, val, settings, rng, workers, progress, checkpoint)
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
        save_run(folder, base, trunk, trained, dataset.classes, settings, metrics)
        if report is not None:
            report(folder, dataset, metrics, history, measured["test"], train, test)
    checkpoint.done()
    return metrics


def peak_memory_mb():
    """Return the most memory this process has held so far, in MB (10⁶ bytes); None where the system does not tell."""
    try:
        import resource
    except ImportError:                                     # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


@contextmanager
def _timed(seconds, phase):
    start = time.perf_counter()
    yield
    seconds[phase] = time.perf_counter() - start
