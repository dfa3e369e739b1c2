"""``tinynet explain``: what a classifier's answers rest on."""
import sys
from pathlib import Path

from tqdm import tqdm

from ..data import read_picture
from ..errors import InputError
from ..transfer import load_run
from ..transfer.explanation import TrainingPhotos, explain
from .label import photo_files


def add(commands):
    """Add the command to the parser's commands."""
    parser = commands.add_parser("explain", help="show what a classifier of your own looked at, and which training photos it "
                                                 "finds most alike")
    parser.add_argument("folder", metavar="RUN", help="the folder of a run of `tinynet transfer`")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image files; a folder stands for the images in it")
    parser.add_argument("--class", dest="asked", metavar="NAME", help="the class asked about (default: each photo's own answer)")
    parser.add_argument("--stage", metavar="STAGE", help="whose maps are shown; a wrong name lists all (default: the last with maps)")
    parser.add_argument("--out", metavar="FILE", help="the page (default: explained.html in the run's folder)")
    parser.set_defaults(run=run)


def run(arguments):
    """Write the page, and say where it is."""
    classifier = load_run(arguments.folder)
    classes = classifier.classes
    if arguments.asked is not None and arguments.asked not in classes:
        raise InputError(f"--class {arguments.asked}: the classes are {', '.join(classes)}")
    label = None if arguments.asked is None else classes.index(arguments.asked)
    classifier.net[:arguments.stage]                        # a wrong name is told before the work
    paths, problems = photo_files(arguments.images)
    photos, explained, missing = None, [], ""

    from ..report import write_explanation                  # not above: matplotlib takes a second
    for path in tqdm(paths, "explaining", unit="image", delay=1, leave=False, disable=None):
        try:
            image = read_picture(path)
            photos = photos or TrainingPhotos(arguments.folder, classifier)         # for the first that can be read
            explained.append(explain(classifier, image, str(path), photos, label, arguments.stage))
        except InputError as error:
            problems.append(str(error))
    if explained:
        missing = photos.missing and f"The training photos are not shown: {photos.missing}"
        out = Path(arguments.out or Path(arguments.folder) / "explained.html")
        write_explanation(out, Path(arguments.folder).resolve().name, classes, explained, missing)
        for answer in explained:
            k = answer.label
            print(f"{answer.title}: {classes[k]} {answer.probabilities[k]:.3f}"
                  + "".join(f", like {name} ({d:.2f})" for _, name, d in answer.neighbours[:1])
                  + ", but unlike all training photos" * (not answer.known))
        print(f"page: {out}", flush=True)
    for problem in ([missing] if missing else []) + problems:
        print(f"tinynet: {' '.join(problem.split())}", file=sys.stderr)
    return 2 if problems else 0
