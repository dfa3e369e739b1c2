"""``tinynet classify``: what is in a photo, out of ImageNet's classes."""
from ..models import DEFAULT, ZOO
from .label import add_photos, label


def add(commands):
    """Add the command to the parser's commands."""
    parser = commands.add_parser("classify", help="name what is in a photo, out of ImageNet's 1,000 classes")
    add_photos(parser, top=5, help_top="how many classes to show (default %(default)s)")
    parser.set_defaults(run=run)


def run(arguments):
    """Name each photo."""
    model = ZOO[DEFAULT]
    return label(arguments, model.build().eval(), model.class_names(), model.preprocessing)
