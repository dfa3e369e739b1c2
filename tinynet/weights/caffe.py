"""Read the weights and the graph of a .caffemodel, a protocol buffer (NetParameter). Taught in lesson 19.

A layer keeps its numbers in nameless *blobs*, whose meaning depends on the layer's type. Files of before 2015 keep their
layers in another field (V1LayerParameter), with numbers for types and four lengths for every shape.
Field numbers: https://github.com/BVLC/caffe/blob/master/src/caffe/proto/caffe.proto.
"""
import math
from pathlib import Path

import numpy as np

from .file import Node, WeightFile
from .protobuf import Message
from .refuse import reading

OLD_TYPES = {3: "Concat", 4: "Convolution", 5: "Data", 6: "Dropout", 8: "Flatten", 14: "InnerProduct", 15: "LRN", 17: "Pooling",
             18: "ReLU", 19: "Sigmoid", 20: "Softmax", 21: "SoftmaxWithLoss", 22: "Split", 23: "TanH", 25: "Eltwise", 26: "Power",
             33: "Slice", 39: "Deconvolution"}


def read(path):
    """Read a .caffemodel.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    weights : WeightFile
        Arrays are named ``conv1.weight`` and ``conv1.bias`` after their layers. Of a BatchNorm they are running_mean and
        running_var, as they are after division by its third blob; its slope and shift belong to the Scale that follows.

    Raises
    ------
    InputError
        If it is no such file or is damaged.
    """
    with reading(path, "Caffe", "give the .caffemodel, which holds the weights, and not the .prototxt; or fetch it again"):
        net = Message(Path(path).read_bytes())
        arrays, nodes, renamed = {}, [], {}
        for op, name, bottoms, tops, blobs in _layers(net):
            inputs = [renamed.get(bottom, bottom) for bottom in bottoms]
            if op == "Split":                               # the same value under several names
                renamed |= {top: inputs[0] for top in tops}
                continue
            nodes.append(Node(op, name, inputs, tops))
            arrays |= _parameters(op, name, [_blob(blob) for blob in blobs])
        if not nodes:
            raise ValueError("it has no layers")
        return WeightFile("Caffe", "OIHW", arrays, {"name": net.text(1)}, nodes)


def _layers(net):
    """Yield (type, name, bottoms, tops, blobs) of each layer."""
    for layer in net.messages(100):
        yield layer.text(2), layer.text(1), layer.texts(3), layer.texts(4), layer.messages(7)
    for layer in net.messages(2):
        op = OLD_TYPES.get(layer.integer(5), f"Type{layer.integer(5)}")
        yield op, layer.text(4), layer.texts(2), layer.texts(3), layer.messages(6)


def _blob(blob):
    shape = blob.message(7).integers(1).tolist() if 7 in blob else [blob.integer(number) for number in (1, 2, 3, 4)]
    array = blob.numbers(8, "<f8") if 8 in blob else blob.numbers(5, "<f4")
    if min(shape, default=0) < 0 or array.size != math.prod(shape):
        raise ValueError(f"a blob of {array.size:,} numbers in it has the shape {str(shape):.80}")
    return array.reshape(shape)


def _parameters(op, name, blobs):
    if op == "BatchNorm" and blobs:
        if len(blobs) != 3 or blobs[2].size != 1:
            raise ValueError(f"the BatchNorm {name!r:.80} has not a mean, a variance and one number to divide them by")
        count = blobs[2].item()                             # how much the running sums weigh; 0 before any training
        mean, var = (blob.ravel() / count if count else np.zeros_like(blob.ravel()) for blob in blobs[:2])
        return {f"{name}.running_mean": mean, f"{name}.running_var": var}
    if op == "InnerProduct" and blobs and blobs[0].ndim == 4:
        blobs[0] = blobs[0].reshape(blobs[0].shape[2:])     # (1, 1, out, in) -> (out, in)
    words = ["weight", "bias", *(f"blob{i}" for i in range(2, len(blobs)))]
    return {f"{name}.{word}": blob.ravel() if word == "bias" else blob for word, blob in zip(words, blobs)}
