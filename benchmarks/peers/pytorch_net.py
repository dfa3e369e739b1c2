"""SqueezeNet 1.1 in PyTorch, with our weights."""
import torch
from torch import nn

from .. import inputs


class Fire(nn.Module):
    """Squeeze, then expand with 1x1 and 3x3 filters side by side."""

    def __init__(self, channels, squeeze, expand):
        super().__init__()
        self.squeeze1x1 = nn.Conv2d(channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        """(N, channels, H, W) -> (N, 2 * expand, H, W)"""
        s = torch.relu_(self.squeeze1x1(x))
        return torch.cat([torch.relu_(self.expand1x1(s)), torch.relu_(self.expand3x3(s))], 1)


class Head(nn.Module):
    """Mean of each map, standardised (here by mean 0, deviation 1, as in a new head of ours), and a softmax layer."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs.CODES[1]))
        self.register_buffer("std", torch.ones(inputs.CODES[1]))
        self.softmax = zero_linear()

    def forward(self, x):
        """(N, C, H, W) -> (N, K)"""
        return self.softmax((x.mean((2, 3)) - self.mean) / self.std)


def zero_linear():
    """Return a softmax layer that starts at 0."""
    layer = nn.Linear(inputs.CODES[1], inputs.N_CLASSES)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def network(first="conv1", head=False):
    """Return SqueezeNet 1.1 from a stage to fire9, pretrained, with a new head if wanted."""
    stages, channels = {"conv1": nn.Conv2d(3, 64, 3, 2), "relu1": nn.ReLU(inplace=True)}, 64
    for name, squeeze, expand in inputs.FIRES:
        if name in inputs.AFTER_POOL:
            stages[f"pool_{name}"] = nn.MaxPool2d(3, 2, ceil_mode=True)
        stages[name], channels = Fire(channels, squeeze, expand), 2 * expand
    names = list(stages)
    net = nn.Sequential()
    for name in names[names.index(first):]:
        net.add_module(name, stages[name])
    weights = inputs.trunk_weights()
    net.load_state_dict({name: torch.from_numpy(weights[name].copy()) for name in net.state_dict()})
    if head:
        net.add_module("head", Head())
    return net
