"""``tinynet predict``: what is in a photo, by a classifier of one's own."""
from ..transfer import load_run
from .label import label


def add(commands):
    """Add the command to the parser's commands."""
    parser = commands.add_parser("predict", help="name what is in a photo, with a classifier of your own")
    parser.add_argument("folder", metavar="RUN", help="the folder of a run of `tinynet transfer`")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image files")
    parser.add_argument("--json", action="store_true", help='print JSON: [{"path", "top": [{"index", "name", "p"}]}]')
    parser.set_defaults(run=run)


def run(arguments):
    """Name each photo."""
    net, classes, preprocessing = load_run(arguments.folder)
    label(arguments, net, classes, preprocessing, len(classes))
