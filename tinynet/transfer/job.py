"""The main job, end to end: labelled images in, a trained classifier and a report out. Taught in lesson 08.

Distorted copies, ensembles and views of each image, which settings may ask for, are taught in lessons 13 and 14.
"""
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

from ..data import VIEWS, Copies, Views, named_augment
from ..errors import InputError
from ..files import replaced_folder, restore_folder, sha256
from ..layers import Sequential
from ..models import pretrained
from ..version import __version__
from .audit import leak
from .cache import ActivationCache
from .checkpoint import Checkpoint
from .classifier import Classifier, familiar_with, features, log_probabilities, tempered
from .ensemble import ViewEnsemble
from .evaluate import evaluate
from .freeze import unfreeze
from .head import new_head
from .moments import find_moments, split_moments, together
from .run import CHECKPOINT, RUN_FILES, build, joined, refuse_inside, save_run
from .settings import Settings, checked
from .train import TrunkLoader, train_stages
from .trust import calibration, temperature


def transfer(dataset, out, settings=Settings(), cache=None, workers=None, progress=True, report=None, executor=None):
    """Train a classifier for your own classes on a pretrained network and write everything about it into a folder.

    Parameters
    ----------
    dataset : Dataset
        Labelled images, such as `ImageFolder` or `DrawnCats`.
    out : str or Path
        The run's folder: model.safetensors, metrics.json, and what `report` adds. While it trains, a checkpoint for each
        network, from which a run that was stopped goes on.
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
    executor : concurrent.futures.Executor, optional
        Who computes the activations, in place of threads, see `ActivationCache.activations`. Training itself stays here.

    Returns
    -------
    metrics : dict
        The contents of metrics.json. The accuracies are those of what is saved: of the ensemble, on views of each image, if
        it is one. Peak memory is that of the work, before the report is drawn; None if unknown, as is any other number that
        is not finite.

    Raises
    ------
    InputError
        If a setting is impossible or an image cannot be read.
    """
    out, seconds, rng = Path(out), {}, np.random.default_rng(settings.seed)
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
    settings = checked(replace(settings, cut=settings.cut or net.stages[0]))
    unfreeze(net, settings.cut)
    net.to(settings.device)
    trunk, trained = net[:settings.cut], net[settings.cut:]
    keys = [dataset.key(i) for i in range(len(dataset))]
    with _timed(seconds, "moments"):
        group, moment_codes = find_moments(dataset, cache, None if executor else workers, progress, settings.device, executor)
        moments = together(group)
    train, val, test = split_moments(dataset, group, settings.seed)
    augment = None if settings.augment is None else named_augment(settings.augment, (dataset.image(i) for i in train))
    copies = Copies(dataset, train, augment, settings.copies or 0, settings.seed)       # without any, the dataset itself

    def activations(images):
        return ActivationCache(cache).activations(trunk, images, base.preprocessing, cut=settings.cut, progress=progress,
                                                  workers=None if executor else workers, network=base.model, executor=executor)

    with _timed(seconds, "activations"):
        codes = activations(copies)
        seen = activations(Views(dataset, VIEWS)).in_groups(len(VIEWS)) if settings.tta else codes
    with _timed(seconds, "train"):
        run_id = sha256(json.dumps([asdict(settings), base.weights.get("sha256"), dataset.classes, keys,
                                    dataset.labels.tolist(), group.tolist()]).encode())
        members, histories = [], []
        for i, (member, rng) in enumerate(_untrained(trained, codes.shape[1], len(dataset.classes), settings, rng)):
            loader = None
            if augment is not None and settings.copies is None:
                loader = TrunkLoader(trunk, dataset, train, settings.batch_size, base.preprocessing, augment, rng, workers)
            checkpoint = Checkpoint(out / CHECKPOINT.format(f"-{i}" if i else ""), run_id)
            histories.append(train_stages(member, codes, copies.labels, copies.rows, val, settings, rng, loader, workers,
                                          progress, checkpoint))
            members.append(member)
    parts = {"train": train, "val": val, "test": test}
    with _timed(seconds, "evaluate"):
        trained = joined(members)
        measured, alone = _measure(trained, members, codes, seen, dataset.labels, parts, settings, workers)
        classifier, trust = _trust(trunk, trained, codes, dataset, parts, group, measured, base.preprocessing, settings, workers)
        singly, kept = leak(moment_codes, dataset.labels, group)
    on_both_sides = sum(0 < np.isin(rows, test).sum() < len(rows) for rows in moments)
    metrics = {
        **{f"{part}_accuracy": found.accuracy for part, found in measured.items()}, **alone,
        **{f"n_{part}": len(rows) for part, rows in parts.items()}, **trust,
        "moments": {"groups": len(moments), "photos": sum(map(len, moments)), "named_right_singly": singly,
                    "named_right_together": kept, "on_both_sides": int(on_both_sides)},
        "classes": dataset.classes, "seconds": seconds, "peak_memory_mb": peak_memory_mb(), "tinynet": __version__,
        "model": base.model, "words": base.words, "first_stage": net.stages[0],
        "data": str(Path(dataset.root).resolve()) if hasattr(dataset, "root") else None, "out": str(out),
        "settings": asdict(settings),
    }
    metrics = {key: None if isinstance(value, float) and not math.isfinite(value) else value
               for key, value in metrics.items()}
    checkpoints = [path.name for path in out.glob(CHECKPOINT.format("*"))]
    with replaced_folder(out, (*RUN_FILES, *checkpoints)) as folder:
        save_run(folder, base, trunk, trained, classifier, settings, metrics)
        if report is not None:
            report(folder, dataset, metrics, histories[0], measured["test"], train, test, augment, moments, classifier)
    return metrics


