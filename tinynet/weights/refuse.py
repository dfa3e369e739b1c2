"""One way to say that a weight file cannot be read: whatever goes wrong inside becomes one line for the user."""
from contextlib import contextmanager

import numpy as np

from ..errors import InputError


@contextmanager
def reading(path, kind, remedy):
    """Turn every fault inside the ``with`` block into one InputError about this file.

    A damaged or hostile file can fail in every way there is, so every exception is meant.

    Parameters
    ----------
    path : str or Path
        The file, for the message.
    kind : str
        What it should be, for example "ONNX".
    remedy : str
        What the user can do.

    Raises
    ------
    InputError
        In place of any exception of the block.
    """
    try:
        with np.errstate(all="ignore"):
            yield
    except Exception as error:
        words = (str(error) if isinstance(error, (ValueError, OSError)) else "") or f"it is damaged ({type(error).__name__})"
        reason = "".join(c if c.isprintable() else "?" for c in " ".join(words.split()))
        raise InputError(f"cannot read {path} as {kind}, nothing in it was run: {reason[:300]}; {remedy}") from error
