"""Which distortions there are, by name, and several in a row. Taught in lesson 14."""
from dataclasses import dataclass

from ..errors import InputError
from .colour import ColourShift, Light, PCAColour
from .geometry import Crop, Mirror, Rotate, Shear, Warp

AUGMENTS = {"mirror": Mirror, "crop": Crop, "rotate": Rotate, "shear": Shear, "warp": Warp, "light": Light,
            "colour": ColourShift, "pca": PCAColour}


@dataclass(frozen=True)
class Compose:
    """One distortion after the other.

    Attributes
    ----------
    augments : tuple of callable
        In their order.
    """

    augments: tuple

    def __post_init__(self):
        object.__setattr__(self, "augments", tuple(self.augments))

    def __call__(self, image, rng):
        """Return a distorted copy."""
        for augment in self.augments:
            image = augment(image, rng)
        return image


def augment_names(names):
    """Return the names in a text, checked.

    Parameters
    ----------
    names : str
        Such as "mirror,crop".

    Returns
    -------
    chosen : list of str

    Raises
    ------
    InputError
        If there is no such name, or one comes twice.
    """
    chosen = [name.strip() for name in names.split(",")]
    for name in chosen:
        if name not in AUGMENTS:
            raise InputError(f"augment is {name!r}; choose from {', '.join(AUGMENTS)}, with commas between several")
        if chosen.count(name) > 1:
            raise InputError(f"augment {names!r} has {name} {chosen.count(name)} times; name each once")
    return chosen


def named_augment(names, images=None):
    """Return distortions by their names, each with its default settings.

    Parameters
    ----------
    names : str
        Such as "mirror,crop", from `AUGMENTS`; they follow each other in this order.
    images : iterable of ndarray, uint8 (H, W, 3), optional
        The training images, read for "pca" alone, which measures its axes on them.

    Returns
    -------
    augment : Compose

    Raises
    ------
    InputError
        If there is no such name, one comes twice, or "pca" has no images.
    """
    chosen = augment_names(names)
    if "pca" in chosen and images is None:
        raise InputError("augment 'pca' is measured on the training images; pass them as images=, or use PCAColour(axes)")
    return Compose(tuple(PCAColour.measure(images) if name == "pca" else AUGMENTS[name]() for name in chosen))
