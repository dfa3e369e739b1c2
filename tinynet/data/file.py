"""Opening a file that somebody named: no pipe, no folder, and its name in every error."""
import os
import stat

from ..errors import InputError

KINDS = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
         stat.S_IFDIR: "a folder"}


def read_file(path, decode):
    """Open a file and decode it, with its name in every error.

    Parameters
    ----------
    path : str or Path
    decode : callable
        Takes the open file; its InputErrors hold reason and remedy alone.

    Returns
    -------
    decoded : object
        What `decode` returns.

    Raises
    ------
    InputError
        If the file cannot be opened or decoded.
    """
    try:
        with open_regular(path) as file:
            return decode(file)
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error}); check the name and the permissions"
        raise InputError(f"{path}: {reason}") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def open_regular(path):
    """Open a file for reading, but nothing that could make a reader wait for ever.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    file : binary file object

    Raises
    ------
    InputError
        If it is a named pipe, a socket, a device or a folder; the message holds reason and remedy alone.
    OSError
        If it cannot be opened.
    """
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        raise InputError(f"is {KINDS.get(stat.S_IFMT(mode), 'no file')}, not an image file; give a file, or move it away")
    return open(path, "rb")
