"""tinynet, as its README and lessons use it."""
import numpy as np

from tinynet import Tensor, ops
from tinynet.backend import to_device
from tinynet.compute import parallel
from tinynet.data import ImageFolder
from tinynet.layers import BatchNorm, Linear, Module, zeros
from tinynet.models import for_inference, squeezenet1_1
from tinynet.models.squeezenet import PREPROCESSING
from tinynet.optim import SGD
from tinynet.tensor import no_grad
from tinynet.report import write_report
from tinynet.transfer import ActivationCache, fit, freeze, replace_head, transfer, unfreeze

from .. import inputs
from . import ops_of


def product(case, peer):
    """One matrix product, by NumPy: what all else is made of."""
    a, b = inputs.matrices(case.batch)
    return lambda: [a @ b]


def trunk(case, peer):
    """The whole batch to fire9's maps."""
    net, x = squeezenet1_1()[:"drop9"].eval().to(_device(peer)), to_device(inputs.images(case.batch), _device(peer))
    return lambda: [parallel.run(net, x)]


def network(case, peer):
    """A batch through a whole network of the zoo: made for inference, as the cache runs its trunk, or as it was built."""
    if case.op.endswith("codes and head"):
        return _codes_and_head(case)
    net, x = inputs.network(case.op.split(",")[0])[0].to(_device(peer)), to_device(inputs.prepared(case.batch), _device(peer))
    if case.op.endswith("forward"):
        net = for_inference(net)
    return lambda: [parallel.run(net, x)]


def _codes_and_head(case):
    """What comes before a network's last layer, one image at a time as in the cache, and the epochs of a head on that."""
    (whole, _, _), x, labels = inputs.network(case.op.split(",")[0]), inputs.prepared(case.batch), inputs.labels(case.batch)

    def run():
        trunk = for_inference(whole[:-1])
        codes = inputs.centred(np.concatenate([parallel.run(trunk, x[i:i + 1]) for i in range(len(x))]))
        net = Linear(codes.shape[1], inputs.N_CLASSES, init=zeros)
        optimizer = SGD(net.parameters(), lr=1 / codes.shape[1], momentum=inputs.MOMENTUM)
        for _ in range(inputs.EPOCHS):
            optimizer.zero_grad()
            ops.cross_entropy(net(Tensor(codes)), labels).backward()
            optimizer.step()
        return [net.weight.data]

    return run


def finetune(case, peer):
    """A step of all stages with a new head."""
    return _step("conv1", inputs.images(case.batch), _device(peer))


def partial(case, peer):
    """A step of fire8, fire9 and a new head on cached activations."""
    return _step("fire8", inputs.activations(case.batch), _device(peer))


def _step(cut, x, device):
    net = unfreeze(replace_head(squeezenet1_1(), inputs.N_CLASSES, "drop9", (3, 227, 227)), cut)[cut:].train().to(device)
    x = to_device(x, device)
    labels, optimizer = inputs.labels(len(x)), SGD(net.parameters(), lr=inputs.LR, momentum=inputs.MOMENTUM)

    def step():
        optimizer.zero_grad()
        value, scores = parallel.gradients(net, ops.cross_entropy, x, labels)
        optimizer.step()
        return [value, scores, *(p.grad for p in net.parameters())]

    return step


def head_loop(case, peer):
    """An epoch of a softmax layer, written as a loop."""
    net, x, labels, optimizer, rng = _head(case)

    def epoch():
        order = rng.permutation(len(x))
        for start in range(0, len(x), inputs.HEAD_BATCH):
            rows = order[start:start + inputs.HEAD_BATCH]
            optimizer.zero_grad()
            ops.cross_entropy(net(Tensor(x[rows])), labels[rows]).backward()
            optimizer.step()
        return [net.weight.data]

    return epoch


def head_fit(case, peer):
    """The same by `fit`, which also measures the training accuracy and keeps the best weights."""
    net, x, labels, optimizer, rng = _head(case)
    every, none = np.arange(len(x)), np.arange(0)

    def epoch():
        fit(net, x, labels, every, none, optimizer, 1, rng, inputs.HEAD_BATCH, progress=False)
        return [net.weight.data]

    return epoch


