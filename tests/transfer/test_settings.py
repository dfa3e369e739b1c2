"""What can be chosen, and the optimiser it makes."""
from tinynet.models import pretrained
from tinynet.transfer import Settings, unfreeze
from tinynet.transfer.run import build
from tinynet.transfer.settings import build_optimizer, checked


def test_groups_have_their_own_rates():
    net = unfreeze(build(pretrained(), 3, None, None), "fire9")
    settings = checked(Settings(lr=0.5, lr_pretrained=0.25, cut="fire9"))
    head, others = build_optimizer(net, settings).groups
    assert (head["lr"], others["lr"]) == (0.5, 0.25)
    assert len(head["params"]) == 2 and len(others["params"]) == 6
    assert head["weight_decay"] > 0 and others["weight_decay"] == 0
