"""Naming photos: many by a network made for it, few by the network itself, with the same answers."""
import json
from argparse import Namespace

import numpy as np
from PIL import Image

from tinynet.cli import label
from tinynet.data import Preprocessing
from tinynet.layers import GlobalAvgPool2d, Linear, Sequential
from tinynet.models.blocks import ConvNorm


def test_many_photos_are_labelled_by_a_network_made_for_inference(tmp_path, monkeypatch, capsys, rng):
    made, for_inference = [], label.for_inference
    monkeypatch.setattr(label, "for_inference", lambda net: made.append(net) or for_inference(net))
    monkeypatch.setattr(label, "BATCH", 4)
    for i in range(6):
        Image.fromarray(rng.integers(0, 256, (20, 20, 3), np.uint8)).save(tmp_path / f"{i}.png")
    net = Sequential(conv=ConvNorm(3, 8, 3, rng=rng), pool=GlobalAvgPool2d(), out=Linear(8, 2, rng)).eval()
    net["conv"].norm.running_mean[:] = 0.3
    preprocessing = Preprocessing(16, 16, "bilinear", "RGB", (0.0, 0.0, 0.0), 1 / 255)

    def label_all(*paths):
        assert label.label(Namespace(images=[str(path) for path in paths], top=None, json=True), net, ["a", "b"], preprocessing) == 0
        return [[found["p"] for found in photo["top"]] for photo in json.loads(capsys.readouterr().out)]

    together = label_all(tmp_path)
    assert made == [net]
    alone = [label_all(tmp_path / f"{i}.png")[0] for i in range(6)]
    assert made == [net] and np.ptp(together) > 0.01
    np.testing.assert_allclose(together, alone, rtol=1e-5)
