"""The reader of PyTorch's files: equal to torch.load bit for bit, and whatever else a file holds is refused."""
import collections
import io
import pickle
import struct
import zipfile

import numpy as np
import pytest

from tests.weights.fuzz import assert_only_input_error
from tinynet.errors import InputError
from tinynet.weights.pytorch import read

NUMBERS = np.arange(24, dtype="<f4")


# Files written by hand, without torch: protocol 2, opcode by opcode.

def push(value):
    return pickle.dumps(value, 2)[2:-1]


def tensor(key="0", kind="Float", n_numbers=24, offset=0, shape=(2, 3, 4), stride=(12, 4, 1), where="cpu", view=(),
           rebuild="_rebuild_tensor_v2", tail=b"\x89N"):
    """The call that makes one tensor; the tail is requires_grad and the hooks."""
    identity = (b"(" + push("storage") + f"ctorch\n{kind}Storage\n".encode() + push(key) + push(where) + push(n_numbers)
                + b"".join(map(push, view)) + b"tQ")
    return (f"ctorch._utils\n{rebuild}\n(".encode() + identity + push(offset) + push(shape) + push(stride) + tail + b"tR")


def state(**tensors):
    """A pickled OrderedDict of name to opcodes."""
    return (b"\x80\x02ccollections\nOrderedDict\n)R("
            + b"".join(push(name.replace("__", ".")) + opcodes for name, opcodes in tensors.items()) + b"u.")


