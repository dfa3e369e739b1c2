"""What distorted copies bring on real photos: ``python -m benchmarks.augment --data DIR --cache DIR``.

5 and 15 photos of each class train a head on SqueezeNet 1.1's features, all others test it, with ten choices of the
photos (by seed s: ``rng = default_rng(s)``, of each class in order the first n of ``rng.permutation(rows of the class)``).
Each training photo is joined by K distorted copies; no test photo is distorted. The head takes as many steps with copies
as without, so that only what it sees differs. Tested twice: on the photos as they are, and as under a yellow lamp. A
difference is to the head alone on the same photos: the mean over the seeds, and what is left of chance in that mean
(deviation / sqrt of their number). The first run computes some 20,000 activations, which --cache keeps for the next.
"""
import argparse
from dataclasses import dataclass

import numpy as np

from tinynet.data import AUGMENTS, Copies, ImageFolder, named_augment
from tinynet.models import pretrained
from tinynet.optim import SGD
from tinynet.transfer import ActivationCache, evaluate, fit, freeze, replace_head

EPOCHS = 60
CHOICES = [(), ("mirror",), ("crop",), ("colour",), ("mirror", "crop", "colour"), ("rotate",), ("mirror", "crop"), ("shear",),
           ("light",), ("warp",), ("pca",), tuple(AUGMENTS)]


@dataclass(frozen=True)
class Lamp:
    """A yellow lamp: each channel times its factor."""

    factors: tuple = (1.0, 0.85, 0.5)

    def __call__(self, image, rng):
        return (image * self.factors).round().astype(np.uint8)


class Bench:
    """Photos, their activations, and heads trained on them."""

    def __init__(self, data, cache, n_seeds, copies):
        self.photos, self.base = ImageFolder(data), pretrained("squeezenet1_1")
        self.cache, self.seeds, self.copies = ActivationCache(cache), range(n_seeds), copies
        self.trunk = freeze(self.head_net()).eval()[:"head"]
        everything = np.arange(len(self.photos))
        self.lamp = self.codes(Copies(self.photos, everything, Lamp(), 1))[len(self.photos):]

    def head_net(self):
        """Return the network with a new head for these classes."""
        return replace_head(self.base.net, len(self.photos.classes), self.base.classifier, self.base.image_shape)

    def codes(self, photos):
        """Return the features (N, 512) of all photos and copies."""
        cached = self.cache.activations(self.trunk, photos, self.base.preprocessing, "head", progress=False,
                                        network=self.base.model)
        return cached[np.arange(len(photos))]

    def choose(self, n, seed):
        """Return n training photos of each class, and all others to test."""
        rng, labels = np.random.default_rng(seed), self.photos.labels
        train = np.concatenate([rng.permutation(np.flatnonzero(labels == k))[:n] for k in range(len(self.photos.classes))])
        return train, np.setdiff1d(np.arange(len(labels)), train)

    def accuracy(self, n, seed, names):
        """Train a head with these distortions; return its accuracy on the other photos, and on them under the lamp."""
        train, test = self.choose(n, seed)
        augment = named_augment(",".join(names), map(self.photos.image, train)) if names else None  # "pca": of these photos
        photos = Copies(self.photos, train, augment, self.copies if names else 0)
        x, head = self.codes(photos), self.head_net()["head":]
        head["head"]["standardize"].fit(x[photos.rows])
        epochs = EPOCHS if names else EPOCHS * (1 + self.copies)
        fit(head, x, photos.labels, photos.rows, [], SGD(head.parameters(), 0.02, 0.9, weight_decay=0.1), epochs,
            np.random.default_rng(seed), progress=False)
        return [evaluate(head, tested, self.photos.labels, test).accuracy for tested in (x, self.lamp)]


def main(argv=None):
    """Print the table, row by row."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.augment", description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, metavar="DIR", help="a folder with one folder of photos per class")
    parser.add_argument("--cache", required=True, metavar="DIR", help="where the activations are kept")
    parser.add_argument("--seeds", type=int, default=10, help="choices of the photos (default %(default)s)")
    parser.add_argument("--copies", type=int, default=4, help="of each training photo (default %(default)s)")
    arguments = parser.parse_args(argv)
    bench = Bench(arguments.data, arguments.cache, arguments.seeds, arguments.copies)
    print("| photos a class | distortions | accuracy | difference | under a lamp | difference |\n|---|---|---|---|---|---|")
    alone = {}
    for names in CHOICES:
        for n in (5, 15):
            found = np.array([bench.accuracy(n, seed, names) for seed in bench.seeds]) * 100        # (seeds, 2)
            gain = found - alone.setdefault(n, found)
            cells = [f"{found[:, k].mean():.1f} ± {found[:, k].std(ddof=1):.1f} | {gain[:, k].mean():+.1f} ± "
                     f"{gain[:, k].std(ddof=1) / len(gain) ** 0.5:.1f}" for k in (0, 1)]
            print(f"| {n} | {', '.join(names) or 'head alone'} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
