"""``tinynet transfer``: train a classifier for one's own classes."""
from ..data import AUGMENTS
from ..files import command_line
from ..models import DEFAULT, ZOO
from ..models.published import place
from ..models.zoo import BETTER
from ..optim import SCHEDULES
from ..transfer import OPTIMIZERS, Settings, transfer
from .arguments import add_network, number, positive, rate, share
from .data import add_data, open_data
from .executor import add_executor, open_executor


def add(commands):
    """Add the command to the parser's commands."""
    parser = commands.add_parser("transfer", help="train a classifier for your own classes")
    add_data(parser)
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
    parser.add_argument("--weight-decay", type=number(float, 0, "a number from 0"), default=Settings.weight_decay, metavar="L2",
                       help="of the new classifier (default %(default)s)")
    parser.add_argument("--schedule", choices=list(SCHEDULES), default=Settings.schedule,
                       help="how the learning rates fall (default %(default)s)")
    parser.add_argument("--warmup", type=number(int, 0, "a whole number from 0"), default=Settings.warmup, metavar="N",
                       help="let them rise in the first N epochs (default %(default)s)")
    parser.add_argument("--epochs", type=positive, default=Settings.epochs, help="(default %(default)s)")
    parser.add_argument("--batch-size", type=positive, default=Settings.batch_size, help="(default %(default)s)")
    parser.add_argument("--seed", type=number(int, 0, "a whole number from 0"), default=Settings.seed,
                       help="of the split and the training (default %(default)s)")
    parser.add_argument("--augment", metavar="NAME[,NAME...]",
                        help=f"distort the training photos, in this order: {', '.join(AUGMENTS)}; anew in every epoch, which "
                             "runs the frozen stages each time, unless there is --copies")
    parser.add_argument("--copies", type=positive, metavar="K",
                        help="make K distorted copies of each training photo, once, and cache them")
    parser.add_argument("--ema", type=share, nargs="?", const=0.99, metavar="DECAY",
                        help="keep an average of the weights along the training; DECAY of it stays at each step (%(const)s)")
    parser.add_argument("--ensemble", type=positive, default=Settings.ensemble, metavar="N",
                        help="train N classifiers on one cache and average their probabilities; they differ most with --hidden")
    parser.add_argument("--tta", action="store_true", help="see each photo in the mirror too and average, in predict as well")
    parser.add_argument("--device", choices=["cpu", "gpu"], default=Settings.device, help="(default %(default)s)")
    add_executor(parser)
    parser.set_defaults(run=run)


def run(arguments):
    """Train, and say how good it is and where the results are."""
    dataset, out = open_data(arguments)
    settings = Settings(
        model=arguments.model, weights=arguments.weights, cut=None if arguments.train_all else arguments.cut,
        hidden=arguments.hidden,
        optimizer=arguments.optimizer, lr=arguments.lr, lr_pretrained=arguments.lr_pretrained,
        weight_decay=arguments.weight_decay,
        schedule=arguments.schedule, warmup=arguments.warmup, epochs=arguments.epochs,
        batch_size=arguments.batch_size, seed=arguments.seed,
        augment=arguments.augment, copies=arguments.copies, ema=arguments.ema, ensemble=arguments.ensemble, tta=arguments.tta,
        device=arguments.device)
    from ..report import write_report               # not above: matplotlib takes a second, and only a run needs it
    with open_executor(arguments) as executor:
        metrics = transfer(dataset, out, settings, cache=arguments.cache, report=write_report, executor=executor)
    print(f"\n{'':12}{'images':>8}{'accuracy':>10}")
    for part in ("train", "val", "test"):
        print(f"{part:12}{metrics[f'n_{part}']:8}{metrics[f'{part}_accuracy']:10.3f}")
    if "members_test_accuracy" in metrics:
        alone = metrics["members_test_accuracy"]
        print(f"{'test, each of the members':30}{min(alone):.3f} to {max(alone):.3f}, mean {sum(alone) / len(alone):.3f}")
    if "one_view_test_accuracy" in metrics:
        print(f"{'test, without the mirror':30}{metrics['one_view_test_accuracy']:.3f}")
    print(_moments(metrics))
    print(f"none of these: {round(metrics['test_known'] * metrics['n_test'])} of {metrics['n_test']} test photos are like the training "
          "photos; predict says which photos are not")
    print("\n" + ", ".join(f"{phase} {s:.1f} s" for phase, s in metrics["seconds"].items())
          + (f", peak memory {metrics['peak_memory_mb']:.0f} MB" if metrics["peak_memory_mb"] else ""))
    print(f"report:   {out / 'report.html'}")
    print(f"pictures: {', '.join(str(out / name) for name in ('curves.png', 'confusion.png', 'mistakes.png'))}")
    better = place(ZOO[BETTER])
    if arguments.model == DEFAULT and arguments.weights is None and better is not None and better.exists():
        print(f"better:   --model {BETTER} is installed too, and as a rule names more photos right")
    print(f"use it:   {command_line('tinynet', 'predict', out)} PHOTO...")


def _moments(metrics):
    """Return a line about photos of one moment."""
    found = metrics["moments"]
    if not found["groups"]:
        return "\nof one moment: no two photos"
    together, singly = found["named_right_together"], found["named_right_singly"]
    why = ("" if singly is None else "; in cross-validation it changes nothing" if together == singly else
           f"; in cross-validation {together:.1%} are right, without that {singly:.1%} would seem so")
    return (f"\nof one moment: {found['photos']} of the photos, in {found['groups']} group{'s' * (found['groups'] > 1)}, "
            + (f"all but {found['on_both_sides']} " if found["on_both_sides"] else "each ") + f"kept on one side of the split{why}")
