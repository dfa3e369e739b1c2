"""From a dataset to the batches a network takes. Loading on threads is taught in lesson 14."""
from contextlib import closing

import numpy as np

from ..compute import default_workers, ordered_map
from ..errors import InputError


def batches(n, batch_size, rng=None):
    """Cut the numbers 0..n-1 into batches: one epoch.

    Parameters
    ----------
    n : int
        Number of examples.
    batch_size : int
        Examples a batch, at least 1; the last batch holds what is left. A single one joins the batch before it:
        a batch norm cannot learn from one row.
    rng : np.random.Generator, optional
        Shuffles the numbers first; without it they come in order.

    Returns
    -------
    batches : iterator of ndarray, int64 (B,)
        Indices, each of 0..n-1 once.

    Raises
    ------
    InputError
        If `batch_size` is below 1.
    """
    if batch_size < 1:
        raise InputError(f"batches: batch size is {batch_size}, it must be at least 1")
    order = np.arange(n, dtype=np.int64) if rng is None else rng.permutation(n)
    starts = list(range(0, n, batch_size))
    if batch_size > 1 and len(starts) > 1 and starts[-1] == n - 1:
        starts.pop()
    return (order[start:stop] for start, stop in zip(starts, [*starts[1:], n]))


def row_numbers(who, rows):
    """Return the numbers of some rows as an array.

    Parameters
    ----------
    who : str
        Who asks, for the message.
    rows : array_like of int, (n,)

    Returns
    -------
    rows : ndarray, int64 (n,)

    Raises
    ------
    InputError
        If they are no integers, such as a mask: as numbers, its False and True would be rows 0 and 1.
    """
    rows = np.asarray(rows)
    if rows.size and rows.dtype.kind not in "iu":
        raise InputError(f"{who}: rows are {rows.dtype}; give their numbers, integers: np.flatnonzero(mask) for a mask")
    return rows.astype(np.int64)


def load_inputs(dataset, indices, preprocessing):
    """Read and prepare some of a dataset's images, on several threads.

    Parameters
    ----------
    dataset : Dataset
        Where the images come from.
    indices : array_like of int, (B,)
        Which images, in which order.
    preprocessing : Preprocessing
        What the network expects.

    Returns
    -------
    x : ndarray, float32 (B, C, crop, crop)

    Raises
    ------
    InputError
        If an image can no longer be read.
    """
    with closing(ordered_map(lambda i: preprocessing(dataset.image(i)), indices)) as images:
        return _gather(images, len(indices), preprocessing)


class Loader:
    """Batches of a dataset's images, read, distorted and prepared on threads while the caller trains: a `for` is an epoch.

    Each epoch shuffles anew and distorts anew. The numbers that distort an image come from a generator of its own, made
    from one number that is drawn for the epoch and the image's place in `rows`: so the batches are the same whatever the
    number of workers. Work runs ahead by one batch or a few images, however many there are. Leaving the loop, by `break`
    too, ends the threads.

    Parameters
    ----------
    dataset : Dataset
        Where images and labels come from.
    rows : array_like of int, shape (n,)
        Which of them: the training rows.
    batch_size : int
        Images a batch, at least 1, see `batches`.
    preprocessing : Preprocessing
        What the network expects.
    augment : callable, optional
        ``augment(image, rng)`` distorts an image, see `data.augment`.
    rng : numpy.random.Generator, optional
        Shuffles the rows, and gives each epoch the number its distortions come from. Without it the rows come in order.
    workers : int, optional
        Number of threads, by default `compute.default_workers`.

    Yields
    ------
    x : ndarray, float32 (B, C, crop, crop)
    labels : ndarray of int64, (B,)

    Raises
    ------
    InputError
        If the batch size is below 1, rows are no integers, or images are to be distorted without an rng or by numbers from
        elsewhere.
    Exception
        Whatever a thread raises, with the image's title in a note.
    """

    def __init__(self, dataset, rows, batch_size, preprocessing, augment=None, rng=None, workers=None):
        if augment is not None and rng is None:
            raise InputError("Loader: distortions are random; pass rng=np.random.default_rng(seed) too")
        self.dataset, self.rows, self.batch_size = dataset, row_numbers("Loader", rows), batch_size
        self.preprocessing, self.augment, self.rng, self.workers = preprocessing, augment, rng, workers
        self._n_batches = len(list(batches(len(self.rows), batch_size)))
        if augment is not None and len(self.rows):
            check_augment("Loader", augment, dataset.image(self.rows[0]))

    def __len__(self):
        """Return the number of batches in an epoch."""
        return self._n_batches

    def __iter__(self):
        """Yield the batches of one epoch."""
        parts = list(batches(len(self.rows), self.batch_size, self.rng))        # places in rows
        seed = None if self.augment is None else int(self.rng.integers(2 ** 63))
        workers = self.workers or default_workers()
        places = [place for part in parts for place in part]
        ahead = max(self.batch_size, 2 * workers)
        with closing(ordered_map(lambda place: self._load(place, seed), places, workers, ahead)) as images:
            for part in parts:
                yield _gather(images, len(part), self.preprocessing), self.dataset.labels[self.rows[part]]

    def _load(self, place, seed):
        """Return the image at one place of the rows as the network takes it."""
        row = self.rows[place]
        try:
            image = self.dataset.image(row)
            if self.augment is not None:
                image = distorted(image, self.augment, [seed, place])
            return self.preprocessing(image)
        except Exception as error:
            error.add_note(f"in {self.dataset.title(row)}")
            raise


def distorted(image, augment, seed):
    """Return a distorted copy of an image; an `augment` that would write into the image itself is stopped.

    Parameters
    ----------
    image : ndarray, uint8 (H, W, 3)
    augment : callable
    seed : int or list of int
        The same seed gives the same copy.

    Returns
    -------
    copy : ndarray, uint8 (H, W, 3)
    """
    image = image.view()
    image.flags.writeable = False
    return augment(image, np.random.default_rng(seed))


def check_augment(who, augment, image):
    """Check that a distortion draws from the generator it is given, and from nothing else.

    Parameters
    ----------
    who : str
        Who asks, for the message.
    augment : callable
    image : ndarray, uint8 (H, W, 3)
        It is distorted five times in the same way.

    Raises
    ------
    InputError
        If the copies differ.
    """
    copies = [distorted(image, augment, seed=0) for _ in range(5)]
    if not all(np.array_equal(copy, copies[0]) for copy in copies):
        raise InputError(f"{who}: {augment!r} makes another picture each time from the same numbers, which nobody can repeat; "
                         "draw from the rng it is given alone")


def _gather(images, n, preprocessing):
    """Return the next n prepared images as one array, float32 (n, C, crop, crop)."""
    x = np.empty((n, preprocessing.n_channels, preprocessing.crop, preprocessing.crop), np.float32)
    for row, image in zip(x, images):
        row[...] = image
    return x
