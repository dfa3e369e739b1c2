"""What torchvision's import asks for beside a CPU build of PyTorch: two operators that are declared and never called.

Its own operators need CUDA's build of torch. A process may declare an operator once, and for as long as `LIBRARY` lives.
"""
import torch

LIBRARY = torch.library.Library("torchvision", "FRAGMENT")
for operator in ("nms", "qnms") if torch.version.cuda is None else ():
    LIBRARY.define(operator + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
