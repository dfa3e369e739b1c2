"""Photos or sounds of your own: a folder that holds one folder of files per class."""
import hashlib
import os
import unicodedata
import warnings
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..compute import ordered_map
from ..errors import InputError
from ..files import sha256
from .audio import is_wav
from .file import open_regular
from .picture import decode_picture, is_picture, read_picture

MIN_IMAGES = 3  # a class needs one image to train, one to validate and one to test
# What operating systems, cameras, network drives and notebooks leave behind.
SYSTEM_NAMES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "#recycle", "$recycle.bin", "recycler",
                "system volume information", "lost+found", "__pycache__", "picasa.ini", "icon\r", "zbthumbnail.info"}
OWN_FILES = ("model.safetensors", "metrics.json", "report.html", "checkpoint.safetensors")      # of a run
CACHE_FILES = ("manifest.jsonl", "activations.npy")                                             # of a cache


class ImageFolder:
    """A dataset of image files: `root/tigger/*.jpg`, `root/misty/*.png`, ...

    Each folder in `root` is a class and its name the class's name; classes and files are sorted by name.
    Every file is read and decoded once here, so that a broken one is reported now and not in mid-training;
    the pixels are not kept. Instead of images all files may be sounds (WAV): the image of a sound is its spectrogram.

    Ignored are hidden names (".DS_Store"), the operating systems' own ("Thumbs.db", "desktop.ini",
    "__MACOSX"), files directly in `root` that are no images (a README, a list), and folders that tinynet itself
    wrote (runs and caches; a warning names them).
    Everything else that is not a good image is a mistake: it raises, or is skipped and listed.

    Parameters
    ----------
    root : str or Path
        The folder of class folders. Links to files and folders are followed.
    skip_bad : bool
        Leave out bad files, and classes of fewer than 3 good images, and list them in `skipped`. Of a picture
        that is twice in one class the first is kept; in two classes none is, as one of its labels is wrong.

    Attributes
    ----------
    root : Path
        The folder of class folders.
    name : str
        Its name.
    classes : list of str
        Class names (in Unicode's composed form, so that they are equal on every system).
    labels : ndarray, int64 (N,)
        The class of every image, as an index into `classes`.
    paths : list of Path
        The file of every image.
    skipped : list of (Path, str)
        The files and class folders left out, each with the reason. Empty unless `skip_bad`.

    Raises
    ------
    InputError
        If `root` is not a folder, holds fewer than two classes, two whose names differ only in case, or both images
        and sounds.
        Unless `skip_bad`, also for an image directly in `root`, a class of fewer than 3 good images, anything
        in a class folder that `read_picture` refuses, a folder there, and two files with the same contents.
    """

    def __init__(self, root, skip_bad=False):
        if not str(root):
            raise InputError("the folder of images has an empty name; give a folder that holds one folder of images per "
                             "class")
        folders, bad = _scan(Path(root))
        keys, bad_files = _check([path for folder in folders for path in _entries(folder)])
        good = {folder: [] for folder in folders}
        for path in keys:
            good[path.parent].append(path)
        poor = [folder for folder in folders if len(good[folder]) < MIN_IMAGES]
        bad += bad_files
        bad += [(folder, f"has {len(good[folder])} good images, a class needs at least {MIN_IMAGES}; "
                         "add some or remove the folder") for folder in poor]
        if bad and not skip_bad:
            _refuse(bad)
        folders = [folder for folder in folders if folder not in poor]
        _require_two(root, folders, f" after skipping {len(bad)} bad files and folders" if bad else "")

        self.root = Path(root)
        self.name = Path(root).resolve().name or "images"  # the root of a drive has no name
        self.classes = [_name(folder) for folder in folders]
        counts = [len(good[folder]) for folder in folders]
        self.labels = np.repeat(np.arange(len(folders), dtype=np.int64), counts)
        self.paths = [path for folder in folders for path in good[folder]]
        sound = [is_wav(path) for path in self.paths]
        if 0 < sum(sound) < len(sound):
            raise InputError(f"{self.paths[sound.index(True)]}: is a sound, but {self.paths[sound.index(False)]} is an image "
                             f"({sum(sound)} of {len(sound)} files are sounds); give folders of one kind")
        self.skipped = bad
        self._keys = [keys[path] for path in self.paths]

    def __len__(self):
        """Return the number of images."""
        return len(self.paths)

    def image(self, i):
        """Read image i from its file.

        Parameters
        ----------
        i : int

        Returns
        -------
        rgb : ndarray, uint8 (H, W, 3)

        Raises
        ------
        InputError
            If the file has gone or gone bad since the folder was checked.
        """
        return _unchanged(self.paths[i], self._keys[i])

    def reader(self, i):
        """Return a callable that reads image i, also in another process that finds the file at the same absolute path."""
        return partial(_unchanged, Path(os.path.abspath(self.paths[i])), self._keys[i])

    def key(self, i):
        """Return the SHA-256 of image i's file.

        Parameters
        ----------
        i : int

        Returns
        -------
        key : str
            64 hexadecimal digits.
        """
        return self._keys[i]

    def title(self, i):
        """Return image i's class folder and file name.

        Parameters
        ----------
        i : int

        Returns
        -------
        title : str
            For example "tigger/sofa.jpg".
        """
        return f"{_name(self.paths[i].parent)}/{_name(self.paths[i])}"


