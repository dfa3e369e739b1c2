"""``tinynet COMMAND``: parse, run, and say in one line what went wrong."""
import argparse
import os
import sys
import warnings

from .. import __version__
from ..errors import InputError
from . import (
    audit, cache, classify, convert, explain, export, fetch, info, inspect, layers, models, predict, search, transfer, try_)

COMMANDS = (classify, audit, transfer, layers, search, predict, explain, try_, export, models, fetch, inspect, convert, cache,
            info)


def main(argv=None):
    """Run the command line.

    Parameters
    ----------
    argv : list of str, optional
        Arguments, by default the process's.

    Returns
    -------
    status : int
        0 done, 2 a mistake the user can mend (a line on stderr says how; good photos beside bad ones are named all the
        same), 130 stopped by Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):                 # a name that the terminal cannot show is no reason to stop
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: print(f"tinynet: {message}", file=sys.stderr)
            arguments = _parser().parse_args(argv)
            return arguments.run(arguments) or 0
    except InputError as error:
        return _complain(error)
    except BrokenPipeError:                                 # `tinynet ... | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        return _complain("there is not enough memory for this; use smaller or fewer photos, or a smaller --batch-size")
    except OSError as error:
        return _complain(f"{error.filename or 'writing the results'}: {error.strerror or error}; check the path, "
                         "the permissions and the space on the disk")
    except KeyboardInterrupt:
        print("\ntinynet: stopped; what was finished is kept", file=sys.stderr)
        return 130


def _complain(message):
    print(f"tinynet: {' '.join(str(message).split())}", file=sys.stderr)
    return 2


class _Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line."""

    def error(self, message):
        raise InputError(f"{message}; see `{self.prog} --help`")


def _parser():
    parser = _Parser(prog="tinynet",
                     description="Transfer learning from scratch: a pretrained ConvNet for your own photos.")
    parser.add_argument("--version", action="version", version=f"tinynet {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    for command in COMMANDS:
        command.add(commands)
    return parser
