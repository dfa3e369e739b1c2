"""Phantom chest X-rays, to learn on without a patient; a phantom is what radiologists call a body made for testing.

Used in lesson 17. Never for medical use.
"""
from .drawing.anatomy import draw_chest, expose
from .drawn import Drawn


class PhantomXRays(Drawn):
    """Phantom chest X-rays of two classes, with lungs that are clear ("normal") or hold an opacity ("opacity").

    The patient's size, pose and breath and the exposure vary. An opacity is water where air should be: a lobe, patches, or
    a haze over both lungs; from plain to see to hardly there. Pictures are uint8 (28, 28, 3), grey: three equal channels.
    As on real X-rays of that size, a linear classifier does no better on ImageNet's features than on pixels, and not much
    worse on random ones. For parameters and attributes see `Drawn`.
    """

    name = "phantom-xrays"
    version = 1
    classes = ("normal", "opacity")

    def _draw(self, label, number, rng):
        return expose(draw_chest(rng, sick=self._drawn[label] == "opacity"), rng)
