"""The activation cache: what the frozen first part of a network makes of each image, computed once.

A frozen *trunk* gives the same numbers for an image in every epoch, so it needs to see each image only once;
training the rest of the network then reads those numbers from a file. They depend on the image and on a
*key*: weights, settings, cut, preprocessing and dtype. Each key has a folder of its own, such as
"head-float32-1f0c9a7be2d4", so that numbers of another network or preprocessing are never used; `files/rows.py`
tells how the folder is kept sound. They also depend on the *code*, which no key can hold: so at each use one image
is computed again, and if the result is another than what was kept, none of it is trusted. Taught in lesson 07.
"""
import copy
import json
import os
import re
import shutil
import warnings
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from tqdm import tqdm

from ..backend import to_device, to_numpy
from ..compute.checks import check_not_random
from ..errors import InputError
from ..files import Rows, sha256
from ..layers import Module
from ..layers.module import works_by_row
from ..models import for_inference
from ..tensor import Tensor, no_grad
from ..weights import tensors_sha256
from .extract import Extractor, close, extract

DTYPES = {"float32": np.dtype("<f4"), "float16": np.dtype("<f2")}


class ActivationCache:
    """What trunks make of images, on disk.

    Parameters
    ----------
    folder : str or Path
        Holds a folder for each key; any of them may be deleted, and fills again.
    """

    def __init__(self, folder):
        self.folder = Path(folder)

    def entries(self):
        """Return an Entry for each folder here that is a cache's, the last used first."""
        found = []
        for folder in self.folder.iterdir() if self.folder.is_dir() else ():
            try:
                key = json.loads((folder / "key.json").read_text(encoding="utf-8"))
                photos = (folder / "manifest.jsonl").read_bytes().count(b"\n")
                files = [path.stat() for path in folder.iterdir()]
                found.append(Entry(folder, key["network"], key["cut"], key["dtype"], photos,
                                   sum(file.st_size for file in files), max(file.st_mtime for file in files)))
            except (OSError, ValueError, KeyError, TypeError):      # no folder of a cache
                continue
        return sorted(found, key=lambda entry: -entry.used)

    def activations(self, trunk, dataset, preprocessing, cut, dtype="float32", workers=None, progress=True,
                    network="", executor=None):
        """Return the trunk's output for every image of a dataset, computing what is not on disk yet.

        Parameters
        ----------
        trunk : Module
            The frozen part of a network, ``net[:cut]``. If it has no stages, the inputs themselves are kept.
        dataset : Dataset
            A row belongs to an image's key, so that renamed, shuffled or relabelled images find theirs.
        preprocessing : Preprocessing
            Makes the trunk's input from an image.
        cut : str
            The stage that comes after the trunk.
        dtype : {"float32", "float16"}
            Of the numbers on disk. float16 takes half the room and keeps 3 decimal digits.
        workers : int, optional
            Number of threads, by default `compute.default_workers`; with an executor see `compute.executor_map`.
        progress : bool
            Whether to show a progress bar on stderr.
        network : str
            Its name, for `entries`.
        executor : concurrent.futures.Executor, optional
            Who computes, in place of threads: processes, a Dask cluster, ... It pays over several machines, which must find
            files at the same paths; on one, threads are as fast. Rows are written here, by the one owner of the folder.

        Returns
        -------
        codes : Activations
            ``codes[indices]`` are the rows of those images.

        Raises
        ------
        InputError
            If the trunk can be trained, is random or depends on the other images, the dataset varies its images or
            has a key that is no SHA-256, an image cannot be read, a number is too large for the dtype, the disk
            is full, or an executor's workers are lost or compute other numbers. Rows that were finished stay.

        Warns
        -----
        UserWarning
            If the trunk gives other numbers than when rows were kept: its code was changed. They are computed anew.
        """
        _check(trunk, dataset, dtype)
        extractor = Extractor(trunk, preprocessing)
        shape = extractor.apply(np.zeros((preprocessing.n_channels, preprocessing.crop, preprocessing.crop), np.float32)).shape
        key = _key(trunk, preprocessing, cut, dtype, network)
        images = [dataset.key(i) for i in range(len(dataset))]
        folder = self.folder / f"{cut}-{dtype}-{sha256(key.encode())[:12]}"
        rows = Rows(folder, key, DTYPES[dtype], shape)
        with rows.locked(progress):
            rows.read(set(images))
            os.utime(folder / "key.json")                      # when it was used last
            quick = Extractor(for_inference(trunk), preprocessing)
            _probe(rows, images, *(lambda i, way=way: way.row(dataset.image(i)) for way in (extractor, quick)), folder)
            missing = {image: i for i, image in enumerate(images) if image not in rows.of}
            if missing and not works_by_row(trunk):
                _check_alone(extractor, dataset.image(next(iter(missing.values()))))
            if missing:
                with (closing(extract(quick, dataset, list(missing.values()), workers, executor)) as found,
                      tqdm(found, f"activations before {cut}", len(missing), unit="image", disable=not progress) as bar):
                    rows.add(((images[i], row) for i, row in bar), len(missing))
            rows.finish()
        return Activations(rows, images, dataset.labels, computed=len(missing))


