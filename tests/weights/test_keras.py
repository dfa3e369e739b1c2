"""The reader of Keras files: every version's names become layer/kind, and only numbers are taken from a file."""
import io
import json
import zipfile

import numpy as np
import pytest

from tests.weights.fuzz import assert_only_input_error
from tinynet.errors import InputError
from tinynet.weights.keras import read

h5py = pytest.importorskip("h5py")
NORM = ("gamma", "beta", "moving_mean", "moving_variance")


def layer(kind, name, **settings):
    return {"class_name": kind, "config": {"name": name, **settings}}


def model(*layers):
    return {"class_name": "Functional", "config": {"name": "net", "layers": list(layers)}}


def listed(layers, config=None, group="model_weights", names=None, **attributes):
    """An .h5 file: {layer: {weight: shape or array}}."""
    file = io.BytesIO()
    with h5py.File(file, "w") as root:
        root.attrs.update(attributes)
        if config:
            root.attrs["model_config"] = json.dumps(config)
        top = root.create_group(group) if group else root
        names = names or {"layer_names": list(layers)}
        for key, value in names.items():
            top.attrs[key] = np.array(value, "S")
        for name, weights in layers.items():
            top.create_group(name).attrs["weight_names"] = np.array(list(weights), "S") if weights else np.zeros(0)
            for weight, shape in weights.items():
                top[f"{name}/{weight}"] = np.full(shape, len(weight), "<f4")
        root.create_group("optimizer_weights/adam")["m:0"] = np.zeros(3)
    return file.getvalue()


def numbered(groups, named=True):
    """A .weights.h5 file: {path of a layer: (name, shapes)}."""
    file = io.BytesIO()
    with h5py.File(file, "w") as root:
        for path, (name, *shapes) in groups.items():
            group = root.create_group(f"{path}/vars")
            if named:
                group.attrs["name"] = name
            for i, shape in enumerate(shapes):
                group[str(i)] = np.full(shape, i, "<f4")
        root["optimizer/vars/0"] = np.zeros(3)
    return file.getvalue()


