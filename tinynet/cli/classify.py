"""``tinynet classify``: what is in a photo, out of ImageNet's classes."""
from ..models import DEFAULT, ZOO
from .arguments import positive
from .label import label


def add(commands):
    """Add the command to the parser's commands."""
    parser = commands.add_parser("classify", help="name what is in a photo, out of ImageNet's 1,000 classes")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image files")
    parser.add_argument("--top", type=positive, default=5, metavar="K",
                          help="how many classes to show (default %(default)s)")
    parser.add_argument("--json", action="store_true", help='print JSON: [{"path", "top": [{"index", "name", "p"}]}]')
    parser.set_defaults(run=run)


def run(arguments):
    """Name each photo."""
    model = ZOO[DEFAULT]
    label(arguments, model.build().eval(), model.class_names(), model.preprocessing, arguments.top)