def _untrained(trained, n_features, n_classes, settings, rng):
    """Yield each network to train and its random numbers: the stages from the cut on, then an ensemble's further heads."""
    yield trained, rng                                      # of default_rng(seed), which is that of [seed, 0]
    for i in range(1, settings.ensemble):
        rng = np.random.default_rng([settings.seed, i])
        yield Sequential(head=new_head(n_features, n_classes, settings.hidden, rng)).to(settings.device), rng


def _measure(trained, members, codes, seen, labels, parts, settings, workers):
    """Return the `Evaluation` of each part, and accuracies of what an ensemble or test-time augmentation is made of."""
    def measure(net, rows):
        return evaluate(ViewEnsemble(net) if settings.tta else net, seen, labels, rows, workers=workers)

    measured, alone = {part: measure(trained, rows) for part, rows in parts.items()}, {}
    if settings.ensemble > 1:
        alone["members_test_accuracy"] = [measure(member, parts["test"]).accuracy for member in members]
    if settings.tta:
        alone["one_view_test_accuracy"] = evaluate(trained, codes, labels, parts["test"], workers=workers).accuracy
    return measured, alone


def _trust(trunk, trained, codes, dataset, parts, group, measured, preprocessing, settings, workers):
    """Return the `Classifier`, and numbers that tell how far to trust it; `measured` gets its test probabilities."""
    labels = dataset.labels
    t = temperature(log_probabilities(measured["val"].probabilities), labels[parts["val"]])
    familiar = familiar_with(lambda rows: features(trained, codes, rows, workers), parts["train"], parts["val"], group)
    raw = measured["test"].probabilities
    measured["test"] = replace(measured["test"], probabilities=tempered(raw, t))
    before, after = (calibration(p, labels[parts["test"]]).error for p in (raw, measured["test"].probabilities))
    known = familiar.knows(features(trained, codes, parts["test"], workers))
    whole = Sequential(**dict(trunk.children()), **dict(trained.children())).eval()
    return Classifier(whole, dataset.classes, preprocessing, list(VIEWS[:2 if settings.tta else 1]), t, familiar,
                      [dataset.key(i) for i in parts["train"]]), {
        "temperature": t, "test_calibration_error": after, "test_calibration_error_before": before, "test_known": float(known.mean())}


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
