"""Cats and dogs in five poses. Each part is drawn in its own coordinates: its outline is the unit circle."""
from dataclasses import dataclass

import numpy as np

from .pen import bernstein, scattered, shade

BLACK = (32, 28, 30)
PINK = (216, 140, 140)


@dataclass(frozen=True)
class Coat:
    """How an animal looks: three colours (r, g, b), the kind of its marks, and how long its hair is."""

    base: tuple
    light: tuple                    # chest, muzzle and paws
    dark: tuple                     # marks, and a dog's ears
    marks: str = "plain"            # or "stripes", "patches", "points"
    hair: float = 0.0               # as a fraction of the part it grows on
    eyes: tuple = (196, 190, 80)


@dataclass(frozen=True)
class Pose:
    """Where the parts of an animal are, seen with its head to the left: y runs down to the feet near 1."""

    body: tuple                     # ellipses (x, y, rx, ry)
    legs: tuple                     # paths from the body to the paw
    tail: tuple                     # a path
    head: tuple                     # (x, y, radius)
    asleep: bool = False            # eyes shut, tail around the front


POSES = {
    "sitting": Pose(
        body=((0.06, 0.54, 0.56, 0.44), (0, 0.14, 0.40, 0.56)),
        legs=(((-0.18, 0.42), (-0.19, 0.92)), ((0.18, 0.42), (0.19, 0.92))),
        tail=((0.35, 0.85), (1.05, 1.0), (1.05, 0.5), (0.8, 0.2)),
        head=(0, -0.52, 0.46),
    ),
    "lying": Pose(
        body=((0.1, 0.55, 0.85, 0.38), (0.58, 0.58, 0.42, 0.40), (-0.45, 0.5, 0.4, 0.42)),
        legs=(((-0.4, 0.8), (-0.95, 0.86)), ((-0.2, 0.88), (-0.7, 0.93))),
        tail=((0.85, 0.8), (1.3, 1.0), (1.35, 0.6), (1.15, 0.35)),
        head=(-0.62, 0.05, 0.44),
    ),
    "walking": Pose(
        body=((0.05, 0.15, 0.72, 0.34), (0.52, 0.16, 0.38, 0.38), (-0.45, 0.15, 0.38, 0.38)),
        legs=(((-0.55, 0.3), (-0.75, 0.93)), ((-0.35, 0.3), (-0.3, 0.93)),
              ((0.5, 0.3), (0.4, 0.93)), ((0.68, 0.3), (0.78, 0.93))),
        tail=((0.8, 0.1), (1.2, 0.0), (1.0, -0.5), (1.25, -0.75)),
        head=(-0.78, -0.25, 0.44),
    ),
    "curled": Pose(
        body=((0.05, 0.5, 0.85, 0.50),),
        legs=(),
        tail=((0.85, 0.6), (0.6, 1.05), (0.0, 1.08), (-0.3, 0.9)),
        head=(-0.5, 0.5, 0.44),
        asleep=True,
    ),
    "close-up": Pose(
        body=((0, 1.35, 1.0, 0.75),),
        legs=(),
        tail=((0.7, 1.5), (1.2, 1.4), (1.3, 0.9), (1.2, 0.5)),
        head=(0, 0.1, 0.86),
    ),
}


def draw_animal(pen, kind, coat, pose, rng):
    """Draw a "cat" or a "dog" in a pose; feet at y = 1, about two units tall."""
    if not pose.asleep:
        draw_tail(pen, pose.tail, coat)
    parts = [pen.at(*ellipse) for ellipse in pose.body]
    for part in parts:                          # first every outline, so that none runs across the body
        draw_outline(part, coat, rng)
    for part, (x, y, rx, ry) in zip(parts, pose.body):
        draw_coat(part, coat, rng)
        draw_marks(part, coat, rng, upright=ry > rx)
    if pose is POSES["sitting"]:
        pen.at(0, 0.12, 0.2, 0.36).tufts(coat.light, 0.15 + coat.hair, rng)
    for path in pose.legs:
        draw_leg(pen, path, coat)
    if pose.asleep:
        draw_tail(pen, pose.tail, coat)
    x, y, radius = pose.head
    head = pen.at(x, y, radius * rng.uniform(0.94, 1.08), radius, rng.uniform(-0.2, 0.2))
    if kind == "cat":
        draw_cat_head(head, coat, rng, pose.asleep)
    else:
        draw_dog_head(head, coat, rng)


def draw_outline(part, coat, rng):
    """The dark rim of a part, to be covered by its coat."""
    part.tufts(shade(coat.base, 0.55), coat.hair, rng, 1.05)


