import subprocess
import sys

import pytest

from course.answers import library
from tinynet.errors import InputError


def names(folder):
    """Return what ``tinynet`` in a folder holds, as a fresh Python sees it that has nothing but NumPy besides."""
    paths = [str(folder), str(library.package_paths(["numpy"])[0].parent)]
    code = f"import sys; sys.path[:0] = {paths}; import tinynet; print(*sorted(vars(tinynet)))"
    command = [sys.executable, "-I", "-S", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_only_what_is_named_is_there(tmp_path):
    library.build(tmp_path, ["backend", "errors", "tensor"])
    found = names(tmp_path)
    assert {"Tensor", "Function", "no_grad", "InputError"} <= set(found) and not {"ops", "gradcheck"} & set(found)
    assert sorted(path.name for path in (tmp_path / "tinynet").glob("*.py")) == [
        "__init__.py", "backend.py", "errors.py", "tensor.py"]


def test_folders_and_files_in_folders(tmp_path):
    library.build(tmp_path, ["backend", "errors", "tensor", "ops", "layers/module"])
    assert "ops" in names(tmp_path) and (tmp_path / "tinynet" / "ops" / "conv.py").is_file()
    layers = tmp_path / "tinynet" / "layers"
    assert sorted(path.name for path in layers.glob("*.py")) == ["__init__.py", "module.py"]
    assert "from .layers" not in (layers / "__init__.py").read_text()


def test_nothing_named_nothing_there(tmp_path):
    library.build(tmp_path, [])
    assert not (tmp_path / "tinynet").exists()


def test_packages_single_modules_and_their_shared_libraries():
    found = library.package_paths(["numpy", "PIL", "threadpoolctl"])
    assert {"numpy", "PIL", "threadpoolctl.py"} <= {path.name for path in found}
    assert all(path.exists() for path in found)
    assert all(path.with_name("pillow.libs") in found for path in found if path.with_name("pillow.libs").is_dir())


def test_what_does_not_exist_is_refused(tmp_path):
    with pytest.raises(InputError, match="tinynet's nonsense"):
        library.build(tmp_path, ["nonsense"])
    with pytest.raises(InputError, match="no_such_package"):
        library.package_paths(["no_such_package"])
