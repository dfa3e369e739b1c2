"""``python -m course data NAME --out DIR``: real data for lessons 17 and 18, as a folder of class folders.

The archive is fetched once, into tinynet's home; its checksum is looked at before anything of it is opened.
"""
import io
import os
import re
import shutil
import uuid
import zipfile
from collections import namedtuple
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image

from tinynet.errors import InputError
from tinynet.files import home
from tinynet.weights.fetch import download

Source = namedtuple("Source", "url checksum files licence citation note")


def add_command(commands):
    """Add ``data`` to the commands of ``python -m course``."""
    parser = commands.add_parser("data", help="fetch real data for a lesson: " + ", ".join(SOURCES))
    parser.add_argument("name", choices=list(SOURCES), metavar="NAME")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new or empty folder")
    parser.set_defaults(run=lambda arguments: prepare(arguments.name, arguments.out))


def prepare(name, out, progress=True):
    """Fetch a data set and lay its files out: ``out/<class>/<file>`` and ``out/SOURCE.txt``.

    Of equal files in one class the first is kept; of equal files in two classes none is, as one of their labels must be
    wrong. That is what ``ImageFolder(skip_bad=True)`` would do.

    Parameters
    ----------
    name : str
        "pneumoniamnist" or "fsdd".
    out : Path
        Does not exist yet, or is empty. It appears when all of it is there.
    progress : bool
        Show a progress bar on stderr.

    Returns
    -------
    status : int
        0.

    Raises
    ------
    InputError
        If the folder is not empty, the address cannot be reached, or something else comes from there.
    """
    source, out = SOURCES[name], Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"data: {out} is not an empty folder; name a new one with --out")
    files, left_out = _unique(source.files(fetch(name, progress)))
    new = out.resolve().with_name(f".{out.resolve().name}.{uuid.uuid4().hex[:8]}.new")
    try:
        for place, content in files.items():
            (new / place).parent.mkdir(parents=True, exist_ok=True)
            (new / place).write_bytes(content)
        (new / "SOURCE.txt").write_text(f"{name}: {source.citation}\nLicence: {source.licence}.\nFrom: {source.url} "
                                        f"({source.checksum}).\nChanges: {source.note}; {left_out} copies of other files left "
                                        "out.\n", encoding="utf-8")
        if out.exists():
            out.rmdir()
        os.rename(new, out)
    except OSError as error:
        raise InputError(f"data: {out} cannot be written ({error.strerror}); name another place with --out") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    print(f"{out}: {len(files)} files in {len({place.split('/')[0] for place in files})} classes, {left_out} copies left out; "
          f"licence {source.licence}")
    return 0


def fetch(name, progress=True):
    """Return the archive of a data set, fetched on from where it broke off, unless it is there already.

    Parameters
    ----------
    name : str
    progress : bool

    Returns
    -------
    path : Path

    Raises
    ------
    InputError
        If pooch is not installed, the address cannot be reached (the message says what to put where by hand), or something
        else comes from there.
    """
    try:
        import pooch
    except ImportError:
        raise InputError('data: pooch is not installed; pip install -e ".[course]"') from None
    url, checksum = SOURCES[name][:2]
    path = home() / "data" / url.rsplit("/", 1)[-1]

    def go_on(url, output, _):                              # pooch's own downloader begins anew
        part = path.with_name(path.name + ".part")
        download(url, part, path.name, progress)
        os.replace(part, output)

    pooch.get_logger().setLevel("WARNING")
    try:
        return Path(pooch.retrieve(url, checksum, path.name, path.parent, downloader=go_on))
    except ValueError:
        raise InputError(f"data: {url} is not the file that was published (its {checksum.split(':')[0].upper()} differs); it was "
                         "thrown away, try again later or from another network") from None
    except OSError as error:                                # urllib's errors too
        raise InputError(f"data: cannot fetch {url} ({error}); run it again to go on, or get the file some other way and put "
                         f"it at {path}") from error


def _unique(files):
    """Return {place: content} without copies, and how many files were left out."""
    places, files = {}, dict(files)
    for place, content in files.items():
        places.setdefault(sha256(content).digest(), []).append(place)
    kept = [twins[0] for twins in places.values() if len({place.split("/")[0] for place in twins}) == 1]
    return {place: files[place] for place in kept}, len(files) - len(kept)


def pneumoniamnist(path):
    """Yield the pictures of the archive, 28 x 28 pixels of grey, as PNG: "normal/train_0001.png", content."""
    with np.load(path, allow_pickle=False) as arrays:
        for part in ("train", "val", "test"):
            for i, (pixels, label) in enumerate(zip(arrays[f"{part}_images"], arrays[f"{part}_labels"].ravel())):
                file = io.BytesIO()
                Image.fromarray(pixels).save(file, "PNG")
                yield f"{('normal', 'pneumonia')[int(label)]}/{part}_{i:04}.png", file.getvalue()


def fsdd(path):
    """Yield the recordings of the archive as they are: "7/theo_12.wav", content."""
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            found = re.search(r"/recordings/(\d)_([a-z]+)_(\d+)\.wav$", name)
            if found:
                digit, speaker, index = found.groups()
                yield f"{digit}/{speaker}_{int(index):02}.wav", archive.read(name)


SOURCES = {
    "pneumoniamnist": Source(
        "https://zenodo.org/records/10519652/files/pneumoniamnist.npz", "md5:28209eda62fecd6e6a2d98b1501bb15f", pneumoniamnist,
        "CC BY 4.0", "J. Yang et al., MedMNIST v2, Scientific Data 10:41, 2023, https://doi.org/10.1038/s41597-022-01721-8; the "
        "X-rays are D. Kermany et al.'s, Cell 172, 2018, https://doi.org/10.17632/rscbjbr9sj. Never for medical use.",
        "each picture a PNG of its own, its name begins with the part of the official split"),
    "fsdd": Source(
        "https://zenodo.org/records/1342401/files/Jakobovski/free-spoken-digit-dataset-v1.0.8.zip",
        "md5:54f48186ecb1d5ac4e971143086d529b", fsdd,
        "CC BY-SA 4.0", "Z. Jackson et al., Free Spoken Digit Dataset v1.0.8, https://doi.org/10.5281/zenodo.1342401",
        "the recordings alone, bytes unchanged, as <digit>/<speaker>_<index>.wav; the official test part is index 00 to 04"),
}
