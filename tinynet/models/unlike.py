"""What a file says of its network beside the numbers, held against ours: names and shapes do not tell ReLU from ReLU6.
Taught in lesson 19.
"""
from .. import ops
from ..layers import BatchNorm, LocalResponseNorm, MaxPool2d, ReLU
from .blocks import ConvReLU

COMPARED = ("relu", "relu6")


def unlike(file, net):
    """Return what a network does otherwise than a file says.

    Parameters
    ----------
    file : WeightFile
        Of Keras, with the configuration of its layers, of TensorFlow Lite or Caffe, with their operations; others say nothing.
    net : Sequential

    Returns
    -------
    problems : list of str
    """
    problems, modules = [], net.modules()
    own = {"relu": any(isinstance(m, (ReLU, ConvReLU)) or getattr(m, "activation", None) is ops.relu for m in modules),
           "relu6": any(getattr(m, "activation", None) is ops.relu6 for m in modules)}
    theirs = file.facts.get("activations", "").split(", ")
    if theirs != [""] and not any(own[name] for name in COMPARED if name in theirs):
        problems.append(f"its activations are {', '.join(theirs)}, the network's {', '.join(n for n in COMPARED if own[n])}")
    epsilons = file.facts.get("epsilon", "").split(", ")
    ours = {m.eps for m in modules if isinstance(m, BatchNorm)}
    if epsilons != [""] and not ours <= set(map(float, epsilons)):
        problems.append(f"the epsilon of its batch norms is {', '.join(epsilons)}, the network's {', '.join(map(str, sorted(ours)))}")
    kinds = {"LRN": LocalResponseNorm, "Pooling": MaxPool2d}
    theirs = [node.op for node in file.nodes or () if node.op in kinds] if file.format == "Caffe" else []
    ours = [kind for m in modules for kind in kinds if isinstance(m, kinds[kind])]
    if "LRN" in theirs and theirs != ours:
        problems.append(f"it does {', '.join(theirs)} one after the other, the network {', '.join(ours)}")
    return problems
