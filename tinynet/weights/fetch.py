"""Fetch a published file: on from where it broke off, and kept only if it is the file that was published. Lesson 19."""
import os
import urllib.error
import urllib.request
from pathlib import Path

from tqdm import tqdm

from ..errors import InputError
from ..files import sha256

CHUNK, TIMEOUT = 1 << 18, 30


def fetch(url, path, digest, progress=True):
    """Fetch a file to a place, unless it is there already.

    Parameters
    ----------
    url : str
        An address of http or https.
    path : str or Path
        Where it shall be; while it is on its way, ".part" is added to the name, and the next call goes on from there.
    digest : str
        What its SHA-256 begins with, in hexadecimal.
    progress : bool
        Show a progress bar on stderr.

    Returns
    -------
    path : Path

    Raises
    ------
    InputError
        If the address cannot be reached (the message says what to put where by hand), or something else comes from there.
    """
    path = Path(path)
    if path.exists() and sha256(path).startswith(digest):
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        download(url, part, path.name, progress)
    except (OSError, urllib.error.URLError, ValueError) as error:
        raise InputError(f"cannot fetch {url} ({error}); run it again to go on, or get the "
                         f"file some other way and put it at {path}") from error
    found = sha256(part)
    if not found.startswith(digest):
        part.unlink()
        raise InputError(f"{url} is not the file that was published: its SHA-256 begins with {found[:len(digest[:12])]}, and should "
                         f"with {digest[:12]}; it was thrown away, try again later or from another network")
    os.replace(part, path)
    return path


def download(url, part, name, progress=True):
    """Fetch what is still missing of a file, and check nothing but its length.

    Parameters
    ----------
    url : str
        An address of http or https.
    part : Path
        What is there of it, if anything.
    name : str
        What the progress bar shows.
    progress : bool

    Raises
    ------
    OSError
        If the address cannot be reached (urllib's errors are such) or the connection breaks off.
    """
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != 416:                           # "range not satisfiable": all of it is here
            raise
        return
    with response:
        if response.status != 206:                      # the server began anew
            done = 0
        total = done + int(response.headers["Content-Length"]) if response.headers["Content-Length"] else None
        with open(part, "r+b" if done else "wb") as file, \
                tqdm(total=total, initial=done, desc=name, unit="B", unit_scale=True, disable=not progress) as bar:
            file.seek(done)
            while chunk := response.read(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    if total is not None and part.stat().st_size < total:
        raise OSError(f"the connection ended after {part.stat().st_size:,} of {total:,} bytes")