def zipped(content, storages=(("0", NUMBERS.tobytes()),), extra=(), packed=False):
    """A file of PyTorch 1.6 or newer."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        archive.writestr("net/data.pkl", content)
        for key, data in storages:
            archive.writestr(f"net/data/{key}", data)
        for name, data in extra:
            archive.writestr(f"net/{name}", data)
    return file.getvalue()


def legacy(content, storages=(("0", NUMBERS.tobytes()),), itemsize=4, little=True, magic=0x1950a86a20f9469cfc6c):
    """A file of PyTorch 0.1.12 to 1.5."""
    system = {"protocol_version": 1001, "little_endian": little, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    heads = [pickle.dumps(part, 2) for part in (magic, 1001, system)]
    rows = [struct.pack("<q", len(data) // itemsize) + data for _, data in storages]
    return b"".join([*heads, content, pickle.dumps([key for key, _ in storages], 2), *rows])


WRITERS = {"zip": zipped, "legacy": legacy}


@pytest.fixture(params=WRITERS)
def write(request):
    """Each format in turn."""
    return WRITERS[request.param]


@pytest.fixture
def content_of(tmp_path):
    """Return a function that reads the bytes of a file."""
    def check(data):
        path = tmp_path / "net.pth"
        path.write_bytes(data)
        return read(path)
    return check


@pytest.fixture
def refused(content_of):
    """Return a function that asserts that bytes are refused in one line with these words."""
    def check(data, *words):
        with pytest.raises(InputError) as caught:
            content_of(data)
        message = str(caught.value)
        assert "\n" not in message and len(message) < 900
        for word in ("net.pth", "nothing in it was run", "state_dict()", *words):
            assert word in message
    return check


def test_names_order_numbers_and_layout(write, content_of):
    found = content_of(write(state(conv__weight=tensor(), bn__bias=tensor(offset=7, shape=(3,), stride=(2,)))))
    assert found.layout == "OIHW" and found.facts == {"framework": "PyTorch"} and found.format.startswith("PyTorch (")
    assert list(found.arrays) == ["conv.weight", "bn.bias"]
    np.testing.assert_array_equal(found.arrays["conv.weight"], NUMBERS.reshape(2, 3, 4))
    np.testing.assert_array_equal(found.arrays["bn.bias"], [7, 9, 11])
    for array in found.arrays.values():
        assert array.dtype == np.float32 and array.flags.aligned and array.flags.writeable


@pytest.mark.parametrize("kind, dtype", [
    ("Float", "<f4"), ("Double", "<f8"), ("Half", "<f2"), ("Long", "<i8"), ("Int", "<i4"), ("Short", "<i2"),
    ("Char", "i1"), ("Byte", "u1"), ("Bool", "?"), ("ComplexFloat", "<c8"), ("ComplexDouble", "<c16")])
def test_every_class_of_storage(content_of, kind, dtype):
    numbers = np.arange(5).astype(dtype)
    content = state(x=tensor(kind=kind, n_numbers=5, shape=(5,), stride=(1,)))
    for data in (zipped(content, [("0", numbers.tobytes())]), legacy(content, [("0", numbers.tobytes())], numbers.itemsize)):
        found = content_of(data).arrays["x"]
        assert found.dtype == np.dtype(dtype) and found.tobytes() == numbers.tobytes()


def test_bfloat16_becomes_float32(content_of):
    exact = np.array([0, -0.0, 1, -1.5, 3.140625, 2.0**-130, np.inf, np.nan], "<f4")
    upper = (exact.view("<u4") >> 16).astype("<u2").tobytes()
    content = state(x=tensor(kind="BFloat16", n_numbers=8, shape=(8,), stride=(1,)))
    for data in (zipped(content, [("0", upper)]), legacy(content, [("0", upper)], 2)):
        assert content_of(data).arrays["x"].tobytes() == exact.tobytes()


@pytest.mark.parametrize("opcodes", [
    tensor(where="cuda:0"), tensor(where="mps"), tensor(rebuild="_rebuild_tensor", tail=b""),
    b"ctorch._utils\n_rebuild_parameter\n(" + tensor() + b"\x88Nt" + b"R", tensor(tail=b"\x88ccollections\nOrderedDict\n)R"),
    tensor().replace(b"ctorch\nFloat", b"ctorch.cuda\nFloat"),
])
def test_other_ways_to_write_a_tensor(write, content_of, opcodes):
    np.testing.assert_array_equal(content_of(write(state(x=opcodes))).arrays["x"], NUMBERS.reshape(2, 3, 4))


def test_a_view_of_a_storage_in_an_old_file(content_of):
    opcodes = tensor(view=[("view", 4, 6)], shape=(2, 3), stride=(3, 1))
    np.testing.assert_array_equal(content_of(legacy(state(x=opcodes))).arrays["x"], NUMBERS[4:10].reshape(2, 3))
    with pytest.raises(InputError, match="reaches number 6"):
        content_of(legacy(state(x=tensor(view=[("view", 4, 6)], shape=(7,), stride=(1,)))))


def test_shared_strided_empty_and_scalar_tensors(write, content_of):
    found = content_of(write(state(
        a=tensor(), tied=tensor(), transposed=tensor(shape=(4, 3, 2), stride=(1, 4, 12)),
        scalar=tensor(offset=23, shape=(), stride=()),
        empty=tensor(shape=(0, 3), stride=(3, 1)), repeated=tensor(shape=(5, 2), stride=(0, 1)),
        one=tensor(offset=5, shape=(1, 1), stride=(999, 7)))))
    arrays = found.arrays
    assert np.shares_memory(arrays["a"], arrays["tied"])
    np.testing.assert_array_equal(arrays["transposed"], NUMBERS.reshape(2, 3, 4).T)
    assert arrays["scalar"] == 23 and arrays["empty"].shape == (0, 3) and arrays["one"].tolist() == [[5]]
    assert arrays["repeated"].tolist() == [[0, 1]] * 5


WRAPPED = [
    (push("epoch") + push(3) + push("state_dict"), b"", "state_dict", "epoch"),
    (push("model"), push("optimizer") + push({"param_groups": [{"lr": 0.1, "params": [0, 1]}]}), "model", "optimizer"),
    (push("model_state_dict"), push("best") + b"cnumpy.core.multiarray\nscalar\n)R", "model_state_dict", "best"),
    (push("best") + tensor(shape=(), stride=()) + push("net"), b"", "net", "best"),
    (push("ema"), push("steps") + push(7), "ema", "steps"),
]


@pytest.mark.parametrize("before, after, entry, left_out", WRAPPED)
def test_a_checkpoint_holds_its_state_dict_among_other_things(write, content_of, before, after, entry, left_out):
    inner = state(module__conv__weight=tensor(), module__bn__bias=tensor(shape=(3,), stride=(1,)))[2:-1]
    found = content_of(write(b"\x80\x02}(" + before + inner + after + b"u."))
    assert list(found.arrays) == ["conv.weight", "bn.bias"]
    assert found.facts == {"framework": "PyTorch", "entry": entry, "left out": left_out}


@pytest.mark.parametrize("names, expected", [
    (["module.a.weight", "module.b"], ["a.weight", "b"]), (["module.model.a", "module.model.b"], ["a", "b"]),
    (["model.a", "head.b"], ["model.a", "head.b"]), (["n_averaged", "module.a"], ["n_averaged", "a"]),
    (["_orig_mod.module.a", "_orig_mod.module.b"], ["a", "b"]), (["a.module.b"], ["a.module.b"]),
])
def test_a_prefix_that_all_names_share_is_cut_off(content_of, names, expected):
    content = b"\x80\x02}(" + b"".join(push(name) + tensor() for name in names) + b"u."
    assert list(content_of(zipped(content)).arrays) == expected


def test_python_2_writes_an_ordered_dict_as_pairs(content_of):
    pair = b"](" + b"U\x01a" + tensor() + b"e"                          # SHORT_BINSTRING, Python 2's str
    content = b"\x80\x02ccollections\nOrderedDict\n](" + pair + b"e\x85R."
    assert list(content_of(legacy(content)).arrays) == ["a"]


def test_a_whole_net_is_refused_with_its_class(write, refused):
    refused(write(b"\x80\x02cmynets\nCatNet\n)\x81}" + push("training") + b"\x88sb."), "mynets.CatNet",
            "torch.save(net.state_dict()")


@pytest.mark.parametrize("extra", [("constants.pkl", b"\x80\x02)."), ("code/__torch__.py", b"class Net: pass")])
def test_torchscript_is_refused(refused, extra):
    refused(zipped(state(x=tensor()), extra=[extra]), "TorchScript", "torch.jit.load")


def test_big_endian_is_refused(refused):
    refused(zipped(state(x=tensor()), extra=[("byteorder", b"big")]), "big-endian")
    refused(legacy(state(x=tensor()), little=False), "big-endian")


@pytest.mark.parametrize("changes", [
    dict(offset=1), dict(offset=-1), dict(shape=(2, 3, 5)), dict(stride=(12, 4, 2)), dict(stride=(12, 4, -1)),
    dict(shape=(-2, 3, 4)), dict(shape=(2, 3)), dict(shape=[2, 3, 4]), dict(shape=(2, 3, 4.0)), dict(offset=None),
    dict(shape=(2**62, 2**62), stride=(0, 0)), dict(shape=(10**9,), stride=(0,)), dict(stride=(2**61, 4, 1)),
    dict(shape=(3,), stride=(2**63,)), dict(shape=(1,) * 65, stride=(1,) * 65), dict(offset=2**70), dict(offset=True),
    dict(n_numbers=25), dict(n_numbers=2**70), dict(n_numbers="24"), dict(key="1"), dict(key=("0",)), dict(kind="Double"),
    dict(kind="ComplexHalf"), dict(kind="QInt8"), dict(tail=b"\x89N}" + push("conj") + b"\x88s"),
    dict(rebuild="_rebuild_qtensor"),
    dict(rebuild="_rebuild_parameter"), dict(stride=None), dict(key="../../etc/passwd"),
])
def test_a_tensor_that_does_not_fit_its_storage_is_refused(write, refused, changes):
    refused(write(state(x=tensor(**changes))))


def test_one_storage_has_one_dtype_and_tensors_do_not_overlap_endlessly(write, refused):
    refused(write(state(a=tensor(), b=tensor(kind="Int"))), "used as")
    many = {f"x{i}": tensor(shape=(1000, 1000), stride=(0, 0)) for i in range(30)}
    refused(write(state(**many)), "overlap")


@pytest.mark.parametrize("content", [
    b"\x80\x02N.", b"\x80\x02}.", b"\x80\x02].", b"\x80\x02" + tensor() + b".", b"\x80\x02]" + tensor() + b"a.",
    b"\x80\x02}" + push("a") + push(3) + b"s.", b"\x80\x02}" + push(1) + tensor() + b"s.",
    b"\x80\x02}q\x00" + push("model") + b"h\x00s.",                     # a checkpoint that holds itself
    b"\x80\x02}(" + push("encoder") + state(a=tensor())[2:-1] + push("decoder") + state(a=tensor())[2:-1] + b"u.",
])
def test_no_state_dict_is_refused(write, refused, content):
    refused(write(content, storages=()), "no state dict")


def test_a_packed_archive_is_refused(refused):
    refused(zipped(state(x=tensor()) + b" " * 1000, packed=True), "not compressed")
    data = io.BytesIO(zipped(state(x=tensor()), storages=()))
    with zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net/data/0", bytes(10**7))
    refused(data.getvalue(), "missing, or compressed")


def test_an_archive_of_too_many_members_is_refused(refused):
    refused(zipped(state(x=tensor())) + b"PK\1\2" * 60_000, "more than 50,000 members")


def test_an_archive_of_overlapping_members_is_refused(refused):
    big = NUMBERS.tobytes() * 1000
    data = bytearray(zipped(state(x=tensor()), [("0", big), ("1", b"")]))
    last = data.rindex(b"PK\1\2")                                       # the entry of data/1 says that it is data/0
    before = data.rindex(b"PK\1\2", 0, last)
    data[last + 16:last + 28], data[last + 42:last + 46] = data[before + 16:before + 28], data[before + 42:before + 46]
    refused(bytes(data), "claim more bytes")


def test_damage_to_the_numbers_is_seen_in_a_zip(refused):
    data = bytearray(zipped(state(x=tensor())))
    data[data.index(NUMBERS.tobytes()) + 50] ^= 1
    refused(bytes(data), "data/0", "altered")


def test_truncated_anywhere(write, refused):
    whole = write(state(x=tensor()))
    for keep in range(0, len(whole), 1 if len(whole) < 700 else 7):
        refused(whole[:keep])


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x89PNG\r\n", b"PK\x03\x04" + bytes(100), b"PK\x05\x06" + bytes(18),
                                  pickle.dumps({"a": 1}), b"\x1f\x8b" + bytes(50), b"\x89HDF\r\n\x1a\n" + bytes(50)])
def test_other_files_are_refused(refused, data):
    refused(data)


@pytest.mark.parametrize("name", ["absent.pth", ""])
def test_what_cannot_be_opened(tmp_path, name):
    with pytest.raises(InputError, match="cannot read .*give a .pth file"):
        read(tmp_path / name)


@pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning:pickletools")
def test_a_damaged_file_gives_an_input_error_or_arrays(write, tmp_path):
    content = state(module__a=tensor(), module__b=tensor(key="1", kind="BFloat16", shape=(5,), stride=(2,)))
    two = [("0", NUMBERS.tobytes()), ("1", bytes(48))]
    data = zipped(content, two) if write is zipped else legacy(content, two)
    n_read, n_refused, _ = assert_only_input_error(read, tmp_path, data, 400)
    assert n_refused > 200


def test_the_cifar_file_of_pytorch_0_3(shared):
    found = read(shared / "data/zoo/resnet20-12fca82f.th")
    assert found.format == "PyTorch (legacy)" and found.facts["entry"] == "state_dict"
    assert found.arrays["conv1.weight"].shape == (16, 3, 3, 3) and found.arrays["linear.weight"].shape == (10, 64)
    trained = [array for name, array in found.arrays.items() if "running" not in name]
    assert sum(array.size for array in trained) == 269_722


# Against torch itself

@pytest.fixture
def torch():
    """PyTorch, or a skip."""
    return pytest.importorskip("torch")


def assert_equals_torch(torch, path, pick=lambda content: content, prefix=""):
    expected = pick(torch.load(path, map_location="cpu", weights_only=False))
    expected = {name.removeprefix(prefix): value for name, value in expected.items() if isinstance(value, torch.Tensor)}
    found = read(path).arrays
    assert list(found) == list(expected)
    for name, value in expected.items():
        value = value.detach()
        value = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
        assert found[name].dtype == value.dtype and found[name].shape == value.shape, name
        assert found[name].tobytes() == value.tobytes(), name


@pytest.mark.parity
def test_equals_torch_on_the_cifar_file(torch, shared):
    assert_equals_torch(torch, shared / "data/zoo/resnet20-12fca82f.th", lambda content: content["state_dict"], "module.")


@pytest.mark.parity
@pytest.mark.parametrize("in_zip", [True, False])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_equals_torch_in_every_format_it_writes(torch, tmp_path, in_zip, protocol):
    base = torch.arange(-60.0, 60.0).reshape(4, 3, 5, 2) / 7
    names = "float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 bool complex64 complex128".split()
    tensors = collections.OrderedDict((name, base.to(getattr(torch, name))) for name in names)
    tensors["channels_last"] = base.contiguous(memory_format=torch.channels_last)
    tensors["part"] = base[1:, ::2].permute(3, 0, 2, 1)
    tensors["tied"] = tensors["part"]
    tensors["count"], tensors["empty"] = torch.tensor(3), torch.zeros(0, 3)
    tensors["expanded"] = torch.arange(3.0).expand(7, 3)
    tensors["parameter"], tensors["buffer"] = torch.nn.Parameter(base), torch.nn.Buffer(base)
    tensors["labelled"], tensors["parameter_labelled"] = base.clone(), torch.nn.Parameter(base.clone())
    tensors["labelled"].tag = tensors["parameter_labelled"].tag = "mine"
    if in_zip:
        tensors["uint16"], tensors["uint64"] = base.abs().to(torch.uint16), base.abs().to(torch.uint64)[1:]
    optimizer = {"state": {0: {"step": torch.tensor(1.0), "exp_avg": base}}, "param_groups": [{"lr": 0.1, "params": [0, 1]}]}
    others = {"epoch": 3, "loss": np.float64(0.5), "curve": np.zeros(3), "seen": {1, 2}, "size": base.shape, "b": b"x",
              "device": torch.device("cpu"), "dtype": torch.float16, "big": 2**70, "optimizer": optimizer}
    for content, pick in [(tensors, lambda content: content),
                          ({**others, "state_dict": tensors}, lambda content: content["state_dict"])]:
        torch.save(content, tmp_path / "net.pth", pickle_protocol=protocol, _use_new_zipfile_serialization=in_zip)
        assert_equals_torch(torch, tmp_path / "net.pth", pick)


@pytest.mark.parity
def test_equals_torch_where_it_was_told_to_write_no_checksums(torch, tmp_path):
    torch.serialization.set_crc32_options(False)
    try:
        torch.save({"x": torch.arange(5.0)}, tmp_path / "net.pth")
    finally:
        torch.serialization.set_crc32_options(True)
    assert_equals_torch(torch, tmp_path / "net.pth")


@pytest.mark.parity
@pytest.mark.parametrize("in_zip", [True, False])
def test_torch_saves_of_other_things_are_refused(torch, tmp_path, in_zip):
    path = tmp_path / "net.pth"
    net = torch.nn.Sequential(torch.nn.Linear(2, 3))
    for content, words in [(net, "torch.nn.modules.container.Sequential"), ({"model": net}, "container.Sequential"),
                           ({"x": torch.ones(2).to_sparse()}, "_rebuild_sparse_tensor"), (torch.ones(2), "no state dict")]:
        torch.save(content, path, _use_new_zipfile_serialization=in_zip)
        with pytest.raises(InputError, match=words):
            read(path)
    torch.save({"x": torch.ones(2).to(torch.float8_e4m3fn)}, path)
    with pytest.raises(InputError, match="float8_e4m3fn"):
        read(path)
