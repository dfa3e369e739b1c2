"""A stand-in for CuPy on a machine without a GPU: the same numbers, in a type that refuses to meet NumPy's.

Code that forgets where its data is would, on a real GPU, either fail or copy it back and forth in silence.
Here it fails in both cases. `cupy` has the functions and arguments that CuPy 14 has and tinynet may use, no
more: give a new one a place in the tables below after looking it up in CuPy's reference.

It is stricter than CuPy, which copies a NumPy array given as an index and answers ``numpy.exp`` of its own.
"""
import operator
from types import ModuleType, SimpleNamespace

import numpy as np

NUMBERS = (bool, int, float, np.generic)


class ndarray:
    """A NumPy array in disguise, as ``cupy.ndarray``. Results are of this type even if they have no axes."""

    __slots__ = ("_host",)
    __array_ufunc__ = None              # so that an operator with a NumPy array is answered here, by refusal
    __hash__ = None

    def __init__(self, host):
        self._host = host

    def __array__(self, *args, **kwargs):
        raise TypeError("implicit conversion of a device array to a NumPy array; use to_numpy")

    def __array_function__(self, function, types, args, kwargs):
        raise TypeError(f"numpy.{function.__name__} of a device array; use array_module")

    def __getitem__(self, index):
        index = _inside(index)
        taken = self._host[index]
        if isinstance(taken, np.generic):       # a single element: on the GPU that is still a view
            taken = self._host[(*index, ...) if isinstance(index, tuple) else (index, ...)]
        return ndarray(taken)

    def __setitem__(self, index, value):
        self._host[_inside(index)] = _inside(value)

    def __len__(self):
        return len(self._host)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __float__(self):
        return float(self._host)

    def __int__(self):
        return int(self._host)

    def __bool__(self):
        return bool(self._host)

    def __repr__(self):
        return f"device_{self._host!r}"

    def __deepcopy__(self, memo):
        return self.copy()

    def get(self):
        return self._host.copy()

    def item(self):
        return self._host.item()

    def tolist(self):
        return self._host.tolist()

    shape = property(lambda self: self._host.shape)             # not to be set: deprecated since NumPy 2.5
    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    nbytes = property(lambda self: self._host.nbytes)
    strides = property(lambda self: self._host.strides)
    flags = property(lambda self: self._host.flags)
    base = property(lambda self: None if self._host.base is None else ndarray(np.asarray(self._host.base)))
    T = property(lambda self: ndarray(self._host.T))


def _inside(value):
    """The NumPy array inside a device array, also in lists and tuples; one of the host is refused."""
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, np.ndarray):
        raise TypeError(f"a NumPy array, {value.dtype} {value.shape}, among device arrays; use to_device")
    if type(value) in (list, tuple):
        return type(value)(_inside(part) for part in value)
    return value


def _on_device(function, keywords):
    """A function or method of NumPy, for device arrays and with these keyword arguments alone."""
    def call(*args, **kwargs):
        unknown = kwargs.keys() - set(keywords.split())
        if unknown:
            raise TypeError(f"CuPy's {function.__name__} has no argument {', '.join(sorted(unknown))}")
        result = function(*_inside(args), **{name: _inside(value) for name, value in kwargs.items()})
        return ndarray(np.asarray(result)) if kwargs.get("out") is None else kwargs["out"]
    return call


def _binary(function):
    def method(self, other):
        if isinstance(other, (ndarray, np.ndarray, *NUMBERS)):
            return ndarray(np.asarray(function(self._host, _inside(other))))
        return NotImplemented                                           # a Tensor answers
    return method


def _reflected(function):
    return _binary(lambda a, b: function(b, a))


def _in_place(function):
    def method(self, other):
        function(self._host, _inside(other))
        return self
    return method


