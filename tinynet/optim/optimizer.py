"""What all optimisers share: parameter groups, weight decay, and state that can be saved. Taught in lesson 04."""
import math

import numpy as np

from .. import backend
from ..errors import InputError
from ..tensor import Tensor


class Optimizer:
    """The base class: a subclass defines ``update`` for one parameter.

    Parameters
    ----------
    params : list of Parameter, or list of dict
        What to train. A list of groups ``{"params": [...], "lr": ..., "weight_decay": ...}`` gives each group its
        own learning rate and weight decay; what a group leaves out it takes from the arguments below.
    lr : float
        Learning rate.
    weight_decay : float
        Adds ``weight_decay * w`` to each gradient (L2). It never touches a frozen parameter.

    Attributes
    ----------
    groups : list of dict
        Each with "params", "lr" and "weight_decay"; a schedule changes "lr".
    state : dict of int to dict
        Per parameter, by position, what `update` remembers. A parameter that never had a gradient has none.

    Raises
    ------
    InputError
        If params are not Parameters, there is none, one is in two groups, a group has another entry, or a rate is not
        a number from 0 up.
    """

    def __init__(self, params, lr, weight_decay=0.0):
        params = self._listed(params)
        groups = params if params and isinstance(params[0], dict) else [{"params": params}]
        if not all(isinstance(group, dict) and "params" in group for group in groups):
            raise self._error('params mixes groups with others; each group is a dict with "params"')
        self.groups = [{"lr": lr, "weight_decay": weight_decay, **group, "params": self._listed(group["params"])}
                       for group in groups]
        self.state = {}
        for p in self.parameters():
            if not isinstance(p, Tensor) or p.creator is not None:
                what = f"a result of {p.creator}" if isinstance(p, Tensor) else f"a {type(p).__name__}"
                raise self._error(f"params holds {what}; give Parameters, such as net.parameters()")
        ids = [id(p) for p in self.parameters()]
        unknown = {name for group in self.groups for name in group} - {"params", "lr", "weight_decay"}
        if unknown:
            raise self._error(f"a group has {', '.join(sorted(unknown))}; a group may have params, lr and weight_decay")
        if not ids or len(ids) != len(set(ids)):
            raise self._error(f"{len(ids)} parameters, {len(set(ids))} different ones: "
                              "give at least one, and each in one group only")
        for group in self.groups:
            self._check(lr=(group["lr"], 0, math.inf), weight_decay=(group["weight_decay"], 0, math.inf))

    def parameters(self):
        """Return every parameter of every group, in order."""
        return [p for group in self.groups for p in group["params"]]

    def step(self):
        """Change every parameter that has a gradient and is not frozen."""
        position = -1
        for group in self.groups:
            for p in group["params"]:
                position += 1
                if p.grad is None or not p.requires_grad:
                    continue
                if p.grad.shape != p.data.shape:
                    raise self._error(f"a gradient is {p.grad.shape}, its parameter {p.shape}; they must be the same")
                gradient = p.grad
                if group["weight_decay"]:
                    gradient = gradient + group["weight_decay"] * p.data
                new = self.update(p.data, gradient, group["lr"], self.state.setdefault(position, {}))
                if new is not None and new is not p.data:
                    raise self._error("update returns an array, which nobody takes; let it change the array w in place, as by "
                                      "w -= lr * g")
                p.version += 1                      # backward refuses a tape that read the old values

    def update(self, w, g, lr, state):
        """Change the array w in place, given its gradient g and its own state, an empty dict at first."""
        raise NotImplementedError(f"{type(self).__name__}: write update(self, w, g, lr, state)")

    def zero_grad(self):
        """Forget every gradient."""
        for p in self.parameters():
            p.grad = None

    @property
    def options(self):
        """What was chosen when it was built, besides the groups: {"momentum": 0.9, ...}."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()
                if isinstance(value, (bool, int, float, str, tuple))}

    def state_dict(self):
        """Return all that is needed to go on later.

        That is ``{"kind": name of the class, "options": {...}, "rates": [...], "weight_decay": [...],
        "shapes": [...], "state": {position: {name: value}}}``. Values of the state are NumPy arrays (copies) and
        numbers, wherever the parameters are; the rest can be kept as JSON.
        """
        state = {position: {name: backend.to_numpy(value).copy() if hasattr(value, "shape") else value
                            for name, value in values.items()} for position, values in self.state.items()}
        return {**self._kind(), "rates": [group["lr"] for group in self.groups], "state": state}

    def _kind(self):
        """Return what must be the same in an optimiser that goes on from this one's state."""
        return {"kind": type(self).__name__, "options": self.options,
                "weight_decay": [group["weight_decay"] for group in self.groups],
                "shapes": [[list(p.shape) for p in group["params"]] for group in self.groups]}

    def check_state_dict(self, saved):
        """Raise InputError unless `load_state_dict` would take it."""
        params = self.parameters()
        for name, own in self._kind().items():
            if saved.get(name) != own:
                raise self._error(f"this state is of {name} {saved.get(name)}, here it is {own}; "
                                  "build the optimiser as it was when saved")
        fits = len(saved["rates"]) == len(self.groups) and all(
            position < len(params) and all(getattr(value, "shape", params[position].shape) == params[position].shape
                                           for value in values.values())
            for position, values in saved["state"].items())
        if not fits:
            raise self._error("this state is of other groups or parameters; build the optimiser as it was when saved")

    def load_state_dict(self, saved):
        """Go on from a `state_dict` of an optimiser built in the same way.

        Raises
        ------
        InputError
            If it was saved from another kind of optimiser, other options, groups or parameters; nothing was changed.
        """
        self.check_state_dict(saved)
        for group, lr in zip(self.groups, saved["rates"]):
            group["lr"] = lr
        params = self.parameters()
        self.state = {position: {name: backend.array_module(params[position].data).array(value)
                                 if hasattr(value, "shape") else value for name, value in values.items()}
                      for position, values in saved["state"].items()}

    def _listed(self, params):
        if isinstance(params, (Tensor, dict, str)) or not hasattr(params, "__iter__"):
            raise self._error(f"params is a {type(params).__name__}; give a list of Parameters, such as net.parameters()")
        return list(params)

    def _check(self, **ranges):
        """Raise InputError unless each value is a number from a lowest up to, but not including, a limit."""
        for name, (value, lowest, limit) in ranges.items():
            if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not lowest <= value < limit:
                below = f" and below {limit}" if limit < math.inf else ""
                raise self._error(f"{name} {value!r}: it must be a number from {lowest} up{below}")

    def _error(self, message):
        return InputError(f"{type(self).__name__}: {message}")
