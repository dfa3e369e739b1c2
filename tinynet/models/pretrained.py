"""A published network with its weights: those it comes with, or those of any file. Taught in lesson 19."""
from dataclasses import dataclass, replace
from pathlib import Path

from ..data import Preprocessing
from ..errors import InputError
from ..files import home, sha256
from ..layers import Module
from ..version import __version__
from ..weights import load_weights, read_weights, save_weights
from ..weights.read import weights_sha256
from .contracts import IMAGENET_RGB, MNIST_GREY
from .convert import convert, recognise
from .graph import graph_network, image_shape
from .published import place, published
from .squeezenet import PRETRAINED
from .zoo import DEFAULT, ZOO

OWN = "of no network of the zoo"                    # what a run says of a network that an ONNX file brought along


@dataclass
class Pretrained:
    """A network that has learned something, and what has to be known to use it.

    Attributes
    ----------
    net : Sequential
        In evaluation mode.
    model : str
        Its name in the zoo, or `OWN`.
    preprocessing : Preprocessing
        What its weights expect of an image.
    class_names : list of str
        What its scores are about; empty if the file had no classifier.
    classifier : str or None
        The stage with which its own classifier begins; None if it has none.
    words : str
        What it is, for the report.
    weights : dict
        ``file`` and ``sha256``, to find them again; empty for those that come with tinynet.
    notes : list of str
        What was found in the file and is worth knowing.
    """

    net: Module
    model: str
    preprocessing: Preprocessing
    class_names: list
    classifier: str | None
    words: str
    weights: dict
    notes: list

    @property
    def image_shape(self):
        """Shape (C, H, W) of one prepared image."""
        return self.preprocessing.n_channels, self.preprocessing.crop, self.preprocessing.crop


def pretrained(model=DEFAULT, weights=None):
    """Build a network with learned weights.

    Parameters
    ----------
    model : str
        A name of `ZOO`; or a weight file, whose network is found out; or an ONNX file of any network.
    weights : str or Path, optional
        A weight file of any format that `read_weights` knows; by default the published one, which must be at hand.

    Returns
    -------
    pretrained : Pretrained

    Raises
    ------
    InputError
        If there is no such network or file, the published weights are not here yet (the message says how to get them), or a
        file does not fit.
    """
    if model not in ZOO:
        if weights is not None or not Path(model).exists():
            raise InputError(f"no network {model!r}, and no file of this name; the networks are {', '.join(ZOO)}")
        return _of_a_file(Path(model))
    if weights is None and ZOO[model].weights and ZOO[model].weights.package == "tinynet":
        return _described(ZOO[model], load_weights(PRETRAINED)[0], {"options": {}}, {})
    return _with(ZOO[model], Path(weights) if weights is not None else published(ZOO[model]))


def find_again(model, weights):
    """Build the network on which a run was made, from weights of the same SHA-256.

    Parameters
    ----------
    model : str
        Its name in the zoo, or `OWN`.
    weights : dict
        `Pretrained.weights`, as the run remembers them.

    Returns
    -------
    pretrained : Pretrained

    Raises
    ------
    InputError
        If they are neither kept from a conversion, nor where the file lay, nor among those fetched.
    """
    if not weights:
        return pretrained(model)
    path = Path(weights["file"])
    kept = _kept(model, path.name, weights["sha256"])
    if kept.exists():
        return pretrained(model, kept)
    for where in path, place(ZOO[model]) if model in ZOO else None:
        if where and where.exists() and weights_sha256(_file(where)) == weights["sha256"]:
            return pretrained(model, where) if model in ZOO else pretrained(str(where))
    raise InputError(f"it was made on the weights {path.name} (SHA-256 {weights['sha256'][:12]}), which are not here; put that "
                     f"file at {path}, or train again")


def _with(model, path):
    """Return a network of the zoo with the weights of a file, which is converted once and kept."""
    digest = weights_sha256(_file(path))
    kept = _kept(model.name, path.name, digest)
    arrays, metadata = converted(kept)
    if arrays is None or metadata.get("tinynet") != __version__:        # another version may know layers better
        arrays, metadata = converted(path)
    if arrays and metadata["model"] != model.name:
        raise InputError(f"{path} holds weights of {metadata['model']}, not of {model.name}: --model {metadata['model']}")
    if arrays is None:
        arrays, metadata = convert(read_weights(path), model, digest)
        try:
            save_weights(kept, arrays, metadata | {"tinynet": __version__})
        except OSError:                             # a full disk, a folder of somebody else's: it is converted each time
            pass
    return _described(model, arrays, metadata, {"file": str(path.resolve()), "sha256": digest})


