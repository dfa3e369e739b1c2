"""``tinynet transfer``: train a classifier for one's own classes."""
import json
import sys
from pathlib import Path

from ..data import ImageFolder
from ..errors import InputError
from ..files import command_line
from ..models import DEFAULT, ZOO
from ..models.published import place
from ..models.zoo import BETTER
from ..optim import SCHEDULES
from ..samples import DrawnCats
from ..transfer import OPTIMIZERS, Settings, transfer
from ..transfer.job import refuse_inside
from .arguments import add_network, number, positive, rate


def add(commands):
    """Add the command to the parser's commands."""
    parser = commands.add_parser("transfer", help="train a classifier for your own classes")
    parser.add_argument("--data", metavar="DIR",
                       help="a folder with one folder of images, or of WAV sounds, per class (default: the drawn cats)")
    parser.add_argument("--skip-bad", action="store_true", help="list unusable files and go on without them")
    add_network(parser)
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--cut", metavar="STAGE", default=Settings.cut,
                       help="the first stage to train, those before it are frozen; a wrong name lists all "
                            "(default %(default)s: train the new classifier only)")
    scope.add_argument("--train-all", action="store_true", help="train every stage")
    parser.add_argument("--hidden", type=positive, metavar="N", help="give the new classifier a hidden layer of N units")
    parser.add_argument("--optimizer", choices=list(OPTIMIZERS), default=Settings.optimizer,
                       help="(default %(default)s)")
    parser.add_argument("--lr", type=rate, help="learning rate of the new classifier (default: the optimizer's own)")
    parser.add_argument("--lr-pretrained", type=rate, help="learning rate of pretrained stages that are trained")
    parser.add_argument("--schedule", choices=list(SCHEDULES), default=Settings.schedule,
                       help="how the learning rates fall (default %(default)s)")
    parser.add_argument("--warmup", type=number(int, 0, "a whole number from 0"), default=Settings.warmup, metavar="N",
                       help="let them rise in the first N epochs (default %(default)s)")
    parser.add_argument("--epochs", type=positive, default=Settings.epochs, help="(default %(default)s)")
    parser.add_argument("--batch-size", type=positive, default=Settings.batch_size, help="(default %(default)s)")
    parser.add_argument("--seed", type=number(int, 0, "a whole number from 0"), default=Settings.seed,
                       help="of the split and the training (default %(default)s)")
    parser.add_argument("--device", choices=["cpu", "gpu"], default=Settings.device, help="(default %(default)s)")
    parser.add_argument("--cache", metavar="DIR",
                       help="where computed activations are kept (default: cache beside the run)")
    parser.add_argument("--out", metavar="DIR", help="the run's folder (default: runs/<name of the data>)")
    parser.set_defaults(run=run)


def run(arguments):
    """Train, and say how good it is and where the results are."""
    for option in ("data", "out", "cache"):
        if getattr(arguments, option) == "":
            raise InputError(f"--{option} is empty; name a folder, or leave the option out")
    out = arguments.out or Path("runs")                     # told before the photos are read, which takes a while
    refuse_inside(arguments.data, out=out, cache=arguments.cache or Path(out).parent / "cache")
    dataset = DrawnCats() if arguments.data is None else ImageFolder(arguments.data, skip_bad=arguments.skip_bad)
    for path, reason in getattr(dataset, "skipped", []):
        print(f"skipped {path}: {reason}", file=sys.stderr)
    settings = Settings(
        model=arguments.model, weights=arguments.weights, cut=None if arguments.train_all else arguments.cut,
        hidden=arguments.hidden,
        optimizer=arguments.optimizer, lr=arguments.lr, lr_pretrained=arguments.lr_pretrained,
        schedule=arguments.schedule, warmup=arguments.warmup, epochs=arguments.epochs,
        batch_size=arguments.batch_size, seed=arguments.seed, device=arguments.device)
    out = Path(arguments.out) if arguments.out else _own_folder(dataset)
    from ..report import write_report               # not above: matplotlib takes a second, and only a run needs it
    metrics = transfer(dataset, out, settings, cache=arguments.cache, report=write_report)
    print(f"\n{'':12}{'images':>8}{'accuracy':>10}")
    for part in ("train", "val", "test"):
        print(f"{part:12}{metrics[f'n_{part}']:8}{metrics[f'{part}_accuracy']:10.3f}")
    print("\n" + ", ".join(f"{phase} {s:.1f} s" for phase, s in metrics["seconds"].items())
          + (f", peak memory {metrics['peak_memory_mb']:.0f} MB" if metrics["peak_memory_mb"] else ""))
    print(f"report:   {out / 'report.html'}")
    print(f"pictures: {', '.join(str(out / name) for name in ('curves.png', 'confusion.png', 'mistakes.png'))}")
    better = place(ZOO[BETTER])
    if arguments.model == DEFAULT and arguments.weights is None and better is not None and better.exists():
        print(f"better:   --model {BETTER} is installed too, and as a rule names more photos right")
    print(f"use it:   {command_line('tinynet', 'predict', out)} PHOTO...")


def _own_folder(dataset):
    """Return the default folder of a run, if it is not that of other photos in a folder of the same name."""
    out = Path("runs") / dataset.name
    data = str(Path(dataset.root).resolve()) if hasattr(dataset, "root") else None
    try:
        theirs = json.loads((out / "metrics.json").read_text(encoding="utf-8")).get("data", data)
    except (OSError, ValueError, AttributeError):           # no run there, or not one that can be read
        return out
    if theirs != data:
        raise InputError(f"{out} holds a run on other photos, {theirs or 'the drawn cats'}; name another folder with --out")
    return out
