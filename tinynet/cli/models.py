"""``tinynet models``: the zoo."""
from ..models import DEFAULT, ZOO
from ..models.published import how_to_get, place


def add(commands):
    """Add the command to the parser's commands."""
    commands.add_parser("models", help="list the published networks: size, work, accuracy, and how to get their weights") \
        .set_defaults(run=run)


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
