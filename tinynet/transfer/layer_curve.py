"""How good is a linear classifier on the codes of each stage? Taught in lesson 15.

Where this *layer curve* peaks tells how far pictures are from those that the network learned from: its early stages see
edges and colours, which all pictures have, its late ones what it was asked to name. Source: J. Donahue et al., "DeCAF",
2014, and A. Razavian et al., "CNN features off-the-shelf", 2014, who compared stages so.
"""
from dataclasses import dataclass

import numpy as np
from PIL import Image
from tqdm import tqdm

from ..compute import ordered_map
from ..errors import InputError
from ..layers import Linear, Module, ReLU, Sequential, Standardize, evaluating, zeros
from ..ops import concat, cross_entropy, mean
from ..optim import LBFGS
from ..tensor import Tensor, no_grad
from .cache import ActivationCache

PIXELS = "pixels"                                       # the control: codes that no network made
SIDE = 32                                               # of the small image, pixels
COST = 0.01             # of one photo's loss, where the squared weights cost 1/2: well regularised, also with 5 photos a class


class StageCodes(Module):
    """The codes of several stages from one pass, side by side: the mean of each map, or a vector as it is.

    As the trunk of a cache it makes one row of an image, so that a kill leaves all stages of it or none.

    Parameters
    ----------
    net : Sequential
        What comes after the last of the stages is left out.
    stages : sequence of str
        At least one. Their codes come in the order of the network.

    Raises
    ------
    InputError
        If none is given, or the network has no such stage.
    """

    by_row = True

    def __init__(self, net, stages):
        unknown = [name for name in stages if name not in net.stages]
        if unknown or not stages:
            raise InputError(f"layer curve: {', '.join(map(repr, unknown)) or 'nothing'} for the stages; choose from "
                             f"{', '.join(net.stages)}")
        self.stages = tuple(name for name in net.stages if name in stages)
        self.net = net[:net.stages.index(self.stages[-1]) + 1]

    def forward(self, x):
        """(N, C, H, W) -> (N, D), the codes of all stages"""
        return concat(self.codes(x), axis=1)

    def codes(self, x):
        """Return a list of Tensors (N, D_stage), one for each of the stages, for images x."""
        found = []
        for name, stage in self.net.children():
            x = stage(x)
            if name in self.stages:
                found.append(mean(x, axis=tuple(range(2, x.ndim))) if x.ndim > 2 else x)     # (N, C, H, W) -> (N, C)
        return found


def learned_stages(net):
    """Return the names of the stages that have learned something.

    Parameters
    ----------
    net : Sequential
        Without its classifier.

    Returns
    -------
    names : list of str
        In order. Where a ReLU follows as a stage of its own, that one is named: codes are taken after it.
    """
    stages = net.children()
    after = dict(zip(net.stages, stages[1:]))
    return [after[name][0] if name in after and isinstance(after[name][1], ReLU) else name
            for name, stage in stages if stage.parameters()]


def stage_codes(net, dataset, preprocessing, cache, stages=None, workers=None, progress=True, network=""):
    """Return the codes of every image at every stage, each image computed once and kept.

    Parameters
    ----------
    net : Sequential
        Frozen, without its classifier.
    dataset : Dataset
    preprocessing : Preprocessing
        Makes the network's input from an image.
    cache : str or Path
        The folder of an `ActivationCache`.
    stages : sequence of str, optional
        By default `learned_stages`.
    workers, progress, network
        As for `ActivationCache.activations`.

    Returns
    -------
    codes : dict of str to ndarray, float32 (N, D)
        First "pixels", the control: the image itself, 32 x 32. Then each stage, in the order of the network.
    """
    trunk = StageCodes(net, learned_stages(net) if stages is None else stages)
    rows = ActivationCache(cache).activations(trunk, dataset, preprocessing, cut="layers", workers=workers, progress=progress,
                                              network=network)[:]                               # (N, all D)
    blank = np.zeros((1, preprocessing.n_channels, preprocessing.crop, preprocessing.crop), np.float32)
    with evaluating(trunk), no_grad():
        widths = [codes.shape[1] for codes in trunk.codes(Tensor(blank))]
    parts = np.split(rows, np.cumsum(widths)[:-1], axis=1)
    return {PIXELS: pixel_codes(dataset, workers)} | dict(zip(trunk.stages, parts))


