"""A weight file of any framework under our names: which network of the zoo it is of, and its numbers. Taught in lesson 19."""
from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..tensor import Tensor, no_grad
from .graph import graph_network, image_shape
from .match import match
from .zoo import ZOO

CLOSE = 1e-3                                        # of the spread of the scores


def recognise(file):
    """Return which networks of the zoo a weight file fits.

    Parameters
    ----------
    file : WeightFile

    Returns
    -------
    found : list of (Model, Match)
    """
    found = []
    for model in ZOO.values():
        try:
            found.append((model, match(file, model)))
        except InputError:
            continue
    return found


def convert(file, model, digest):
    """Return a weight file's numbers under our names, and what has to be known to load them.

    Parameters
    ----------
    file : WeightFile
    model : Model
    digest : str
        SHA-256 of the file.

    Returns
    -------
    arrays : dict of str to ndarray
        float32.
    metadata : dict

    Raises
    ------
    InputError
        If they do not fit, or an ONNX file's own graph computes something else than the network.
    """
    found = match(file, model)
    if file.format == "ONNX":
        found = _like_its_own_graph(file, found, model)
    preprocessing, side = found.source.preprocessing, _side(file)
    if side not in (None, preprocessing.crop):
        preprocessing = preprocessing.with_size(round(side * preprocessing.resize / preprocessing.crop), side)
    arrays = {name: np.asarray(array, np.float32) for name, array in found.net.state_dict().items()}
    return arrays, {
        "model": model.name, "options": found.options, "stages": len(found.net), "source": found.source.name,
        "by_order": found.by_order, "rivals": [] if _is_named(file, found) else _rivals(found, model), "left_out": found.left_out,
        "preprocessing": preprocessing.to_dict(),
        "format": file.format, "file": file.name, "file_sha256": digest}


def _side(file):
    """Return the side of the images for which a network was made in Keras or TensorFlow Lite, None if the file does not say."""
    shapes = [value for key, value in file.facts.items() if key.startswith("input")]
    if len(shapes) != 1 or not file.format.startswith(("Keras", "TensorFlow Lite")):
        return None
    _, *sides, _ = shapes[0].strip("()").split(", ") if shapes[0].count(",") == 3 else "??"
    return int(sides[0]) if len(set(sides)) == 1 and sides[0].isdigit() and 0 < int(sides[0]) < 2000 else None


def _is_named(file, found):
    """Return whether the file's name says whose it is, or its own graph was compared."""
    return file.format == "ONNX" or file.name.startswith(found.source.file_name or "\0")


def _rivals(found, model):
    """Return publishers of another network whose layers have the same names and shapes as of the one that was taken."""
    return [source.name for source in model.sources
            if source.layers == found.source.layers and source.options != found.source.options]


def _like_its_own_graph(file, found, model):
    """Return the match that computes what an ONNX file's own graph does: names and shapes can fit while paddings differ."""
    try:
        own = graph_network(file)
        x = np.random.default_rng(0).standard_normal((1, *image_shape(file))).astype(np.float32)
        with no_grad():
            expected = own.eval()(Tensor(x)).numpy().reshape(-1)
    except InputError as error:
        if _rivals(found, model):
            raise InputError(f"{file.name}: {found.source.name} and {', '.join(_rivals(found, model))} have the same names and "
                             f"shapes, and its own graph cannot be run to tell them apart ({error}); export it again with constant "
                             "sizes, or give the weights themselves (.pth, .safetensors)") from error
        return found
    rivals = [source for source in model.sources if source.name in _rivals(found, model)]
    for one in found, *(match(file, replace(model, sources=(source,))) for source in rivals):
        with no_grad():
            scores = one.net(Tensor(x)).numpy().reshape(-1)
        if scores.shape == expected.shape and np.abs(scores - expected).max() <= CLOSE * max(expected.std(), 1e-30):
            return one
    raise InputError(f"{file.name}: its layers fit {found.source.name}'s by name and shape, but its graph computes something "
                     f"else, such as another padding; take the file's own graph: --model {file.name}")
