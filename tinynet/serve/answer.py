"""From a file's bytes to what the page shows of them."""
import base64
import io

import numpy as np

from .. import plots
from ..data.picture import decode_picture
from ..errors import InputError
from ..transfer.explanation import explain


def answer(classifier, photos, contents):
    """Answer for a file that never was on the disk.

    Parameters
    ----------
    classifier : Classifier
    photos : TrainingPhotos
    contents : bytes
        What an image or WAV file holds.

    Returns
    -------
    found : dict
        Anything JSON can hold: "top" and "known" as of `tinynet predict --json`; "seen", what the network saw of it, and "heat",
        what speaks for the likeliest class, or None if nothing does; "neighbours", the training photos most like it, a dict each
        with "name", "distance" and "picture"; and "notes", a list of str. Pictures are data URLs.

    Raises
    ------
    InputError
        If it is no good image or sound, as `read_picture` says it, in a sentence.
    """
    try:
        image, damage = decode_picture(io.BytesIO(contents))
    except InputError as error:
        raise InputError(f"It {error}.") from None
    found = explain(classifier, image, photos=photos)
    order = np.argsort(-found.probabilities, kind="stable").tolist()
    return {
        "top": [{"index": k, "name": classifier.classes[k], "p": float(found.probabilities[k])} for k in order],
        "known": found.known,
        "seen": _url(found.seen),
        "heat": _url(plots.overlay(found.seen, found.heat)) if found.heat.any() else None,
        "neighbours": [{"name": name, "distance": distance, "picture": _url(pixels)}
                       for pixels, name, distance in found.neighbours],
        "notes": [*([f"{damage[0].upper()}{damage[1:]}."] if damage else []),
                  *([f"The training photos are not shown: {photos.missing}"] if photos.missing else [])],
    }


def _url(image):
    return f"data:image/jpeg;base64,{base64.b64encode(plots.small_jpeg(image)).decode()}"