def _of_a_file(path):
    """Return the network that a file's weights are of, or the one that it brings along."""
    arrays, metadata = converted(path)
    if arrays:
        return _with(ZOO[metadata["model"]], path)
    file = read_weights(path)
    if file.format.startswith("ONNX"):
        return _graph(file, path)
    found = recognise(file)
    if len(found) != 1:
        names = ", ".join(model.name for model, _ in found)
        raise InputError(f"{path} fits {names or 'no network here'}; " + ("say which: --model NAME --weights FILE" if found else
                         "`tinynet inspect` shows what it holds, --model NAME --weights FILE what is wrong with it"))
    return _with(found[0][0], path)


def _graph(file, path):
    net, shape = graph_network(file), image_shape(file)
    with_weights = [name for name, stage in net.children() if stage.parameters()]
    if len(shape) != 3 or shape[0] not in (1, 3) or not with_weights:
        raise InputError(f"{path} has an input of {shape} and {len(with_weights)} stages with weights; a network of images, (3, H, W) "
                         "or (1, H, W), is needed")
    side, words = max(shape[1:]), "red, green, blue minus ImageNet's mean by its deviation"
    preprocessing = IMAGENET_RGB.with_size(round(side * 256 / 224), side)
    if shape[0] == 1:
        preprocessing, words = replace(MNIST_GREY, resize=side, crop=side), "grey, 0 black to 1 white"
    notes = [f"{path.name} runs as its own graph of {len(net)} stages; it does not say how it wants images prepared: {words} "
             f"is assumed, {side} x {side} pixels"]
    return Pretrained(net.eval(), OWN, preprocessing, [], with_weights[-1], f"a network of the file {path.name}",
                      {"file": str(path.resolve()), "sha256": weights_sha256(path)}, notes)


def _described(model, arrays, metadata, where):
    """Return the network of these arrays, and what the metadata of their conversion says of it."""
    whole = model.build(**metadata["options"])
    net = whole[:metadata.get("stages")]
    net.load_state_dict(arrays)
    preprocessing, names, notes = model.preprocessing, model.class_names, []
    if "preprocessing" in metadata:
        preprocessing = Preprocessing.from_dict(metadata["preprocessing"])
        options = {name: value for name, value in metadata["options"].items() if name != "n_classes"}
        if metadata["source"] != model.sources[0].name or metadata["by_order"] or options:
            notes.append(f"{metadata['file']}: {model.name} as of {metadata['source']}"
                         + "".join(f", {name}={value}" for name, value in sorted(options.items()))
                         + f", layers paired by their order, images as {metadata['source']} prepares them" * metadata["by_order"]
                         + f", of {preprocessing.crop} pixels" * (preprocessing.crop != model.preprocessing.crop))
        if metadata.get("rivals"):
            notes.append(f"{metadata['file']}: {metadata['source']} is assumed; {', '.join(metadata['rivals'])} has the same names "
                         "and shapes and other paddings: if it is that, let the file's name begin as theirs does")
        if metadata["left_out"]:
            notes.append(f"{metadata['file']}: left out {', '.join(metadata['left_out'][:5])}")
    if len(net) < len(whole):
        notes.append(f"{metadata['file']} has no classifier of {model.name}: the network ends with {net.stages[-1]}")
        names = []
    else:
        names = _class_names(names, metadata["options"].get("n_classes", len(names)))
    classifier = model.classifier if model.classifier in net.stages else None
    return Pretrained(net.eval(), model.name, preprocessing, names, classifier, model.words, where, notes)


def _class_names(names, n_classes):
    if n_classes == len(names):
        return names
    if n_classes == len(names) + 1:                 # TensorFlow's networks of 1,001 classes
        return ["background", *names]
    return [f"class {k}" for k in range(n_classes)]


def _kept(model, file_name, digest):
    """Return where a conversion is kept: by the file's contents, and by its name, which can tell whose weights they are."""
    return home() / "weights" / f"{model}-{sha256(f'{digest} {file_name}'.encode())[:16]}.safetensors"


def converted(path):
    """Read a file that `convert` made.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    arrays : dict of str to ndarray or None
        None if it is no such file.
    metadata : dict or None
    """
    try:
        arrays, metadata = load_weights(path)
    except InputError:
        return None, None
    known = metadata.get("model") in ZOO and {"options", "stages", "source", "preprocessing", "file"} <= metadata.keys()
    return (arrays, metadata) if known else (None, None)


def _file(path):
    """Return the file by which weights are told apart: of a TensorFlow checkpoint, which is several, its index."""
    for file in path, path.with_name(path.name + ".index"), *sorted(path.glob("*.index")), *sorted(path.glob("*/*.index")):
        if file.is_file():
            return file
    raise InputError(f"no weights at {path}; give a file, or the folder of a TensorFlow checkpoint")
