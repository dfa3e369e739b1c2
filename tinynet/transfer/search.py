"""Which hyperparameters? Try some on the training part; the test part measures the winner, once. Taught in lesson 10.

A trial is a cross-validation: k heads are trained as `transfer` trains its own, each without one *fold* of the training
part, and measured on that fold. As in a run, the validation part chooses each head's epoch, and photos of one moment stay
together. Which do is found among all photos, labels unread; then those of the test part are taken away, and no trial can look
at them; `transfer`, run with the winner's settings, measures on them.
"""
import math
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..compute import ordered_map
from ..data import stratified_split
from ..errors import InputError
from ..layers import Sequential
from ..models import pretrained
from .cache import ActivationCache
from .evaluate import evaluate
from .fit import Diverged
from .freeze import unfreeze
from .head import new_head
from .moments import find_moments, split_moments
from .run import build, refuse_inside
from .settings import OPTIMIZERS, Settings, checked
from .train import train_stages
from .trials import Trial, TrialFile, best_trial


@dataclass(frozen=True)
class Range:
    """From where to where a hyperparameter is tried, evenly in its logarithm.

    Attributes
    ----------
    low, high : float
        Above 0.
    units : bool
        It is a number of hidden units: whole, or None, as often as any number, for no hidden layer.
    """

    low: float
    high: float
    units: bool = False

    def values(self, n):
        """Return n values, evenly spaced; None is the first of them if it is one."""
        some = np.geomspace(self.low, self.high, n - self.units)
        return [None] * self.units + [self._rounded(value) for value in some]

    def draw(self, rng):
        """Return a value at random."""
        if self.units and rng.random() < 0.5:
            return None
        return self._rounded(self.low * (self.high / self.low) ** rng.random())

    def _rounded(self, value):
        return round(value) if self.units else float(f"{value:.3g}")        # what is printed is what was tried


def ranges(settings):
    """Return what is tried, {name of a setting: Range}, what matters most first.

    Parameters
    ----------
    settings : Settings
        Its optimiser's own rate is the middle of the rates.

    Returns
    -------
    ranges : dict of str to Range
    """
    rate = OPTIMIZERS[settings.optimizer][2]
    return {"lr": Range(rate / 100, rate * 100), "weight_decay": Range(0.001, 10.0), "hidden": Range(8, 512, units=True)}


def by_block(run, settings, n):
    """Vary one hyperparameter at a time, the others at the best values so far: the rate first, and once more at the end.

    Parameters
    ----------
    run : callable
        ``run(list of Settings, block)`` returns their trials.
    settings : Settings
        Where to begin.
    n : int
        How many trials, shared out among the blocks: three for each, or more.

    Returns
    -------
    trials : list of Trial
        In the order in which they were tried.
    """
    tried, spans, sizes = [], ranges(settings), _sizes(settings, n)
    for i, (block, size) in enumerate(zip([*spans, "lr"], sizes)):
        span = spans[block]
        if i == len(spans):                                         # once more: between the rates beside the best
            step = (span.high / span.low) ** (1 / (sizes[0] - 1))
            span = Range(settings.lr / step, settings.lr * step)
        tried += run([replace(settings, **{block: value}) for value in span.values(size)], block)
        settings = best_trial(tried).settings
    return tried


