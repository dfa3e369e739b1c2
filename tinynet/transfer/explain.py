"""What an answer rests on: the places a network looked at, and the training photos most like this one. Taught in lesson 20."""
import numpy as np

from ..backend import array_module, to_device, to_numpy
from ..compute import one_blas_thread, parallel
from ..errors import InputError
from ..layers import evaluating
from ..ops import softmax
from ..tensor import Tensor, no_grad
from .freeze import freeze


def grad_cam(net, x, label=None, stage=None):
    """Return where a stage saw what speaks for a class: Grad-CAM.

    A map counts by what the score gains if it grows everywhere, the mean of the score's gradient over its positions;
    the weighted sum of the maps, where it is positive, is the answer.

    Parameters
    ----------
    net : Sequential
        Images (N, C, H, W) to scores (N, K); it runs in evaluation mode and is left as it was.
    x : ndarray, float (C, H, W)
        One prepared image.
    label : int, optional
        The class asked about, by default the one with the highest score.
    stage : str, optional
        The stage whose maps are looked at, by default the last that gives maps of more than one position.

    Returns
    -------
    heat : ndarray, float (h, w)
        At least 0, one number for each position of the stage's maps; all 0 if nothing speaks for the class.

    Raises
    ------
    InputError
        If the stage gives no maps, or there is no such class.

    References
    ----------
    R. R. Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization", 2017.
    """
    with one_blas_thread():                                 # one image is too little work to share
        return _grad_cam(freeze(parallel.replica(net)).eval(), x, label, stage)         # gradients, and a mode, of its own


def occlusion(net, x, label=None, size=None, stride=None, fill=0.0, workers=None):
    """Return what the probability of a class loses when a square of the image is covered, place by place.

    Parameters
    ----------
    net : Module
        Images (N, C, H, W) to scores (N, K); it runs in evaluation mode and is left as it was.
    x : ndarray, float (C, H, W)
        One prepared image.
    label : int, optional
        The class asked about, by default the one with the highest score.
    size, stride : int, optional
        Side of the square and the step between two, in pixels; by default a fifth of the shorter side, and half of that.
    fill : float
        What covers: 0 is the mean colour for most networks.
    workers : int, optional
        Threads, see `parallel.run`.

    Returns
    -------
    drop : ndarray, float (h, w)
        p without the square - p with it, -1 .. 1, from the left upper corner to the right lower one.

    Raises
    ------
    InputError
        If the square does not fit into the image, or there is no such class.

    References
    ----------
    M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks", 2014.
    """
    x = np.asarray(x)
    height, width = x.shape[1:]
    size = max(1, min(height, width) // 5) if size is None else size
    stride = max(1, size // 2) if stride is None else stride
    if not (1 <= size <= min(height, width) and stride >= 1):
        raise InputError(f"occlusion: a square of {size} pixels, {stride} apart, on an image of {height} x {width}; it must "
                         "fit, and the step be at least 1")
    tops, lefts = range(0, height - size + 1, stride), range(0, width - size + 1, stride)

    def probabilities(batch):
        with evaluating(net):
            return softmax(Tensor(parallel.run(net, to_device(batch, net.device), workers))).numpy()

    plain = probabilities(x[None])[0]                       # (K,)
    k = _class(plain, label)
    rows = []
    for top in tops:                                        # a row of squares is a batch
        covered = np.repeat(x[None], len(lefts), axis=0)
        for image, left in zip(covered, lefts):
            image[:, top:top + size, left:left + size] = fill
        rows.append(plain[k] - probabilities(covered)[:, k])
    return np.stack(rows)


def nearest(codes, code, k=6):
    """Return the rows that are most like a photo.

    Parameters
    ----------
    codes : ndarray, float (M, D)
        What the frozen network makes of the training photos.
    code : ndarray, float (D,)
        What it makes of this one.
    k : int
        How many, at most M.

    Returns
    -------
    rows : ndarray of int, (k,)
        The nearest first.
    distances : ndarray of float, (k,)
        1 - the cosine of the angle between the codes: 0 the same direction, 1 nothing in common.
    """
    norms = np.linalg.norm(codes, axis=1) * np.linalg.norm(code)
    distances = np.maximum(1 - (codes @ code) / np.maximum(norms, np.finfo(np.float32).tiny), 0)       # rounding
    rows = np.argsort(distances, kind="stable")[:k]
    return rows, distances[rows]


def _grad_cam(net, x, label, stage):
    image = Tensor(to_device(np.asarray(x)[None], net.device))
    stage = stage or _last_maps(net, image)
    after = net.stages.index(stage) + 1 if stage in net.stages else stage         # a wrong name: the slice says so
    with no_grad():
        maps = net[:after](image)
    if maps.ndim != 4:
        raise InputError(f"grad_cam: {stage!r} gives {maps.shape}, no maps (N, C, H, W); choose a stage before it")
    maps = Tensor(maps.data, requires_grad=True)            # (1, C, h, w): the tape begins here
    scores = net[after:](maps)                             # (1, K)
    chosen = array_module(scores.data).zeros_like(scores.data)
    chosen[0, _class(scores.data[0], label)] = 1
    scores.backward(chosen)
    weights = maps.grad.mean(axis=(2, 3), keepdims=True)    # (1, C, 1, 1)
    heat = (weights * maps.data).sum(axis=1)[0]
    return to_numpy(heat * (heat > 0))


def _class(scores, label):
    """Return the class asked about, or the one that wins."""
    if label is None:
        return int(scores.argmax())
    if not 0 <= label < len(scores):
        raise InputError(f"class {label} of {len(scores)}: they are numbered 0 to {len(scores) - 1}")
    return label


def _last_maps(net, image):
    """Return the name of the last stage that gives maps of more than one position."""
    found = None
    with no_grad():
        for name, stage in net.children():
            image = stage(image)
            if image.ndim == 4 and image.shape[2] * image.shape[3] > 1:
                found = name
    if found is None:
        raise InputError("grad_cam: no stage gives maps (N, C, H, W) of more than one position; the network must be a "
                         "Sequential of convolutions")
    return found
