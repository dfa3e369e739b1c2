"""A page that says what answers rest on: where the network looked, and which training photos are most like these."""
from html import escape

import numpy as np

from .. import plots
from ..files import atomic_write
from .parts import bar, page, photo, table


def write_explanation(path, name, classes, explained, missing=""):
    """Write the page.

    Parameters
    ----------
    path : str or Path
        Of the file; it is complete or absent.
    name : str
        Of the run.
    classes : list of str
    explained : iterable of Explanation
        One section each.
    missing : str
        Why there are no neighbours, if there are none.
    """
    body = (f'<header><p class="kind">what the answers rest on</p><h1>{escape(name)}</h1></header><main>'
            "<p>Bright colours lie where the network saw what speaks for its answer (Grad-CAM). Beside it are the training photos "
            "that it finds most alike; 0 is the same, 1 has nothing in common.</p>"
            "<p>Look for two things. Does the heat lie on the animal, or on the sofa? Are the neighbours alike in what you mean by "
            "the class, or only in where they were taken? If it is the sofa, add photos of each class in other places. Heat on the "
            "right thing is no proof that the answer is right.</p>"
            + (f"<p><strong>{escape(missing)}</strong></p>" if missing else ""))
    for answer in explained:
        body += f"<section><h2>{escape(answer.title)}</h2>{_section(answer, classes)}</section>"
    with atomic_write(path) as file:
        file.write(page(f"{name} – explained", body + "</main>"))


def _section(answer, classes):
    asked = escape(classes[answer.label])
    tiles = [_tile(answer.seen, answer.title, "what the network sees"),
             _tile(plots.overlay(answer.seen, answer.heat), f"what speaks for {classes[answer.label]}",
                   f"what speaks for <strong>{asked}</strong>")]
    order = np.argsort(-answer.probabilities, kind="stable").tolist()
    rows = [(classes[k], f"{answer.probabilities[k]:.1%}", bar(float(answer.probabilities[k]))) for k in order[:10]]
    doubts = "" if answer.heat.any() else f"<p>Nothing in this photo speaks for {asked}.</p>"
    if not answer.known:
        doubts += ("<p><strong>It is unlike all training photos</strong>: farther from the third nearest of them than 95% of photos "
                   "like them are. It may be none of these classes.</p>")
    near = "".join(_tile(image, f"a training photo of {name}", f"<strong>{escape(name)}</strong><br>distance {distance:.2f}")
                   for image, name, distance in answer.neighbours)
    return (f'<div class="tiles">{"".join(tiles)}</div>{doubts}{table(["class", "probability", ""], rows)}'
            + (f'<h3>The training photos most like it</h3><div class="tiles six">{near}</div>' if near else ""))


def _tile(image, description, caption):
    return f"<figure>{photo(image, description)}<figcaption>{caption}</figcaption></figure>"
