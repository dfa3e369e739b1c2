"""A folder of files that belong together: at every kill all of them are the old ones, or all the new."""
import ctypes
import os
import shutil
import sys
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

MOST_LINKED = 1000              # more files of others than this in a folder are not carried over: it is no run's folder


@contextmanager
def replaced_folder(path, own=()):
    """Fill a new folder beside another and put it in its place as a whole, on success.

    A crash, a full disk or Ctrl-C leaves the old folder as it was. Files in it that are not written anew stay. Where
    the folder holds folders of others, or is where the process works, its files are replaced one by one instead.

    Parameters
    ----------
    path : str or Path
        The folder; made if it does not exist.
    own : sequence of str
        Names that only a process like this one writes: where they are not written anew they go.

    Yields
    ------
    folder : Path
        Write the new files here; folders in it are not for this.

    Raises
    ------
    OSError
        If a folder or file cannot be written (no permission, disk full).
    """
    path = Path(path).resolve()                                     # a link stays one
    restore_folder(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    new = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.new")
    new.mkdir()
    try:
        yield new
        for file in new.iterdir():
            _sync(file)
        _put_in_place(new, path, own)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def restore_folder(path):
    """Put a folder back that was set aside by a process which was then killed, where folders cannot be exchanged.

    Parameters
    ----------
    path : str or Path
        Where it belongs.
    """
    path = Path(path).resolve()
    if not path.exists():
        for old in path.parent.glob(f".{_quoted(path.name)}.*.old"):
            os.rename(old, path)
            return


def _put_in_place(new, path, own):
    if not path.exists():
        os.rename(new, path)
        return
    others = [entry for entry in path.iterdir() if entry.name not in own and not (new / entry.name).exists()]
    if Path.cwd().is_relative_to(path) or any(entry.is_dir() for entry in others) or len(others) > MOST_LINKED:
        written = sorted(new.iterdir())
        for file in written:
            os.replace(file, path / file.name)
        for name in set(own) - {file.name for file in written}:
            (path / name).unlink(missing_ok=True)
        return
    for entry in others:
        _link(entry, new / entry.name)
    shutil.copymode(path, new)
    _exchange(new, path)


def _exchange(new, path):
    """Let two folders change places, in one step where the system can."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            failed = library.renamex_np(os.fsencode(new), os.fsencode(path), 2)                     # RENAME_SWAP
        else:
            failed = library.renameat2(-100, os.fsencode(new), -100, os.fsencode(path), 2)          # RENAME_EXCHANGE
    except (AttributeError, OSError, TypeError):                    # Windows, an old or another C library
        failed = True
    if failed:
        old = new.with_suffix(".old")
        os.rename(path, old)                                        # a kill here is what `restore_folder` mends
        os.rename(new, path)
        shutil.rmtree(old, ignore_errors=True)


def _link(source, target):
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _sync(file):
    with open(file, "rb+") as opened:
        os.fsync(opened.fileno())


def _remove_leftovers(path):
    """Remove what a run that was killed left behind an hour ago or more."""
    for left in path.parent.glob(f".{_quoted(path.name)}.*.[no][el][wd]"):
        if time.time() - left.stat().st_mtime > 3600:
            shutil.rmtree(left, ignore_errors=True)


def _quoted(name):
    """Return a name as a pattern that matches it alone."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)