@dataclass(frozen=True)
class Entry:
    """One folder of a cache: what one trunk made of some images.

    Attributes
    ----------
    folder : Path
    network, cut, dtype : str
        Whose activations they are.
    photos, bytes : int
        How many, and how much room they take.
    used : float
        When they were used last, in seconds since 1970.
    """

    folder: Path
    network: str
    cut: str
    dtype: str
    photos: int
    bytes: int
    used: float

    def remove(self):
        """Remove the folder, unless a process is at work there; return whether it is gone."""
        try:
            with FileLock(self.folder / "lock", timeout=0):
                for name in ("manifest.jsonl", "activations.npy", "key.json"):      # the manifest first: nothing is trusted
                    (self.folder / name).unlink(missing_ok=True)
        except Timeout:
            return False
        shutil.rmtree(self.folder, ignore_errors=True)
        return True


class Activations:
    """The activations of a dataset's images, read from disk as they are asked for: ``codes[indices]``.

    Attributes
    ----------
    shape : tuple of int
        (N, ...), the shape of all of them.
    labels : ndarray, int64 (N,)
        The dataset's labels.
    computed, reused : int
        How many of the N images were computed now, and how many were found.
    path : Path
        The file, for ``np.load(path, mmap_mode="r")``. Its rows are in the order in which they were computed.
    """

    def __init__(self, rows, images, labels, computed):
        self.labels = np.array(labels, np.int64)
        self.shape = (len(images), *rows.shape)
        self.computed, self.reused = computed, len(images) - computed
        self.path = rows.path
        self._rows = np.array([rows.of[image][0] for image in images], np.int64)
        self._layout = {"dtype": rows.dtype, "offset": rows.offset, "shape": (rows.count, *rows.shape)}

    def __len__(self):
        """Return N, the number of images."""
        return len(self._rows)

    def __getitem__(self, indices):
        """Return the activations of some images.

        Parameters
        ----------
        indices : int, slice, or ndarray of int or bool
            Positions in the dataset.

        Returns
        -------
        x : ndarray, float32
            (B, ...) for B positions, (...) for a single int.
        """
        rows = np.asarray(self._rows[indices])
        shape = self._layout["shape"][1:]
        x = np.empty((rows.size, *shape), np.float32)
        stored = np.memmap(self.path, mode="r", **self._layout)     # each time: mapped pages count as memory
        for i in np.argsort(rows, axis=None):                       # in the order of the file
            x[i] = stored[rows.flat[i]]
        return x.reshape(*rows.shape, *shape)

    def in_groups(self, n):
        """Return the same, n neighbours (the views of an image) to a group: (N / n, n, ...), with the first one's label."""
        if n < 1 or len(self._rows) % n:
            raise InputError(f"Activations: {len(self._rows)} rows are no groups of {n}; give the number of views")
        groups = copy.copy(self)
        groups._rows, groups.labels = self._rows.reshape(-1, n), self.labels[::n]
        groups.shape = (*groups._rows.shape, *self.shape[1:])
        return groups