def draw_coat(part, coat, rng):
    """A part in its colour: layers of tufts where the hair is long, and single hairs all over."""
    part.tufts(coat.base, coat.hair, rng)
    if coat.hair:
        for radius, tone in ((0.86, 1.08), (0.66, 0.96), (0.46, 1.1)):
            part.tufts(shade(coat.base, tone), coat.hair, rng, radius)
    n, length = (110, 0.3) if coat.hair else (60, 0.12)
    roots = 0.92 * scattered(rng, n)
    steps = (0.5 * roots + (0, 0.8)) * rng.uniform(0.5 * length, length, (n, 1))
    part.strokes(roots, steps, [shade(coat.base, tone) for tone in (0.8, 1.16, 0.88)])


def draw_marks(part, coat, rng, upright):
    """The marks on a part of the body."""
    if coat.marks == "stripes":
        draw_stripes(part, coat.dark, rng, upright)
    elif coat.marks == "patches":
        for colour, (x, y) in zip((coat.dark, BLACK, coat.dark), 0.6 * scattered(rng, 3)):
            part.at(x, y, *rng.uniform(0.25, 0.4, 2)).tufts(colour, 0.12, rng)


def draw_stripes(part, colour, rng, upright):
    """Tapering stripes from the edge of a part: from its back, or from both sides if it is upright."""
    for u in np.linspace(-0.84, 0.84, 8) + rng.uniform(-0.04, 0.04, 8):
        edge, bend = np.sqrt(1 - u * u), rng.uniform(-0.12, 0.12)
        widths = (rng.uniform(0.05, 0.08), 0.05, 0.0)
        if upright:
            for x in (-edge, edge):
                part.ribbon([(x, u), (0.6 * x, u + 0.1), (0.25 * x, u + bend)], widths, colour)
        else:
            tip = (u - bend, rng.uniform(0.2, 0.6) * edge)
            part.ribbon([(u, -edge), (u + bend, -0.2), tip], widths, colour)


def draw_leg(pen, path, coat):
    """A leg and its paw, with rings if the coat is striped."""
    ragged = 2 * coat.hair
    pen.ribbon(path, (0.16, 0.13, 0.13), shade(coat.base, 0.6), ragged)
    pen.ribbon(path, (0.14, 0.11, 0.11), shade(coat.base, 1.04), ragged)
    if coat.marks == "stripes":
        draw_rings(pen, path, (9, 13, 17), 0.1, coat.dark)
    paw = pen.at(*path[-1], 0.17, 0.1)
    colour = coat.dark if coat.marks == "points" else coat.light
    paw.disc(shade(coat.base, 0.55), 1.14)
    paw.disc(colour)
    paw.strokes(np.array([(-0.35, 0.2), (0.25, 0.2)]), np.array([(0, 0.6)]), [shade(colour, 0.6)])


def draw_tail(pen, path, coat):
    """A tail: a thick plume where the hair is long, else thin, with rings if the coat is striped."""
    colour = coat.dark if coat.marks == "points" else coat.base
    widths = np.array((0.1, 0.22, 0.24, 0.04) if coat.hair else (0.12, 0.11, 0.08))
    pen.ribbon(path, widths, shade(coat.base, 0.55), coat.hair)
    pen.ribbon(path, widths - 0.02, colour, coat.hair)
    if coat.marks == "stripes":
        draw_rings(pen, path, range(4, 24, 4), 0.09, coat.dark)


def draw_rings(pen, path, places, width, colour):
    """Short dark bands across a tail or leg, at these of the points of its curve."""
    points = bernstein(len(path)) @ path
    for k in places:
        pen.ribbon(points[[k - 1, k]], (width, width), colour)


def draw_cat_head(head, coat, rng, asleep):
    """A cat's head: pointed ears, marks, muzzle, whiskers and slit eyes."""
    ear = coat.dark if coat.marks in ("points", "patches") else coat.base
    for side in (-1, 1):
        head.polygon([(side * 0.95, 0.0), (side * 0.86, -1.22), (side * 0.10, -0.8)], shade(coat.base, 0.55))
        head.polygon([(side * 0.89, -0.1), (side * 0.82, -1.12), (side * 0.17, -0.75)], ear)
        head.polygon([(side * 0.80, -0.35), (side * 0.76, -0.94), (side * 0.38, -0.68)], PINK)
    skull = head.at(0, 0, 1, 0.86)
    draw_outline(skull, coat, rng)
    draw_coat(skull, coat, rng)
    face = head.at(rng.uniform(-0.12, 0.12), 0.02)      # moved to one side, the head looks turned
    draw_face_marks(face, coat, rng)
    draw_cat_muzzle(face, coat)
    for side in (-1, 1):
        eye = face.at(side * 0.42, -0.1, 0.23, 0.20, side * -0.2)
        if asleep:
            eye.ribbon([(-0.9, 0), (0, 0.9), (0.9, 0)], (0.1, 0.22, 0.1), BLACK)
        else:
            draw_cat_eye(eye, coat.eyes)


