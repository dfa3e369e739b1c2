"""From strangers' names to ours: biases in front of batch norms, networks inside of others, own classifiers, other networks."""
import numpy as np
import pytest

from tinynet import InputError, Tensor, no_grad
from tinynet.models import ZOO
from tinynet.models.match import match
from tinynet.weights import WeightFile
from tinynet.weights.file import Node


@pytest.fixture(scope="module")
def resnet18():
    """torchvision's names of random numbers, and scores of the network they make."""
    model = ZOO["resnet18"]
    net = model.build(n_classes=7, rng=np.random.default_rng(0))
    rng, state = np.random.default_rng(1), net.state_dict()
    for name, array in state.items():
        if ".norm." in name:
            state[name] = rng.uniform(0.5, 1.5, array.shape).astype(np.float32)
    net.load_state_dict(state)
    theirs = {ours: name for name, ours in model.sources[0].layers.items()}
    return {f"{theirs[layer]}.{kind}": array for name, array in state.items() for layer, _, kind in [name.rpartition(".")]}, net.eval()


def file(arrays, kind="PyTorch (zip)", layout="OIHW", **more):
    return WeightFile(kind, layout, arrays, name="net.pth", **more)


def scores(net, side=32):
    x = np.random.default_rng(2).standard_normal((2, 3, side, side)).astype(np.float32)
    with no_grad():
        return net(Tensor(x)).numpy()


@pytest.mark.parametrize("prefix", ["", "backbone.", "encoder.", "ema_model.module.", "net.0."])
def test_a_network_is_found_inside_of_another(resnet18, prefix):
    arrays, net = resnet18
    found = match(file({prefix + name: array for name, array in arrays.items()}), ZOO["resnet18"])
    assert not found.by_order and not found.left_out and found.options == {"n_classes": 7}
    np.testing.assert_array_equal(scores(found.net), scores(net))


def test_two_networks_in_one_file_are_not_guessed_between(resnet18):
    arrays = {f"{prefix}.{name}": array for prefix in ("online", "target") for name, array in resnet18[0].items()}
    with pytest.raises(InputError, match="holds two networks, 'online.' and 'target.'"):
        match(file(arrays), ZOO["resnet18"])


@pytest.mark.parametrize("rename", [
    lambda name: name.replace("conv1", "0", 1) if name.startswith("conv1") else name.replace("bn1", "1", 1)
    if name.startswith("bn1") else name.replace(name[:6], str(3 + int(name[5]))),
    lambda name: "resnet." + transformers(name)])
def test_stages_in_a_row_and_the_names_of_transformers(resnet18, rename):
    arrays, net = resnet18
    found = match(file({rename(name): array for name, array in arrays.items() if not name.startswith("fc")}), ZOO["resnet18"])
    assert found.net.stages[-1] == "pool5" and not found.by_order and not found.left_out
    np.testing.assert_array_equal(scores(found.net), scores(net[:"fc"]))


def transformers(name):
    *place, layer, kind = name.split(".")
    if not place:
        return f"embedder.embedder.{'convolution' if layer == 'conv1' else 'normalization'}.{kind}"
    block = f"encoder.stages.{int(place[0][5:]) - 1}.layers.{place[1]}"
    if "downsample" in place:
        return f"{block}.shortcut.{'convolution' if layer == '0' else 'normalization'}.{kind}"
    return f"{block}.layer.{int(layer[-1]) - 1}.{'convolution' if layer.startswith('conv') else 'normalization'}.{kind}"


def test_somebodys_own_classifier_is_left_out_and_listed(resnet18):
    arrays, net = resnet18
    own = {name: array for name, array in arrays.items() if not name.startswith("fc")}
    own |= {"fc.0.weight": np.zeros((9, 512)), "fc.1.running_mean": np.zeros(9), "fc.3.weight": np.zeros((2, 9))}
    found = match(file(own), ZOO["resnet18"])
    assert found.left_out == ["fc.0.weight (9, 512)", "fc.1.running_mean (9,)", "fc.3.weight (2, 9)"]
    np.testing.assert_array_equal(scores(found.net), scores(net[:"fc"]))
    more = arrays | {"fc2.weight": np.zeros((3, 7))}                # behind a classifier that fits: not ours any more
    found = match(file(more), ZOO["resnet18"])
    assert found.net.stages[-1] == "pool5" and found.left_out == ["fc2.weight (3, 7)"]


@pytest.mark.parametrize("with_classifier", [True, False])
def test_what_lies_inside_of_the_trunk_is_never_left_out(resnet18, with_classifier):
    arrays = {name: array for name, array in resnet18[0].items() if with_classifier or not name.startswith("fc")}
    arrays["layer1.0.se.fc1.weight"] = np.zeros((4, 64, 1, 1))      # squeeze and excitation: another network
    with pytest.raises(InputError, match="layer1.0.se.fc1 has no place"):
        match(file(arrays), ZOO["resnet18"])


