"""Networks as their own libraries define them, with weights that a mistake would show on."""
import importlib

import numpy as np
import pytest


def torchvision_models():
    """torchvision.models beside a CPU build of torch, whose own operators two declarations stand in for."""
    pytest.importorskip("torch")
    importlib.import_module("benchmarks.peers.declared")
    return pytest.importorskip("torchvision.models")


def timm():
    torchvision_models()
    return pytest.importorskip("timm")


def with_statistics(net, side):
    """The same torch network with batch norms that do something: scales, shifts, and statistics of random images."""
    import torch
    torch.manual_seed(0)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.1)
    net.train()
    with torch.no_grad():
        for _ in range(2):
            net(torch.randn(4, 3, side, side))
    return net.eval()


def with_numbers(net):
    """A network of ours built without random numbers, filled with some, and with batch norms that do something."""
    block = np.random.default_rng(0).standard_normal(10_007, dtype=np.float32)      # repeated: drawing 10⁸ takes seconds
    for name, array in net.state_dict().items():
        numbers = np.resize(block, array.shape)
        if array.ndim > 1:
            array[...] = numbers * np.float32((2 / array[0].size) ** 0.5)
        elif name.endswith(("running_var", "std", "norm.weight")):
            array[...] = 1 + np.tanh(numbers) / 2
        else:
            array[...] = numbers / 10
    return net.eval()


def scores_and_gradient(net, x, weights):
    """Scores of a torch network in float64, and the gradient of their weighted sum by the images."""
    import torch
    x = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    y = net.double()(x)
    (y * torch.tensor(weights)).sum().backward()
    net.float()
    return y.detach().numpy(), x.grad.numpy()


def our_scores_and_gradient(net, x, weights):
    """The same of a network of ours."""
    from tinynet import Tensor
    for module in net.modules():
        for name, value in vars(module).items():
            if name in module.buffers:
                setattr(module, name, value.astype(np.float64))
    for p in net.parameters():
        p.data = p.data.astype(np.float64)
    x = Tensor(np.asarray(x, np.float64), requires_grad=True)
    y = net(x)
    (y * Tensor(weights)).sum().backward()
    return y.numpy(), x.grad


def assert_same(found, expected, tolerance=1e-4):
    """Both arrays are equal, relative to the spread of what is expected."""
    for array, other in zip(found, expected, strict=True):
        spread = other.std()
        assert spread > 0 and array.shape == other.shape
        assert np.abs(array - other).max() <= tolerance * spread
