"""``tinynet fetch``: a network's published weights, from where they were published."""
from ..errors import InputError
from ..models import ZOO
from ..models.published import how_to_get, place
from ..weights.fetch import fetch


def add(commands):
    """Add the command to the parser's commands."""
    parser = commands.add_parser("fetch", help="fetch a network's published weights")
    parser.add_argument("names", nargs="+", metavar="NAME", help="as `tinynet models` lists them")
    parser.set_defaults(run=run)


def run(arguments):
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
