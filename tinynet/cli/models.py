"""``tinynet models``: the zoo; ``tinynet fetch``: its weights from where they were published."""
from ..errors import InputError
from ..models import DEFAULT, ZOO
from ..models.published import how_to_get, place
from ..weights.fetch import fetch


def add(commands):
    """Add both commands to the parser's commands."""
    commands.add_parser("models", help="list the published networks: size, work, accuracy, and how to get their weights") \
        .set_defaults(run=run)
    parser = commands.add_parser("fetch", help="fetch a network's published weights")
    parser.add_argument("names", nargs="+", metavar="NAME", help="as `tinynet models` lists them")
    parser.set_defaults(run=run_fetch)


def run(arguments):
    """Print a table."""
    print(f"{'name':20}{'MB':>7}{'work':>7}{'accuracy':>10}  weights")
    for model in ZOO.values():
        where = place(model)
        ready = where is not None and where.exists()
        accuracy = f"{model.top1:.3f}" if model.top1 else "-"
        print(f"{model.name:20}{model.megabytes:7.1f}{model.gmacs:7.2f}{accuracy:>10}  "
              + (f"ready{' (the default)' * (model.name == DEFAULT)}, {model.weights.licence}" if ready else how_to_get(model)))
    print("\nwork: 10⁹ multiplications an image; accuracy: share of ImageNet's validation images named right, as published")


def run_fetch(arguments):
    """Fetch, and say where it is."""
    for name in arguments.names:
        if name not in ZOO:
            raise InputError(f"no network {name!r}; the networks are {', '.join(ZOO)}")
        model = ZOO[name]
        if model.weights is None or not model.weights.url:
            ready = place(model) is not None and place(model).exists()
            print(f"{name}: {'is here already, ' + str(place(model)) if ready else how_to_get(model)}")
            continue
        print(f"{name}: {fetch(model.weights.url, place(model), model.weights.sha256)} ({model.weights.licence})")
