"""Names of files in lines that people paste into a shell."""
import os
import shlex
import subprocess


def command_line(*words):
    """Return a command with its arguments as a shell takes them, whatever is in their names.

    Parameters
    ----------
    *words : str or Path
        The command and its arguments; a name that starts with a dash is written ``./-name``.

    Returns
    -------
    line : str
        For a POSIX shell, on Windows for its own.
    """
    words = [str(word) for word in words]
    words = [os.path.join(".", word) if i and word.startswith("-") else word for i, word in enumerate(words)]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
