"""Rooms, sofas, gardens, and what stands in front. The pen spans the picture: x and y from 0 to 1."""
import numpy as np

from .pen import shade, vary

# Orange and grey are common in this household, so colour alone does not tell which cat is there.
COLOURS = ((214, 130, 60), (196, 104, 48), (226, 164, 96), (128, 128, 134), (96, 98, 106), (168, 168, 172),
           (228, 214, 186), (96, 136, 130), (120, 90, 66), (88, 112, 152), (150, 84, 84), (112, 132, 84))
WOOD = (112, 80, 52)
CREAM = (240, 236, 226)


def home_colour(rng):
    """A colour of the household."""
    return vary(COLOURS[rng.integers(len(COLOURS))], rng, 20)


def pick(rng, choices):
    """One of several things."""
    return choices[rng.integers(len(choices))]


def draw_scene(pen, rng):
    """A place for an animal."""
    pick(rng, (draw_room, draw_room, draw_couch, draw_garden, draw_blanket))(pen, rng)


def draw_room(pen, rng, furniture=1):
    """A wall with something on it, a floor, and pieces of furniture."""
    horizon = rng.uniform(0.55, 0.75)
    draw_pattern(pen, rng, home_colour(rng), horizon)
    draw_floor(pen, rng, horizon)
    on_wall = pen.at(pick(rng, (0.2, 0.5, 0.8)), rng.uniform(0.18, 0.3), 0.16)
    pick(rng, (draw_window, draw_frame, draw_books))(on_wall, rng)
    for k in sorted(rng.permutation(4)[:furniture]):    # from the wall to the front
        (draw_cabinet, draw_lamp, draw_sofa, draw_rug)[k](pen, rng)


def draw_couch(pen, rng):
    """A sofa so near that it fills the picture."""
    colour = home_colour(rng)
    draw_pattern(pen, rng, colour, 0.68)
    pen.box(0, 0.68, 1, 1, shade(colour, 0.7))
    pen.box(0, 0.7, 1, 1, shade(colour, 1.1))
    for x in rng.choice((0.1, 0.35, 0.65, 0.9), 2, replace=False):
        draw_cushion(pen.at(x, 0.55, 0.17, 0.16, rng.uniform(-0.4, 0.4)), rng)


def draw_garden(pen, rng):
    """Sky, bushes, sometimes a fence, grass and flowers."""
    horizon = rng.uniform(0.3, 0.5)
    pen.box(0, 0, 1, horizon, vary((158, 200, 226), rng))
    for x in np.arange(0, 1.1, 0.2) + rng.uniform(-0.05, 0.05, 6):
        bush = pen.at(x, horizon, 0.16, rng.uniform(0.1, 0.25))
        bush.tufts(vary((84, 122, 70), rng), 0.12, rng)
    if rng.random() < 0.5:
        colour = home_colour(rng)
        for x in np.arange(0.015, 1, 0.1):
            pen.box(x, horizon - 0.16, x + 0.07, horizon + 0.06, colour)
    grass = vary((112, 144, 78), rng, 25)
    pen.box(0, horizon, 1, 1, grass)
    roots, blades = rng.uniform((0, horizon), (1, 1.05), (260, 2)), rng.uniform(-1, 1, (260, 2))
    pen.strokes(roots, (0, -0.05) + (0.015, 0.02) * blades, [shade(grass, tone) for tone in (0.75, 1.2, 0.9)])
    for x, y in rng.uniform((0, horizon), (1, 1), (10, 2)):
        pen.at(x, y, 0.014).disc(home_colour(rng))


def draw_blanket(pen, rng):
    """A cloth seen from above."""
    cloth = pen.at(0.5, 0.5, 1.5, 1.5, rng.uniform(-0.8, 0.8)).at(-0.5, -0.5)
    colour = home_colour(rng)
    draw_pattern(cloth, rng, colour, 1.0)
    if rng.random() < 0.4:
        draw_shag(pen.at(0.5, 0.5, 0.5, 0.5), rng, colour, 260)


