"""PyTorch, eager, in its default layout or with everything in channels_last."""
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from .. import inputs
from . import declared, ops_of      # noqa: F401
from .pytorch_job import job
from .pytorch_net import network, zero_linear

OF_TIMM = {"mobilenet_v1": "mobilenetv1_100"}       # for the others, "tf_" and our name


def product(case, peer):
    """One matrix product."""
    a, b = map(torch.from_numpy, inputs.matrices(case.batch))
    return lambda: [(a @ b).numpy()]


def trunk(case, peer):
    """The whole batch to fire9's maps."""
    net, x = placed(network().eval(), peer), placed(torch.from_numpy(inputs.images(case.batch)), peer)

    def run():
        with torch.no_grad():
            return [net(x)]

    return run


def published(case, peer):
    """A batch through a whole network, as PyTorch's vision package or timm defines it, or its codes and a head on them."""
    name, _, what = case.op.partition(", ")
    with torch.device("cuda" if "cuda" in peer else "cpu"):
        net = _published(name)
    _, state, last = inputs.network(name)
    net.load_state_dict({key: torch.from_numpy(array) for key, array in state.items()}, strict=False)
    net, x = placed(net.eval(), peer), placed(torch.from_numpy(inputs.prepared(case.batch)), peer)
    if what == "codes and head":
        net.set_submodule(last, nn.Identity())

    def run():
        with torch.no_grad():
            y = net(x)
        return [_head_on(inputs.centred(y), case.batch) if what == "codes and head" else y]

    return run


def _head_on(codes, n):
    net, labels = nn.Linear(codes.shape[1], inputs.N_CLASSES), torch.from_numpy(inputs.labels(n))
    nn.init.zeros_(net.weight)
    nn.init.zeros_(net.bias)
    optimizer = torch.optim.SGD(net.parameters(), lr=1 / codes.shape[1], momentum=inputs.MOMENTUM)
    for _ in range(inputs.EPOCHS):
        optimizer.zero_grad()
        F.cross_entropy(net(codes), labels).backward()
        optimizer.step()
    return net.weight


def _published(name):
    import torchvision.models
    if hasattr(torchvision.models, name):
        return getattr(torchvision.models, name)(weights=None)
    import timm
    return timm.create_model(OF_TIMM.get(name, f"tf_{name}"))


def finetune(case, peer):
    """A step of all stages with a new head."""
    return _step(network(head=True), inputs.images(case.batch), peer)


def partial(case, peer):
    """A step of fire8, fire9 and a new head on cached activations."""
    return _step(network("fire8", head=True), inputs.activations(case.batch), peer)


def _step(net, x, peer):
    net, x, labels = placed(net.train(), peer), placed(torch.from_numpy(x), peer), placed(torch.from_numpy(inputs.labels(len(x))), peer)
    optimizer = torch.optim.SGD(net.parameters(), lr=inputs.LR, momentum=inputs.MOMENTUM)

    def step():
        optimizer.zero_grad()
        scores = net(x)
        loss = F.cross_entropy(scores, labels)
        loss.backward()
        optimizer.step()
        return [loss, scores, *(p.grad for p in net.parameters())]

    return step


def head(case, peer):
    """An epoch of a softmax layer: rows picked by an index in a loop, or brought by a DataLoader."""
    x, labels = map(torch.from_numpy, inputs.codes(case.batch))
    net, rng = zero_linear(), np.random.default_rng(0)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=inputs.MOMENTUM)

    class Shuffled:
        def __iter__(self):
            return iter(rng.permutation(len(x)).tolist())

        def __len__(self):
            return len(x)

    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, labels), inputs.HEAD_BATCH, sampler=Shuffled())

    def batches():
        if peer == "pytorch dataloader":
            return loader
        return ((x[rows], labels[rows]) for rows in torch.from_numpy(rng.permutation(len(x))).split(inputs.HEAD_BATCH))

    def epoch():
        for x_batch, true in batches():
            optimizer.zero_grad()
            F.cross_entropy(net(x_batch), true).backward()
            optimizer.step()
        return [net.weight]

    return epoch


def op(case, peer):
    """One operation."""
    name, backward = ops_of(case)
    arrays = inputs.op_arrays(name, case.batch)
    tensors = {key: placed(torch.from_numpy(array), peer) for key, array in arrays.items()}
    gy = tensors.pop("gy")
    x, *params = (tensor.requires_grad_() for tensor in tensors.values())
    apply = _function(name, params, case, peer)

    def forward():
        with torch.no_grad():
            return [apply(x)]

    def forward_and_backward():
        for leaf in (x, *params):
            leaf.grad = None
        y = apply(x)
        y.backward(gy)
        return [y, *(leaf.grad for leaf in (x, *params))]

    return forward_and_backward if backward else forward


def _function(name, params, case, peer):
    if name in inputs.CONVOLUTIONS:
        shape = inputs.CONVOLUTIONS[name]
        return lambda x: F.conv2d(x, *params, shape["stride"], shape["padding"], 1, shape["groups"])
    if name == inputs.POOL:
        return lambda x: F.max_pool2d(x, 3, 2)
    if name == inputs.NORM:
        return placed(nn.BatchNorm2d(inputs.SHAPES[name][0]), peer)
    if name == inputs.LOSS:
        labels = placed(torch.from_numpy(inputs.labels(case.batch)), peer)
        return lambda x: F.cross_entropy(x, labels)

    def chain(x):
        for _ in range(inputs.CHAIN):
            x = torch.relu(x * 1.01 + 0.01)
        return x

    return chain


def placed(thing, peer):
    """Return a network or a tensor in the memory layout and on the device that the peer's name says."""
    layout = torch.channels_last if "channels_last" in peer and getattr(thing, "ndim", 4) == 4 else torch.preserve_format
    return thing.to("cuda" if "cuda" in peer else "cpu", memory_format=layout)


RUNS = {"roofline": product, "trunk": trunk, "network": published, "finetune": finetune, "partial": partial, "head": head, "ops": op, "job": job}
