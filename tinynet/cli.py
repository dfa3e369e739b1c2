"""The command line: it parses, calls the library and prints. ``tinynet --help`` is its documentation."""
import argparse
import json
import os
import platform
import sys
import warnings
from pathlib import Path

import numpy as np
import threadpoolctl

from . import __version__, backend
from .compute import default_workers, parallel
from .data import DrawnCats, ImageFolder, Preprocessing, read_image
from .errors import InputError
from .models import class_names, squeezenet1_1
from .models.squeezenet import PREPROCESSING
from .ops.activation import log_softmax_array
from .transfer import OPTIMIZERS, Settings, load_run, transfer


def main(argv=None):
    """Run the command line.

    Parameters
    ----------
    argv : list of str, optional
        Arguments, by default the process's.

    Returns
    -------
    status : int
        0 done, 2 a mistake the user can mend (one line on stderr says how), 130 stopped by Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):                 # a name that the terminal cannot show is no reason to stop
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: print(f"tinynet: {message}", file=sys.stderr)
            arguments = _parser().parse_args(argv)
            return arguments.run(arguments) or 0
    except InputError as error:
        return _complain(error)
    except BrokenPipeError:                                 # `tinynet ... | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _complain(f"{error.filename or 'writing the results'}: {error.strerror or error}; check the path, "
                         "the permissions and the space on the disk")
    except KeyboardInterrupt:
        print("\ntinynet: stopped; what was computed is kept, and `tinynet transfer` goes on from there", file=sys.stderr)
        return 130


def _complain(message):
    print(f"tinynet: {' '.join(str(message).split())}", file=sys.stderr)
    return 2


class _Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line."""

    def error(self, message):
        raise InputError(f"{message}; see `{self.prog} --help`")


def _parser():
    positive = _number(int, 1, "a whole number above 0")
    rate = _number(float, sys.float_info.min, "a number above 0")
    parser = _Parser(prog="tinynet",
                     description="Transfer learning from scratch: a pretrained ConvNet for your own photos.")
    parser.add_argument("--version", action="version", version=f"tinynet {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)

    classify = commands.add_parser("classify", help="name what is in a photo, out of ImageNet's 1,000 classes")
    classify.add_argument("images", nargs="+", metavar="IMAGE", help="image files")
    classify.add_argument("--top", type=positive, default=5, metavar="K",
                          help="how many classes to show (default %(default)s)")
    classify.add_argument("--json", action="store_true", help='print JSON: [{"path", "top": [{"index", "name", "p"}]}]')
    classify.set_defaults(run=_classify)

    train = commands.add_parser("transfer", help="train a classifier for your own classes")
    train.add_argument("--data", metavar="DIR",
                       help="a folder with one folder of images per class (default: the drawn cats)")
    train.add_argument("--skip-bad", action="store_true", help="list unusable files and go on without them")
    scope = train.add_mutually_exclusive_group()
    scope.add_argument("--freeze-until", metavar="STAGE", default="head",
                       help="freeze the stages before this one, such as fire9 "
                            "(default %(default)s: train the new classifier only)")
    scope.add_argument("--train-all", action="store_true", help="train every stage")
    train.add_argument("--hidden", type=positive, metavar="N", help="give the new classifier a hidden layer of N units")
    train.add_argument("--optimizer", choices=list(OPTIMIZERS), default=Settings.optimizer,
                       help="(default %(default)s)")
    train.add_argument("--lr", type=rate, help="learning rate of the new classifier (default: the optimizer's own)")
    train.add_argument("--lr-pretrained", type=rate, help="learning rate of pretrained stages that are trained")
    train.add_argument("--epochs", type=positive, default=Settings.epochs, help="(default %(default)s)")
    train.add_argument("--batch-size", type=positive, default=Settings.batch_size, help="(default %(default)s)")
    train.add_argument("--seed", type=_number(int, 0, "a whole number from 0"), default=Settings.seed,
                       help="of the split and the training (default %(default)s)")
    train.add_argument("--device", choices=["cpu", "gpu"], default=Settings.device, help="(default %(default)s)")
    train.add_argument("--cache", metavar="DIR",
                       help="where computed activations are kept (default: cache beside the run)")
    train.add_argument("--out", metavar="DIR", help="the run's folder (default: runs/<name of the data>)")
    train.set_defaults(run=_transfer)

    predict = commands.add_parser("predict", help="name what is in a photo, with a classifier of your own")
    predict.add_argument("folder", metavar="RUN", help="the folder of a run of `tinynet transfer`")
    predict.add_argument("images", nargs="+", metavar="IMAGE", help="image files")
    predict.add_argument("--json", action="store_true", help='print JSON: [{"path", "top": [{"index", "name", "p"}]}]')
    predict.set_defaults(run=_predict)

    info = commands.add_parser("info", help="versions, BLAS, threads and GPU")
    info.set_defaults(run=_info)
    return parser


def _number(kind, least, description):
    """Return a parser of arguments that are numbers of a kind, finite and not below `least`."""
    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = float("nan")
        if not least <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text!r} is not {description}")
        return value
    return parse


