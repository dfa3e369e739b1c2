"""Stopping a training run and going on later, as if it had never stopped. Taught in lesson 08."""
import time
from pathlib import Path

import numpy as np

from ..backend import to_numpy
from ..errors import InputError
from ..layers import Random
from ..weights import load_weights, save_weights


class Checkpoint:
    """A file from which a run that was stopped goes on, as if it had not been.

    Parameters
    ----------
    path : str or Path
        The file, by custom ``.safetensors``. It is written every few seconds and when training ends; `done` removes it,
        once the results are safe.
    run_id : str
        Names settings and data: the file of another run is ignored.
    every : float
        Seconds between writes; with 0 every epoch is saved.

    Raises
    ------
    InputError
        If there is no run_id.
    """

    def __init__(self, path, run_id, every=5.0):
        if not run_id:
            raise InputError("Checkpoint: it needs a run_id, so that no other run goes on from it; "
                             "name your settings and data")
        self.path, self.run_id, self.every = Path(path), run_id, every
        self._saved = time.monotonic()

    def resume(self, net, optimizer, rng, best, history, ema=None):
        """Put everything back to where the run was stopped, if this very run left a file that fits."""
        try:
            _, metadata = load_weights(self.path)
            if metadata["progress"]["run_id"] != self.run_id:
                return
            progress, best.weights = load_checkpoint(self.path, net, optimizer, rng, ema)
        except (InputError, OSError, KeyError, TypeError):      # none, damaged or foreign: the run starts again
            return
        history.update(progress["history"])

    def save(self, net, optimizer, rng, best, history, ema=None, last=False):
        """Write the file, if the last time is long enough ago or this is the last time."""
        if last or time.monotonic() - self._saved >= self.every:
            save_checkpoint(self.path, net, optimizer, rng, {"run_id": self.run_id, "history": history}, best.weights, ema)
            self._saved = time.monotonic()

    def done(self):
        """Remove the file: there is nothing to go on with."""
        self.path.unlink(missing_ok=True)


def save_checkpoint(path, net, optimizer, rng, progress, best=None, ema=None):
    """Write everything the next epoch depends on into one file, atomically.

    Parameters
    ----------
    path : str or Path
        The file, by custom ``.safetensors``.
    net : Module
        Parameters, buffers and the states of its layers' random generators are saved.
    optimizer : Optimizer
        Its options, rates and state are saved.
    rng : numpy.random.Generator
        The generator that shuffles; its state is saved.
    progress : dict
        What else to remember; anything JSON can hold.
    best : dict of str to ndarray, optional
        The best weights so far, as `Module.state_dict` gives them.
    ema : EMA, optional
        Its average is saved.
    """
    saved, averaged = optimizer.state_dict(), ema.state_dict() if ema else {}
    arrays = {f"net/{name}": to_numpy(array) for name, array in net.state_dict().items()}
    arrays |= {f"best/{name}": to_numpy(array) for name, array in (best or {}).items()}
    arrays |= {f"ema/{name}": array for name, array in averaged.pop("average", {}).items()}
    numbers = {}
    for position, values in saved.pop("state").items():
        for name, value in values.items():
            (arrays if hasattr(value, "shape") else numbers)[f"optimizer/{position}/{name}"] = value
    save_weights(path, arrays, {"progress": progress, "optimizer": saved, "numbers": numbers, "ema": averaged,
                                "generators": [_plain(g.bit_generator.state) for g in _generators(net, rng)]})


def load_checkpoint(path, net, optimizer, rng, ema=None):
    """Put a network, its optimiser and its random generators back to where `save_checkpoint` left them.

    Parameters
    ----------
    path : str or Path
        A file of `save_checkpoint`.
    net, optimizer, rng, ema
        Built as they were for the run that was stopped; changed in place.

    Returns
    -------
    progress : dict
        What was remembered.
    best : dict of str to ndarray or None
        The best weights so far.

    Raises
    ------
    InputError
        If the file is damaged or belongs to another network or optimiser; nothing was changed.
    """
    arrays, metadata = load_weights(path)
    generators, states = _generators(net, rng), metadata.get("generators", ())
    kinds = [type(g.bit_generator).__name__ for g in generators]
    if ("optimizer" not in metadata or [state["bit_generator"] for state in states] != kinds
            or bool(metadata.get("ema")) != (ema is not None)):
        raise InputError(f"{path}: not a checkpoint of this network; delete it to start again")
    state = {}
    for key, value in [*arrays.items(), *metadata["numbers"].items()]:
        if key.startswith("optimizer/"):
            _, position, name = key.split("/")
            state.setdefault(int(position), {})[name] = value
    saved = metadata["optimizer"] | {"state": state}
    optimizer.check_state_dict(saved)                           # everything is checked before anything is changed
    if ema:
        averaged = metadata["ema"] | {"average": _under("ema/", arrays)}
        ema.check_state_dict(averaged)
    net.load_state_dict(_under("net/", arrays))
    optimizer.load_state_dict(saved)
    if ema:
        ema.load_state_dict(averaged)
    for generator, state in zip(generators, states):
        generator.bit_generator.state = state
    return metadata["progress"], _under("best/", arrays) or None


def _generators(net, rng):
    """Return every generator a run draws from, each once, in a fixed order."""
    found = [rng] + [module.rng for module in net.modules() if isinstance(module, Random) and module.rng is not None]
    return list({id(generator): generator for generator in found}.values())


def _plain(state):
    """Return a generator's state as JSON can hold it."""
    if isinstance(state, dict):
        return {name: _plain(value) for name, value in state.items()}
    return state.tolist() if isinstance(state, (np.ndarray, np.generic)) else state


def _under(prefix, arrays):
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
