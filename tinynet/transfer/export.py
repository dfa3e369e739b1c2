"""A trained classifier for programs that know nothing of tinynet: one ONNX file, from pixels to probabilities."""
import json
from dataclasses import replace

import numpy as np

from ..data import View
from ..errors import InputError
from ..files import atomic_write
from ..models.onnx_nodes import END, OPSET, Nodes, trace
from ..version import __version__
from .ensemble import Ensemble

IMAGE, ANSWERS = "image", ("probabilities", "distance")
TOLERANCE = 1e-4                    # by how much the file's answers may differ from the classifier's
LUMINANCE = 19595, 38470, 7471      # of red, green and blue in 65536ths: Pillow's grey


def onnx_graph(classifier):
    """Return a classifier as the nodes of an ONNX graph.

    Parameters
    ----------
    classifier : Classifier

    Returns
    -------
    graph : Nodes
        From "image", uint8 (N, crop, crop, 3), red, green, blue, to "probabilities" (N, K) and "distance" (N,), which are
        the `Answers` for images that have been scaled and cropped.

    Raises
    ------
    InputError
        If ONNX has no nodes for a layer, see `onnx_nodes.trace`, or a view is another than the image or its mirror image.
    """
    net, preprocessing, views = classifier.net, classifier.preprocessing, classifier.views
    strange = [view for view in views if view not in (View(), View(mirror=True))]
    if strange:
        raise InputError(f"export: {strange[0]} is a view of the whole photo, and the file sees a crop of it; give a "
                         "classifier whose views are View() and View(mirror=True)")
    graph = Nodes(net.state_dict() | {"training.codes": classifier.familiar.codes}, {IMAGE, *ANSWERS})
    graph.place = "prepare"
    x = _mirrored(graph, _prepared(graph, preprocessing), views)                # (V N, C, crop, crop)
    code = trace(graph, net[:"head"], x, (preprocessing.n_channels, preprocessing.crop, preprocessing.crop))    # (V N, D)
    heads, n_features = _heads(net["head"]), classifier.familiar.codes.shape[1]
    scores = [trace(graph, head, code, (n_features,), place) for place, head in heads.items()]              # each (V N, K)
    graph.place = "answer"
    if len(scores) * len(views) > 1:
        scores = [_log_mean(graph, scores, len(views))]
    scores = graph.add("Div", scores[0], classifier.temperature)
    graph.add("Softmax", scores, axis=1)
    graph.call(ANSWERS[0])
    if len(views) > 1:                                                          # the first view is the plain one
        by_view = graph.add("Reshape", code, np.array([len(views), -1, n_features]))
        code = graph.add("Gather", by_view, np.array(0), axis=0)
    _distance(graph, code, classifier.familiar)
    graph.call(ANSWERS[1])
    return graph


def export_onnx(path, classifier, about=None):
    """Write a classifier to an ONNX file, once it answers as the classifier does.

    Parameters
    ----------
    path : str or Path
    classifier : Classifier
    about : dict of str to str, optional
        Further metadata, such as the licence of the weights. "classes", "limit" and how an image is to be scaled and
        cropped are there in any case.

    Returns
    -------
    difference : float
        The largest between a number of the file's and of the classifier's, on images of noise: `onnxruntime` ran it.

    Raises
    ------
    InputError
        If the packages are missing, `onnx_graph` cannot write a layer, or the file would answer otherwise.
    """
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise InputError(f"export: the package {error.name or error} is not installed; pip install -e \".[export]\"") from error
    data = _model(onnx, onnx_graph(classifier), classifier, about or {}).SerializeToString()
    onnx.checker.check_model(data, full_check=True)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    side = classifier.preprocessing.crop
    images = _noise(side)
    answers = replace(classifier, preprocessing=classifier.preprocessing.with_size(side, side))(images)
    found = zip(session.run(None, {IMAGE: np.stack(images)}), (answers.probabilities, answers.distances))
    difference = max(float(np.abs(theirs - ours).max()) for theirs, ours in found)
    if not difference <= TOLERANCE:
        raise InputError(f"export: the file's answers differ from the classifier's by up to {difference:.2g}; a layer that "
                         "decides by looking at its numbers cannot be written down: compute with tinynet.ops alone")
    with atomic_write(path) as file:
        file.write(data)
    return difference


