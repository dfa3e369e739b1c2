"""One answer with all that it rests on: the heat map, and the training photos most like the one asked about."""
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data import ImageFolder
from ..errors import InputError
from ..samples import DrawnCats
from .explain import grad_cam, nearest


@dataclass(frozen=True)
class Explanation:
    """An answer and what it rests on.

    Attributes
    ----------
    title : str
        The photo's name.
    seen : ndarray, uint8 (H, W, 3)
        What the network saw of it.
    probabilities : ndarray, float32 (K,)
    known : bool
        False if the photo is unlike all training photos.
    label : int
        The class asked about.
    heat : ndarray, float32 (h, w)
        Where the network saw what speaks for that class, as `grad_cam` returns it.
    neighbours : list of (ndarray, str, float)
        The nearest training photos: pixels, class, distance. Empty if they are not at hand.
    """

    title: str
    seen: np.ndarray
    probabilities: np.ndarray
    known: bool
    label: int
    heat: np.ndarray
    neighbours: list


def explain(classifier, image, title="", photos=None, label=None, stage=None):
    """Answer for an image, and show what the answer rests on.

    Parameters
    ----------
    classifier : Classifier
    image : ndarray, uint8 (H, W, 3)
    title : str
        Its name.
    photos : TrainingPhotos, optional
        Without them there are no neighbours.
    label, stage
        As for `grad_cam`, which sees the plain view alone.

    Returns
    -------
    explanation : Explanation

    Raises
    ------
    InputError
        If there is no such stage, or it gives no maps.
    """
    answers = classifier([image])
    p = answers.probabilities[0]
    asked = int(p.argmax()) if label is None else label
    heat = grad_cam(classifier.net, classifier.preprocessing(image), asked, stage)
    return Explanation(title, classifier.preprocessing.crop_pixels(image), p, bool(answers.known[0]), asked, heat,
                       [] if photos is None else photos.nearest(answers.codes[0]))


class TrainingPhotos:
    """The photos that a run learned from, to show those that are most like another.

    Parameters
    ----------
    folder : str or Path
        Of the run.
    classifier : Classifier
        As `load_run` found it there.

    Attributes
    ----------
    missing : str
        Why they cannot be shown; empty if they can. Photos that were removed or changed are passed over.
    """

    def __init__(self, folder, classifier):
        self.classifier, self.dataset, self.missing = classifier, None, ""
        try:
            data = json.loads((Path(folder) / "metrics.json").read_text(encoding="utf-8"))["data"]
            self.dataset = DrawnCats() if data is None else ImageFolder(data, skip_bad=True)
        except InputError as error:
            self.missing = str(error)
        except (OSError, ValueError, KeyError, TypeError):
            self.missing = f"{Path(folder) / 'metrics.json'} cannot be read; train again"
        row_of = {} if self.missing else {self.dataset.key(i): i for i in range(len(self.dataset))}
        self.rows = [row_of.get(key) for key in classifier.training_keys]
        if not self.missing and not any(row is not None for row in self.rows):
            self.missing = f"none of them is in {data or 'the drawn cats'} any more; train again"

    def nearest(self, code, k=6):
        """Return pixels, class and distance of the `k` most like a code (D,): a list of (ndarray, str, float)."""
        if self.missing:
            return []
        found, distances = nearest(self.classifier.familiar.codes, code, len(self.rows))
        shown = []
        for i, distance in zip(found, distances):
            row = self.rows[i]
            if row is not None and len(shown) < k:
                with suppress(InputError):                  # gone since it was listed
                    pixels = self.classifier.preprocessing.crop_pixels(self.dataset.image(row))
                    shown.append((pixels, self.dataset.classes[self.dataset.labels[row]], float(distance)))
        return shown
