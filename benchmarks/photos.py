"""What ensembles bring on real photos: ``python -m benchmarks.photos --data DIR --cache DIR``.

5 and 15 photos of each class train heads on SqueezeNet 1.1's features, all others test them, with ten choices of the photos
(by seed s: ``rng = default_rng(s)``, of each class in order the first n of ``rng.permutation(rows of the class)``). A head is
the one of the main job: standardised features and a softmax layer, momentum 0.9, rate 0.02, weight decay 0.1; here it takes
300 steps, without validation. A difference is to one such head on the plain photo, trained on the same photos: the mean over the
seeds, and what is left of chance in that mean (deviation / sqrt of their number). The first run computes some 7,000
activations, which --cache keeps for the next.
"""
import argparse

import numpy as np

from tinynet.data import TEN_VIEWS, ImageFolder, View, Views, batches
from tinynet.errors import InputError
from tinynet.layers import Dropout, Linear, ReLU, Sequential, Standardize, he_normal, zeros
from tinynet.models import pretrained
from tinynet.optim import EMA, SGD
from tinynet.transfer import ActivationCache, Ensemble, ViewEnsemble, evaluate, fit, freeze, replace_head

MEMBERS, STEPS = 10, 300
ENDS = View(crop=1, x=0, y=0), View(crop=1, x=1, y=1)                   # the ends that the middle square leaves out
SHOWN = [View(), View(mirror=True), *ENDS, *TEN_VIEWS]
VIEWS = {"plain": [0], "mirror": [0, 1], "middle and both ends": [0, 2, 3], "ten crops": list(range(4, 14)),
         "all of these": list(range(14))}
DIFFERENT = [dict(hidden=hidden, lr=lr, weight_decay=decay, drop=drop)  # sizes, rates, regularisers
             for hidden, lr in ((None, 0.02), (16, 0.02), (64, 0.02), (256, 0.005), (64, 0.005))
             for decay, drop in ((0.1, 0.0), (0.01, 0.5))]
COMMITTEES = {                                                          # name: the settings of each member
    "of ten seeds": [{}] * MEMBERS,
    "of ten bags of the photos": [{"bag": True}] * MEMBERS,
    "with 64 hidden units, of ten seeds": [{"hidden": 64, "weight_decay": 0.01}] * MEMBERS,
    "of ten sizes, rates and regularisers": DIFFERENT,
}


def choose(labels, n, seed):
    """Return n training rows of each class, and all others to test."""
    rng = np.random.default_rng(seed)
    train = np.concatenate([rng.permutation(np.flatnonzero(labels == k))[:n] for k in range(labels.max() + 1)])
    return train, np.setdiff1d(np.arange(len(labels)), train)


def train_head(x, labels, rows, seed, hidden=None, lr=0.02, weight_decay=0.1, drop=0.0, bag=False, decay=None):
    """Train one head; `bag` draws as many photos with replacement, `decay` is that of an average of the weights."""
    rng, n_classes, n_features = np.random.default_rng(seed), labels.max() + 1, x.shape[1]
    rows = rng.choice(rows, len(rows)) if bag else rows
    layers = {"standardize": Standardize(n_features)}
    if drop:
        layers["drop"] = Dropout(drop, rng)
    if hidden:
        layers |= {"hidden": Linear(n_features, hidden, rng, init=he_normal), "relu": ReLU()}
    head = Sequential(**layers, softmax=Linear(hidden or n_features, n_classes, init=zeros))
    head["standardize"].fit(x[rows])
    optimizer = SGD(head.parameters(), lr, momentum=0.9, weight_decay=weight_decay)
    epochs = STEPS // len(list(batches(len(rows), 32)))
    fit(head, x, labels, rows, [], optimizer, epochs, rng, progress=False, ema=EMA(head, decay) if decay else None)
    return head


def measure(x, labels, n, seed):
    """Return {(heads, views): (members' mean accuracy, accuracy, loss)} for one choice of the photos; x is (N, V, 512)."""
    train, test = choose(labels, n, seed)
    plain, found = x[:, 0], {}

    def note(heads, views, members):
        each = [evaluate(member, plain, labels, test).accuracy for member in members]
        whole = evaluate(ViewEnsemble(Ensemble(*members)), x[:, VIEWS[views]], labels, test)
        found[heads, views] = np.mean(each), whole.accuracy, whole.loss

    alone = train_head(plain, labels, train, seed)
    for views in VIEWS:
        note("one head", views, [alone])
    note("one head, averaged weights", "plain", [train_head(plain, labels, train, seed, decay=0.98)])
    for name, settings in COMMITTEES.items():
        members = [train_head(plain, labels, train, 1000 * seed + m, **options) for m, options in enumerate(settings)]
        for views in ("plain", "all of these"):
            note(f"ten heads {name}", views, members)
    return found


def main(argv=None):
    """Print the table, row by row."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.photos", description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, metavar="DIR", help="a folder with one folder of photos per class")
    parser.add_argument("--cache", required=True, metavar="DIR", help="where the activations are kept")
    parser.add_argument("--seeds", type=int, default=10, help="choices of the photos (default %(default)s)")
    arguments = parser.parse_args(argv)
    try:
        photos = ImageFolder(arguments.data)
    except InputError as error:
        parser.error(f"--data: {error}")
    base = pretrained("squeezenet1_1")
    net = freeze(replace_head(base.net, len(photos.classes), base.classifier, base.image_shape)).eval()
    cached = ActivationCache(arguments.cache).activations(net[:"head"], Views(photos, SHOWN), base.preprocessing, "head",
                                                          network=base.model)
    x = cached.in_groups(len(SHOWN))[:]                                     # (N, V, 512)
    print("| photos a class | heads | views | one member | together | difference | loss |\n|---|---|---|---|---|---|---|")
    for n in (5, 15):
        seeds = [measure(x, photos.labels, n, seed) for seed in range(arguments.seeds)]
        alone = np.array([found["one head", "plain"][1] for found in seeds])
        for heads, views in seeds[0]:
            each, together, loss = np.array([found[heads, views] for found in seeds]).T
            gain = 100 * (together - alone)
            print(f"| {n} | {heads} | {views} | {100 * each.mean():.1f} | {100 * together.mean():.1f} ± "
                  f"{100 * together.std(ddof=1):.1f} | {gain.mean():+.1f} ± {gain.std(ddof=1) / len(gain) ** 0.5:.1f} | "
                  f"{loss.mean():.3f} |", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("\nstopped by Ctrl-C: the rows above are whole, the rest is missing") from None