def _probe(rows, images, compute, quickly, folder):
    """Compute one of the rows that are known again, the code may have changed; if it differs, forget them all.

    With none known, one image is computed twice, by the trunk and as all will be: one that draws numbers, or is another
    `for_inference`, is found before anything is kept.
    """
    if not images:
        return
    known = [i for i, image in enumerate(images) if image in rows.of]
    shuffled = np.random.default_rng().permutation(known)               # any one: an edit may change some images only
    i = int(next((i for i in shuffled[:9] if rows.one(images[i]).any()), shuffled[0])) if known else 0    # 0 tells little
    found = compute(i)
    if known and close(found, rows.one(images[i])):
        return
    if not close(quickly(i), found):
        raise InputError("the cache: the trunk gives other numbers each time it sees the same image; it must not draw "
                         "random numbers or remember what it saw")
    if known:
        warnings.warn(f"{folder}: the trunk gives other numbers than when these were kept, so its code was changed; all "
                      "are computed again", stacklevel=3)
        rows.forget()


def _check_alone(extractor, image):
    """Raise if an image's row is another one in a batch with a second image, as may be where a layer does not say by_row."""
    x = extractor.preprocessing(image)
    with no_grad():
        beside = extractor.net(Tensor(to_device(np.stack([x, 2 * x + 1]), extractor.net.device))).data[0]
    if not close(to_numpy(beside), extractor.apply(x)):
        raise InputError("the cache: what the trunk makes of an image depends on the other images of its batch, also in "
                         "evaluation; let a layer use statistics that it took in training, or cut before it")


def _key(trunk, preprocessing, cut, dtype, network):
    """Return, as JSON, all that the activations depend on besides the images."""
    arrays = {name: to_numpy(array) for name, array in trunk.state_dict().items()}
    key = {"network": network, "cut": cut, "dtype": dtype, "preprocessing": preprocessing.to_dict(),
           "trunk_sha256": tensors_sha256(arrays), "trunk": _describe(trunk)}
    return json.dumps(key, indent=2)


def _describe(module):
    """Return a module's class, its settings and its modules: "Sequential(conv1=Conv2d(stride=2, ..."."""
    parts = [f"{name}={_describe(value) if isinstance(value, Module) else repr(value)}"
             for name, value in vars(module).items()
             if isinstance(value, (Module, int, float, str, tuple, list, dict, np.generic)) and name != "training"]
    return f"{type(module).__name__}({', '.join(parts)})"


def _check(trunk, dataset, dtype):
    """Raise unless images and trunk give the same numbers each time."""
    trainable = [name for name, p in trunk.named_parameters() if p.requires_grad]
    if trainable:
        raise InputError("the cache needs a frozen trunk, but training would change "
                         f"{', '.join(trainable)}; freeze them, or cut before them")
    check_not_random("the cache", trunk)
    if not works_by_row(trunk):
        depends = [type(module).__name__ for module in trunk.modules() if module.training and not works_by_row(module)]
        if depends:
            raise InputError(f"the cache: {depends[-1]} is in training mode, where its answers may depend on the other "
                             "images; call net.eval() first")
    if getattr(dataset, "augmented", False):
        raise InputError(f"the cache needs the same images each time, but dataset {dataset.name!r} varies "
                         "them; use it without augmentation, or train without the cache")
    strange = [i for i in range(len(dataset)) if not re.fullmatch("[0-9a-f]{64}", dataset.key(i))]
    if strange:
        raise InputError(f"the cache needs the SHA-256 of each image, but dataset {dataset.name!r} has "
                         f"key({strange[0]}) {dataset.key(strange[0])!r}; return 64 hexadecimal digits")
    if dtype not in DTYPES:
        raise InputError(f"the cache keeps numbers as {' or '.join(DTYPES)}, not as {dtype!r}; choose one")
