"""What the project wants to reach, in one pinned thread with malloc set for everybody unless said otherwise."""
import math
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Goal:
    """A ratio, tinynet / peer, or an amount that should not be passed.

    Attributes
    ----------
    text : str
        What it is about.
    limit, stretch : float
        The goal, and what would be better still.
    where : dict
        The rows it is about: each of these keys of a row has one of these values.
    of : str
        What of these rows: "ratio", or "mb", the memory of tinynet's process in MB.
    """

    text: str
    limit: float
    stretch: float | None
    where: dict = field(hash=False)
    of: str = "ratio"

    def reached(self, rows):
        """Return the worst of the rows it is about, None if there is none (nan: the system does not tell)."""
        where = {"malloc": ["set"], "threads": [1]} | self.where
        found = [row[self.of] for row in rows if row["ratio"] is not None
                 and all(row[key] in values for key, values in where.items())]
        return max((amount for amount in found if not math.isnan(amount)), default=None)


def _trunk(*peers):
    return {"case": ["trunk"], "op": ["forward"], "batch": [16, 32], "peer": peers}


def _networks(*names, peer):
    return {"case": ["network"], "op": [f"{name}, forward" for name in names], "peer": [peer]}


PLAIN, DEPTHWISE = ("alexnet", "vgg16", "resnet18", "resnet50"), ("mobilenet_v2", "efficientnet_lite0")

GOALS = [
    Goal("trunk forward, batch 16 and 32 / PyTorch", 0.65, 0.57, _trunk("pytorch")),
    Goal("the same / PyTorch channels_last", 1.30, 1.05, _trunk("pytorch channels_last")),
    Goal("the same / DeZero, Chainer, ndf", 0.32, 0.25, _trunk("dezero", "chainer", "ndf")),
    Goal("the same / CS231n-style im2col", 0.50, 0.40, _trunk("cs231n")),
    Goal("two workers / one, idle machine", 1 / 1.6, 1 / 1.8,
         {"case": ["scaling"], "op": ["trunk forward, two workers"], "threads": [2]}),
    Goal("trunk forward, batch 1, malloc as user / PyTorch", 0.65, None,
         {"malloc": ["as user"], "case": ["trunk"], "op": ["forward"], "batch": [1], "peer": ["pytorch"]}),
    Goal("full fine-tuning step / PyTorch", 1.05, 0.90, {"case": ["finetune"], "peer": ["pytorch"]}),
    Goal("partial step on cached activations / PyTorch", 1.05, 0.90, {"case": ["partial"], "peer": ["pytorch"]}),
    Goal("softmax-head epoch / PyTorch loop", 0.30, 0.20,
         {"case": ["head"], "op": ["epoch, own loop"], "peer": ["pytorch"]}),
    Goal("AlexNet, VGG16, ResNet18 and 50 forward / PyTorch", 0.90, 0.70, _networks(*PLAIN, peer="pytorch")),
    Goal("the same / PyTorch channels_last", 1.40, 1.10, _networks(*PLAIN, peer="pytorch channels_last")),
    Goal("MobileNetV2 and EfficientNet-Lite0 forward / PyTorch", 1.20, 0.90, _networks(*DEPTHWISE, peer="pytorch")),
    Goal("depthwise 3x3 forward / PyTorch", 1.50, 1.0,
         {"case": ["ops"], "op": ["depthwise 3x3 96 56x56, forward"], "peer": ["pytorch"]}),
    Goal("batch norm forward / PyTorch", 1.0, 0.7, {"case": ["ops"], "op": ["batch norm 64 56x56, forward"], "peer": ["pytorch"]}),
    Goal("batch norm forward and backward / PyTorch", 1.3, 1.0,
         {"case": ["ops"], "op": ["batch norm 64 56x56, forward and backward"], "peer": ["pytorch"]}),
    Goal("tape overhead on tiny arrays / PyTorch", 1.0, 0.75, {"case": ["ops"], "op": ["tape, forward and backward"]}),
    Goal("main job / PyTorch as in its tutorial", 0.10, None, {"case": ["job"]}),
    Goal("peak extra memory, trunk forward, batch 32 / PyTorch", 0.4, 0.2,
         {"case": ["trunk"], "op": ["forward, peak extra memory"], "peer": ["pytorch"]}),
    Goal("memory of the main job with 3,000 images, MB", 500, None,
         {"malloc": ["as user"], "case": ["scaling"], "op": ["main job"], "batch": [3000]}, of="mb"),
]