def draw_face_marks(face, coat, rng):
    """The marks on a cat's face; a tabby wears an M on its forehead."""
    if coat.marks == "stripes":
        for x in (-0.3, 0, 0.3):
            face.ribbon([(x, -0.8 + abs(x) * 0.3), (0.8 * x, -0.36)], (0.07, 0.06, 0.0), coat.dark)
        for side in (-1, 1):
            for y in (0.06, 0.3):
                face.ribbon([(side * 0.86, y), (side * 0.5, y + 0.08)], (0.06, 0.04, 0.0), coat.dark)
    elif coat.marks == "patches":
        face.at(-0.45, -0.3, 0.4, 0.38).tufts(coat.dark, 0.08, rng)
        face.at(0.5, -0.35, 0.3, 0.32).tufts(BLACK, 0.08, rng)
    elif coat.marks == "points":
        face.at(0, 0.12, 0.6, 0.58).tufts(coat.dark, 0.1, rng)


def draw_cat_muzzle(face, coat):
    """Cheeks, chin, nose, mouth and whiskers."""
    light = shade(coat.dark, 1.2) if coat.marks == "points" else coat.light
    face.at(0, 0.56, 0.2, 0.14).disc(light)
    for side in (-1, 1):
        face.at(side * 0.19, 0.38, 0.28, 0.2).disc(light)
    for side in (-1, 1):
        face.ribbon([(0, 0.32), (side * 0.05, 0.54), (side * 0.28, 0.47)], (0.025, 0.02), BLACK)
        tips = np.array([(side * 0.85, -0.12), (side * 0.9, 0.04), (side * 0.8, 0.2)])
        face.strokes(np.array([(side * 0.3, 0.38)]), tips, [(246, 246, 242)])
    face.polygon([(-0.12, 0.18), (0.12, 0.18), (0, 0.34)], shade(PINK, 0.85))


def draw_cat_eye(eye, colour):
    """An eye with a slit pupil and a glint."""
    eye.disc(BLACK, 1.14)
    eye.disc(colour)
    eye.at(0, 0.05, 0.36, 0.9).disc(BLACK)
    eye.at(0.25, -0.35, 0.22).disc((255, 255, 255))
    eye.ribbon([(-1.1, -0.2), (0, -1.5), (1.1, -0.2)], (0.1, 0.22, 0.1), BLACK)


def draw_dog_head(head, coat, rng):
    """A dog's head: hanging ears, a long muzzle, a big nose, and often a tongue."""
    edge = shade(coat.base, 0.55)
    skull = head.at(0, -0.1, 0.78, 0.85)
    draw_outline(skull, coat, rng)
    draw_coat(skull, coat, rng)
    for side in (-1, 1):
        ear = [(side * 0.45, -0.75), (side * 1.1, -0.75), (side * 1.05, 0.1), (side * 0.85, 0.55)]
        head.ribbon(ear, (0.12, 0.26, 0.3, 0.12), edge, coat.hair)
        head.ribbon(ear, (0.08, 0.22, 0.26, 0.08), coat.dark, coat.hair)
    face = head.at(rng.uniform(-0.12, 0.12), 0)
    snout = face.at(0, 0.42, 0.52, 0.46)
    snout.disc(edge, 1.06)
    snout.disc(coat.light)
    if rng.random() < 0.6:
        tongue = face.at(0, 0.8, 0.17, 0.3)
        tongue.disc((150, 60, 70), 1.1)
        tongue.disc((226, 112, 122))
    for side in (-1, 1):
        face.ribbon([(0, 0.35), (side * 0.02, 0.68), (side * 0.4, 0.6)], (0.03, 0.03), BLACK)
        eye = face.at(side * 0.33, -0.17, 0.14)
        eye.disc(BLACK, 1.1)
        eye.at(0.3, -0.35, 0.3).disc((255, 255, 255))
    face.at(0, 0.2, 0.24, 0.17).disc(BLACK)
    face.at(-0.05, 0.14, 0.08, 0.04).disc((140, 140, 145))
