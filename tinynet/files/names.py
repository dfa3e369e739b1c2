"""Names of files in lines that people paste into a shell."""
import os
import shlex
import subprocess


def command_line(*words, **options):
    """Return a command with its arguments as a shell takes them, whatever is in their names.

    Parameters
    ----------
    *words : str or Path
        The command and its arguments; a name that starts with a dash is written ``./-name``.
    **options
        After them, ``weight_decay=0.1`` as ``--weight-decay 0.1``; True is an option without a value, None and False are
        left out.

    Returns
    -------
    line : str
        For a POSIX shell, on Windows for its own.
    """
    words = [_not_an_option(str(word)) if i else str(word) for i, word in enumerate(words)]
    for name, value in options.items():
        if value is not None and value is not False:
            words += [f"--{name.replace('_', '-')}"] + [_not_an_option(str(value))] * (value is not True)
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _not_an_option(word):
    return os.path.join(".", word) if word.startswith("-") else word
