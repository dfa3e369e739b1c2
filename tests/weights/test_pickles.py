"""The pickle machine: plain values come out, nothing can be called, and no small file takes much memory or time."""
import io
import pickle
import time
import tracemalloc

import numpy as np
import pytest

from tinynet.weights.pickles import MOST_BYTES, MOST_STEPS, read_pickle
from tinynet.weights.pytorch_names import NAMES

GADGETS = [
    "os.system", "posix.system", "nt.system", "os.popen", "os.execv", "subprocess.Popen", "subprocess.call",
    "builtins.eval", "builtins.exec", "builtins.getattr", "builtins.__import__", "builtins.compile", "builtins.open",
    "__builtin__.eval", "importlib.import_module", "runpy.run_path", "pty.spawn", "socket.socket", "webbrowser.open",
    "ctypes.CDLL", "operator.attrgetter", "operator.methodcaller", "functools.partial", "types.FunctionType",
    "types.CodeType", "code.interact", "pickle.loads", "_pickle.loads", "marshal.loads", "torch.hub.load", "torch.load",
    "torch.jit.load", "numpy.load", "numpy.f2py.capi_maps.getinit", "shutil.rmtree", "copyreg._reconstructor",
    "copyreg.add_extension", "collections.OrderedDict.__class__", "torch._utils.os.system", "pip.main",
    "multiprocessing.util.spawnv_passfds", "asyncio.subprocess.create_subprocess_shell", "timeit.timeit",
    "torch.storage._load_from_bytes",
]


def run(content):
    return read_pickle(io.BytesIO(content), NAMES, lambda identity: None)


def push(value):
    return pickle.dumps(value, 2)[2:-1]


def through_every_opcode(name):
    """Programs that fetch a name and call it with ("true",), one for each way that a pickle has."""
    module, attribute = name.rsplit(".", 1)
    fetch, text, pair = f"c{module}\n{attribute}\n".encode(), push("true"), push(("true",))
    return {
        "GLOBAL": fetch + b".", "REDUCE": fetch + pair + b"R.", "NEWOBJ": fetch + pair + b"\x81.",
        "NEWOBJ_EX": fetch + pair + b"}\x92.", "OBJ": b"(" + fetch + text + b"o.",
        "INST": b"(" + text + f"i{module}\n{attribute}\n.".encode(),
        "STACK_GLOBAL": push(module) + push(attribute) + b"\x93" + pair + b"R.",
        "BUILD": b"}" + push({"__setstate__": 1}) + b"b0" + fetch + pair + b"R.",
        "inside": b"}" + push("conv.weight") + fetch + pair + b"Rs.",
        "dropped": fetch + pair + b"R0}.", "memo": fetch + b"q\x00" + b"0h\x00" + pair + b"R.",
        "state": b"ccollections\nOrderedDict\n)R" + fetch + pair + b"Rb.",
    }


@pytest.mark.parametrize("name", GADGETS)
def test_a_gadget_is_refused_by_name_through_every_opcode(name):
    for opcode, program in through_every_opcode(name).items():
        with pytest.raises(pickle.UnpicklingError) as caught:
            run(program)
        assert name in str(caught.value), opcode


@pytest.mark.parametrize("program", [
    b"\x82\x01.", b"\x83\x01\x00.", b"\x84\x01\x00\x00\x00.",              # EXT1, EXT2, EXT4
    b"Pos.system\n.", b"\x97.", b"\x98.",                                   # PERSID, NEXT_BUFFER, READONLY_BUFFER
    push("os.system") + push(("true",)) + b"R.", b"N)R.", b"])R.", b"}" + b"]R.",
    b"ctorch\nFloatStorage\n" + push(("true",)) + b"R.",                    # a dtype is no function
    b"ccollections\nOrderedDict\n" + push(["not a tuple"]) + b"R.",
    push(("o", "s")) + push("system") + b"\x93.",                           # a module that is no str
])
def test_what_no_state_dict_needs_is_refused(program):
    with pytest.raises(pickle.UnpicklingError):
        run(program)


