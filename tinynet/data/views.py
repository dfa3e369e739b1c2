"""Several views of each image, always the same ones: test-time augmentation. Taught in lesson 13."""
import json
import re
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..errors import InputError
from ..files import sha256
from .dataset import reader


@dataclass(frozen=True)
class View:
    """One way to look at an image: a square of it, or all of it, perhaps mirrored.

    Parameters
    ----------
    mirror : bool
        Left becomes right.
    crop : float or None
        Side of a square that is cut out, as a share of the image's short side, in (0, 1]; None takes the whole image.
    x, y : float
        Where the square lies: 0 at the left (or top), 1 at the right (or bottom).

    Raises
    ------
    InputError
        If a number is out of range.
    """

    mirror: bool = False
    crop: float | None = None
    x: float = 0.5
    y: float = 0.5

    def __post_init__(self):
        if not (self.crop is None or 0 < self.crop <= 1) or not 0 <= self.x <= 1 or not 0 <= self.y <= 1:
            raise InputError(f"{self}: crop must be above 0 and up to 1, or None; x and y must be 0 .. 1")
        kinds = {"mirror": bool, "x": float, "y": float} | ({} if self.crop is None else {"crop": float})
        for name, kind in kinds.items():                            # so that 1 and 1.0 have one repr
            object.__setattr__(self, name, kind(getattr(self, name)))

    def __call__(self, image):
        """uint8 (H, W, 3) -> uint8 (h, w, 3)"""
        if self.crop is not None:
            height, width = image.shape[:2]
            side = max(1, round(self.crop * min(height, width)))
            top, left = round(self.y * (height - side)), round(self.x * (width - side))
            image = image[top:top + side, left:left + side]
        return np.ascontiguousarray(image[:, ::-1] if self.mirror else image)


PLACES = (0.5, 0.5), (0, 0), (1, 0), (0, 1), (1, 1)                 # the middle and the four corners
VIEWS = (View(), View(mirror=True))
TEN_VIEWS = tuple(View(mirror, 224 / 256, x, y) for mirror in (False, True) for x, y in PLACES)     # AlexNet's


class Views:
    """A dataset of V views of each image of another, image by image: number ``i * V + v`` is view v of the i-th.

    A view's key is the SHA-256 of the image's key and the view's description, so an activation cache keeps each view once;
    the plain image keeps its own key, and what is cached of it is found.

    Parameters
    ----------
    dataset : Dataset
    views : sequence of callable
        Each makes one image from another, uint8 (H, W, 3), always the same way, and its ``repr`` tells all that it does, as
        that of a `View` or any other frozen dataclass does.
    images : array_like of int, optional
        Which images, in which order; by default all.

    Raises
    ------
    InputError
        If there is no view, or one whose repr does not describe it.
    """

    def __init__(self, dataset, views=VIEWS, images=None):
        vague = [repr(view) for view in views if not callable(view) or re.search(r"\bat 0x", repr(view))]
        if vague or not views:
            raise InputError(f"Views: {vague[0] if vague else 'no view'}; give one or more, each a callable whose repr tells all "
                             "that it does, such as a View")
        self.dataset, self.views = dataset, list(views)
        self.images = np.arange(len(dataset)) if images is None else np.asarray(images)
        self.name, self.classes = dataset.name, dataset.classes
        self.labels = np.repeat(np.asarray(dataset.labels)[self.images], len(self.views))
        self.augmented = getattr(dataset, "augmented", False)

    def __len__(self):
        return len(self.labels)

    def image(self, i):
        """Return view i, uint8 (H, W, 3)."""
        image, view = self._find(i)
        return view(self.dataset.image(image))

    def reader(self, i):
        """Return a callable that makes view i in another process."""
        image, view = self._find(i)
        return partial(_seen, view, reader(self.dataset, image))

    def key(self, i):
        """Return the SHA-256 of the image's key and the view's description; the image's own key for the plain view."""
        image, view = self._find(i)
        key = self.dataset.key(image)
        return key if view == View() else sha256(json.dumps([key, repr(view)]).encode())

    def title(self, i):
        """Return the image's title and the number of the view, from 1."""
        return f"{self.dataset.title(self._find(i)[0])}, view {i % len(self.views) + 1}"

    def _find(self, i):
        """Return the number of the image in the dataset, and the view."""
        return int(self.images[i // len(self.views)]), self.views[i % len(self.views)]


def _seen(view, read):
    return view(read())
