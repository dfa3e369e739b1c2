"""What a frozen trunk makes of images: on threads, or by the workers of any executor. Taught in lessons 07 and 21."""
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..backend import to_device, to_numpy
from ..compute import executor_map, one_blas_thread, ordered_map
from ..compute.checks import state_kept
from ..data import Preprocessing
from ..data.dataset import reader
from ..errors import InputError
from ..layers import Module
from ..tensor import Tensor, no_grad

TOLERANCE = 1e-2    # of the largest number of a row: what another BLAS or the rounding to float16 may change, and more


@dataclass(frozen=True)
class Extractor:
    """A frozen trunk and what comes before it: from an image's pixels to its row. An executor's workers are sent this.

    Attributes
    ----------
    net : Module
        The trunk.
    preprocessing : Preprocessing
    """

    net: Module
    preprocessing: Preprocessing

    def __call__(self, read):
        """Return the row of the image that ``read()`` returns, as a worker does."""
        with state_kept(self.net):
            return self.row(read())

    def row(self, image):
        """uint8 (H, W, 3) -> (...), one image at a time, so that its row depends on it alone"""
        return self.apply(self.preprocessing(image))

    def apply(self, x):
        """(C, H, W) -> (...)"""
        with no_grad():
            return to_numpy(self.net(Tensor(to_device(x[None], self._device))).data[0])

    @cached_property
    def _device(self):
        return self.net.device


def extract(extractor, dataset, rows, workers=None, executor=None):
    """Yield (i, row) for some images of a dataset: in order from threads, as they come from an executor.

    Parameters
    ----------
    extractor : Extractor
    dataset : Dataset
    rows : list of int
        The numbers of the images.
    workers : int, optional
    executor : concurrent.futures.Executor, optional
        Who computes, in place of threads. An image is read where it is needed if the dataset has a `reader`; else it is
        read here and its pixels are sent.

    Raises
    ------
    InputError
        If an image cannot be read, a process's numbers are not those of this one, or what `executor_map` says.
    """
    if executor is None:
        with closing(ordered_map(lambda i: extractor.row(dataset.image(i)), rows, workers)) as found:
            yield from zip(rows, found)
        return
    jobs, checked = (reader(dataset, i) for i in rows), set()
    with one_blas_thread(), closing(executor_map(executor, extractor, jobs, len(rows), workers)) as found:
        for k, row, worker in found:
            if worker not in checked and not close(extractor.row(dataset.image(rows[k])), row):
                raise InputError(f"{worker[0]}: process {worker[1]} computes other numbers for {dataset.title(rows[k])} than "
                                 "this one; install the same tinynet, NumPy and Pillow there, and start workers anew after a "
                                 "change of code")
            checked.add(worker)
            yield rows[k], row


def close(found, kept):
    """Return whether two rows are the same but for rounding; nan is like nan.

    Parameters
    ----------
    found, kept : ndarray

    Returns
    -------
    answer : bool
    """
    found, kept = np.asarray(found, np.float32), np.asarray(kept, np.float32)
    scale = max(np.abs(np.nan_to_num(kept)).max(initial=0), np.abs(np.nan_to_num(found)).max(initial=0))
    return np.allclose(found, kept, rtol=0, atol=TOLERANCE * scale, equal_nan=True)
