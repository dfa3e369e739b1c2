"""What an answer can import in the sandbox: the packages an assignment names and the modules of tinynet it names.

What is not there cannot be called, however the call is disguised: an assignment about convolution leaves tinynet's
convolution out.
"""
import ast
import compileall
import importlib.util
import shutil
from pathlib import Path

import tinynet
from tinynet.errors import InputError

TINYNET = Path(tinynet.__file__).parent


def build(folder, modules):
    """Copy the named modules of tinynet into a folder that can be put on ``sys.path``.

    Parameters
    ----------
    folder : Path
        An existing, empty folder; ``folder / "tinynet"`` is made if any module is named.
    modules : sequence of str
        As in "tensor", "layers/module", or "ops" for all of a folder. An ``__init__.py`` is cut down to its
        relative imports of what is there.

    Raises
    ------
    InputError
        If tinynet has no such module.
    """
    for name in modules:
        source, target = TINYNET / name, folder / "tinynet" / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        elif (file := source.with_suffix(".py")).is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target.with_suffix(".py"))
        else:
            raise InputError(f"the notebook's metadata lets answers import tinynet's {name}, which does not exist")
    for inner in (folder / "tinynet", *(folder / "tinynet").rglob("*/")):
        if inner.is_dir():
            _write_init(inner, TINYNET / inner.relative_to(folder / "tinynet"))
    compileall.compile_dir(folder, quiet=2)


def package_paths(packages):
    """Return where installed packages lie, and the folders of shared libraries beside them.

    Parameters
    ----------
    packages : sequence of str
        As in "numpy".

    Returns
    -------
    paths : list of Path

    Raises
    ------
    InputError
        If a package is not installed.
    """
    paths = []
    for name in packages:
        spec = importlib.util.find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            raise InputError(f"answers may import the package {name}, which is not installed here; pip install {name}")
        path = Path(spec.submodule_search_locations[0])
        paths += [path] + [libs for libs in [path.with_name(f"{name}.libs")] if libs.is_dir()]
    return paths


def _write_init(folder, original):
    """Write an ``__init__.py`` with those relative imports of the original whose modules are in the folder."""
    if not (original / "__init__.py").is_file():
        return
    lines = []
    for node in ast.parse((original / "__init__.py").read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.ImportFrom) or node.level != 1:
            continue
        if node.module is None:
            node.names = [alias for alias in node.names if _present(folder, alias.name)]
        if node.names and (node.module is None or _present(folder, node.module)):
            lines.append(ast.unparse(node))
    (folder / "__init__.py").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _present(folder, module):
    path = folder.joinpath(*module.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()
