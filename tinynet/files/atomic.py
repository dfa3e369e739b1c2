"""Writing files so that a reader never sees half of one, and naming their contents."""
import hashlib
import os
import uuid
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path):
    """Write a file under a temporary name and rename it into place on success.

    A crash, a full disk or Ctrl-C leaves the old file as it was and no half-written one.

    Parameters
    ----------
    path : str or Path
        Where the finished file goes; its folder is made if it does not exist.

    Yields
    ------
    file : binary file object
        Write the new contents here.

    Raises
    ------
    OSError
        If the folder or the file cannot be written (no permission, disk full).
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def sha256(source):
    """Return the SHA-256 of bytes, or of a file's contents, in hexadecimal.

    Parameters
    ----------
    source : bytes, str or Path
        Bytes are hashed as they are; a str or Path names a file.

    Returns
    -------
    digest : str
        64 hexadecimal digits.
    """
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with open(source, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
