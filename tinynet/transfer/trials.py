"""What a search tried, and the file that remembers it. Taught in lesson 10."""
import json
import math
from dataclasses import asdict, dataclass

import numpy as np

from ..files import atomic_write, sha256
from ..version import __version__
from .settings import Settings


@dataclass(frozen=True)
class Trial:
    """One cross-validation.

    Attributes
    ----------
    settings : Settings
    block : str or None
        The hyperparameter that was varied around the best of the others; None in a random search.
    losses, accuracies : tuple of float
        For each fold, of the head that was trained without it. A training whose loss was no longer a finite number has the
        loss infinity and the accuracy 0.
    """

    settings: Settings
    block: str | None
    losses: tuple
    accuracies: tuple

    @property
    def loss(self):
        """Mean of the folds' losses."""
        return sum(self.losses) / len(self.losses)

    @property
    def accuracy(self):
        """Mean of the folds' accuracies."""
        return sum(self.accuracies) / len(self.accuracies)

    @property
    def error(self):
        """The standard error of `accuracy`: the folds' deviation over the root of their number."""
        return float(np.std(self.accuracies, ddof=1)) / math.sqrt(len(self.accuracies))


def best_trial(trials):
    """Return the trial of the highest accuracy, of equal ones that of the lower loss, of those the earlier.

    Parameters
    ----------
    trials : list of Trial

    Returns
    -------
    trial : Trial
    """
    return min(trials, key=rank)


def rank(trial):
    """Return what trials are sorted by, the best first.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    key : tuple of float
    """
    return -trial.accuracy, trial.loss


class TrialFile:
    """The results of finished trials, in a file of one line of JSON for each.

    A line's key is the SHA-256 of all its numbers depend on: the settings, the version of tinynet and, to the last bit,
    what is trained on. Lines of other keys stay; what is no such line is passed over. A kill loses no finished trial.

    Parameters
    ----------
    path : Path
        The file; made when the first trial is added.
    folds : int
        Of each trial.
    data : list of ndarray
        What is trained on.
    """

    def __init__(self, path, folds, data):
        self.path, self.folds = path, folds
        self.data = [sha256(np.ascontiguousarray(array).tobytes()) for array in data]
        self.lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
        self.of = dict(filter(None, map(self._read, self.lines)))

    def __contains__(self, settings):
        return self._key(settings) in self.of

    def __getitem__(self, settings):
        """Return the losses and the accuracies of a trial, a tuple of each."""
        return self.of[self._key(settings)]

    def add(self, settings, losses, accuracies):
        """Keep a finished trial.

        Parameters
        ----------
        settings : Settings
        losses, accuracies : sequence of float
            One for each fold.
        """
        key = self._key(settings)
        self.of[key] = tuple(losses), tuple(accuracies)
        self.lines.append(json.dumps({"key": key, "settings": asdict(settings), "accuracies": accuracies,
                                      "losses": [loss if loss < math.inf else None for loss in losses]}, allow_nan=False))
        with atomic_write(self.path) as file:
            file.write("".join(f"{line}\n" for line in self.lines).encode())

    def _key(self, settings):
        return sha256(json.dumps([__version__, asdict(settings), *self.data]).encode())

    def _read(self, line):
        """Return a line's key and its trial, or None."""
        try:
            found = json.loads(line)
            losses = tuple(math.inf if loss is None else float(loss) for loss in found["losses"])
            accuracies = tuple(map(float, found["accuracies"]))
            return (found["key"], (losses, accuracies)) if len(losses) == len(accuracies) == self.folds else None
        except (ValueError, KeyError, TypeError):
            return None
