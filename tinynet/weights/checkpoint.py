"""Find the state dict in what people save: alone, or beside the epoch, the optimizer and the best score."""
WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
PREFIXES = ("module.", "_orig_mod.", "model.")      # of DataParallel, of torch.compile, of a net kept as self.model
MOST_WRAPPED = 3                                    # {"model": {"state_dict": ...}}; a dict may also hold itself
MOST_ENTRIES = 64                                   # of a checkpoint searched for one state dict under another name
AVERAGED = "n_averaged"                             # AveragedModel's count of its averages, beside "module.*"


def find_state_dict(content, is_tensor):
    """Return the state dict in a checkpoint.

    Parameters
    ----------
    content : object
        What was saved.
    is_tensor : callable
        Tells a tensor from anything else.

    Returns
    -------
    tensors : dict of str to object
        Name to tensor, in order; an entry that is no tensor is left out, and what all names begin with is cut off.
    facts : dict of str to str
        Where it was found, and the names of the entries beside it.

    Raises
    ------
    ValueError
        If there is none, or more than one and none of them has a usual name.
    """
    found, others = [], []
    for _ in range(MOST_WRAPPED):
        content = _as_dict(content)
        entry = next((name for name in WRAPPERS if type(content.get(name)) in (dict, list)), None)
        if entry is None and not any(map(is_tensor, content.values())) and len(content) <= MOST_ENTRIES:
            dicts = [name for name, value in content.items() if is_tensor(next(iter(_as_dict(value).values()), None))]
            entry = dicts[0] if len(dicts) == 1 else None
        if entry is None:
            break
        others += [name for name in content if name != entry]
        found, content = found + [entry], content[entry]
    tensors = {name: value for name, value in _as_dict(content).items() if is_tensor(value)}
    if not tensors:
        entries = ", ".join(repr(name)[:40] for name in list(_as_dict(content))[:8])
        raise ValueError(f"it holds no state dict, or several of unusual names; its entries: {entries or 'none'}")
    facts = {"entry": "/".join(found), "left out": ", ".join(others)}
    return _without_prefix(tensors), {key: value[:500] for key, value in facts.items() if value}


def _as_dict(value):
    """Return a dict as it is, and a list of [key, value], Python 2's OrderedDict, as one; anything else is empty."""
    if type(value) is list:
        pairs = [pair for pair in value if type(pair) in (list, tuple) and len(pair) == 2]
        return {key: item for key, item in pairs if type(key) is str}
    return value if type(value) is dict else {}


def _without_prefix(tensors):
    for prefix in PREFIXES * 2:
        names = [name for name in tensors if name != AVERAGED]
        if names and all(name.startswith(prefix) for name in names):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors
