"""A run: the folder that a transfer leaves, and the classifier in it. Taught in lesson 08."""
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..backend import to_numpy
from ..data import Preprocessing, View
from ..errors import InputError
from ..files import restore_folder
from ..layers import Random, Sequential
from ..models import ZOO, find_again
from ..models.pretrained import OWN
from ..version import __version__
from ..weights import load_weights, save_weights, tensors_sha256
from .classifier import Classifier
from .ensemble import Ensemble
from .head import replace_head
from .trust import Familiar

TRAINING = "training.codes"                          # beside the weights: what the last layer saw of the training photos
RUN_FILES = ("model.safetensors", "metrics.json", "report.html", "curves.png", "confusion.png", "mistakes.png")
CHECKPOINT = "checkpoint{}.safetensors"             # with "-1", "-2" ... for the further members of an ensemble


def build(base, n_classes, hidden, rng):
    """Return a network with a new head; dropout in the stages kept draws from the run's own random numbers.

    Parameters
    ----------
    base : Pretrained
        As `models.pretrained` returns it.
    n_classes, hidden, rng
        As for `replace_head`.

    Returns
    -------
    net : Sequential
    """
    net = replace_head(base.net, n_classes, base.classifier, base.image_shape, hidden, rng)
    for layer in net.modules():
        if isinstance(layer, Random) and layer.rng is None:
            layer.rng = rng
    return net


def joined(members):
    """Return one network for several that differ in their heads alone: itself if it is one, else with an `Ensemble` of heads.

    Parameters
    ----------
    members : list of Sequential
        The same stages, or copies of them, and a stage "head".

    Returns
    -------
    net : Sequential
    """
    if len(members) == 1:
        return members[0]
    heads = Ensemble(*[member["head"] for member in members])
    return Sequential(**dict(members[0][:"head"].children()), head=heads).eval()


def refuse_inside(data, **places):
    """Check that nothing will be written among the photos, where the next run would take it for a class.

    Parameters
    ----------
    data : str, Path or None
        The folder of the photos, if there is one.
    **places : str or Path
        Where something will be written, by the name of the option.

    Raises
    ------
    InputError
        If a place lies in the folder.
    """
    for option, place in places.items():
        if data is not None and Path(place).resolve().is_relative_to(Path(data).resolve()):
            raise InputError(f"{option} {place} lies in the folder of the photos, {data}; choose one outside with --{option}")


def save_run(folder, base, trunk, trained, classifier, settings, metrics):
    """Write model.safetensors and metrics.json into a folder.

    Parameters
    ----------
    folder : Path
    base : Pretrained
        What it was made on.
    trunk, trained : Module
        The frozen stages, named by their hash alone, and those after them, whose weights are kept.
    classifier : Classifier
    settings : Settings
    metrics : dict
        Anything JSON can hold.
    """
    arrays = {name: to_numpy(array) for name, array in trained.state_dict().items()}
    save_weights(folder / "model.safetensors", arrays | {TRAINING: classifier.familiar.codes.astype(np.float16)}, {
        "classes": classifier.classes, "hidden": settings.hidden, "cut": settings.cut, "model": base.model,
        "weights": base.weights, "trunk_sha256": _sha256(trunk), "preprocessing": base.preprocessing.to_dict(),
        "settings": asdict(settings), "ensemble": settings.ensemble,
        "views": [asdict(view) for view in classifier.views], "temperature": classifier.temperature,
        "k": classifier.familiar.k, "limit": classifier.familiar.limit, "training_keys": classifier.training_keys,
        "tinynet": __version__})
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def load_run(folder):
    """Load the classifier that `transfer` left in a folder.

    Parameters
    ----------
    folder : str or Path
        The run's folder.

    Returns
    -------
    classifier : Classifier
        Called with images, it answers.

    Raises
    ------
    InputError
        If the folder holds no model, or one made on other pretrained weights than the ones installed.
    """
    restore_folder(folder)
    path = Path(folder) / "model.safetensors"
    if not path.exists():
        raise InputError(f"{folder}: no model.safetensors in it; give the folder of a finished run "
                         "of `tinynet transfer`")
    arrays, metadata = load_weights(path)
    if "trunk_sha256" not in metadata:
        raise InputError(f"{path}: these are weights, but not of a run; give the folder of a run of `tinynet transfer`")
    if TRAINING not in arrays:
        raise InputError(f"{path}: an older tinynet made it, without what tells photos of none of the classes; train again")
    if metadata.get("model") not in (*ZOO, OWN):
        raise InputError(f"{path}: it was made on {metadata.get('model', 'a network without a name')}, this tinynet has "
                         f"{', '.join(ZOO)}; install the version of tinynet it was made with, or train again")
    try:
        base = find_again(metadata["model"], metadata.get("weights"))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    net = joined([build(base, len(metadata["classes"]), metadata["hidden"], np.random.default_rng(0))
                  for _ in range(metadata["ensemble"])])
    found = _sha256(net[:metadata["cut"]])
    if found != metadata["trunk_sha256"]:
        raise InputError(f"{path}: its head was trained on other pretrained weights (sha256 "
                         f"{metadata['trunk_sha256'][:12]}, installed are {found[:12]}); install the version of tinynet "
                         "it was made with, or train again")
    familiar = Familiar(arrays.pop(TRAINING), metadata["k"], metadata["limit"])
    net[metadata["cut"]:].load_state_dict(arrays)
    return Classifier(net.eval(), metadata["classes"], Preprocessing.from_dict(metadata["preprocessing"]),
                      [View(**view) for view in metadata["views"]], metadata["temperature"], familiar, metadata["training_keys"])


def _sha256(part):
    return tensors_sha256({name: to_numpy(array) for name, array in part.state_dict().items()})
