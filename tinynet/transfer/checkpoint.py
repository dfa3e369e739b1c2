"""Stopping a training run and going on later, as if it had never stopped. Taught in lesson 08."""
from ..backend import to_numpy
from ..errors import InputError
from ..layers import Dropout
from ..weights import load_weights, save_weights


def save_checkpoint(path, net, optimizer, rng, progress, best=None):
    """Write everything the next epoch depends on into one file, atomically.

    Parameters
    ----------
    path : str or Path
        The file, by custom ``.safetensors``.
    net : Module
        Parameters, buffers and the states of its dropout generators are saved.
    optimizer : Optimizer
        Its rates and state are saved.
    rng : numpy.random.Generator
        The generator that shuffles; its state is saved.
    progress : dict
        What else to remember; anything JSON can hold.
    best : dict of str to ndarray, optional
        The best weights so far, as `Module.state_dict` gives them.
    """
    state = optimizer.state_dict()
    arrays = {f"net/{name}": to_numpy(array) for name, array in net.state_dict().items()}
    arrays |= {f"best/{name}": to_numpy(array) for name, array in (best or {}).items()}
    numbers = {}
    for position, values in state["state"].items():
        for name, value in values.items():
            (arrays if hasattr(value, "shape") else numbers)[f"optimizer/{position}/{name}"] = value
    generators = [g.bit_generator.state for g in _generators(net, rng)]
    save_weights(path, arrays, {"progress": progress, "kind": state["kind"], "rates": state["rates"],
                                "numbers": numbers, "generators": generators})


def load_checkpoint(path, net, optimizer, rng):
    """Put a network, its optimiser and its random generators back to where `save_checkpoint` left them.

    Parameters
    ----------
    path : str or Path
        A file of `save_checkpoint`.
    net, optimizer, rng
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
        If the file is damaged or belongs to another network or optimiser.
    """
    arrays, metadata = load_weights(path)
    generators = _generators(net, rng)
    if len(metadata.get("generators", ())) != len(generators):
        raise InputError(f"{path}: not a checkpoint of this network; delete it to start again")
    state = {}
    for key, value in [*arrays.items(), *metadata["numbers"].items()]:
        if key.startswith("optimizer/"):
            _, position, name = key.split("/")
            state.setdefault(int(position), {})[name] = value
    optimizer.load_state_dict({"kind": metadata["kind"], "rates": metadata["rates"], "state": state})
    net.load_state_dict(_under("net/", arrays))
    for generator, saved in zip(generators, metadata["generators"]):
        generator.bit_generator.state = saved
    return metadata["progress"], _under("best/", arrays) or None


def _generators(net, rng):
    """Return every generator a run draws from, in a fixed order."""
    return [rng] + [module.rng for module in net.modules() if isinstance(module, Dropout) and module.rng is not None]


def _under(prefix, arrays):
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