def draw_pattern(pen, rng, colour, bottom):
    """Wallpaper or cloth down to `bottom`: plain, stripes down or across, checks, dots or leaves."""
    other = shade(colour, pick(rng, (0.6, 0.75, 1.25))) if rng.random() < 0.7 else home_colour(rng)
    step = rng.uniform(0.07, 0.14)
    kind = pick(rng, ("plain", "down", "across", "checks", "dots", "leaves"))
    pen.box(0, 0, 1, bottom, colour)
    for x in np.arange(0, 1, step):
        if kind in ("down", "checks"):
            pen.box(x, 0, x + 0.4 * step, bottom, other)
        for y in np.arange(0, bottom - 0.5 * step, step):
            if kind == "dots":
                pen.at(x + step / 2, y + step / 2, step / 4).disc(other)
            elif kind == "leaves":
                leaf = pen.at(x + step / 2, y + step / 2, step / 3)
                leaf.ribbon([(-1, 1), (0.3, 0.3), (1, -1)], (0.0, 0.5, 0.0), other)
    for y in np.arange(0, bottom - 0.4 * step, step):
        if kind in ("across", "checks"):
            pen.box(0, y, 1, y + 0.4 * step, other)


def draw_floor(pen, rng, top):
    """Plain, planks, or a shaggy carpet."""
    colour = home_colour(rng)
    kind = pick(rng, ("plain", "planks", "carpet"))
    pen.box(0, top, 1, 1, colour)
    if kind == "planks":
        for y in np.linspace(top, 1, 7):
            pen.box(0, y, 1, y + 0.006, shade(colour, 0.65))
    elif kind == "carpet":
        draw_shag(pen.at(0.5, (top + 1) / 2, 0.5, (1 - top) / 2), rng, colour, 200)


def draw_shag(pen, rng, colour, n):
    """n threads of a shaggy rug over the square -1 .. 1."""
    steps = rng.uniform((-0.06, 0.06), (0.06, 0.18), (n, 2))
    pen.strokes(rng.uniform(-1, 1, (n, 2)), steps, [shade(colour, tone) for tone in (0.7, 0.85, 1.2)])


def draw_window(pen, rng):
    """A window with a hill behind it."""
    pen.box(-1, -1, 1, 1, CREAM)
    pen.box(-0.88, -0.88, 0.88, 0.88, vary((150, 196, 222), rng))
    pen.at(0.2, 0.9, 0.6, 0.7).polygon([(-1, 0), (0, -1), (1, 0)], (104, 140, 96))
    pen.box(-0.06, -0.9, 0.06, 0.9, CREAM)
    pen.box(-0.9, -0.06, 0.9, 0.06, CREAM)


def draw_frame(pen, rng):
    """A framed picture."""
    pen.box(-0.9, -0.7, 0.9, 0.7, WOOD)
    pen.box(-0.76, -0.56, 0.76, 0.56, home_colour(rng))
    pen.at(rng.uniform(-0.3, 0.3), 0, 0.3).disc(home_colour(rng))


def draw_books(pen, rng):
    """Books on a shelf."""
    edges = np.cumsum(rng.uniform(0.12, 0.25, 10)) - 1.1
    for left, right in zip(edges, edges[1:]):
        pen.box(left, 0.8 - rng.uniform(0.6, 1.0), right, 0.8, home_colour(rng))
    pen.box(-1.1, 0.8, 1.1, 0.92, WOOD)


def draw_sofa(pen, rng):
    """A sofa with a cushion."""
    colour = home_colour(rng)
    dark = shade(colour, 0.75)
    pen.box(0.04, 0.38, 0.96, 0.72, dark)
    pen.box(0.06, 0.40, 0.94, 0.72, colour)
    pen.box(0.05, 0.70, 0.95, 0.88, dark)
    pen.box(0.07, 0.70, 0.93, 0.84, shade(colour, 1.1))
    for x in (0.08, 0.92):
        arm = pen.at(x, 0.7, 0.09, 0.18)
        arm.disc(dark, 1.06)
        arm.disc(shade(colour, 1.06))
    draw_cushion(pen.at(rng.uniform(0.25, 0.75), 0.6, 0.13, 0.12, rng.uniform(-0.4, 0.4)), rng)


