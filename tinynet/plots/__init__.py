"""Figures for seeing what a network learns, where it fails and why. Used from lesson 01 on.

Every function returns a `Figure` of its own and touches no global state, so they work in notebooks, on
threads and without a screen. Nothing is told by colour alone: lines differ in style and marker too, and
shades grow steadily darker or lighter, so a grey print can be read.
"""
from .figure import BLACK, BLUE, GREEN, GREY, LINES, ORANGE, PURPLE, SKY, VERMILLION, Figure, png, small_jpeg
from .graph import MOST_NODES, graph
from .layers import layer_curve, learning_curves
from .maps import heat_map, overlay
from .pictures import MOST_TILES, activations, filters, mistakes, neighbours, pictures
from .search import search
from .training import confusion, contour_paths, curves

__all__ = [
    "BLACK", "BLUE", "GREEN", "GREY", "LINES", "MOST_NODES", "MOST_TILES", "ORANGE", "PURPLE", "SKY", "VERMILLION",
    "Figure", "activations", "confusion", "contour_paths", "curves", "filters", "graph", "heat_map", "layer_curve",
    "learning_curves", "mistakes", "neighbours", "overlay", "pictures", "png", "search", "small_jpeg",
]
