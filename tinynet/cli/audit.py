"""``tinynet audit``: what may be wrong with one's own photos."""
import numpy as np
from tqdm import tqdm

from ..compute import ordered_map
from ..errors import InputError
from ..models import pretrained
from ..transfer import ActivationCache, unfreeze
from ..transfer.audit import doubtful_labels, leak
from ..transfer.moments import find_moments
from ..transfer.run import build
from .arguments import add_network, say
from .data import add_data, open_data

PLAIN = 8.0         # of 255: a picture whose brightness deviates less from its mean is nearly one colour


def add(commands):
    """Add the command to the parser's commands."""
    parser = commands.add_parser("audit", help="look for photos of one moment, doubtful labels and odd pictures")
    add_data(parser, ending="-audit")
    add_network(parser)
    parser.set_defaults(run=run)


def run(arguments):
    """Write the page, and say what is on it."""
    dataset, out = open_data(arguments, ending="-audit")
    base = pretrained(arguments.model, arguments.weights)
    say(base.notes)
    trunk = unfreeze(build(base, max(2, len(dataset.classes)), None, None), "head")[:"head"]
    cache = arguments.cache or out.parent / "cache"
    codes = ActivationCache(cache).activations(trunk, dataset, base.preprocessing, "head", network=base.model)[:]
    group, _ = find_moments(dataset, cache)

    def look(i):
        image = dataset.image(i)
        return image.shape[:2], image.mean(axis=2).std()

    found = list(tqdm(ordered_map(look, range(len(dataset))), "looking", len(dataset), unit="image"))
    doubts, no_doubts = [], ""
    try:
        doubts = doubtful_labels(codes, dataset.labels, group=group)
    except InputError as error:
        no_doubts = str(error)
    from ..report import Audit, write_audit                 # not above: matplotlib takes a second
    audit = Audit(group, doubts, no_doubts, *leak(codes, dataset.labels, group),
                  [i for i, (_, spread) in enumerate(found) if spread < PLAIN],
                  np.array([shape for shape, _ in found]), base.preprocessing.crop)
    out.mkdir(parents=True, exist_ok=True)
    write_audit(out / "audit.html", dataset, audit)
    groups = audit.groups
    print(f"of one moment:     {len(groups)} group{'s' * (len(groups) != 1)}, {sum(map(len, groups))} of {len(dataset)} photos")
    print(f"labels in doubt:   {no_doubts or len(doubts)}")
    print(f"nearly one colour: {len(audit.plain)}")
    print(f"page:              {out / 'audit.html'}")
