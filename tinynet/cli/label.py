"""Naming photos with a network: what `classify` and `predict` share."""
import csv
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..data import read_picture
from ..data.picture import is_picture
from ..errors import InputError
from ..files import atomic_write
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
    parser.add_argument("--json", action="store_true", help='print JSON: [{"path", "top": [{"index", "name", "p"}]}]; predict '
                                                            'adds "known" and "distance"')
    parser.add_argument("--csv", metavar="FILE", help="write a table too: a row for each image, good or bad")


def label(arguments, answer, names):
    """Print the most likely classes of each image, one line each, or all as JSON; then name the images that are bad.

    What was found is written when all are done, or when Ctrl-C stops it.

    Parameters
    ----------
    arguments : argparse.Namespace
        ``images``, a list of paths, ``top``, ``json`` and ``csv``.
    answer : callable
        Images, a list of ndarray, uint8 (H, W, 3), to `Answers`.
    names : list of str
        Of its classes.

    Returns
    -------
    status : int
        0, or 2 if an image could not be read.

    Raises
    ------
    InputError
        If the table would be a folder.
    """
    paths, problems = photo_files(arguments.images)
    top = min(arguments.top or len(names), len(names))
    found, bad = [], []
    if arguments.csv and Path(arguments.csv).is_dir():
        raise InputError(f"--csv {arguments.csv}: that is a folder; give the name of a file")
    try:
        with tqdm(total=len(paths), unit="image", delay=1, leave=False, disable=None) as bar:     # on a terminal alone
            for start in range(0, len(paths), BATCH):
                images, good = [], []
                for path in paths[start:start + BATCH]:
                    try:
                        images.append(read_picture(path))
                        good.append(path)
                    except InputError as error:
                        bad.append((path, str(error)))
                if good:
                    found += _labelled(good, answer(images), names, top)
                bar.update(len(paths[start:start + BATCH]))
    finally:
        if arguments.csv:
            _write_csv(arguments.csv, found, bad, names if arguments.top is None else [])
        _print(found, arguments.json)
    for problem in [*problems, *(message for _, message in bad)]:
        print(f"tinynet: {' '.join(problem.split())}", file=sys.stderr)
    return 2 if problems or bad else 0


def _labelled(paths, answers, names, top):
    """Return what is printed of some images, a dict each."""
    found = []
    for i, (path, row) in enumerate(zip(paths, answers.probabilities)):
        order = np.argsort(-row, kind="stable")[:top]
        photo = {"path": str(path), "top": [{"index": int(k), "name": names[k], "p": float(row[k])} for k in order]}
        if answers.known is not None:
            photo |= {"known": bool(answers.known[i]), "distance": float(answers.distances[i])}
        found.append((photo, row))
    return found


def _print(found, as_json):
    if as_json:
        print(json.dumps([photo for photo, _ in found], indent=2))
    else:
        for photo, _ in found:
            strange = "" if photo.get("known", True) else "unlike all training photos; if anything, "
            print(f"{photo['path']}: {strange}" + ", ".join(f"{k['name']} {k['p']:.3f}" for k in photo["top"]))
    sys.stdout.flush()


def _write_csv(path, found, bad, names):
    """Write a row for each image: its answer, and the probabilities of these classes; or what is wrong with it."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["path", "answer", "p", "known", "distance", "problem", *names])
    for photo, row in found:
        best, known, distance = photo["top"][0], photo.get("known", ""), photo.get("distance", "")
        table.writerow([photo["path"], best["name"], f"{best['p']:.4f}", known, distance and f"{distance:.4f}", "",
                        *(f"{p:.4f}" for p in row[:len(names)])])
    table.writerows([str(path), "", "", "", "", problem, *[""] * len(names)] for path, problem in bad)
    with atomic_write(path) as file:
        file.write(text.getvalue().encode())


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