def draw_cushion(pen, rng):
    """A cushion, striped or shaggy."""
    colour = home_colour(rng)
    corners = np.array([(-1, -1), (0, -0.86), (1, -1), (0.86, 0), (1, 1), (0, 0.86), (-1, 1), (-0.86, 0)])
    pen.polygon(1.06 * corners, shade(colour, 0.5))
    pen.polygon(corners, colour)
    if rng.random() < 0.6:
        for x in np.linspace(-0.75, 0.55, 5):
            pen.box(x, -0.86, x + 0.18, 0.86, shade(colour, 0.6))
    else:
        draw_shag(pen.at(0, -0.1, 0.8, 0.75), rng, colour, 100)


def draw_cabinet(pen, rng):
    """A chest of three drawers."""
    colour, left = home_colour(rng), pick(rng, (0.0, 0.6))
    pen.box(left, 0.3, left + 0.4, 0.8, shade(colour, 0.7))
    for y in (0.33, 0.49, 0.65):
        pen.box(left + 0.02, y, left + 0.38, y + 0.13, colour)
        pen.at(left + 0.2, y + 0.065, 0.012).disc(shade(colour, 0.4))


def draw_lamp(pen, rng):
    """A standard lamp."""
    x = pick(rng, (0.12, 0.88))
    pen.box(x - 0.01, 0.3, x + 0.01, 0.85, WOOD)
    pen.at(x, 0.86, 0.07, 0.02).disc(WOOD)
    pen.polygon([(x - 0.06, 0.14), (x + 0.06, 0.14), (x + 0.11, 0.34), (x - 0.11, 0.34)], (250, 226, 160))


def draw_rug(pen, rng):
    """A round rug with a fringe."""
    colour = home_colour(rng)
    mat = pen.at(0.5, 0.86, 0.46, 0.13)
    mat.tufts(shade(colour, 0.7), 0.12, rng)
    mat.disc(colour)
    mat.disc(home_colour(rng), 0.8)
    mat.disc(home_colour(rng), 0.5)


def draw_occluder(pen, rng):
    """Something in front of the animal."""
    pick(rng, (draw_plant, draw_box, draw_cloth))(pen, rng)


def draw_plant(pen, rng):
    """The leaves of a plant at the left or right edge."""
    x, green = pick(rng, (0.05, 0.95)), vary((70, 120, 64), rng)
    for tip_x, tip_y, tone in rng.uniform((-0.4, 0.35, 0.75), (0.4, 0.8, 1.25), (9, 3)):
        pen.ribbon([(x, 1.0), (x, 0.7), (x + tip_x, tip_y)], (0.01, 0.035, 0.0), shade(green, tone))


def draw_box(pen, rng):
    """A cardboard box."""
    left, top = rng.uniform((0.05, 0.74), (0.3, 0.84))
    pen.box(left, top, left + 0.6, 1, (176, 132, 84))
    pen.box(left, top, left + 0.6, top + 0.03, (146, 106, 64))
    pen.box(left + 0.27, top, left + 0.33, 1, (206, 180, 130))


def draw_cloth(pen, rng):
    """A cloth of two tones, hanging in waves over the lower edge."""
    colour, middle = home_colour(rng), rng.uniform(0.76, 0.84)
    x = np.linspace(0, 1, 13)
    top = middle + 0.03 * np.sin(9 * x + rng.uniform(0, 6))
    for k in range(12):
        fold = shade(colour, 0.75 if k % 2 else 1.0)
        pen.polygon([(x[k], top[k]), (x[k + 1], top[k + 1]), (x[k + 1], 1), (x[k], 1)], fold)
