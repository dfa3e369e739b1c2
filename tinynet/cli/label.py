"""Naming photos with a network: what `classify` and `predict` share."""
import json
import os
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..compute import parallel
from ..data import read_picture
from ..data.picture import is_picture
from ..errors import InputError
from ..models import for_inference
from ..ops import softmax
from ..tensor import Tensor
from .arguments import positive

BATCH = 16                  # photos in memory at a time


def add_photos(parser, top, help_top):
    """Add the arguments that both commands take.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    top : int or None
        How many classes are shown by default; None is all.
    help_top : str
        What is said of it.
    """
    parser.add_argument("images", nargs="+", metavar="IMAGE",
                        help="image or WAV files; a folder stands for those in it and in its folders. Those that cannot be "
                             "read are named on stderr, and the exit status is 2")
    parser.add_argument("--top", type=positive, default=top, metavar="K", help=help_top)
    parser.add_argument("--json", action="store_true", help='print JSON: [{"path", "top": [{"index", "name", "p"}]}]')


def label(arguments, net, names, preprocessing):
    """Print the most likely classes of each image, one line each, or all as JSON; then name the images that are bad.

    Parameters
    ----------
    arguments : argparse.Namespace
        ``images``, a list of paths, ``top`` and ``json``.
    net : Module
        In evaluation mode.
    names : list of str
        Of its classes.
    preprocessing : Preprocessing

    Returns
    -------
    status : int
        0, or 2 if an image could not be read.
    """
    paths, problems = photo_files(arguments.images)
    top = min(arguments.top or len(names), len(names))
    if len(paths) > BATCH:                                  # for few photos it would take as long as it saves
        net = for_inference(net)
    labelled = []
    with tqdm(total=len(paths), unit="image", delay=1, leave=False, disable=None) as bar:     # on a terminal alone
        for start in range(0, len(paths), BATCH):
            good, pixels = [], []
            for path in paths[start:start + BATCH]:
                try:
                    pixels.append(preprocessing(read_picture(path)))
                    good.append(path)
                except InputError as error:
                    problems.append(str(error))
            if good:
                p = softmax(Tensor(parallel.run(net, np.stack(pixels)))).numpy()
                labelled += [{"path": str(path), "top": [{"index": int(i), "name": names[i], "p": float(row[i])}
                                                         for i in np.argsort(-row, kind="stable")[:top]]}
                             for path, row in zip(good, p)]
            bar.update(len(paths[start:start + BATCH]))
    if arguments.json:
        print(json.dumps(labelled, indent=2))
    else:
        for photo in labelled:
            print(f"{photo['path']}: " + ", ".join(f"{found['name']} {found['p']:.3f}" for found in photo["top"]))
    sys.stdout.flush()
    for problem in problems:
        print(f"tinynet: {' '.join(problem.split())}", file=sys.stderr)
    return 2 if problems else 0


def photo_files(arguments):
    """Return the files named, folders replaced by the images in them in order.

    Parameters
    ----------
    arguments : list of str
        Files and folders.

    Returns
    -------
    paths : list of str or Path
    problems : list of str
        A line for each folder without any.
    """
    paths, problems = [], []
    for argument in arguments:
        if not os.path.isdir(argument):
            paths.append(argument)
            continue
        found = [path for path in sorted(Path(argument).rglob("*")) if path.is_file() and is_picture(path)
                 and not any(part.startswith(".") for part in path.relative_to(argument).parts)]
        paths += found
        if not found:
            problems.append(f"{argument}: holds no images or WAV files; give the folder that does")
    return paths, problems