def _noise(side, n=3):
    """Return n images of noise, uint8 (side, side, 3), fine to coarse, so that all layers have something to answer."""
    rng = np.random.default_rng(0)
    small = [rng.integers(0, 256, (max(1, side >> i), max(1, side >> i), 3), np.uint8) for i in range(n)]
    at = [np.arange(side) * len(image) // side for image in small]
    return [image[rows][:, rows] for image, rows in zip(small, at)]


def _prepared(graph, preprocessing):
    """Append what `Preprocessing` does after the crop: (N, crop, crop, 3) -> (N, C, crop, crop)."""
    x = graph.add("Cast", IMAGE, to=1)                                          # float32
    if preprocessing.channels == "BGR":
        x = graph.add("Gather", x, np.array([2, 1, 0]), axis=3)
    elif preprocessing.channels == "L":                                         # whole, below 2²⁴: exact in float32
        x = graph.add("Add", graph.add("MatMul", x, np.array(LUMINANCE, np.float32)[:, None]), 2 ** 15)
        x = graph.add("Floor", graph.add("Div", x, 2 ** 16))
    x = graph.add("Transpose", x, perm=[0, 3, 1, 2])
    x = graph.add("Sub", x, np.array(preprocessing.mean, np.float32)[:, None, None])
    return graph.add("Mul", x, np.array(preprocessing.scale, np.float32).reshape(-1, 1, 1))


def _mirrored(graph, x, views):
    """Append the views: (N, C, H, W) -> (V N, C, H, W), all images of the first view first."""
    if len(views) == 1 and not views[0].mirror:
        return x
    back = [np.array([number]) for number in (-1, -END, 3, -1)]                 # start, end, axis, step
    seen = [graph.add("Slice", x, *back) if view.mirror else x for view in views]
    return graph.add("Concat", *seen, axis=0)


def _heads(head):
    if isinstance(head, Ensemble):
        return {f"head.{name}": member for name, member in head.children()}
    return {"head": head}


def _log_mean(graph, scores, n_views):
    """Append log of the sum of p over heads and views; what is missing to their mean cancels in the softmax that follows."""
    logs = [graph.add("LogSoftmax", each, axis=1) for each in scores]           # M of (V N, K)
    logs = graph.add("Concat", *[graph.add("Unsqueeze", each, np.array([0])) for each in logs], axis=0)     # (M, V N, K)
    logs = graph.add("Reshape", logs, np.array([len(scores) * n_views, -1, 0]))  # (M V, N, K); 0 keeps K
    return graph.add("ReduceLogSumExp", logs, np.array([0]), keepdims=0)        # (N, K)


def _distance(graph, code, familiar):
    """Append `Familiar.distance`: (N, D) -> (N,)."""
    length = graph.add("ReduceL2", code, np.array([1]), keepdims=1)             # (N, 1)
    unit = graph.add("Div", code, graph.add("Max", length, np.finfo(np.float32).tiny))
    cosines = graph.add("MatMul", unit, graph.add("Transpose", familiar.codes, perm=[1, 0]))                # (N, M)
    nearest = graph.add("TopK", cosines, np.array([familiar.k]), axis=1, outputs=2)                         # (N, k), falling
    return graph.add("Sub", 1.0, graph.add("Gather", nearest, np.array(familiar.k - 1), axis=1))


def _model(onnx, graph, classifier, about):
    """Return the ONNX model of a graph, with all that has to be known to use it."""
    helper, kind, preprocessing = onnx.helper, onnx.TensorProto, classifier.preprocessing
    size = sum(array.nbytes for array in graph.constants.values())
    if size > 2e9:
        raise InputError(f"export: {size / 1e9:.1f} GB of numbers; an ONNX file holds 2 GB: choose a smaller network")
    side, n_classes = preprocessing.crop, len(classifier.classes)
    image = helper.make_tensor_value_info(IMAGE, kind.UINT8, ["N", side, side, 3], "red, green, blue, scaled and cropped")
    probabilities = helper.make_tensor_value_info(ANSWERS[0], kind.FLOAT, ["N", n_classes], "of the classes, together 1")
    distance = helper.make_tensor_value_info(ANSWERS[1], kind.FLOAT, ["N"], "above the limit: none of the classes")
    nodes = [helper.make_node(node.op, node.inputs, node.outputs, node.name, **node.attributes) for node in graph.nodes]
    constants = [onnx.numpy_helper.from_array(np.asarray(array, order="C"), name) for name, array in graph.constants.items()]
    model = helper.make_model(helper.make_graph(nodes, "tinynet", [image], [probabilities, distance], constants),
                              producer_name="tinynet", producer_version=__version__, ir_version=8,
                              opset_imports=[helper.make_opsetid("", OPSET)])
    views = ["the mirror image of the crop" if view.mirror else "the crop" for view in classifier.views]
    helper.set_model_props(model, described(classifier) | {"views": ", ".join(views)} | about)
    return model


def described(classifier):
    """Return what a program has to know to prepare an image and to read the answers.

    Parameters
    ----------
    classifier : Classifier

    Returns
    -------
    about : dict of str to str
    """
    p = classifier.preprocessing
    return {
        "classes": json.dumps(classifier.classes, ensure_ascii=False), "resize": str(p.resize), "crop": str(p.crop),
        "resample": p.resample, "limit": repr(float(classifier.familiar.limit)),
        "how": f"Turn the photo upright (EXIF) and to RGB. Scale it so that its short side has {p.resize} pixels, "
               f"{p.resample} with a filter that widens as it shrinks (Pillow's resize; the long side rounded). Cut out the middle "
               f"{p.crop} x {p.crop} pixels, an odd pixel of margin right or below. Give it as uint8, "
               f"(N, {p.crop}, {p.crop}, 3). The probabilities are in the order of the classes; a photo whose distance is "
               "above the limit is unlike all that were learned from: none of the classes.",
    }
