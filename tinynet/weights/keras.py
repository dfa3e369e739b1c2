"""Read the weights in a Keras file of version 1, 2 or 3: .h5, .keras and .weights.h5. Taught in lesson 19.

All three are HDF5, with one of two trees. In an .h5 file each layer's group lists its weights, "conv1/kernel:0" (Keras
1: "conv1_W"). In Keras 3's ``.weights.h5``, which is also what a .keras file holds beside its configuration, a layer
is ``layers/conv2d_1/vars``, its weights are 0, 1, ... and its name is an attribute. Here both become "conv1/kernel".
A configuration may hold a function's compiled code (a Lambda layer): only names and plain settings are taken from it.
"""
import io
import json
import re

from ..errors import InputError
from .file import WeightFile
from .hdf5 import MOST_TEXT, check_heaps, find_datasets, read_datasets, read_names, read_text
from .zipped import zip_members

KERAS_1 = {"_W": "kernel", "_b": "bias", "_gamma": "gamma", "_beta": "beta", "_running_mean": "moving_mean",
           "_running_std": "moving_variance"}              # in spite of its name
ACTIVATIONS = ("relu", "relu6", "elu", "selu", "gelu", "leaky_relu", "leakyrelu", "prelu", "swish", "silu", "hard_swish")
NORM = ("gamma", "beta", "moving_mean", "moving_variance")
KIND_ORDER = ("depthwise_kernel", "pointwise_kernel", "kernel", "recurrent_kernel", "bias", *NORM,
              "mean", "variance", "count")
KINDS = {"depthwise_conv2d": ("depthwise_kernel", "bias"), "batch_normalization": NORM,
         "separable_conv2d": ("depthwise_kernel", "pointwise_kernel", "bias"), "layer_normalization": ("gamma", "beta"),
         "embedding": ("embeddings",), "normalization": ("mean", "variance", "count"),
         **dict.fromkeys(["conv1d", "conv2d", "conv2d_transpose", "dense"], ("kernel", "bias"))}


def read(path):
    """Read a Keras file.

    Parameters
    ----------
    path : str or Path
        Of a whole model or of its weights alone. Nothing is built from its configuration.

    Returns
    -------
    file : WeightFile
        Layer by layer as the configuration lists them; a .weights.h5 file has none and is sorted by the layers' kind
        and number. The layers of a model inside the model stand in its place. ``facts``: keras_version, backend.

    Raises
    ------
    InputError
        If h5py is not installed, or the file cannot be opened, is damaged, refers to other files, claims more than it
        holds, or has two weights of one name.
    """
    try:
        import h5py
    except ImportError as error:
        raise InputError(f"cannot read {path}: Keras files need the package h5py; pip install h5py") from error
    try:
        with open(path, "rb") as file:
            data = file.read()
        source, config, facts = _unzipped(data) if data.startswith(b"PK") else (io.BytesIO(data), "", {})
        check_heaps(data)
        size = len(data)
        del data
        with h5py.File(source, "r") as root:
            named, more = _weights(root, config)
            arrays = read_datasets(named, size)
    except OSError as error:
        reason = error.strerror or "it is no HDF5 file, or damaged"
        raise InputError(f"cannot read {path} ({reason}); give a .h5, .keras or .weights.h5 file") from error
    except Exception as error:      # a damaged file can fail in every way there is
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"cannot read {path} as a Keras file: {reason:.400}; save the net's weights again") from error
    return WeightFile("Keras", "HWIO", arrays, {"framework": "Keras", **facts, **more})


def _unzipped(data):
    """Return the HDF5 file inside a .keras file, the text of the configuration, and what is known of the version."""
    members = zip_members(data)
    config, metadata = members.get("config.json"), members.get("metadata.json")
    if members.get("model.weights.h5") is None or any(text and len(text) > MOST_TEXT for text in (config, metadata)):
        raise ValueError("it is a zip archive without a model.weights.h5 that is not compressed")
    version = json.loads(bytes(metadata)).get("keras_version", "") if metadata else ""
    return io.BytesIO(members["model.weights.h5"]), bytes(config or b"").decode("utf-8"), {"keras_version": str(version)}


def _weights(root, config):
    """Return the datasets by "layer/kind", in order, and what the file says of itself."""
    datasets = find_datasets(root)                          # first of all: it refuses links, so that no path leaves the file
    config = config or read_text(root, "model_config")
    layers = dict(_layers(json.loads(config))) if config else {}
    if any(settings.get("dim_ordering") == "th" for _, settings in layers.values()):
        raise ValueError("its kernels are in Theano's order: convert it with Keras 1")
    top, below = (root["model_weights"], "model_weights/") if "model_weights" in root else (root, "")
    datasets = {path.removeprefix(below): dataset for path, dataset in datasets.items() if path.startswith(below)}
    facts = {key: read_text(top, key) or read_text(root, key) for key in ("keras_version", "backend")}
    is_listed = any(key in top.attrs for key in ("layer_names", "layer_names0"))
    facts |= _settings(layers) | ({} if is_listed or layers else {"order": "by kind"})
    named = {}
    for name, dataset in (_listed if is_listed else _numbered)(top, datasets, layers):
        if name in named:
            raise ValueError(f"two of its weights are named {name!r:.80}: give the layers different names")
        named[name] = dataset
    if not named:
        raise ValueError("it holds no weights")
    return named, {key: value for key, value in facts.items() if value}


