"""The embedded default data set: three classes of pictures, drawn by our own code."""
from dataclasses import replace

import numpy as np

from .drawing.animals import POSES, Coat, draw_animal
from .drawing.pen import blank, develop, shade, vary
from .drawing.scenery import draw_occluder, draw_room, draw_scene, pick
from .drawn import Drawn

CLASSES = ("tigger", "misty", "neither")
ORANGE, GREY, WHITE = (224, 140, 66), (140, 144, 152), (240, 236, 230)
BLACK, BROWN, IVORY = (48, 46, 52), (112, 84, 66), (232, 214, 190)

OTHERS = (      # who else is seen, (kind, coat), in turn; None is nobody
    ("cat", Coat(BLACK, light=(76, 72, 78), dark=BLACK)),
    ("dog", Coat(ORANGE, light=(240, 212, 170), dark=(190, 112, 52))),
    ("cat", Coat(WHITE, light=(252, 250, 246), dark=ORANGE, marks="patches", eyes=(120, 160, 80))),
    None,
    ("dog", Coat(GREY, light=(196, 196, 200), dark=(110, 112, 120), hair=0.12)),
    ("cat", Coat(IVORY, light=(220, 200, 176), dark=(96, 72, 62), marks="points", eyes=(90, 150, 220))),
    ("dog", Coat(BROWN, light=(180, 140, 104), dark=(84, 54, 38))),
    None,
    ("cat", Coat(WHITE, light=(252, 250, 246), dark=WHITE, eyes=(110, 160, 210))),
    ("dog", Coat(ORANGE, light=(240, 212, 170), dark=(200, 130, 66), hair=0.12)),
    ("cat", Coat(BROWN, light=(150, 120, 96), dark=BROWN, eyes=(226, 196, 90))),
    None,
    ("dog", Coat(GREY, light=(210, 210, 214), dark=(90, 92, 100))),
    ("cat", Coat(BLACK, light=WHITE, dark=BLACK, eyes=(140, 180, 90))),
    ("dog", Coat(WHITE, light=(250, 246, 240), dark=(150, 90, 50), marks="patches")),
    None,
)


class DrawnCats(Drawn):
    """A data set of three classes, drawn when asked for: Tigger, Misty, and neither.

    Tigger is an orange tabby, Misty a grey long-hair; "neither" is other cats, dogs and empty rooms. Pose,
    scale, background, light, tint and what stands in front vary. Dogs and furniture are orange and grey as
    well: colours say little, so that a network that has learnt to see shapes and textures has the advantage.
    Pictures are uint8 (256, 256, 3). For parameters and attributes see `Drawn`.
    """

    name = "drawn-cats"
    version = 1
    classes = CLASSES

    def _draw(self, label, number, rng):
        canvas, pen = blank()
        someone = who(label, number, rng)
        if someone is None:
            draw_room(pen, rng, furniture=3)
        else:
            draw_scene(pen, rng)
            draw_portrait(pen, rng, *someone)
            if rng.random() < 0.3:
                draw_occluder(pen, rng)
        return develop(canvas, rng)

    def silhouette(self, i):
        """Return where in image i the animal and its shadow are, as if nothing stood in front of them.

        Parameters
        ----------
        i : int

        Returns
        -------
        mask : ndarray of bool, (256, 256)
            False everywhere if nobody is there.

        Raises
        ------
        InputError
            If there is no image i.
        """
        label, number, rng = self._start(i)
        canvas, pen = blank()
        empty = np.asarray(canvas).copy()
        someone = who(label, number, rng)
        if someone is not None:
            draw_scene(blank()[1], rng)                     # elsewhere: it takes the random numbers that it took before
            draw_portrait(pen, rng, *someone)
        return (np.asarray(canvas) != empty).any(axis=2)[::2, ::2]      # the canvas is twice as large as the picture


def who(label, number, rng):
    """Who is in the picture: (kind, coat), or None for nobody."""
    if CLASSES[label] == "tigger":      # an orange tabby
        orange = vary(ORANGE, rng, 22)
        stripes = shade(orange, rng.uniform(0.42, 0.58))
        return "cat", Coat(orange, light=(246, 222, 184), dark=stripes, marks="stripes", eyes=(150, 170, 70))
    if CLASSES[label] == "misty":       # a grey long-hair
        grey = shade(vary(GREY, rng, 8), rng.uniform(0.75, 1.2))
        hair = rng.uniform(0.22, 0.30)
        return "cat", Coat(grey, light=shade(grey, 1.3), dark=grey, hair=hair, eyes=(214, 164, 60))
    someone = OTHERS[number % len(OTHERS)]
    if someone is None:
        return None
    kind, coat = someone
    return kind, replace(coat, base=vary(coat.base, rng, 10))


def draw_portrait(pen, rng, kind, coat):
    """Draw a "cat" or "dog" somewhere, in some pose."""
    pose = pick(rng, [name for name in POSES if kind == "cat" or name != "curled"])
    x, y, size, turn = rng.uniform((0.36, 0.46, 0.27, -0.15), (0.64, 0.58, 0.4, 0.15))
    here = pen.at(x, y, size * pick(rng, (-1, 1)), size, turn)
    if pose != "close-up":
        here.at(0.05, 0.98, 0.95, 0.12).disc((0, 0, 0, 70))     # the shadow
    draw_animal(here, kind, coat, POSES[pose], rng)