METHODS = {                                             # names of methods by their keyword arguments
    "axis dtype out keepdims": "mean sum prod",
    "axis dtype out ddof keepdims": "std var",
    "axis out keepdims": "all any max min",
    "axis dtype keepdims": "argmax argmin",
    "dtype order casting copy": "astype",
    "order": "copy ravel reshape",
    "axis": "repeat squeeze",
    "axis out": "take",
    "": "clip fill swapaxes transpose",
}
UFUNCS = """
    abs absolute add divide equal exp expm1 floor greater greater_equal isfinite isinf isnan less less_equal
    log log1p log2 logical_and logical_not logical_or maximum minimum multiply negative not_equal power sign
    sqrt square subtract tanh true_divide
"""
FUNCTIONS = {
    "out dtype casting": UFUNCS,
    "axis dtype out keepdims": "mean prod sum",
    "axis dtype out ddof keepdims": "std var",
    "axis out keepdims": "all amax amin any max min",
    "axis dtype keepdims": "argmax argmin",
    "axis dtype out": "cumsum",
    "axis out dtype casting": "concatenate stack",
    "dtype order": "empty full ones zeros",
    "dtype order shape": "empty_like full_like ones_like zeros_like",
    "dtype": "arange",
    "axis out": "take",
    "axis": "argsort expand_dims flip repeat squeeze take_along_axis",
    "out dtype casting axes": "matmul",
    "dtype optimize": "einsum",
    "axes": "tensordot transpose",
    "rtol atol equal_nan": "allclose",
    "mode constant_values": "pad",
    "out": "clip dot",
    "casting where": "copyto",
    "order": "ravel reshape",
    "": "array_equal ascontiguousarray bincount broadcast_to eye moveaxis nonzero swapaxes tile where",
}

for _keywords, _names in METHODS.items():
    for _name in _names.split():
        setattr(ndarray, _name, _on_device(getattr(np.ndarray, _name), _keywords))
for _name in "add sub mul truediv floordiv mod pow matmul and or xor".split():
    _function = getattr(operator, f"__{_name}__")
    setattr(ndarray, f"__{_name}__", _binary(_function))
    setattr(ndarray, f"__r{_name}__", _reflected(_function))
    if _name != "matmul":                                               # CuPy has no @=
        setattr(ndarray, f"__i{_name}__", _in_place(getattr(operator, f"__i{_name}__")))
for _name in "lt le eq ne gt ge".split():
    setattr(ndarray, f"__{_name}__", _binary(getattr(operator, f"__{_name}__")))
for _name in "neg pos abs invert".split():
    setattr(ndarray, f"__{_name}__", _on_device(getattr(operator, f"__{_name}__"), ""))


def _upload(host, dtype=None, copy=True):
    """``cupy.array``: the way from the host to the device."""
    if isinstance(host, (list, tuple)):
        host = [_download(part) for part in host]
    return ndarray(np.array(_download(host), dtype=dtype, copy=copy))


def _download(array, out=None):
    """``cupy.asnumpy``: the way back."""
    return array.get() if isinstance(array, ndarray) else np.asarray(array)


def _as_device_array(host, dtype=None):
    """``cupy.asarray``: uploads, or returns a device array of that dtype as it is."""
    if isinstance(host, ndarray):
        return host if dtype is None or host.dtype == dtype else host.astype(dtype)
    return _upload(host, dtype)


cupy = ModuleType("cupy")
vars(cupy).update(
    ndarray=ndarray, array=_upload, asarray=_as_device_array, asnumpy=_download,
    inf=np.inf, nan=np.nan, pi=np.pi, newaxis=None, bool_=np.bool_, uint8=np.uint8, int32=np.int32,
    int64=np.int64, float16=np.float16, float32=np.float32, float64=np.float64,
    cuda=SimpleNamespace(runtime=SimpleNamespace(getDeviceCount=lambda: 1)),
    lib=SimpleNamespace(stride_tricks=SimpleNamespace(
        sliding_window_view=_on_device(np.lib.stride_tricks.sliding_window_view, "axis"),
        as_strided=_on_device(np.lib.stride_tricks.as_strided, "shape strides"))),
)
for _keywords, _names in FUNCTIONS.items():
    for _name in _names.split():
        setattr(cupy, _name, _on_device(getattr(np, _name), _keywords))
cupy.result_type = lambda *arrays: np.result_type(*_inside(arrays))
cupy.add.at = lambda target, index, values: np.add.at(target._host, _inside(index), _inside(values))
