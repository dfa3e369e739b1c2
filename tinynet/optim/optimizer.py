"""What all optimisers share: parameter groups, weight decay, and state that can be saved. Taught in lesson 04."""
from .. import backend
from ..errors import InputError


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
        If there is nothing to train, a parameter is in two groups, a group has another entry, or a rate is not a
        number from 0 up.
    """

    def __init__(self, params, lr, weight_decay=0.0):
        params = list(params)
        groups = params if params and isinstance(params[0], dict) else [{"params": params}]
        self.groups = [{"lr": lr, "weight_decay": weight_decay, **group, "params": list(group["params"])}
                       for group in groups]
        self.state = {}
        ids = [id(p) for p in self.parameters()]
        unknown = {name for group in self.groups for name in group} - {"params", "lr", "weight_decay"}
        if unknown:
            raise InputError(f"{type(self).__name__}: a group has {', '.join(sorted(unknown))}; "
                             "a group may have params, lr and weight_decay")
        if not ids or len(ids) != len(set(ids)):
            raise InputError(f"{type(self).__name__}: {len(ids)} parameters, {len(set(ids))} different ones: "
                             "give at least one, and each in one group only")
        for group in self.groups:
            if not (group["lr"] >= 0 and group["weight_decay"] >= 0):
                raise InputError(f"{type(self).__name__}: lr {group['lr']}, weight_decay {group['weight_decay']}: "
                                 "both must be 0 or more")

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
                gradient = p.grad
                if group["weight_decay"]:
                    gradient = gradient + group["weight_decay"] * p.data
                self.update(p.data, gradient, group["lr"], self.state.setdefault(position, {}))

    def update(self, w, g, lr, state):
        """Change the array w in place, given its gradient g and its own state, an empty dict at first."""
        raise NotImplementedError(f"{type(self).__name__}: write update(self, w, g, lr, state)")

    def zero_grad(self):
        """Forget every gradient."""
        for p in self.parameters():
            p.grad = None

    def state_dict(self):
        """Return all that is needed to go on later.

        That is ``{"kind": name of the class, "rates": [...], "state": {position: {name: value}}}``.
        Values are NumPy arrays (copies) and numbers, wherever the parameters are.
        """
        state = {position: {name: backend.to_numpy(value).copy() if hasattr(value, "shape") else value
                            for name, value in values.items()} for position, values in self.state.items()}
        return {"kind": type(self).__name__, "rates": [group["lr"] for group in self.groups], "state": state}

    def load_state_dict(self, saved):
        """Go on from a `state_dict` of an optimiser built in the same way.

        Raises
        ------
        InputError
            If it was saved from another kind of optimiser, other groups or other parameters; nothing was changed.
        """
        params = self.parameters()
        fits = saved["kind"] == type(self).__name__ and len(saved["rates"]) == len(self.groups) and all(
            position < len(params) and all(getattr(value, "shape", params[position].shape) == params[position].shape
                                           for value in values.values())
            for position, values in saved["state"].items())
        if not fits:
            raise InputError(f"{type(self).__name__}: this state is of {saved['kind']} with {len(saved['rates'])} "
                             f"groups, here are {len(self.groups)}, or the parameters have other shapes; "
                             "build the optimiser as it was when saved")
        for group, lr in zip(self.groups, saved["rates"]):
            group["lr"] = lr
        self.state = {position: {name: backend.array_module(params[position].data).array(value)
                                 if hasattr(value, "shape") else value for name, value in values.items()}
                      for position, values in saved["state"].items()}
