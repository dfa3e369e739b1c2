"""What a PyTorch file may name, and the harmless stand-in for each. Taught in lesson 19.

A tensor in it is ``_rebuild_tensor_v2(storage, offset, shape, stride, ...)``. Here that call gives a named tuple of
the same four words; what a checkpoint holds beside its tensors (sizes, devices, options, NumPy scalars) gives None.
"""
from collections import namedtuple
from pickle import UnpicklingError

BFLOAT16 = "bfloat16"
STORAGES = {"Float": "<f4", "Double": "<f8", "Half": "<f2", "BFloat16": BFLOAT16, "Long": "<i8", "Int": "<i4",
            "Short": "<i2", "Char": "|i1", "Byte": "|u1", "Bool": "|b1", "ComplexFloat": "<c8", "ComplexDouble": "<c16"}
DTYPES = {"float32": "<f4", "float": "<f4", "float64": "<f8", "double": "<f8", "float16": "<f2", "half": "<f2",
          "bfloat16": BFLOAT16, "int64": "<i8", "int32": "<i4", "int16": "<i2", "int8": "|i1", "uint8": "|u1",
          "uint16": "<u2", "uint32": "<u4", "uint64": "<u8", "bool": "|b1", "complex64": "<c8", "complex128": "<c16"}

KINDS = {*STORAGES.values(), *DTYPES.values()}

Storage = namedtuple("Storage", "dtype key n_numbers view")
Tensor = namedtuple("Tensor", "storage offset shape stride")


def itemsize(dtype):
    """Return the bytes of one number.

    Parameters
    ----------
    dtype : object
        One of KINDS, or whatever else a pickle gives in its place.

    Returns
    -------
    n_bytes : int
    """
    if type(dtype) is not str or dtype not in KINDS:
        raise UnpicklingError("it describes a storage of unknown numbers")
    return 2 if dtype == BFLOAT16 else int(dtype[2:])


def read_storage(identity):
    """Return the stand-in for a storage.

    Parameters
    ----------
    identity : tuple
        ("storage", class, key, device such as "cuda:0", n_numbers); in old files also None or (name, start, length)
        of a part of it.

    Returns
    -------
    storage : Storage
    """
    kind, dtype, key, _, n_numbers, *view = identity
    if not (kind == "storage" and itemsize(dtype) and type(key) is str and type(n_numbers) is int):
        raise UnpicklingError("it describes a storage in an unknown way")
    return Storage(dtype, key, n_numbers, view[0] if view else None)


def _tensor(arguments):
    if any(arguments[6:7]):                             # behind the stride: requires_grad, hooks, metadata
        raise UnpicklingError("a tensor in it is conjugated or negated; resolve_conj() and resolve_neg() it first")
    return Tensor(*arguments[:4])


def _tensor_of_dtype(arguments):
    storage, offset, shape, stride, _, _, dtype = arguments[:7]                 # a storage of bytes, the dtype apart
    storage = storage._replace(dtype=dtype, n_numbers=storage.n_numbers // itemsize(dtype))
    return Tensor(storage, offset, shape, stride)


def _first(arguments):
    return arguments[0]                                 # a parameter is its tensor


def _subclass(arguments):
    rebuild, _, inner, *_ = arguments                   # a tensor with attributes of its own
    return rebuild(inner)


def _dict(arguments):
    return arguments[0] if arguments else {}            # Python 2 gives an OrderedDict its list of [key, value]


_PLAIN = ("int", "long", "float", "complex", "str", "bool", "list", "dict", "tuple", "set", "frozenset", "bytearray")
_NOTHING = ["torch.Size", "torch.device", "argparse.Namespace", "_codecs.encode", "numpy.dtype", "numpy.ndarray",
            *(f"{module}.{name}" for module in ("numpy.core.multiarray", "numpy._core.multiarray")
              for name in ("scalar", "_reconstruct")),
            "numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer",
            *(f"{module}.{name}" for module in ("builtins", "__builtin__") for name in _PLAIN)]
NAMES = {
    **{f"{module}.{kind}Storage": dtype for kind, dtype in STORAGES.items() for module in ("torch", "torch.cuda")},
    **{f"torch.{name}": dtype for name, dtype in DTYPES.items()},
    **dict.fromkeys(["torch.storage.UntypedStorage", "torch.UntypedStorage"], "|u1"),
    **dict.fromkeys(["torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2"], _tensor),
    "torch._utils._rebuild_tensor_v3": _tensor_of_dtype,
    **dict.fromkeys(["torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"], _first),
    "torch._tensor._rebuild_from_type_v2": _subclass,
    **dict.fromkeys(["torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer"]),
    "collections.OrderedDict": _dict,
    "collections.defaultdict": lambda arguments: {},
    **dict.fromkeys(_NOTHING, lambda arguments: None),
}
