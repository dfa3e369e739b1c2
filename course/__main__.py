"""The commands of the class; ``python -m course --help`` is their documentation."""
import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)        # Ctrl-C while all is imported: no traceback

import argparse
import os
import sys
from importlib.util import find_spec

from tinynet.errors import InputError

from . import check, data
from .book import build
from .execute import execute
from .notebook import find


def main(argv=None):
    """Run one command.

    Parameters
    ----------
    argv : list of str, optional
        Arguments, by default the process's.

    Returns
    -------
    status : int
        0 done, 1 a lesson or the book has a fault, 2 a mistake the user can mend, 130 stopped by Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):             # a letter that the terminal cannot show is no reason to stop
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        arguments = _parser().parse_args(argv)
        status = arguments.run(arguments)
        sys.stdout.flush()                              # a pipe that nobody reads breaks here, not at exit
        return status
    except InputError as error:
        print(f"course: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:                             # `... check a1 | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("\ncourse: stopped; every file is as it was or finished", file=sys.stderr)
        return 130


def _parser():
    parser = argparse.ArgumentParser(prog="python -m course", description="Run the class.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("execute", help="run lessons from top to bottom and store what they show")
    run.add_argument("lessons", nargs="*", metavar="LESSON",
                     help="a number, a name or a path, as in: 3 (default: all)")
    run.add_argument("--measure", action="store_true",
                     help="store new outputs for cells tagged nbval-ignore-output too (otherwise kept)")
    run.set_defaults(run=lambda arguments: execute(find(arguments.lessons), arguments.measure))

    book = commands.add_parser("book", help="make a web site of the lessons in build/book")
    book.set_defaults(run=lambda arguments: build())

    check.add_command(commands)
    data.add_command(commands)
    if find_spec(".grading", __package__):          # students get none of these
        from . import generate, release
        from .grading import grade
        for module in (generate, release, grade):
            module.add_command(commands)
    return parser


if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
