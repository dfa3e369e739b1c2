"""``tinynet explain``: what a classifier's answers rest on."""
import json
import sys
from functools import cache
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..compute import parallel
from ..data import ImageFolder, read_picture, stratified_split
from ..errors import InputError
from ..ops import softmax
from ..samples import DrawnCats
from ..tensor import Tensor
from ..transfer import ActivationCache, ViewEnsemble, freeze, load_run
from ..transfer.explain import grad_cam, nearest
from ..transfer.trust import Familiar
from .label import photo_files

N_NEIGHBOURS = 6


def add(commands):
    """Add the command to the parser's commands."""
    parser = commands.add_parser("explain", help="show what a classifier of your own looked at, and which training photos it "
                                                 "finds most alike")
    parser.add_argument("folder", metavar="RUN", help="the folder of a run of `tinynet transfer`")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image files; a folder stands for the images in it")
    parser.add_argument("--class", dest="asked", metavar="NAME", help="the class asked about (default: each photo's own answer)")
    parser.add_argument("--stage", metavar="STAGE", help="whose maps are shown; a wrong name lists all (default: the last with maps)")
    parser.add_argument("--cache", metavar="DIR", help="that of the run (default: cache beside the run)")
    parser.add_argument("--out", metavar="FILE", help="the page (default: explained.html in the run's folder)")
    parser.set_defaults(run=run)


def run(arguments):
    """Write the page, and say where it is."""
    net, classes, preprocessing = load_run(arguments.folder)
    if isinstance(net, ViewEnsemble):                       # what it looks at is told of one view, the plain one
        net, preprocessing = net.net, preprocessing.preprocessing
    freeze(net)
    if arguments.asked is not None and arguments.asked not in classes:
        raise InputError(f"--class {arguments.asked}: the classes are {', '.join(classes)}")
    label = None if arguments.asked is None else classes.index(arguments.asked)
    net[:arguments.stage]                                   # a wrong name is told before the work
    paths, problems = photo_files(arguments.images)

    @cache                                                  # for the first photo that can be read
    def training():
        try:
            return _Training(Path(arguments.folder), net, classes, preprocessing, arguments.cache), ""
        except InputError as error:
            return None, f"The training photos are not shown: {error}"

    from ..report import write_explanation                  # not above: matplotlib takes a second
    explained = []
    for path in tqdm(paths, "explaining", unit="image", delay=1, leave=False, disable=None):
        try:
            image = read_picture(path)
            explained.append(_explain(net, preprocessing, path, image, label, arguments.stage, training()[0]))
        except InputError as error:
            problems.append(str(error))
    missing = training()[1] if explained else ""
    if explained:
        out = Path(arguments.out or Path(arguments.folder) / "explained.html")
        write_explanation(out, Path(arguments.folder).resolve().name, classes, explained, missing)
        for answer in explained:
            k = answer.label
            print(f"{answer.title}: {classes[k]} {answer.probabilities[k]:.3f}"
                  + "".join(f", like {name} ({d:.2f})" for _, name, d in answer.neighbours[:1])
                  + ", but unlike all training photos" * answer.strange)
        print(f"page: {out}", flush=True)
    for problem in ([missing] if missing else []) + problems:
        print(f"tinynet: {' '.join(problem.split())}", file=sys.stderr)
    return 2 if problems else 0


def _explain(net, preprocessing, path, image, label, stage, training):
    """Return the `Explained` of one photo."""
    from ..report import Explained
    x = preprocessing(image)
    code = parallel.run(net[:"head"], x[None])
    p = softmax(Tensor(parallel.run(net["head":], code))).numpy()[0]
    asked = int(p.argmax()) if label is None else label
    strange = training is not None and not training.familiar.knows(code)[0]
    return Explained(str(path), preprocessing.crop_pixels(image), p, asked, grad_cam(net, x, asked, stage),
                     [] if training is None else training.nearest(code[0]), strange)


class _Training:
    """The training photos of a run, and their codes."""

    def __init__(self, folder, net, classes, preprocessing, cache):
        try:
            metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
            data, settings = metrics["data"], metrics["settings"]
            cut, seed, network = settings["cut"], settings["seed"], metrics["model"]
        except (OSError, ValueError, KeyError, TypeError):
            raise InputError(f"{folder / 'metrics.json'} cannot be read; train again") from None
        self.dataset, self.preprocessing = DrawnCats() if data is None else ImageFolder(data, skip_bad=True), preprocessing
        if self.dataset.classes != classes:
            raise InputError(f"{data or 'the drawn cats'}: the classes are {', '.join(self.dataset.classes)} by now; they were "
                             f"{', '.join(classes)}")
        codes = ActivationCache(cache or folder.parent / "cache").activations(
            net[:cut], self.dataset, preprocessing, cut=cut, network=network)
        keys = [self.dataset.key(i) for i in range(len(self.dataset))]
        self.rows, val, _ = stratified_split(self.dataset.labels, seed=seed, keys=keys)
        self.codes, known = (np.concatenate([parallel.run(net[cut:"head"], codes[part[i:i + 64]]) for i in range(0, len(part), 64)])
                             for part in (self.rows, val))
        self.familiar = Familiar(self.codes, k=3)
        self.familiar.choose_limit(known)

    def nearest(self, code):
        """Return pixels, class and distance of those most like a code (D,)."""
        found, distances = nearest(self.codes, code, N_NEIGHBOURS)
        return [(self.preprocessing.crop_pixels(self.dataset.image(row)), self.dataset.classes[self.dataset.labels[row]], float(d))
                for row, d in zip(self.rows[found].tolist(), distances)]
