"""A tape drawn as a graph: every operation, what goes in and what comes out. Used in lesson 01."""
import itertools
from dataclasses import dataclass, field

import numpy as np
from matplotlib.patches import FancyArrowPatch, Patch
from matplotlib.path import Path

from ..backend import to_numpy
from ..errors import InputError
from ..tensor import Tensor
from .figure import BLACK, BLUE, GREY, Figure
from .text import fit_text, text_font

MOST_NODES = 60


def graph(tensor, /, **names):
    """Draw how a Tensor was computed: inputs above, operations below what they use, the result at the bottom.

    Parameters
    ----------
    tensor : Tensor
        The result of a small expression, before its backward.
    **names : Tensor
        Tensors to call by a name: ``graph(loss, x=x, W=W)``.

    Returns
    -------
    figure : Figure
        Rounded boxes are operations and the shape (or the value, of a single number) that comes out; sharp
        boxes are inputs, with a thick frame where a gradient will arrive.

    Raises
    ------
    InputError
        If nothing was recorded, the tape was freed by backward, or there are more than 60 boxes.
    """
    if tensor.creator is None:
        raise InputError("graph: nothing was recorded for this Tensor; compute it, outside no_grad(), "
                         "from one with requires_grad=True")
    nodes = {}
    if tensor.creator.depth <= MOST_NODES:
        result = _node(tensor, {id(x): name for name, x in names.items()}, nodes)
    if not 0 < len(nodes) <= MOST_NODES:
        raise InputError(f"graph: {len(nodes) or tensor.creator.depth} boxes or more cannot be read; "
                         f"draw a smaller expression, of at most {MOST_NODES}")
    nodes = list(nodes.values())
    layers = _layers(nodes)
    _place(layers)
    return _draw_graph(nodes, layers, result)


KINDS = {           # of node: what the legend calls it, its box, its looks
    "wanted": ("wants a gradient", "square,pad=.4", {"fc": "#fdf0d5", "ec": BLACK, "lw": 2}),
    "constant": ("constant", "square,pad=.4", {"fc": "white", "ec": GREY, "ls": "--"}),
    "operation": ("operation", "round,pad=.4,rounding_size=.6", {"fc": "#dcebf5", "ec": BLUE}),
}


@dataclass(eq=False)
class _Node:
    """One box of a graph, or a bend (no label) in the arrows that pass a layer."""

    label: str = ""
    kind: str = "bend"                              # one of KINDS, or "bend"
    layer: int = 0
    x: float = 0.0
    inputs: list = field(default_factory=list)      # the nodes above that it uses, in order
    bends: list = field(default_factory=list)       # of its arrows, one in each layer they pass
    linked: list = field(default_factory=list)      # (node or bend one layer away, where arrows meet it)


def _node(x, names, nodes):
    """Return the node of a Tensor or constant, added to `nodes` after everything it was computed from."""
    is_tensor = isinstance(x, Tensor)
    if is_tensor and id(x) in nodes:
        return nodes[id(x)]
    data = x.numpy() if is_tensor else to_numpy(x)
    value = f"{data.item():.4g}" if data.size == 1 else str(data.shape)
    name, creator = names.get(id(x), ""), x.creator if is_tensor else None
    if creator is None:
        kind = "wanted" if is_tensor and x.requires_grad else "constant"
        node = _Node(f"{name or ('leaf' if kind == 'wanted' else kind)}\n{value}", kind)
    elif creator.inputs is None:
        raise InputError(f"graph: the tape was freed at {creator}; draw the graph before backward")
    else:
        above = [_node(i, names, nodes) for i in creator.inputs]
        label = f"{name} = {creator}" if name else f"{creator}"
        node = _Node(f"{label}\n{value}", "operation", creator.depth, inputs=above)
    nodes[id(x) if is_tensor else (len(nodes), "constant")] = node
    return node


