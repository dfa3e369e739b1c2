"""What a weight file holds, whoever wrote it: named arrays, as they lie in the file. Taught in lesson 19."""
from dataclasses import dataclass, field


@dataclass
class Node:
    """One operation of a graph: it computes the values named `outputs` from those named `inputs` ("" is left out)."""

    op: str
    name: str
    inputs: list
    outputs: list
    attributes: dict = field(default_factory=dict)


@dataclass
class WeightFile:
    """The content of a weight file of any framework.

    Attributes
    ----------
    format : str
        The file's format in words, for example "PyTorch (zip)".
    layout : {"OIHW", "HWIO", "OHWI"}
        The order of a convolution's axes: filters O, channels I, height H, width W. A dense layer's weight is
        (out, in), or (in, out) where it is HWIO; a depthwise filter bank is (C, 1, H, W), (H, W, C, 1) or (1, H, W, C).
    arrays : dict of str to ndarray
        As they lie in the file, in its order. The last word of a name is what the array is (``weight``, ``kernel``,
        ``gamma``, ...), what stands before it is the layer's name.
    facts : dict of str to str
        What the file says of itself: framework, version, producer.
    nodes : list of Node, optional
        The graph in order of execution, where the file has one that can be run.
    name : str
        The file's name, without folder.
    """

    format: str
    layout: str
    arrays: dict
    facts: dict = field(default_factory=dict)
    nodes: list | None = None
    name: str = ""