def _unchanged(path, key):
    """Return a picture whose file still has this SHA-256."""
    rgb = read_picture(path)
    if sha256(path) != key:
        raise InputError(f"{path}: has changed since the folder was checked; run the command again, or make the ImageFolder "
                         "again")
    return rgb


def _scan(root):
    """Return the class folders, and the images that lie beside them as (path, reason)."""
    if not root.is_dir():
        raise InputError(f"{root}: {'is not a folder' if root.exists() else 'does not exist'}; "
                         "give a folder that holds one folder of images per class")
    entries = _entries(root)
    own = [path for path in entries if is_own_output(path)]
    if own:
        warnings.warn(f"{own[0]}: was written by tinynet and is no class"
                      + (f" (and {len(own) - 1} more)" if len(own) > 1 else "") + "; keep runs outside the photos",
                      stacklevel=4)
    entries = [path for path in entries if path not in own]
    folders = [path for path in entries if path.is_dir()]
    _require_two(root, folders)
    seen = {}
    for folder in folders:
        other = seen.setdefault(_name(folder).casefold(), folder)
        if other is not folder:
            raise InputError(f"{folder}: differs only in case from {other}, which some systems ignore; "
                             "merge or rename them")
    return folders, [(path, "is in no class folder; move it into the folder of its class")
                     for path in entries if not path.is_dir() and is_picture(path)]


def is_own_output(path):
    """Tell whether a folder is a run or a cache that tinynet wrote, or holds nothing but such folders.

    Parameters
    ----------
    path : Path

    Returns
    -------
    answer : bool
    """
    if not path.is_dir():
        return False
    names = {entry.name for entry in path.iterdir()} if os.access(path, os.R_OK) else set()
    if {*OWN_FILES[:2]} <= names or OWN_FILES[3] in names or {*CACHE_FILES} <= names:
        return True
    inside = _entries(path) if names else []
    return bool(inside) and all(is_own_output(entry) for entry in inside)


def _refuse(bad):
    """Raise for the first of the bad files and folders, and count the others."""
    (path, reason), others = bad[0], len(bad) - 1
    more = f" ({others} more are bad)" if others else ""
    raise InputError(f"{path}: {reason}{more}; or skip and list all that is bad (--skip-bad, skip_bad=True)")


def _require_two(root, folders, circumstance=""):
    if len(folders) < 2:
        names = ": " + ", ".join(map(_name, folders)) if folders else ""
        raise InputError(f"{root}: holds {len(folders)} class folders{circumstance}{names}; "
                         "it needs at least 2, each with the images of one class")


def _entries(folder):
    """List a folder by name, without hidden and system files."""
    try:
        paths = list(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: cannot be listed ({error.strerror}); check the permissions") from None
    shown = [path for path in paths
             if not path.name.startswith(".") and path.name.lower() not in SYSTEM_NAMES]
    return sorted(shown, key=_name)


def _name(path):
    """Return a path's last part as composed, valid Unicode (macOS decomposes, old archives break it)."""
    return unicodedata.normalize("NFC", os.fsencode(path.name).decode("utf-8", "replace"))


def _check(paths):
    """Return {good path: SHA-256}, in order, and [(bad path, reason)]."""
    found = list(tqdm(ordered_map(_inspect, paths), "checking images", len(paths),
                      delay=1, leave=False, disable=None))  # shown after 1 s, and only on a terminal
    bad = [(path, reason) for path, (_, reason, _) in zip(paths, found) if reason]
    keys = {path: key for path, (key, reason, _) in zip(paths, found) if not reason}
    odd = [(path, note) for path, (_, _, note) in zip(paths, found) if note]
    for path, note in odd[:3]:
        warnings.warn(f"{path}: {note}" + (f" ({len(odd)} such pictures in all)" if len(odd) > 1 else ""), stacklevel=4)
    twins = _duplicates(keys)
    for path, _ in twins:
        del keys[path]
    return keys, bad + twins


def _duplicates(keys):
    """Return [(path, reason)] of files with equal contents: all but the first in one class, all across."""
    groups = defaultdict(list)
    for path, key in keys.items():
        groups[key].append(path)
    bad = []
    for group in groups.values():
        if all(path.parent == group[0].parent for path in group):
            bad += [(path, f"is the same picture as {group[0]}; delete one: test and training may share it")
                    for path in group[1:]]
        else:
            for path in group:
                other = next(twin for twin in group if twin.parent != path.parent)
                bad.append((path, f"is the same picture as {other}, in another class; delete the wrong one"))
    return bad


def _inspect(path):
    """Read a file whole: (SHA-256, None, what is odd about it) if it is a good picture, else (None, reason, None)."""
    try:
        if path.is_dir():
            raise InputError("is a folder in a class folder; move its images up, or give "
                             f"{path.parent} instead if its folders are the classes")
        if not path.exists():
            raise InputError("is neither a file nor a folder (a broken link?); delete it")
        with open_regular(path) as file:
            rgb, damage = decode_picture(file)
            file.seek(0)
            key = hashlib.file_digest(file, "sha256").hexdigest()
        blank = "is all one colour: an empty picture tells nothing" if (rgb == rgb[0, 0]).all() else ""
        return key, None, damage or blank
    except InputError as error:
        return None, str(error), None
    except OSError as error:
        return None, f"cannot be read ({error.strerror or error}); check the permissions", None