def _head(case):
    net = Linear(inputs.CODES[1], inputs.N_CLASSES, init=zeros)
    return net, *inputs.codes(case.batch), SGD(net.parameters(), lr=0.1, momentum=inputs.MOMENTUM), np.random.default_rng(0)


def op(case, peer):
    """One operation, called as in lesson 02."""
    name, backward = ops_of(case)
    arrays = inputs.op_arrays(name, case.batch)
    tensors = {key: Tensor(array, requires_grad=True).to(_device(peer)) for key, array in arrays.items()}
    gy = tensors.pop("gy").data
    x, *params = tensors.values()
    apply = _function(name, params, case, _device(peer))

    def forward():
        with no_grad():
            return [apply(x).data]

    def forward_and_backward():
        for leaf in (x, *params):
            leaf.zero_grad()
        y = apply(x)
        y.backward(gy)
        return [y.data, x.grad, *(p.grad for p in params)]

    return forward_and_backward if backward else forward


def _function(name, params, case, device):
    if name in inputs.CONVOLUTIONS:
        shape = inputs.CONVOLUTIONS[name]
        return lambda x: ops.conv2d(x, *params, shape["stride"], shape["padding"], shape["groups"])
    if name == inputs.POOL:
        return lambda x: ops.max_pool2d(x, 3, 2)
    if name == inputs.NORM:
        return BatchNorm(inputs.SHAPES[name][0]).to(device)
    if name == inputs.LOSS:
        return lambda x: ops.cross_entropy(x, inputs.labels(case.batch))

    def chain(x):
        for _ in range(inputs.CHAIN):
            x = ops.relu(x * 1.01 + 0.01)
        return x

    return chain


def job(case, peer):
    """Photos on disk to a trained head, a report and its pictures."""
    folder = inputs.scratch()
    inputs.write_photos(folder / "photos", case.batch)
    return lambda: [transfer(ImageFolder(folder / "photos"), folder / "run", progress=False, report=write_report)["test_accuracy"]]


def scaling_activations(case, peer):
    """The trunk over many images, into the cache."""
    trunk, dataset = freeze(squeezenet1_1()[:"drop9"].eval()), inputs.Noise(case.items(peer))
    cache, preprocessing = ActivationCache(inputs.scratch()), PREPROCESSING
    return lambda: [np.int64(len(cache.activations(trunk, dataset, preprocessing, "drop9", progress=False)))]


class FirstNumbers(Module):
    """A trunk that costs nothing: an image's code is its first numbers."""

    def forward(self, x):
        """(N, C, H, W) -> (N, 512)"""
        return Tensor(x.data.reshape(len(x), -1)[:, :inputs.CODES[1]])


def scaling_epoch(case, peer):
    """An epoch of the softmax head on codes that are read from the cache's file."""
    n = case.items(peer)
    codes = ActivationCache(inputs.scratch()).activations(
        FirstNumbers().eval(), inputs.Noise(n), PREPROCESSING, "head", progress=False)
    net = Linear(inputs.CODES[1], inputs.N_CLASSES, init=zeros)
    optimizer, rng = SGD(net.parameters(), lr=1e-4), np.random.default_rng(0)
    return lambda: [fit(net, codes, codes.labels, np.arange(n), np.arange(0), optimizer, 1, rng, progress=False)["train_loss"]]


def scaling_job(case, peer):
    """The main job on many images, with its report."""
    dataset, folder = inputs.Noise(case.items(peer)), inputs.scratch()
    return lambda: [transfer(dataset, folder / "run", progress=False, report=write_report)["test_accuracy"]]


def _device(peer):
    return "gpu" if peer == "tinynet cuda" else "cpu"


RUNS = {
    "roofline": product, "trunk": trunk, "network": network, "finetune": finetune, "partial": partial,
    ("head", "epoch, fit"): head_fit, "head": head_loop, "ops": op, "job": job, ("scaling", "activations"): scaling_activations,
    ("scaling", "epoch from the cache"): scaling_epoch, ("scaling", "main job"): scaling_job, "scaling": trunk,
}
