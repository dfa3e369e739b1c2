"""Photos in, a run's folder out: what `transfer` and `search` share."""
import json
import sys
from pathlib import Path

from ..data import ImageFolder
from ..errors import InputError
from ..samples import DrawnCats
from ..transfer.run import refuse_inside


def add_data(parser, ending=""):
    """Add the arguments that say where the photos are and where the results go.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    ending : str
        Of the default folder's name.
    """
    parser.add_argument("--data", metavar="DIR",
                        help="a folder with one folder of images, or of WAV sounds, per class (default: the drawn cats)")
    parser.add_argument("--skip-bad", action="store_true", help="list unusable files and go on without them")
    parser.add_argument("--cache", metavar="DIR",
                        help="where computed activations are kept (default: cache beside the run)")
    parser.add_argument("--out", metavar="DIR", help=f"the run's folder (default: runs/<name of the data>{ending})")


def open_data(arguments, ending=""):
    """Read the photos and say which were skipped.

    Parameters
    ----------
    arguments : argparse.Namespace
        With ``data``, ``skip_bad``, ``cache`` and ``out``.
    ending : str
        Of the default folder's name.

    Returns
    -------
    dataset : ImageFolder or DrawnCats
    out : Path
        The run's folder, which need not exist.

    Raises
    ------
    InputError
        If an option is empty, a place lies among the photos, or the default folder is that of other photos.
    """
    for option in ("data", "out", "cache"):
        if getattr(arguments, option) == "":
            raise InputError(f"--{option} is empty; name a folder, or leave the option out")
    out = arguments.out or Path("runs")                     # told before the photos are read, which takes a while
    refuse_inside(arguments.data, out=out, cache=arguments.cache or Path(out).parent / "cache")
    dataset = DrawnCats() if arguments.data is None else ImageFolder(arguments.data, skip_bad=arguments.skip_bad)
    for path, reason in getattr(dataset, "skipped", []):
        print(f"skipped {path}: {reason}", file=sys.stderr)
    return dataset, Path(arguments.out) if arguments.out else _own_folder(dataset, ending)


def _own_folder(dataset, ending):
    """Return the default folder of a run, if it is not that of other photos in a folder of the same name."""
    out = Path("runs") / (dataset.name + ending)
    data = str(Path(dataset.root).resolve()) if hasattr(dataset, "root") else None
    try:
        theirs = json.loads((out / "metrics.json").read_text(encoding="utf-8")).get("data", data)
    except (OSError, ValueError, AttributeError):           # no run there, or not one that can be read
        return out
    if theirs != data:
        raise InputError(f"{out} holds a run on other photos, {theirs or 'the drawn cats'}; name another folder with --out")
    return out