def _layers(config):
    """Yield (name, (class, settings)) of every layer in a configuration, those of inner models too, in order."""
    if isinstance(config, dict):
        settings = config.get("config")
        if isinstance(settings, dict) and isinstance(settings.get("name"), str):
            yield settings["name"], (config.get("class_name"), settings)
    for part in config.values() if isinstance(config, dict) else config if isinstance(config, list) else ():
        yield from _layers(part)


def _settings(layers):
    """Return what layers compute beside their weights, as far as networks of the same shapes differ in it."""
    activations, epsilons, shapes = {}, {}, []
    for kind, settings in layers.values():
        shape = settings.get("batch_shape") or settings.get("batch_input_shape")
        if isinstance(shape, list) and len(shape) <= 8 and all(n is None or type(n) is int for n in shape):
            shapes.append(", ".join("?" if n is None else str(n) for n in shape))
        name = settings.get("activation") or settings.get("function") or str(kind).lower()
        if kind in ("ReLU", "Relu") and settings.get("max_value") is not None:
            name = f"relu{settings['max_value']:g}"
        name = name.rpartition(".")[2] if isinstance(name, str) else ""
        if name in ACTIVATIONS:
            activations[name] = None
        if kind == "BatchNormalization" and isinstance(settings.get("epsilon"), float):
            epsilons[f"{settings['epsilon']:g}"] = None
    return {"activations": ", ".join(activations), "epsilon": ", ".join(epsilons), "input": f"({shapes[0]})" if shapes else ""}


def _listed(top, datasets, layers):
    """Yield (name, dataset) of an .h5 file."""
    names = read_names(top, "layer_names")
    if names is None:                                       # Keras 3: the tree itself has the names, without an order
        named = [(_listed_name("", path, layers), dataset) for path, dataset in datasets.items()]
        order = {name: place for place, name in enumerate(layers)}
        yield from sorted(named, key=lambda item: _place(item[0], order))
        return
    for layer in names:
        for weight in read_names(top[layer], "weight_names"):
            yield _listed_name(layer, weight, layers), datasets[f"{layer}/{weight}"]


def _listed_name(layer, weight, layers):
    weight = weight.split(":")[0]
    *scopes, kind = weight.split("/")                       # "inner_model/conv1/kernel:0"
    if not scopes or any(weight == layer + ending for ending in KERAS_1):       # Keras 1: "fire2/squeeze1x1_W"
        kind = weight
        ending = next((ending for ending in KERAS_1 if kind.endswith(ending)), None)
        return f"{kind.removesuffix(ending)}/{KERAS_1[ending]}" if ending else f"{layer}/{kind}"
    known = [scope for scope in (layer, *scopes) if scope in layers]
    owner = layer if "/".join(scopes) == layer else (known or scopes)[-1]       # the innermost scope that is a layer
    if kind == "kernel" and layers.get(owner, [""])[0] == "DepthwiseConv2D":
        kind = "depthwise_kernel"                           # Keras 3 calls it like any other
    return f"{owner}/{kind}"


def _place(name, order):
    layer, _, kind = name.rpartition("/")
    rank = KIND_ORDER.index(kind) if kind in KIND_ORDER else len(KIND_ORDER)
    return order.get(layer, len(order)), _natural(layer), rank, kind


def _natural(text):
    """Return a key that sorts conv2d_9 before conv2d_10."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split("([0-9]{1,9})", text))]


def _numbered(top, datasets, layers):
    """Yield (name, dataset) of a .weights.h5 file."""
    groups, order = {}, {name: place for place, name in enumerate(layers)}
    for path, dataset in datasets.items():
        folder, _, number = path.rpartition("/")
        if folder.endswith("vars") and not folder.startswith("optimizer/") and "seed_generator" not in folder:
            groups.setdefault(folder, {})[number] = dataset

    layer_of = {folder: read_text(top[folder], "name") for folder in groups}
    for folder in sorted(groups, key=lambda folder: (order.get(layer_of[folder], len(order)), _natural(folder))):
        weights, group = groups[folder], folder.removesuffix("vars").rstrip("/").rpartition("/")[2]
        layer = layer_of[folder] or group
        kinds = _kinds(layer, group, len(weights), layers)
        for number in sorted(weights, key=lambda number: (len(number), number)):
            yield f"{layer}/{kinds.get(number, number)}", weights[number]


def _kinds(layer, group, n_weights, layers):
    """Return what weight "0", "1", ... of a layer is."""
    names = [re.sub("_[0-9]+$", "", text) for text in (group, layer)]
    kinds = next((KINDS[name] for name in names if name in KINDS), ())
    if kinds is NORM and n_weights < len(NORM):
        settings = layers.get(layer, ["", {}])[1]
        absent = [kind for kind, option in (("gamma", "scale"), ("beta", "center")) if settings.get(option) is False]
        kinds = [kind for kind in NORM if kind not in absent] if absent else NORM[2:]
        if len(kinds) != n_weights:
            raise ValueError(f"{layer!r:.80} has gamma or beta, the file does not say which: give the .keras file")
    return {str(i): kind for i, kind in enumerate(kinds)}