def _classify(arguments):
    _label(arguments, squeezenet1_1().eval(), class_names(), Preprocessing.from_dict(PREPROCESSING), arguments.top)


def _predict(arguments):
    net, classes, preprocessing = load_run(arguments.folder)
    _label(arguments, net, classes, preprocessing, len(classes))


def _label(arguments, net, names, preprocessing, top):
    """Print the most likely classes of each image, one line each, or all as JSON."""
    labelled = []
    for path in arguments.images:
        x = preprocessing(read_image(path))[None]           # (1, 3, crop, crop)
        p = np.exp(log_softmax_array(parallel.run(net, x), axis=1)[0])
        best = np.argsort(-p, kind="stable")[:top]
        labelled.append({"path": path, "top": [{"index": int(i), "name": names[i], "p": float(p[i])} for i in best]})
    if arguments.json:
        print(json.dumps(labelled, indent=2))
        return
    for photo in labelled:
        print(f"{photo['path']}: " + ", ".join(f"{found['name']} {found['p']:.3f}" for found in photo["top"]))


def _transfer(arguments):
    dataset = DrawnCats() if arguments.data is None else ImageFolder(arguments.data, skip_bad=arguments.skip_bad)
    for path, reason in getattr(dataset, "skipped", []):
        print(f"skipped {path}: {reason}", file=sys.stderr)
    settings = Settings(
        train_from="conv1" if arguments.train_all else arguments.freeze_until, hidden=arguments.hidden,
        optimizer=arguments.optimizer, lr=arguments.lr, lr_pretrained=arguments.lr_pretrained, epochs=arguments.epochs,
        batch_size=arguments.batch_size, seed=arguments.seed, device=arguments.device)
    out = Path(arguments.out) if arguments.out else Path("runs") / dataset.name
    metrics = transfer(dataset, out, settings, cache=arguments.cache)
    print(f"\n{'':12}{'images':>8}{'accuracy':>10}")
    for part in ("train", "val", "test"):
        print(f"{part:12}{metrics[f'n_{part}']:8}{metrics[f'{part}_accuracy']:10.3f}")
    print("\n" + ", ".join(f"{phase} {s:.1f} s" for phase, s in metrics["seconds"].items())
          + (f", peak memory {metrics['peak_memory_mb']:.0f} MB" if metrics["peak_memory_mb"] else ""))
    print(f"report:   {out / 'report.html'}")
    print(f"pictures: {', '.join(str(out / name) for name in ('curves.png', 'confusion.png', 'mistakes.png'))}")
    quoted = f'"{out}"' if " " in str(out) else out
    print(f"use it:   tinynet predict {quoted} PHOTO...")


def _info(arguments):
    problem = backend.gpu_problem()
    rows = {
        "tinynet": __version__,
        "Python": platform.python_version(),
        "system": platform.platform(),
        "NumPy": np.__version__,
        "BLAS": "; ".join(_describe(library) for library in threadpoolctl.threadpool_info()
                          if library["user_api"] == "blas") or "not recognised",
        "workers": f"{default_workers()} (set TINYNET_WORKERS to change)",
        "GPU": f"none: {problem}" if problem else backend.gpu_name(),
    }
    for name, value in rows.items():
        print(f"{name:8} {value}")


def _describe(blas):
    return f"{blas['internal_api']} {blas['version']} ({blas.get('architecture', 'any')}, {blas['num_threads']} threads)"
