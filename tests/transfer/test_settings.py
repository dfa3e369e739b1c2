"""What can be chosen, what cannot, and the optimiser it makes."""
import pytest

from tinynet import InputError
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


def test_rates_that_were_not_chosen_are_the_optimisers():
    assert checked(Settings()) == Settings(lr=0.02)
    assert checked(Settings(optimizer="adam", cut="fire9")).lr_pretrained == 0.0001
    assert checked(Settings(lr=0.5)).lr == 0.5


@pytest.mark.parametrize("choice, says", [
    ({"optimizer": "lion"}, "optimizer is 'lion'; choose sgd"),
    ({"lr_pretrained": 0.1}, "no pretrained stage is trained"),
    ({"schedule": "stairs"}, "schedule is 'stairs'"), ({"epochs": 3, "warmup": 3}, "warmup is 3 of 3 epochs"),
    ({"copies": 2}, "nothing distorts them"), ({"copies": 0, "augment": "crop"}, "copies is 0; it must be 1 or more"),
    ({"ema": 1.0}, "ema is 1.0"), ({"ema": 0}, "ema is 0;"), ({"ensemble": 0}, "ensemble is 0"),
    ({"ensemble": 2, "cut": "fire9"}, "the cut fire9, but its members are heads"),
    ({"ensemble": 2, "augment": "crop"}, "its members share one cache"),
])
def test_what_is_impossible_or_contradicts_itself_is_refused_in_one_line(choice, says):
    with pytest.raises(InputError, match=says) as caught:
        checked(Settings(**choice))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("choice", [{"ensemble": 2, "augment": "crop", "copies": 1}, {"augment": "crop", "cut": "fire9"},
                                    {"augment": "crop"}, {"ema": 0.5, "tta": True, "cut": "fire9"}])
def test_what_goes_together_is_not(choice):
    checked(Settings(**choice))