def test_one_layer_under_two_names_is_refused():
    net = ZOO["mobilenet_v1"].build(width=0.25, n_classes=3)
    keras = next(source for source in ZOO["mobilenet_v1"].sources if source.name == "Keras")
    state, arrays = net.state_dict(), {}
    for theirs, ours in keras.layers.items():
        arrays |= {f"{theirs}/{name.rpartition('.')[2]}": hwio(array) for name, array in state.items() if name.rpartition(".")[0] == ours}
    with pytest.raises(InputError, match="predictions.weight is one of two for fc.weight"):
        match(file(arrays, "Keras", "HWIO"), ZOO["mobilenet_v1"])


def hwio(array):
    depthwise = array.ndim == 4 and array.shape[1] == 1 and array.shape[0] != 1
    return array.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0)) if array.ndim == 4 else array.T


@pytest.mark.parametrize("norms_first", [True, False])
@pytest.mark.parametrize("activation", ["relu", "relu6"])
def test_a_bias_in_front_of_a_batch_norm_counts(norms_first, activation):
    net = ZOO["mobilenet_v1"].build(width=0.25, n_classes=3, rng=np.random.default_rng(0), relu6=activation == "relu6").eval()
    rng, convs, norms, state = np.random.default_rng(1), {}, {}, net.state_dict()
    for k, name in enumerate(name for name in state if name.endswith("running_mean")):
        block, bias = name.removesuffix(".norm.running_mean"), rng.standard_normal(state[name].shape).astype(np.float32)
        convs |= {f"conv2d_{k}/kernel": hwio(state[f"{block}.conv.weight"]), f"conv2d_{k}/bias": bias}
        norms |= {f"norm_{k}/{kind}": state[f"{block}.norm.{ours}"] for kind, ours in (
            ("gamma", "weight"), ("beta", "bias"), ("moving_variance", "running_var"))} | {f"norm_{k}/moving_mean": state[name] + bias}
    arrays = (norms | convs if norms_first else convs | norms) | {"dense/kernel": state["fc.weight"].T, "dense/bias": state["fc.bias"]}
    found = match(file(arrays, "Keras", "HWIO", facts={"activations": f"{activation}, softmax", "epsilon": "0.001"}), ZOO["mobilenet_v1"])
    assert found.by_order and found.options["width"] == 0.25 and found.options.get("relu6", True) == (activation == "relu6")
    np.testing.assert_allclose(scores(found.net), scores(net), rtol=1e-4, atol=1e-5)
    for facts, message in (({"activations": "swish"}, "its activations are swish"), ({"epsilon": "0.1"}, "epsilon of its batch norms is 0.1")):
        with pytest.raises(InputError, match=message):
            match(file(arrays, "Keras", "HWIO", facts=facts), ZOO["mobilenet_v1"])


@pytest.mark.parametrize("ops, norm_first", [
    (["Convolution", "ReLU", "Pooling", "LRN", "Pooling", "LRN", "Pooling"], False),
    (["Convolution", "ReLU", "LRN", "Pooling", "LRN", "Pooling", "Pooling"], True)])
def test_caffes_alexnet_is_told_from_its_caffenet_by_the_order_of_operations(ops, norm_first):
    arrays = ZOO["alexnet"].build(original=True).state_dict()
    nodes = [Node(op, "", [], []) for op in ops]
    net = match(file(arrays, "Caffe", nodes=nodes), ZOO["alexnet"]).net
    assert net.stages[1:3] == (["norm1", "pool1"] if norm_first else ["pool1", "norm1"])
    with pytest.raises(InputError, match="one after the other"):
        match(file(arrays, "Caffe", nodes=nodes[:5]), ZOO["alexnet"])


def test_timms_own_training_expects_what_timm_prepares():
    sources = {source.name: source.preprocessing for source in ZOO["efficientnet_lite0"].sources}
    assert sources["timm"].mean == (127.0, 127.0, 127.0) and sources["timm's own training"].mean == (123.675, 116.28, 103.53)


def test_an_unknown_network_is_answered_in_one_line_of_what_was_found_and_what_is_wanted():
    arrays = {f"blocks.{i}.attn.qkv.weight": np.zeros((576, 192)) for i in range(500)}
    with pytest.raises(InputError) as error:
        match(file(arrays, "safetensors"), ZOO["resnet18"])
    text = str(error.value)
    assert "blocks.0.attn.qkv.weight (576, 192)" in text and "torchvision's conv1, bn1" in text and len(text) < 1000 and "\n" not in text
