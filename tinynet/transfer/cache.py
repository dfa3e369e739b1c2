"""The activation cache: what the frozen first part of a network makes of each image, computed once.

A frozen *trunk* gives the same numbers for an image in every epoch, so it needs to see each image only once;
training the rest of the network then reads those numbers from a file. They depend on the image and on a
*key*: weights, layers, cut, preprocessing and dtype. Each key has a folder of its own, such as
"head-float32-1f0c9a7be2d4", so that numbers of another network or preprocessing are never used; `files/rows.py`
tells how the folder is kept sound. Taught in lesson 07.
"""
import json
import re
from contextlib import closing
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..backend import to_device, to_numpy
from ..compute import ordered_map
from ..errors import InputError
from ..files import Rows, sha256
from ..layers import Dropout, Module
from ..tensor import Tensor, no_grad
from ..weights import tensors_sha256

VERSION = 1         # of the files and the layers' arithmetic: raised when either changes, so old rows go unused
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

    def activations(self, trunk, dataset, preprocessing, cut, dtype="float32", workers=None, progress=True):
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
            Number of threads, by default `compute.default_workers`.
        progress : bool
            Whether to show a progress bar on stderr.

        Returns
        -------
        codes : Activations
            ``codes[indices]`` are the rows of those images.

        Raises
        ------
        InputError
            If the trunk can be trained or is random, the dataset varies its images or has a key that is no
            SHA-256, an image cannot be read, a number is too large for the dtype, or the disk is full. Rows
            that were finished stay.
        """
        _check(trunk, dataset, dtype)
        device = trunk.device

        def apply(x):           # (3, H, W) -> (...): one image at a time, so that its row depends on it alone
            with no_grad():
                return to_numpy(trunk(Tensor(to_device(x[None], device))).data[0])

        def compute(i):
            return apply(preprocessing(dataset.image(i)))

        shape = apply(np.zeros((3, preprocessing.crop, preprocessing.crop), np.float32)).shape
        key = _key(trunk, preprocessing, cut, dtype)
        images = [dataset.key(i) for i in range(len(dataset))]
        folder = self.folder / f"{cut}-{dtype}-{sha256(key.encode())[:12]}"
        rows = Rows(folder, key, DTYPES[dtype], shape)
        with rows.locked(progress):
            rows.read(set(images))
            missing = {image: i for i, image in enumerate(images) if image not in rows.of}
            if missing:
                with (closing(ordered_map(compute, list(missing.values()), workers)) as results,
                      tqdm(missing, f"activations before {cut}", unit="image", disable=not progress) as bar):
                    rows.add(zip(bar, results), len(missing))
            rows.finish()
        return Activations(rows, images, dataset.labels, computed=len(missing))


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
        x = np.empty((rows.size, *self.shape[1:]), np.float32)
        stored = np.memmap(self.path, mode="r", **self._layout)     # each time: mapped pages count as memory
        for i in np.argsort(rows, axis=None):                       # in the order of the file
            x[i] = stored[rows.flat[i]]
        return x.reshape(*rows.shape, *self.shape[1:])


def _key(trunk, preprocessing, cut, dtype):
    """Return, as JSON, all that the activations depend on besides the images."""
    arrays = {name: to_numpy(array) for name, array in trunk.state_dict().items()}
    key = {"version": VERSION, "cut": cut, "dtype": dtype, "preprocessing": preprocessing.to_dict(),
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
    if any(isinstance(module, Dropout) and module.training and module.p > 0 for module in trunk.modules()):
        raise InputError("the cache needs a trunk that is not random, but a Dropout in it is in training "
                         "mode; call trunk.eval() first")
    if getattr(dataset, "augmented", False):
        raise InputError(f"the cache needs the same images each time, but dataset {dataset.name!r} varies "
                         "them; use it without augmentation, or train without the cache")
    strange = [i for i in range(len(dataset)) if not re.fullmatch("[0-9a-f]{64}", dataset.key(i))]
    if strange:
        raise InputError(f"the cache needs the SHA-256 of each image, but dataset {dataset.name!r} has "
                         f"key({strange[0]}) {dataset.key(strange[0])!r}; return 64 hexadecimal digits")
    if dtype not in DTYPES:
        raise InputError(f"the cache keeps numbers as {' or '.join(DTYPES)}, not as {dtype!r}; choose one")
