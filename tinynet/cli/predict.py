"""``tinynet predict``: what is in a photo, by a classifier of one's own."""
from ..transfer import load_run
from .label import add_photos, label


def add(commands):
    """Add the command to the parser's commands."""
    parser = commands.add_parser("predict", help="name what is in a photo, with a classifier of your own")
    parser.add_argument("folder", metavar="RUN", help="the folder of a run of `tinynet transfer`")
    add_photos(parser, top=None, help_top="how many classes to show (default: all)")
    parser.set_defaults(run=run)


def run(arguments):
    """Name each photo."""
    classifier = load_run(arguments.folder)
    return label(arguments, classifier, classifier.classes)
