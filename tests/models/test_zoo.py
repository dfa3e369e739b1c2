"""Every row of the zoo is true of its network."""
import numpy as np
import pytest

from tinynet import Tensor, no_grad
from tinynet.models import DEFAULT, ZOO


def test_the_default_is_in_the_zoo():
    assert DEFAULT in ZOO


@pytest.mark.parametrize("name", ZOO)
def test_a_row_is_true_of_its_network(name):
    model = ZOO[name]
    net = model.build().eval()
    assert net.stages[0] == model.first_stage and model.classifier in net.stages
    with no_grad():
        scores = net(Tensor(np.zeros((1, *model.image_shape), np.float32)))
    assert scores.shape == (1, len(model.class_names()))
    image = np.zeros((300, 400, 3), np.uint8)
    assert model.preprocessing(image).shape == model.image_shape


@pytest.mark.parametrize("name", ZOO)
def test_what_comes_before_the_classifier_is_shared_by_any_number_of_classes(name):
    model, rng = ZOO[name], np.random.default_rng(0)
    published, other = model.build(), model.build(n_classes=7, rng=rng)
    for part in (slice(None, model.classifier), slice(model.classifier, None)):
        same = [a.tobytes() == b.tobytes() for a, b in zip(published[part].state_dict().values(),
                                                           other[part].state_dict().values())]
        assert all(same) == (part.stop is not None), part