def packed(weights, config=None, version="3.15.1", compression=zipfile.ZIP_STORED):
    """A .keras file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": version}))
        archive.writestr("config.json", json.dumps(config or model()))
        archive.writestr("model.weights.h5", weights)
    return file.getvalue()


@pytest.fixture
def content_of(tmp_path):
    """Return a function that reads the bytes of a file."""
    def check(data):
        path = tmp_path / "net.h5"
        path.write_bytes(data)
        return read(path)
    return check


@pytest.fixture
def refused(content_of):
    """Return a function that asserts that bytes are refused in one line with these words."""
    def check(data, words="net.h5"):
        with pytest.raises(InputError, match=words) as caught:
            content_of(data)
        assert "net.h5" in str(caught.value) and "\n" not in str(caught.value)
    return check


KERAS_2 = {"zconv": {"zconv/kernel:0": (3, 5, 2, 7), "zconv/bias:0": (7,)}, "relu": {},
           "bn": {f"bn/{kind}:0": (7,) for kind in NORM}, "dw": {"dw/depthwise_kernel:0": (3, 3, 7, 1)},
           "sep": {"sep/depthwise_kernel:0": (3, 3, 7, 1), "sep/pointwise_kernel:0": (1, 1, 7, 2), "sep/bias:0": (2,)},
           "inner": {"inner/a/kernel:0": (1, 1, 2, 2), "b/kernel:0": (1, 1, 2, 2)}}
NAMES_2 = ["zconv/kernel", "zconv/bias", *(f"bn/{kind}" for kind in NORM), "dw/depthwise_kernel",
           "sep/depthwise_kernel", "sep/pointwise_kernel", "sep/bias", "a/kernel", "b/kernel"]


@pytest.mark.parametrize("group", ["model_weights", ""])
def test_keras_2_whole_model_and_weights_only(content_of, group):
    found = content_of(listed(KERAS_2, group=group, keras_version=b"2.4.0", backend="tensorflow"))
    assert found.layout == "HWIO" and found.format == "Keras"
    assert found.facts == {"framework": "Keras", "keras_version": "2.4.0", "backend": "tensorflow"}
    assert list(found.arrays) == NAMES_2
    assert found.arrays["zconv/kernel"].shape == (3, 5, 2, 7) and (found.arrays["zconv/bias"] == len("zconv/bias:0")).all()


def test_layer_names_split_over_several_attributes(content_of):
    names = {"layer_names0": ["zconv", "relu", "bn"], "layer_names1": ["dw"], "layer_names2": ["sep", "inner"]}
    assert list(content_of(listed(KERAS_2, names=names)).arrays) == NAMES_2


def test_keras_1(content_of):
    layers = {"fire2/squeeze1x1": {"fire2/squeeze1x1_W:0": (1, 1, 5, 2), "fire2/squeeze1x1_b:0": (2,)}, "drop": {},
              "conv1": {"conv1_W": (3, 3, 2, 5), "conv1_b": (5,)},
              "bn": {f"bn_{kind}": (5,) for kind in ("gamma", "beta", "running_mean", "running_std")}}
    found = content_of(listed({key: layers[key] for key in ("fire2/squeeze1x1", "conv1", "bn")}, group="",
                              keras_version="1.2.2"))
    assert list(found.arrays) == ["fire2/squeeze1x1/kernel", "fire2/squeeze1x1/bias", "conv1/kernel", "conv1/bias", *(f"bn/{kind}" for kind in NORM)]


def test_theanos_order_is_refused(refused):
    config = model(layer("Convolution2D", "conv1", dim_ordering="th"))
    refused(listed({"conv1": {"conv1_W": (5, 2, 3, 3)}}, config), "Theano")


def test_keras_3_calls_a_depthwise_kernel_kernel(content_of):
    layers = {"dw": {"dw/kernel": (3, 3, 7, 1)}, "in": {"in/net/dw2/kernel": (3, 3, 7, 1), "in/net/c/kernel": (1, 1, 2, 2)}}
    config = model(layer("DepthwiseConv2D", "dw"), model(layer("DepthwiseConv2D", "dw2"), layer("Conv2D", "c")))
    assert list(content_of(listed(layers, config)).arrays) == ["dw/depthwise_kernel", "dw2/depthwise_kernel", "c/kernel"]
    assert list(content_of(listed(layers)).arrays) == ["dw/kernel", "dw2/kernel", "c/kernel"]


def test_names_kept_as_texts_of_any_length_are_not_read_at_all(content_of):
    file = io.BytesIO(listed({name: KERAS_2[name] for name in ("zconv", "bn", "sep")}, model(layer("Conv2D", "zconv"))))
    with h5py.File(file, "r+") as root:
        root["model_weights"].attrs["layer_names"] = ["wrong", "names"]
    order = ["zconv", "bn", "sep"]                      # first as the configuration says, then by name
    assert list(content_of(file.getvalue()).arrays) == [name for own in order for name in NAMES_2 if name.startswith(own)]


def test_a_layers_own_name_wins_over_the_scopes_inside_it(content_of):
    layers = {"lstm": {"lstm/lstm_cell/kernel:0": (2, 8)}, "a/b": {"a/b/kernel:0": (2, 2)},
              "dense": {"dense_1/kernel:0": (2, 2)}}
    config = model(layer("LSTM", "lstm"), layer("Dense", "a/b"), layer("Dense", "dense"))
    assert list(content_of(listed(layers, config)).arrays) == ["lstm/kernel", "a/b/kernel", "dense/kernel"]


NUMBERED = {"layers/conv2d_10": ("last", (1, 1, 2, 2)), "layers/conv2d": ("stem", (3, 5, 2, 7), (7,)),
            "layers/batch_normalization": ("norm", (7,), (7,), (7,), (7,)), "layers/re_lu": ("relu",),
            "layers/depthwise_conv2d": ("dw", (3, 3, 7, 1), (7,)), "layers/conv2d_9": ("before", (1, 1, 2, 2)),
            "layers/separable_conv2d": ("sep", (3, 3, 7, 1), (1, 1, 7, 2), (2,)),
            "layers/functional": ("inner",), "layers/functional/layers/dense": ("fc", (2, 3), (3,)),
            "layers/dropout/seed_generator": ("seed", (2,)), "layers/my_own": ("mine", (2,), (3,))}
ORDER = ["stem", "dw", "norm", "sep", "inner", "fc", "before", "last", "mine"]
NAMES_3 = {"stem": ["kernel", "bias"], "dw": ["depthwise_kernel", "bias"], "norm": NORM, "inner": [], "before": ["kernel"],
           "sep": ["depthwise_kernel", "pointwise_kernel", "bias"], "fc": ["kernel", "bias"], "last": ["kernel"],
           "mine": ["0", "1"]}


def test_keras_3_weights(content_of):
    found = content_of(numbered(NUMBERED))
    names = ["norm", "stem", "before", "last", "dw", "fc", "mine", "sep"]       # by the layers' kind and number
    assert list(found.arrays) == [f"{name}/{kind}" for name in names for kind in NAMES_3[name]]
    assert found.arrays["stem/kernel"].shape == (3, 5, 2, 7) and (found.arrays["norm/moving_variance"] == 3).all()


def test_keras_3_archive_has_the_order_of_its_configuration(content_of):
    inner = model(layer("Dense", "fc"))
    inner["config"]["name"] = "inner"
    config = model(*(inner if name == "inner" else layer("Any", name) for name in ORDER if name != "fc"))
    found = content_of(packed(numbered(NUMBERED), config))
    assert found.facts == {"framework": "Keras", "keras_version": "3.15.1"}
    assert list(found.arrays) == [f"{name}/{kind}" for name in ORDER for kind in NAMES_3[name]]


def test_without_a_name_the_group_names_the_layer(content_of):
    found = content_of(numbered({"layers/conv2d_3": ("", (1, 1, 2, 2), (2,))}, named=False))
    assert list(found.arrays) == ["conv2d_3/kernel", "conv2d_3/bias"]


@pytest.mark.parametrize("settings, expected", [
    (dict(scale=False), NORM[1:]), (dict(center=False), (NORM[0], *NORM[2:])), (dict(scale=False, center=False), NORM[2:])])
def test_batch_normalization_without_gamma_or_beta(content_of, refused, settings, expected):
    weights = numbered({"layers/batch_normalization": ("norm", *[(7,)] * len(expected))})
    found = content_of(packed(weights, model(layer("BatchNormalization", "norm", **settings))))
    assert list(found.arrays) == [f"norm/{kind}" for kind in expected]
    if len(expected) == 3:
        refused(weights, "does not say which: give the .keras file")
        refused(packed(weights, model(layer("BatchNormalization", "norm", scale=True))), "does not say which")
    else:
        assert list(content_of(weights).arrays) == [f"norm/{kind}" for kind in expected]


def test_a_lambda_layer_is_never_built(content_of, monkeypatch):
    import marshal
    monkeypatch.setattr(marshal, "loads", lambda data: pytest.fail("code was loaded"))
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAAAAAAA", "defaults": None, "closure": None}}
    config = model(layer("Lambda", "evil", function=code), layer("Conv2D", "stem"))
    found = content_of(packed(numbered({"layers/conv2d": ("stem", (1, 1, 2, 2))}), config))
    assert list(found.arrays) == ["stem/kernel"]


def test_two_weights_of_one_name_are_refused(refused):
    refused(listed({"a": {"x/kernel:0": (2, 2)}, "b": {"x/kernel:0": (2, 2)}}), "two of its weights are named 'x/kernel'")
    refused(numbered({"layers/dense": ("a", (2, 2)), "layers/dense_1": ("a", (2, 2))}), "named 'a/kernel'")


def test_a_link_out_of_the_file_is_refused(content_of, refused, tmp_path):
    (tmp_path / "other.h5").write_bytes(listed(KERAS_2))
    for link in (h5py.ExternalLink(str(tmp_path / "other.h5"), "/model_weights/zconv"), h5py.SoftLink("/model_weights/bn")):
        file = io.BytesIO(listed(KERAS_2))
        with h5py.File(file, "r+") as root:
            del root["model_weights/zconv"]
            root["model_weights/zconv"] = link
        refused(file.getvalue(), "zconv.*is a link")


def test_the_weights_themselves_may_be_no_link(refused, tmp_path):
    (tmp_path / "other.h5").write_bytes(listed(KERAS_2))
    file = io.BytesIO()
    with h5py.File(file, "w") as root:
        root["model_weights"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/model_weights")
    refused(file.getvalue(), "link")


@pytest.mark.parametrize("change", [
    dict(names={"layer_names": ["absent"]}), dict(names={"layer_names": ["/optimizer_weights"]}),
    dict(names={"layer_names": ["."]}), dict(layers={"a": {}}), dict(config=[1, 2, 3]),
    dict(config={"config": {"name": "a", "layers": 3}}),
])
def test_other_trees(content_of, change):
    try:
        content_of(listed(**{"layers": {"a": {"a/kernel:0": (2, 2)}}, **change}))
    except InputError:
        return
    assert "config" in change                           # an odd configuration leaves names as they are


@pytest.mark.parametrize("data", [
    b"", b"PK", b"PK\x03\x04" + bytes(50), b"\x89HDF\r\n\x1a\n" + bytes(2000), b"\x80\x02}.", packed(b"no hdf5"),
    packed(numbered(NUMBERED), compression=zipfile.ZIP_DEFLATED), packed(numbered({})), numbered({}),
    packed(numbered(NUMBERED), {"a": "x" * 4_000_000}), listed({})])
def test_other_files_are_refused(refused, data):
    refused(data)


def test_a_nested_configuration_is_refused(refused):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("config.json", "[" * 100_000)
        archive.writestr("model.weights.h5", numbered(NUMBERED))
    refused(file.getvalue())


@pytest.mark.parametrize("name", ["absent.h5", ""])
def test_what_cannot_be_opened(tmp_path, name):
    with pytest.raises(InputError, match="cannot read .*give a .h5"):
        read(tmp_path / name)


def test_without_h5py_the_remedy_is_named(tmp_path, monkeypatch):
    import sys
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(InputError, match="pip install h5py"):
        read(tmp_path / "net.h5")


@pytest.mark.parametrize("data", [
    listed({"bn": KERAS_2["bn"]}), numbered({key: NUMBERED[key] for key in list(NUMBERED)[1:3]}),
    packed(numbered({"layers/conv2d": ("stem", (3, 5, 2, 7), (7,))}))])
def test_a_damaged_file_gives_an_input_error_or_arrays(tmp_path, data):
    _, n_refused, _ = assert_only_input_error(read, tmp_path, data, 200)
    assert n_refused > 20


@pytest.mark.parametrize("name, n_arrays, first, shape", [
    ("vww_96.h5", 164, "conv2d/kernel", (3, 3, 3, 8)), ("pretrainedResnet.h5", 48, "conv2d/kernel", (3, 3, 3, 16))])
def test_files_of_keras_2_4(shared, name, n_arrays, first, shape):
    found = read(shared / "data/zoo" / name)
    assert found.facts.items() >= {"framework": "Keras", "keras_version": "2.4.0", "backend": "tensorflow"}.items()
    assert len(found.arrays) == n_arrays and next(iter(found.arrays)) == first and found.arrays[first].shape == shape
    with h5py.File(shared / "data/zoo" / name) as root:
        kernel = root["model_weights/conv2d/conv2d/kernel:0"][()]
    assert found.arrays[first].tobytes() == kernel.tobytes()


@pytest.mark.parity
@pytest.mark.parametrize("suffix", [".h5", ".keras", ".weights.h5"])
def test_equals_keras(tmp_path, monkeypatch, suffix):
    pytest.importorskip("torch")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    layers = keras.layers
    inner = [layers.Input((8, 8, 4)), layers.Conv2D(4, 3, name="in_conv"), layers.BatchNormalization(name="in_bn")]
    inner = keras.Sequential(inner, name="inner")
    x = start = layers.Input((10, 10, 3))
    for part in (layers.Conv2D(4, 3, name="z", padding="same"), layers.DepthwiseConv2D(3, name="dw"), inner,
                 layers.SeparableConv2D(5, 3, name="sep"), layers.Dropout(0.3), layers.Flatten(), layers.Dense(3, name="a")):
        x = part(x)
    net = keras.Model(start, x)
    (net.save_weights if "weights" in suffix else net.save)(tmp_path / f"net{suffix}")
    expected = {}
    for part in (net.get_layer("z"), net.get_layer("dw"), *inner.layers, net.get_layer("sep"), net.get_layer("a")):
        for weight in part.weights:
            kind = "depthwise_kernel" if part.name == "dw" and weight.name == "kernel" else weight.name
            expected[f"{part.name}/{kind}"] = keras.ops.convert_to_numpy(weight.value)
    found = read(tmp_path / f"net{suffix}").arrays
    assert (sorted if "weights" in suffix else list)(found) == (sorted if "weights" in suffix else list)(expected)
    for name, value in expected.items():
        assert found[name].dtype == value.dtype and found[name].tobytes() == value.tobytes(), name
