"""Read the weights and the graph of a TensorFlow Lite file, whose numbers are often of 8 bits. Taught in lesson 19.

Field numbers: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs.
"""
from pathlib import Path

from .file import Node, WeightFile
from .flatbuffer import Table
from .refuse import reading
from .tflite_tensor import Tensors

OPS = {0: "ADD", 1: "AVERAGE_POOL_2D", 2: "CONCATENATION", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D", 6: "DEQUANTIZE",
       9: "FULLY_CONNECTED", 14: "LOGISTIC", 17: "MAX_POOL_2D", 18: "MUL", 19: "RELU", 21: "RELU6", 22: "RESHAPE",
       25: "SOFTMAX", 34: "PAD", 40: "MEAN", 41: "SUB", 43: "SQUEEZE", 98: "LEAKY_RELU", 114: "QUANTIZE", 117: "HARD_SWISH"}
LAYERS = {"CONV_2D": "conv", "DEPTHWISE_CONV_2D": "depthwise", "FULLY_CONNECTED": "dense"}
# Options of an operator, by their table's number: (padding, stride across, down, activation), and a pool's kernel
OPTIONS = {1: (0, 1, 2, 3), 2: (0, 1, 2, 4), 5: (0, 1, 2, 5), 8: (None, None, None, 0), 11: (None, None, None, 0)}
POOL = 5
ACTIVATIONS = {0: "", 1: "RELU", 2: "RELU_N1_TO_1", 3: "RELU6", 4: "TANH"}


def read(path):
    """Read a TensorFlow Lite file (.tflite).

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    weights : WeightFile
        The arrays are the weights and biases of convolutions and dense layers, numbered in order of execution:
        ``conv_0.weight``, ``depthwise_1.weight``, ``dense_27.bias``, float32 whatever they are in the file. What the
        file calls them stands in the attributes of its nodes.

    Raises
    ------
    InputError
        If it is no such file, is damaged, or keeps weights as a sparse matrix or in a type not named here.
    """
    with reading(path, "TensorFlow Lite", "convert or fetch it again"):
        data = Path(path).read_bytes()
        if data[4:8] != b"TFL3":
            raise ValueError("it does not begin like one")
        model = Table(data)
        graph = next(iter(model.tables(2)), None)
        if graph is None:
            raise ValueError("it has no graph")
        tensors = Tensors(model, graph)
        nodes, arrays = _graph(model, graph, tensors)
        facts = {"description": model.text(3), "version": str(model.number(0, "I"))}
        used = {node.attributes.get("activation") or node.op for node in nodes}
        used = [name.lower() for name in ("RELU", "RELU6", "LEAKY_RELU", "HARD_SWISH") if name in used]
        facts |= {"activations": ", ".join(used)} if used else {}
        for word, field in ("input", 1), ("output", 2):
            facts |= {f"{word} {tensors.name(i)}": str(tuple(tensors[i].numbers(0))) for i in graph.numbers(field)}
        return WeightFile("TensorFlow Lite", "OHWI", arrays, facts, nodes)


def _graph(model, graph, tensors):
    codes = [max(code.number(0, "b"), code.number(3, "i")) for code in model.tables(1)]
    nodes, arrays, source, k = [], {}, {}, 0
    for operator in graph.tables(3):
        index, inputs, outputs = operator.number(0, "I"), operator.numbers(1), operator.numbers(2)
        if index >= len(codes):
            raise ValueError(f"it names operator {index} and has {len(codes)}")
        op = OPS.get(codes[index], f"OPERATOR_{codes[index]}")
        if op == "DEQUANTIZE" and inputs and outputs and len(tensors.content(inputs[0])):
            source[outputs[0]] = inputs[0]                  # a float16 constant on its way to float32
            continue
        node = Node(op, "", [tensors.name(i) for i in inputs], [tensors.name(i) for i in outputs], _options(operator))
        for place, role in ((1, "weight"), (2, "bias")) if op in LAYERS else ():
            i = source.get(inputs[place], inputs[place]) if place < len(inputs) else -1
            if i != -1 and len(tensors.content(i)):
                name = f"{LAYERS[op]}_{k}.{role}"
                arrays[name], node.inputs[place], node.attributes[role] = tensors.array(i), name, tensors[i].text(3)
        k += op in LAYERS
        nodes.append(node)
    return nodes, arrays


def _options(operator):
    fields, table = OPTIONS.get(operator.number(3, "B")), operator.table(4)
    if not fields or not table:
        return {}
    padding, across, down, activation = fields
    found = {"activation": ACTIVATIONS.get(table.number(activation, "b"), "?")}
    if padding is not None:
        found |= {"padding": "VALID" if table.number(padding, "b") else "SAME",
                  "strides": [table.number(down, "i"), table.number(across, "i")]}
    if operator.number(3, "B") == POOL:
        found["kernel"] = [table.number(4, "i"), table.number(3, "i")]
    return found