def pixel_codes(dataset, workers=None):
    """Return the images of a dataset themselves, 32 x 32, as codes: float32 (N, 3072) in -1..1.

    Parameters
    ----------
    dataset : Dataset
    workers : int, optional
        Threads, by default `compute.default_workers`.

    Returns
    -------
    codes : ndarray
    """
    def small(i):
        rgb = Image.fromarray(dataset.image(i)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        return np.asarray(rgb, np.float32).ravel() / 127.5 - 1

    return np.stack(list(ordered_map(small, range(len(dataset)), workers)))


def linear_classifier(codes, labels, n_classes, loss=cross_entropy):
    """Return a linear classifier of standardised codes, trained to the end by L-BFGS.

    Parameters
    ----------
    codes : ndarray, float (N, D)
    labels : ndarray of int, shape (N,)
        The classes, 0 .. n_classes - 1.
    n_classes : int
    loss : callable
        `ops.cross_entropy` makes it a softmax classifier, `ops.hinge` a linear SVM.

    Returns
    -------
    net : Sequential
        The lowest |W|² / 2 + COST * the sum of the losses; the bias is free.
    """
    x = Tensor(codes)
    net = Sequential(standardize=Standardize(codes.shape[1]), linear=Linear(codes.shape[1], n_classes, init=zeros))
    net["standardize"].fit(codes)
    z, linear = net["standardize"](x), net["linear"]

    def closure():
        value = loss(linear(z), labels) + (linear.weight ** 2).sum() * (0.5 / (COST * len(labels)))
        value.backward()
        return value

    LBFGS(linear.parameters(), iterations=50, tolerance=1e-3).step(closure)
    return net


@dataclass(frozen=True)
class LayerCurve:
    """How good linear classifiers on the codes of each stage are.

    Attributes
    ----------
    stages : tuple of str
        Names of the S kinds of codes, as a rule "pixels" and the stages in order.
    n_per_class : tuple of int
        The M numbers of training images of each class, rising.
    accuracy : ndarray, float (S, M, R)
        Share of the test images named right, in each of R splits.
    """

    stages: tuple
    n_per_class: tuple
    accuracy: np.ndarray

    @property
    def mean(self):
        """Mean over the splits, ndarray (S, M)."""
        return self.accuracy.mean(axis=2)

    @property
    def deviation(self):
        """Standard deviation between the splits, ndarray (S, M): the error bars."""
        return self.accuracy.std(axis=2)


def linear_probes(codes, labels, n_per_class=(5,), seeds=5, loss=cross_entropy, workers=None, progress=True, group=None):
    """Measure linear classifiers on several kinds of codes.

    Each seed draws a split. The largest of `n_per_class` is taken from each class for training, all else is for testing; a
    smaller number is the first of these, so that one test part measures all. No photo of a moment that trains is in it.

    Parameters
    ----------
    codes : dict of str to ndarray, float (N, D)
        As `stage_codes` returns them.
    labels : array_like of int, shape (N,)
        The classes 0 .. K-1.
    n_per_class : sequence of int
        Numbers of training images of each class.
    seeds : int
        How many splits.
    loss : callable
        See `linear_classifier`.
    workers : int, optional
        Threads, by default `compute.default_workers`.
    progress : bool
        Show a progress bar on stderr.
    group : ndarray of int, (N,), optional
        Photos of one moment have the same number, see `find_moments`; by default each its own.

    Returns
    -------
    curve : LayerCurve

    Raises
    ------
    InputError
        If a number of training images is impossible, or all others are of the same moments.
    """
    labels, sizes = np.asarray(labels, np.int64), sorted(set(n_per_class))
    check_sizes(labels, sizes, seeds)
    n_classes = int(labels.max()) + 1
    group = np.arange(len(labels)) if group is None else group

    def measure(job):
        name, size, seed = job
        rng = np.random.default_rng(seed)
        of_class = [_by_moment(rng.permutation(np.flatnonzero(labels == k)), group) for k in range(n_classes)]
        train = np.concatenate([members[:size] for members in of_class])
        learned, others = (np.concatenate([rows[part] for rows in of_class]) for part in (slice(sizes[-1]), slice(sizes[-1], None)))
        test = others[~np.isin(group[others], group[learned])]
        if not len(test):
            raise InputError(f"layer curve: all but {sizes[-1]} training images of each class are of the same moments; give fewer")
        net = linear_classifier(codes[name][train], labels[train], n_classes, loss)
        with no_grad():
            return (net(Tensor(codes[name][test])).data.argmax(axis=1) == labels[test]).mean()

    jobs = [(name, size, seed) for name in codes for size in sizes for seed in range(seeds)]
    found = list(tqdm(ordered_map(measure, jobs, workers), "linear classifiers", len(jobs), disable=not progress))
    return LayerCurve(tuple(codes), tuple(sizes), np.reshape(found, (len(codes), len(sizes), seeds)))


def _by_moment(rows, group):
    """Return the rows, those of a moment brought forward to its first."""
    _, first, which = np.unique(group[rows], return_index=True, return_inverse=True)
    return rows[np.argsort(first[which], kind="stable")]


def check_sizes(labels, n_per_class, seeds):
    """Raise unless each class has images enough for training and testing.

    Parameters
    ----------
    labels, n_per_class, seeds
        As for `linear_probes`.

    Raises
    ------
    InputError
        If a number is below 1, or so large that a class has no image left for testing, or there is no split.
    """
    fewest = np.bincount(labels).min()
    if not n_per_class or min(n_per_class) < 1 or max(n_per_class) >= fewest or seeds < 1:
        raise InputError(f"layer curve: {seeds} splits, {', '.join(map(str, n_per_class)) or 'no'} training images of each class, "
                         f"and the smallest class has {fewest}; give 1 to {fewest - 1}, and at least one split")


def layer_curve(net, dataset, preprocessing, cache, stages=None, n_per_class=(5,), seeds=5, loss=cross_entropy, workers=None,
                progress=True, network="", group=None):
    """Measure a linear classifier on the codes of every stage of a network: `stage_codes`, then `linear_probes`.

    Parameters
    ----------
    net, dataset, preprocessing, cache, stages, network
        As for `stage_codes`.
    n_per_class, seeds, loss, group
        As for `linear_probes`.
    workers, progress
        As for both.

    Returns
    -------
    curve : LayerCurve
    """
    check_sizes(dataset.labels, n_per_class, seeds)                             # before the long work
    codes = stage_codes(net, dataset, preprocessing, cache, stages, workers, progress, network)
    return linear_probes(codes, dataset.labels, n_per_class, seeds, loss, workers, progress, group)
