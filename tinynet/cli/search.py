"""``tinynet search``: better hyperparameters for one's own photos."""
import math
from dataclasses import fields

from ..files import atomic_write, command_line
from ..transfer import OPTIMIZERS, Settings, best_trial, search, transfer
from ..transfer.search import METHODS
from ..transfer.trials import rank
from .arguments import add_network, number, positive
from .data import add_data, open_data

SHOWN = 10          # trials in the table


def add(commands):
    """Add the command to the parser's commands."""
    parser = commands.add_parser("search", help="look for better hyperparameters, then train with the best")
    add_data(parser, ending="-search")
    add_network(parser)
    parser.add_argument("--trials", type=positive, default=28, metavar="N", help="how many are tried (default %(default)s)")
    parser.add_argument("--method", choices=list(METHODS), default="block",
                        help="one block of trials for each hyperparameter, the learning rate first, or all drawn at random "
                             "(default %(default)s)")
    parser.add_argument("--folds", type=number(int, 2, "a whole number from 2"), default=5, metavar="K",
                        help="a trial trains K times, each time without one of K parts of the training photos, and is "
                             "measured on that part (default %(default)s)")
    parser.add_argument("--optimizer", choices=list(OPTIMIZERS), default=Settings.optimizer, help="(default %(default)s)")
    parser.add_argument("--epochs", type=positive, default=Settings.epochs, help="(default %(default)s)")
    parser.add_argument("--seed", type=number(int, 0, "a whole number from 0"), default=Settings.seed,
                        help="of the split, the search and the training (default %(default)s)")
    parser.set_defaults(run=run)


def run(arguments):
    """Search, train with the best settings, and say how good they are and how to repeat it."""
    dataset, out = open_data(arguments, ending="-search")
    settings = Settings(model=arguments.model, weights=arguments.weights, optimizer=arguments.optimizer,
                        epochs=arguments.epochs, seed=arguments.seed)
    trials = search(dataset, out, settings, arguments.method, arguments.trials, arguments.folds, cache=arguments.cache)
    winner = best_trial(trials)
    from .. import plots                        # not above: matplotlib takes a second
    from ..report import wilson, write_report
    names = ("lr", "weight_decay", "hidden")
    with atomic_write(out / "search.png") as file:
        file.write(plots.png(plots.search(
            {name: [getattr(trial.settings, name) for trial in trials] for name in names},
            [trial.accuracy if trial.loss < math.inf else math.nan for trial in trials], [trial.error for trial in trials],
            trials.index(winner), [trial.block for trial in trials])))
    _print_table(trials, names)
    metrics = transfer(dataset, out, winner.settings, cache=arguments.cache, report=write_report)
    right, n = round(metrics["test_accuracy"] * metrics["n_test"]), metrics["n_test"]
    low, high = wilson(right, n)
    print(f"\nthe first of them, trained on all {metrics['n_train']} training photos, names {right} of {n} test photos right: "
          f"{right / n:.3f} (95% interval {low:.3f} to {high:.3f})")
    print(f"picture:   {out / 'search.png'}")
    print(f"report:    {out / 'report.html'}")
    print(f"repeat it: {_repeat(arguments, out, winner.settings)}")


def _print_table(trials, names):
    unlike = sorted({trial.settings: trial for trial in trials}.values(), key=rank)
    print("\n" + "".join(f"{name.replace('_', ' '):>14}" for name in names) + f"{'loss':>10}    accuracy")
    for trial in unlike[:SHOWN]:
        values = (getattr(trial.settings, name) for name in names)
        print("".join(f"{'none' if value is None else f'{value:g}':>14}" for value in values)
              + f"{trial.loss:10.3f}    {trial.accuracy:.3f} ± {trial.error:.3f}")
    print(f"\n{min(SHOWN, len(unlike))} of {len(unlike)} different settings, the best first, by the accuracy on "
          f"{len(trials[0].losses)} folds of the training part; ±: standard error")


def _repeat(arguments, out, settings):
    """Return the command line that trains with the same settings again."""
    chosen = {field.name: getattr(settings, field.name) for field in fields(Settings)
              if getattr(settings, field.name) != field.default}
    return command_line("tinynet", "transfer", data=arguments.data, skip_bad=arguments.skip_bad, **chosen,
                        cache=arguments.cache, out=out)
