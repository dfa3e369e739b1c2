"""Read the weights and the graph of an ONNX file, a protocol buffer (ModelProto). Taught in lesson 19.

Exporters often fold a batch norm into the convolution before it and then call its weights `onnx::Conv_497`. The node
that uses them still knows where it stood: `/layer1/layer1.0/conv1/Conv` is the Conv of layer1.0.conv1.
Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""
import re
from collections import Counter
from pathlib import Path

import numpy as np

from .file import Node, WeightFile
from .onnx_tensor import Files, find_files, read_attribute, read_tensor
from .protobuf import Message
from .refuse import reading

ROLES = {"Conv": ["weight", "bias"], "ConvTranspose": ["weight", "bias"], "Gemm": ["weight", "bias"], "MatMul": ["weight"],
         "BatchNormalization": ["weight", "bias", "running_mean", "running_var"]}       # of a node's inputs from the second
PARAMETER = re.compile(r"(.+?)([._/])(weight|bias|kernel|gamma|beta|(?:running|moving)_(?:mean|var|variance))")


def read(path):
    """Read an ONNX file, and the files beside it in which it may keep its weights.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    weights : WeightFile
        Its arrays are all constants of the graph, first the weights in order of execution; float16 and bfloat16 become
        float32. The weight of a Gemm or MatMul is turned to (out, in), and the node's attribute transB says so.
        In the facts, "input x" and "output y" have the shapes of the graph's inputs and outputs.

    Raises
    ------
    InputError
        If it is no such file, is damaged, has a type of number that NumPy lacks, or points out of its folder.
    """
    with reading(path, "ONNX", "export or fetch it again"):
        model, files = Message(Path(path).read_bytes()), Files(Path(path).parent)
        graph = model.message(7)
        if not (1 in graph or 5 in graph):
            raise ValueError("it has no graph")
        constants = {tensor.text(8): read_tensor(tensor, files) for tensor in graph.messages(5)}
        nodes = _without_constants([_node(node, files) for node in graph.messages(1)], constants)
        opsets = {opset.text(1).replace("ai.onnx", ""): opset.integer(2) for opset in model.messages(8)}
        facts = {"producer": f"{model.text(2)} {model.text(3)}".strip(), "opset": str(opsets.get("", 1))}
        facts |= {f"input {name}": shape for name, shape in map(_value, graph.messages(11)) if name not in constants}
        facts |= {f"output {name}": shape for name, shape in map(_value, graph.messages(12))}
        return WeightFile("ONNX", "OIHW", _named(nodes, constants), facts, nodes)


def files_beside(path):
    """Return the files in which an ONNX file keeps its large tensors: they are the half of it that training changes.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    paths : list of Path
        Sorted by name; most files need none.

    Raises
    ------
    InputError
        If one is not there, or the file is damaged or points out of its folder.
    """
    with reading(path, "ONNX", "export or fetch it again"):
        return find_files(Message(Path(path).read_bytes()).message(7), Files(Path(path).parent))


def _node(node, files):
    domain = node.text(7).replace("ai.onnx", "")
    return Node(domain + "::" * bool(domain) + node.text(4), node.text(3), node.texts(1), node.texts(2),
                {a.text(1): read_attribute(a, files) for a in node.messages(5)})


def _value(value):
    dims = value.message(2).message(1).message(2).messages(1)               # type, tensor_type, shape, dim
    return value.text(1), "(" + ", ".join(str(d.integer(1)) if 1 in d else d.text(2) or "?" for d in dims) + ")"


def _without_constants(nodes, constants):
    """Return the nodes but for those that only hold a constant (Constant) or give one another name (Identity)."""
    rest = []
    for node in nodes:
        kind, value = next(iter(node.attributes.items()), ("", None))
        if node.op == "Constant" and kind in ("value", "value_float", "value_floats", "value_int", "value_ints"):
            value = value if kind == "value" else np.asarray(value, np.float32 if "float" in kind else np.int64)
            constants[node.outputs[0]] = value
        elif node.op == "Identity" and node.inputs[0] in constants:
            constants[node.outputs[0]] = constants[node.inputs[0]]
        else:
            rest.append(node)
    return rest


def _named(nodes, constants):
    """Return the constants under readable names, which become the nodes' inputs, and dense weights as (out, in)."""
    uses, names, k = Counter(name for node in nodes for name in node.inputs), {}, 0
    taken = set(constants)
    for node in nodes:
        roles = dict(zip(node.inputs[1:], ROLES.get(node.op, [])))
        roles = {name: role for name, role in roles.items() if name in constants and constants[name].ndim}
        for name in [name for name in roles if name not in names]:
            own = PARAMETER.sub(lambda m: m[1] + m[2].replace("_", ".") + m[3], name) if PARAMETER.fullmatch(name) else ""
            wanted = own, f"{place(node)}.{roles[name]}", f"{node.op.lower()}_{k}.{roles[name]}"
            names[name] = next((new for new in wanted if new[:1] not in ("", ".") and (new == name or new not in taken)), name)
            taken.add(names[name])
            if node.op in ("Gemm", "MatMul") and constants[name].ndim == 2 and roles[name] == "weight" \
                    and uses[name] == 1 and not node.attributes.get("transB"):
                constants[name], node.attributes["transB"] = constants[name].T, 1
        k += bool(roles)
    for node in nodes:
        node.inputs = [names.get(name, name) for name in node.inputs]
    return {names.get(name, name): constants[name] for name in dict.fromkeys([*names, *constants])}


def place(node):
    """Return where a node stands in its network, as its name says.

    Parameters
    ----------
    node : Node

    Returns
    -------
    place : str
        For example layer1.0.conv1, of /layer1/layer1.0/conv1/Conv; "" for Conv_12.
    """
    *places, last = node.name.strip("/").split("/")
    found, before = "", "\0"
    for part in places or [last] * (not last.startswith(node.op)):
        found += part[len(before):] if part.startswith(before + ".") else "." + part
        before = part
    return found.strip(".")