def test_every_stand_in_is_our_own_and_harmless():
    for name, meaning in NAMES.items():
        assert meaning is None or type(meaning) is str or meaning.__module__ == "tinynet.weights.pytorch_names", name


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_are_read_as_pickle_does(protocol):
    shared = [1, 2]
    value = {"a": [1, -1, 255, 70000, 2**40, -(2**70), True, False, None, 0.1, 1e300], "b": (), "c": (1,), "d": (1, 2),
             "e": (1, 2, 3), "f": (1, 2, 3, 4), "g": "text é \n \U0001f600", "h": b"bytes\xff", "i": shared, "j": shared,
             "k": {"nested": {}}, "l": "x" * 70000, "m": [], "n": [[[]]]}
    found = run(pickle.dumps(value, protocol))
    if protocol < 3:
        assert found.pop("h") is None                                       # written as a call of _codecs.encode
        value.pop("h")
    assert found == value and found["i"] is found["j"]


def test_what_is_beside_the_tensors_gives_stand_ins():
    for protocol in range(2, 6):
        found = run(pickle.dumps({"set": {3}, "frozen": frozenset([3]), "score": np.float64(0.5), 7: "number", (1,): 2,
                                  "array": np.arange(3)}, protocol))
        assert set(found) == {"set", "frozen", "score", "array"} and found["score"] is None


LAUGHS = b"]q\x00" + b"".join(
    b"](" + b"h" + bytes([i]) + (b"h" + bytes([i])) * 9 + b"eq" + bytes([i + 1]) for i in range(200))
TUPLES = b")q\x00" + b"".join(
    b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86q" + bytes([i + 1]) for i in range(200))
BOMBS = {
    "lists of lists": LAUGHS + b".",
    "a key that takes for ever to hash": b"}" + TUPLES + b"Ns.",
    "a name that takes for ever to write": TUPLES + push("x") + b"\x93.",
    "deep tuples": b")" + b"\x85" * (MOST_STEPS // 10) + b".",
    "deep lists": b"]" * (MOST_STEPS // 10) + b"a" * (MOST_STEPS // 10 - 1) + b".",
    "too many steps": b"N" * (2 * MOST_STEPS) + b".",
    "many memos": b"]\x94" * (MOST_STEPS // 2) + b".",
    "many marks": b"(" * (MOST_STEPS // 4) + b".",
    "dicts": b"ccollections\nOrderedDict\nq\x00" + b"h\x00)R" * 100_000 + b".",
    "memo far away": b"Nr\xff\xff\xff\x7f.",
    "a text of 2**62 bytes": b"\x8d" + (2**62).to_bytes(8, "little") + b"x.",
    "bytes of 2**40": b"\x8e" + (2**40).to_bytes(8, "little") + b"x.",
    "a bytearray of 2**40": b"\x96" + (2**40).to_bytes(8, "little") + b"x.",
    "a frame of 2**40": b"\x95" + (2**40).to_bytes(8, "little") + b"N.",
    "a number of 2**31 bytes": b"\x8b\xff\xff\xff\x7f1.",
    "a number of a million digits": b"I" + b"9" * 1_000_000 + b"\n.",
    "one call with many arguments": b"(" + b"N" * 100_000 + b"tq\x00" + b"ctorch\nSize\nh\x00R" * 1000 + b".",
    "a list of pairs as many dicts": b"](" + push(["a", 1]) * 10_000 + b"eq\x00\x85q\x01"
                                     + b"ccollections\nOrderedDict\nh\x01R" * 5000 + b".",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_little_memory_and_time(name):
    content = BOMBS[name]
    assert len(content) <= MOST_BYTES
    start = time.perf_counter()
    tracemalloc.start()
    try:
        read_pickle(io.BytesIO(content), NAMES, None)
    except Exception as error:
        assert not isinstance(error, (MemoryError, RecursionError))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**26 and time.perf_counter() - start < 60, f"{peak:,} bytes"
