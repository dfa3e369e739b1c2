"""``tinynet layers``: which stage's codes suit one's photos, and how to transfer, therefore."""
import json

import numpy as np

from ..errors import InputError
from ..files import atomic_write, command_line
from ..models import DEFAULT, ZOO, pretrained
from ..ops import cross_entropy, hinge
from ..transfer import freeze, layer_curve, recommend
from ..transfer.layer_curve import PIXELS, StageCodes, check_sizes
from ..transfer.moments import find_moments
from .arguments import add_network, positive, say
from .data import add_data, open_data

LOSSES = {"softmax": cross_entropy, "svm": hinge}
SIZES, TRAINED = (5, 20, 60), 0.7       # training photos of each class, up to this share of the smallest class
WORDS = {                               # (many, similar): what is done with such photos
    (False, True): "few photos, similar to the network's own: train the head alone, on the last codes",
    (True, True): "many photos, similar to the network's own: train the last stages too, at a small rate",
    (False, False): "few photos, different from the network's own: keep its early stages, and train what follows them",
    (True, False): "many photos, different from the network's own: begin with its weights, and train them all",
}


def add(commands):
    """Add the command to the parser's commands."""
    parser = commands.add_parser("layers", help="find out which layers suit your photos, and how to transfer")
    add_data(parser, ending="-layers")
    add_network(parser)
    parser.add_argument("--stages", nargs="+", metavar="STAGE",
                        help="which to compare (default: all that have learned something)")
    parser.add_argument("--classifier", choices=list(LOSSES), default="softmax", help="the linear one (default %(default)s)")
    parser.add_argument("--photos", nargs="+", type=positive, metavar="N",
                        help="training photos of each class (default: 5, 20 and 60, as far as there are enough)")
    parser.add_argument("--splits", type=positive, default=5, metavar="N",
                        help="how often it is drawn which photos train (default %(default)s)")
    parser.add_argument("--random", action="store_true", help="compare with the same network before it has learned anything")
    parser.set_defaults(run=run)


def run(arguments):
    """Print the table, draw it, and recommend."""
    if arguments.random and (arguments.model not in ZOO or arguments.weights is not None):
        raise InputError("--random needs a network of the zoo with its own weights, since a file's may be of another width; "
                         "leave the option out")
    base = pretrained(arguments.model, arguments.weights)
    say(base.notes)
    dataset, out = open_data(arguments, ending="-layers")
    cache = arguments.cache or out.parent / "cache"
    smallest = int(np.bincount(dataset.labels).min())
    sizes = arguments.photos or [n for n in SIZES if n <= TRAINED * smallest] or [max(1, int(TRAINED * smallest))]
    check_sizes(dataset.labels, sizes, arguments.splits)                        # before the long work
    if arguments.stages:
        StageCodes(base.net[:base.classifier], arguments.stages)
    group, _ = find_moments(dataset, cache)
    options = {"stages": arguments.stages, "n_per_class": sizes, "seeds": arguments.splits,
               "loss": LOSSES[arguments.classifier], "group": group}
    curves = {base.model: layer_curve(freeze(base.net)[:base.classifier], dataset, base.preprocessing, cache,
                                      network=base.model, **options)}
    if arguments.random:
        net = ZOO[base.model].build(rng=np.random.default_rng(0)).eval()
        curves["random weights"] = layer_curve(freeze(net)[:base.classifier], dataset, base.preprocessing, cache,
                                               network=f"{base.model} random", **options)
    for name, curve in curves.items():
        _print(name, curve)
    _draw(curves, out)
    _keep(base.model, curves[base.model], smallest, out)
    scenario = recommend(curves[base.model], base.net[:base.classifier].stages, smallest)
    _advise(scenario, curves[base.model], smallest, arguments)
    print(f"picture:  {out / 'layers.png'}, numbers: {out / 'layers.json'}")


def _print(name, curve):
    print(f"\n{name}: accuracy with so many training photos of each class, ± deviation of {curve.accuracy.shape[2]} splits")
    print(f"{'':16}" + "".join(f"{n:>12}" for n in curve.n_per_class))
    best = curve.mean.argmax(axis=0)
    for i, stage in enumerate(curve.stages):
        cells = [f"{mean:.2f} ±{off:.2f}" + ("*" if i == top else " ")
                 for mean, off, top in zip(curve.mean[i], curve.deviation[i], best)]
        print(f"{stage:16}" + "".join(f"{cell:>12}" for cell in cells))


def _draw(curves, out):
    from ..plots import layer_curve as draw, png           # not above: matplotlib takes a second
    first = next(iter(curves.values()))
    stages = first.stages[1:]
    lines = {f"{n} photos a class": first.accuracy[1:, k] for k, n in enumerate(first.n_per_class)}
    lines |= {f"{name}, {curve.n_per_class[-1]} photos": curve.accuracy[1:, -1] for name, curve in list(curves.items())[1:]}
    figure = draw(stages, dict(list(lines.items())[-5:]), {f"{PIXELS}, {first.n_per_class[-1]} photos": first.accuracy[0, -1]})
    out.mkdir(parents=True, exist_ok=True)
    with atomic_write(out / "layers.png") as file:
        file.write(png(figure))


def _keep(model, curve, smallest, out):
    """Write the table as numbers, stage by number of photos by split, into layers.json."""
    with atomic_write(out / "layers.json") as file:
        file.write(json.dumps({"model": model, "smallest": smallest, "stages": curve.stages, "n_per_class": curve.n_per_class,
                               "accuracy": curve.accuracy.tolist()}).encode() + b"\n")


def _advise(found, curve, smallest, arguments):
    """Print the scenario, why, how sure it is, and the command to run next."""
    better = (f"saves {found.gain:.0%} of the mistakes that pixels make" if found.gain > 0 else
              "makes no fewer mistakes than pixels")
    print(f"\nscenario: {WORDS[found.many, found.similar]}")
    print(f"because:  {smallest} photos in the smallest class; with {curve.n_per_class[-1]} of each to train on, {found.best} "
          f"did best, and the last stage {better}")
    print(f"how sure: {'; '.join(found.doubts) or 'nothing speaks against it'}")
    words = [command_line("tinynet", "transfer")]
    words += [command_line(f"--{option}", value) for option, value in
              (("data", arguments.data), ("model", arguments.model), ("weights", arguments.weights))
              if value is not None and (option, value) != ("model", DEFAULT)]
    words += ["--skip-bad"] * arguments.skip_bad + {"head": [], None: ["--train-all"]}.get(found.cut, [f"--cut {found.cut}"])
    print(f"run next: {' '.join(words)}")
