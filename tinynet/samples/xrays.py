"""Phantom chest X-rays: bodies that never were, made of ellipsoids, to learn on without a patient. Used in lesson 17.

A phantom is what a radiologist calls a body made for testing. An X-ray picture shows, for each ray, how much it met on
its way: thicknesses add up (the Beer-Lambert law, after the logarithm that every digital detector takes). So bodies are
added, air is subtracted, and nothing ever hides what lies behind it. Never for medical use.
"""
import numpy as np

from .drawn import Drawn

SIZE = 28           # pixels, width and height: as in PneumoniaMNIST, the real X-rays of lesson 17
FINE = 4            # each pixel is the mean of FINE x FINE rays


class PhantomXRays(Drawn):
    """Phantom chest X-rays of two classes, with lungs that are clear ("normal") or hold an opacity ("opacity").

    The patient's size, pose and breath and the exposure vary. An opacity is water where air should be: a lobe, patches, or
    a haze over both lungs; from plain to see to hardly there. Pictures are uint8 (28, 28, 3), grey: three equal channels.
    Made for one purpose: linear classifiers on pixels, on random features and on ImageNet's do about as well on them, with
    few and with many, as on real X-rays. For parameters and attributes see `Drawn`.
    """

    name = "phantom-xrays"
    version = 1
    classes = ("normal", "opacity")

    def draw(self, label, number, rng):
        """Draw the `number`-th picture of class `label`: uint8 (28, 28, 3)."""
        dense = body(rng, sick=self.classes[label] == "opacity")                # (SIZE * FINE, SIZE * FINE)
        dense = dense.reshape(SIZE, FINE, SIZE, FINE).mean(axis=(1, 3))
        return expose(dense, rng)


def body(rng, sick):
    """What the rays of a picture meet, about 0 .. 1."""
    x, y = rays(rng)
    build = rng.uniform(0.9, 1.15)                      # narrow or broad
    breath = rng.uniform(0.8, 1.05)                     # how far the lungs are filled
    shoulders = 1 / (1 + np.exp((0.55 * np.abs(x) - 0.95 - y) / 0.06))
    trunk = 0.72 * shoulders * np.clip(1.25 - (x / (1.05 * build)) ** 4, 0, 1)
    floor = 0.62 * breath + 0.12 * (np.abs(x) - 0.45) ** 2 + np.where(x < 0, -0.05, 0.02)       # the diaphragm
    above = 1 / (1 + np.exp((y - floor) / 0.04))
    air = above * sum(ellipsoid(x, y, side * 0.44 * build, 0.08, 0.36 * build, 0.88 * breath, side * -0.14) for side in (-1, 1))
    heart = ellipsoid(x, y, 0.13, 0.3, rng.uniform(0.3, 0.42) * build, 0.36, 0.5)
    spine = np.exp(-(x / 0.2) ** 2) * (0.9 + 0.1 * np.cos(40 * y))
    ribs = np.clip(np.cos(2 * np.pi * (3.6 * y + 2.2 * (np.abs(x) - 0.1) ** 2 + rng.random())), 0, 1) * (np.abs(x) < 0.92 * build)
    collar = np.exp(-((y + 0.72 - 0.18 * np.abs(x)) / 0.05) ** 2) * (np.abs(x) < 0.75)
    vessels = sum(np.exp(-((x - side * 0.26) ** 2 + (y - 0.02) ** 2) / 0.03) for side in (-1, 1)) * rng.uniform(0.3, 1)
    water = opacity(x, y, rng) if sick else 0
    return trunk - 0.4 * air * (1 - water) + 0.2 * heart + 0.13 * spine + 0.07 * ribs + 0.08 * collar + 0.07 * vessels


def opacity(x, y, rng):
    """How much of the air is replaced by water, 0 .. 1, with soft edges."""
    side, amount = rng.choice((-1, 1)), rng.uniform(0.35, 1)
    kind = rng.choice(("lobe", "patches", "haze"), p=(0.3, 0.15, 0.55))
    if kind == "lobe":                                  # the lower or the upper part of one lung
        low = rng.uniform(-0.1, 0.3)
        edge = (y - low) * rng.choice((-1, 1), p=(0.3, 0.7))
        return amount * (np.sign(x) == side) / (1 + np.exp(-edge / 0.1))
    if kind == "patches":
        spots = np.stack([rng.choice((-1, 1), 5) * rng.uniform(0.25, 0.65, 5), rng.uniform(-0.4, 0.55, 5)])
        filled = sum(np.exp(-((x - a) ** 2 + (y - b) ** 2) / rng.uniform(0.01, 0.06)) for a, b in spots.T)
        return amount * np.clip(filled, 0, 1)
    return 0.8 * amount * (1 + 0.4 * y) * np.where(np.sign(x) == side, 1, rng.uniform(0.5, 1))


def rays(rng):
    """Where each ray passes a patient who lies not quite straight: x across and y down, about -1 .. 1."""
    across = (np.arange(SIZE * FINE) + 0.5) * 2 / (SIZE * FINE) - 1
    x, y = np.meshgrid(across, across)
    turn, scale, dx, dy = rng.normal(0, 0.04), rng.uniform(0.9, 1.1), rng.normal(0, 0.05), rng.normal(0, 0.05)
    return ((x * np.cos(turn) + y * np.sin(turn)) / scale - dx, (y * np.cos(turn) - x * np.sin(turn)) / scale - dy)


def ellipsoid(x, y, cx, cy, rx, ry, turn):
    """How thick an ellipsoid is along each ray, 0 .. 1."""
    x, y = x - cx, y - cy
    u, v = (x * np.cos(turn) + y * np.sin(turn)) / rx, (y * np.cos(turn) - x * np.sin(turn)) / ry
    return np.sqrt(np.clip(1 - u * u - v * v, 0, 1))


def expose(dense, rng):
    """The picture: brighter or darker, harder or softer, with grain; uint8 (SIZE, SIZE, 3)."""
    dense = np.clip(rng.uniform(0.8, 1.05) * dense + rng.normal(0, 0.06), 0, None) ** rng.uniform(0.85, 1.2)
    picture = 235 * dense + rng.normal(0, 3, dense.shape)
    return np.repeat(np.clip(picture, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