def _sizes(settings, n):
    """Return how many of n trials each block has."""
    blocks = [*ranges(settings), "lr"]
    if n < 3 * len(blocks):
        raise InputError(f"search: {n} trials for the {len(blocks)} blocks {', '.join(blocks)}; "
                         f"give {3 * len(blocks)} or more, or search at random")
    return [n // len(blocks) + (i < n % len(blocks)) for i in range(len(blocks))]


def at_random(run, settings, n):
    """Draw every hyperparameter anew for each trial; a longer search begins with the trials of a shorter one.

    Parameters
    ----------
    run, settings, n
        As for `by_block`; the settings' seed draws.

    Returns
    -------
    trials : list of Trial
    """
    rng = np.random.default_rng(settings.seed)
    drawn = [replace(settings, **{name: span.draw(rng) for name, span in ranges(settings).items()}) for _ in range(n)]
    return run(drawn, None)


METHODS = {"block": by_block, "random": at_random}


def search(dataset, out, settings=Settings(), method="block", trials=28, folds=5, cache=None, workers=None, progress=True):
    """Look for better hyperparameters of the head by cross-validation on the training part.

    Parameters
    ----------
    dataset : Dataset
        Split as `transfer` splits it; the photos of the test part are not tried on.
    out : str or Path
        A folder for "trials.jsonl": every trial that was finished, a line each. The next search there, of the same photos
        with the same numbers, takes them from it.
    settings : Settings
        Where to begin, and what stays as it is.
    method : {"block", "random"}
        See `by_block` and `at_random`.
    trials, folds : int
        How many.
    cache, progress
        As for `transfer`.
    workers : int, optional
        Trials that are run side by side, by default `compute.default_workers`. The result does not depend on it.

    Returns
    -------
    trials : list of Trial
        In the order in which they were tried; `best_trial` chooses. Measure it with ``transfer(dataset, ..., trial.settings)``.

    Raises
    ------
    InputError
        If the method is unknown, more than the head is to be trained, there are too few trials or folds or photos for
        them, or every training explodes.
    """
    if method not in METHODS or trials < 1 or folds < 2:
        raise InputError(f"search: method {method!r}, {trials} trials, {folds} folds; the method is one of {', '.join(METHODS)}, "
                         "there is at least 1 trial, and at least 2 folds")
    settings = checked(settings)
    if settings.cut != "head":
        raise InputError(f"search: the cut is {settings.cut}, but trials train the head alone, which takes a second; search "
                         "without it, then train the stages from there on with what was found")
    if settings.augment or settings.ensemble > 1 or settings.tta:
        raise InputError("search: distortions, ensembles and views are not for trials; search without them, then train with them "
                         "and what was found")
    if method == "block":
        _sizes(settings, trials)                                            # too few are reported before the work
    cache = Path(cache or Path(out).parent / "cache")
    refuse_inside(getattr(dataset, "root", None), out=out, cache=cache)
    group, _ = find_moments(dataset, cache, workers, progress, settings.device)
    part, group, train, val = _without_test(dataset, group, settings.seed)
    fold_of = _folds(part, train, group, folds, settings.seed)
    base = pretrained(settings.model, settings.weights)
    trunk = unfreeze(build(base, len(dataset.classes), None, None), "head")[:"head"].to(settings.device)
    x = ActivationCache(cache).activations(trunk, part, base.preprocessing, "head", workers=workers, progress=progress,
                                           network=base.model)[:]
    known = TrialFile(Path(out) / "trials.jsonl", folds, [x, part.labels, train, fold_of, val])

    with tqdm(total=trials, desc="search", unit="trial", disable=not progress) as bar:
        def run(candidates, block):
            new = [candidate for candidate in dict.fromkeys(candidates) if candidate not in known]
            with closing(ordered_map(measure, new, workers)) as results:
                for candidate, result in zip(new, results):
                    known.add(candidate, *result)
                    bar.update()
            bar.update(len(candidates) - len(new))
            return [Trial(candidate, block, *known[candidate]) for candidate in candidates]

        def measure(candidate):
            return _cross_validate(candidate, len(part.classes), x, part.labels, train, fold_of, val)

        tried = METHODS[method](run, settings, trials)
    if all(trial.loss == math.inf for trial in tried):
        raise InputError("search: the loss of every trial was infinite; look for features that are not finite, or "
                         "choose another optimizer")
    return tried


def _cross_validate(settings, n_classes, x, labels, train, fold_of, val):
    """Return for each fold the loss and the accuracy, on it, of a head that was trained without it."""
    losses, accuracies = [], []
    for fold in np.unique(fold_of):
        rng = np.random.default_rng(settings.seed)
        net = Sequential(head=new_head(x.shape[1], n_classes, settings.hidden, rng)).to(settings.device)
        try:
            with np.errstate(over="ignore", invalid="ignore"):      # some rates are meant to be too high
                train_stages(net, x, labels, train[fold_of != fold], val, settings, rng, workers=1, progress=False)
                found = evaluate(net, x, labels, train[fold_of == fold], workers=1)
            finite = math.isfinite(found.loss)
        except Diverged:
            finite = False
        losses.append(found.loss if finite else math.inf)
        accuracies.append(found.accuracy if finite else 0.0)
    return losses, accuracies


class _Part:
    """A dataset without some of its images."""

    def __init__(self, dataset, rows):
        self.name, self.classes, self.labels = dataset.name, dataset.classes, dataset.labels[rows]
        self._dataset, self._rows = dataset, rows.tolist()

    def __len__(self):
        return len(self._rows)

    def image(self, i):
        return self._dataset.image(self._rows[i])

    def key(self, i):
        return self._dataset.key(self._rows[i])

    def title(self, i):
        return self._dataset.title(self._rows[i])


def _without_test(dataset, group, seed):
    """Return the dataset without its test part, the groups of what is left, and which of it trains and which is for validation."""
    train, val, _ = split_moments(dataset, group, seed)
    rows = np.sort(np.concatenate([train, val]))
    return _Part(dataset, rows), group[rows], np.searchsorted(rows, train), np.searchsorted(rows, val)


def _folds(part, train, group, folds, seed):
    """Return the fold of each training photo, int64 (len(train),); moments are dealt out, each class in the same proportions."""
    _, first, which = np.unique(group[train], return_index=True, return_inverse=True)
    labels = part.labels[train][first]                              # of a moment: that of its first photo
    counts = np.bincount(labels, minlength=len(part.classes))
    if counts.min() < folds:
        raise InputError(f"search: {part.classes[counts.argmin()]} has {counts.min()} training photos of different moments, too "
                         f"few for {folds} folds; add photos, or take fewer folds")
    fold_of = np.empty(len(first), np.int64)
    for fold, moments in enumerate(stratified_split(labels, (1 / folds,) * folds, seed)):
        fold_of[moments] = fold
    return fold_of[which]
