"""``tinynet cache``: what is kept of frozen networks, and how to be rid of it."""
import time
from pathlib import Path

from ..errors import InputError
from ..transfer import ActivationCache
from .arguments import number


def add(commands):
    """Add the command to the parser's commands."""
    parser = commands.add_parser("cache", help="list the activations that are kept, and remove old ones")
    parser.add_argument("--folder", metavar="DIR", default=Path("runs") / "cache", help="the cache (default %(default)s)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--older-than", type=number(float, 0, "a number of days from 0"), metavar="DAYS",
                      help="remove what was not used for so many days")
    what.add_argument("--keep", type=number(int, 0, "a whole number from 0"), metavar="N",
                      help="remove all but the N that were used last")
    parser.set_defaults(run=run)


def run(arguments):
    """Print a table, the last used first, and remove what was asked for."""
    if not Path(arguments.folder).is_dir():
        raise InputError(f"{arguments.folder}: is no folder; give the cache's with --folder")
    entries = ActivationCache(arguments.folder).entries()
    old = []
    if arguments.older_than is not None:
        old = [entry for entry in entries if time.time() - entry.used > arguments.older_than * 86400]
    elif arguments.keep is not None:
        old = entries[arguments.keep:]
    print(f"{'network':16}{'cut':10}{'photos':>8}{'MB':>9}  {'last used':17}folder")
    gone = 0
    for entry in entries:
        note = ""
        if entry in old:
            removed = entry.remove()
            gone += entry.bytes * removed
            note = " (removed)" if removed else " (in use, kept)"
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        print(f"{entry.network:16}{entry.cut:10}{entry.photos:8}{entry.bytes / 1e6:9.1f}  {used:17}{entry.folder.name}"
              + note)
    print(f"together {sum(entry.bytes for entry in entries) / 1e6:.1f} MB in {len(entries)} folders"
          + (f", {gone / 1e6:.1f} MB removed" if old else ""))