def _layers(nodes):
    """Return the nodes layer by layer, with a bend in every layer that a node's arrows pass."""
    users = {node: [user for user in nodes if node in user.inputs] for node in nodes}
    for node in nodes:
        if not node.inputs:                         # an input stands just above what uses it first
            node.layer = min(user.layer for user in users[node]) - 1
    layers = [[] for _ in range(max(node.layer for node in nodes) + 1)]
    for node in nodes:
        layers[node.layer].append(node)
    for node in nodes:
        last = max((user.layer for user in users[node]), default=node.layer)
        node.bends = [_Node(layer=layer) for layer in range(node.layer + 1, last)]
        stations = [node, *node.bends]
        links = [(upper, lower, 0) for upper, lower in itertools.pairwise(stations)]
        links += [(stations[user.layer - node.layer - 1], user, at) for user in users[node]
                  for above, at in zip(user.inputs, _landings(user)) if above is node]
        for upper, lower, at in links:
            upper.linked.append((lower, at))
            lower.linked.append((upper, 0))
        for bend in node.bends:
            layers[bend.layer].append(bend)
    return layers


def _place(layers):
    """Give every node its x: near those it is linked to, and far enough from its neighbours.

    Nodes of a layer are ordered by the mean position of those they are linked to, as in K. Sugiyama,
    S. Tagawa, M. Toda, "Methods for visual understanding of hierarchical system structures", 1981.
    """
    for layer in layers:
        for position, node in enumerate(layer):
            node.x = position - (len(layer) - 1) / 2
    for sweep in range(24):
        for layer in layers[:: 1 if sweep % 2 else -1]:
            wish = {node: np.mean([other.x + at for other, at in node.linked]) for node in layer}
            layer.sort(key=wish.get)
            x = [wish[node] for node in layer]
            for i, (left, right) in enumerate(itertools.pairwise(layer)):
                x[i + 1] = max(x[i + 1], x[i] + (1 if left.label and right.label else 0.6))
            shift = np.mean([wish[node] - at for node, at in zip(layer, x)])
            for node, at in zip(layer, x):
                node.x = at + shift


def _draw_graph(nodes, layers, result):
    """Return the figure of placed nodes."""
    columns = [node.x for layer in layers for node in layer]
    left, right = min(columns) - 0.6, max(columns) + 0.6
    size = max(1.4 * (right - left), 3.6), 0.8 * len(layers) + 0.4              # inches
    figure = Figure(figsize=size, dpi=120)
    axes = figure.add_axes([0, 0, 1, 1], xlim=(left, right), ylim=(len(layers) - 0.4, -0.9))
    axes.set_axis_off()
    for node in nodes:
        _, box, look = KINDS[node.kind]
        frame = {"boxstyle": box} | look | ({"lw": 3} if node is result else {})
        text = "\n".join(fit_text(line, 90, 9) for line in node.label.split("\n"))
        axes.text(node.x, node.layer, text, ha="center", va="center", bbox=frame, **text_font(9))
        for above, at in zip(node.inputs, _landings(node)):
            axes.add_patch(_arrow(above, node, node.x + at))
    present = [KINDS[kind] for kind in KINDS if any(node.kind == kind for node in nodes)]
    axes.legend([Patch(**look) for _, _, look in present], [words for words, _, _ in present],
                loc="upper center", ncols=3, frameon=False, fontsize=8)
    return figure


def _landings(node):
    """Return where on a node's top its arrows end, from its middle: operands from left to right."""
    return 0.16 * (np.arange(len(node.inputs)) - (len(node.inputs) - 1) / 2)


def _arrow(above, node, landing):
    """Return the arrow from under one node, through its bends, to a point on top of another."""
    half = 0.26                                                                 # of a box's height, in layers
    bends = above.bends[:node.layer - above.layer - 1]
    stops = [(above.x, above.layer + half), *((b.x, b.layer) for b in bends), (landing, node.layer - half)]
    points, codes = [stops[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in itertools.pairwise(stops):
        points += [(x0, (y0 + y1) / 2), (x1, (y0 + y1) / 2), (x1, y1)]          # upright at both ends
        codes += [Path.CURVE4] * 3
    return FancyArrowPatch(path=Path(points, codes), arrowstyle="-|>", mutation_scale=9, color=GREY)
