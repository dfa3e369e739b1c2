"""What an answer can import in the sandbox: the packages and modules of tinynet that its assignment names.

What is not there cannot be called, however the call is disguised: an assignment about convolution leaves
tinynet's convolution out.
"""
import ast
import compileall
import importlib.metadata
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
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        elif (file := source.with_suffix(".py")).is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target.with_suffix(".py"))
        else:
            raise InputError(f"the notebook's metadata lets answers import tinynet's {name}, "
                             "which does not exist")
    for inner in (folder / "tinynet", *(folder / "tinynet").rglob("*/")):
        if inner.is_dir():
            _write_init(inner, TINYNET / inner.relative_to(folder / "tinynet"))
    _copy_ipython(folder / "ipython_lines")
    compileall.compile_dir(folder, quiet=2)


def _copy_ipython(folder):
    """Copy what turns IPython's lines into Python, and nothing else of IPython; where there is none, nothing."""
    specification = importlib.util.find_spec("IPython")
    if specification is None:
        return
    folder.mkdir()
    (folder / "__init__.py").touch()
    for name in ("core/inputtransformer2.py", "utils/tokenutil.py"):
        path = Path(specification.origin).parent / name
        if path.is_file():
            text = path.read_text(encoding="utf-8").replace("from IPython.utils import", "from . import")
            (folder / path.name).write_text(text, encoding="utf-8")


def package_paths(packages):
    """Return where packages and single modules are installed, and their folders of shared libraries.

    Parameters
    ----------
    packages : sequence of str
        As one imports them: "numpy", "PIL".

    Returns
    -------
    paths : list of Path

    Raises
    ------
    InputError
        If a package is not installed.
    """
    paths, makers = [], importlib.metadata.packages_distributions()
    for name in packages:
        spec = importlib.util.find_spec(name)
        if spec is None or not spec.has_location:
            raise InputError(f"answers may import {name}, which is not installed here; install it with pip")
        path = Path(spec.submodule_search_locations[0] if spec.submodule_search_locations else spec.origin)
        libraries = [path.with_name(f"{maker}.libs") for maker in {name, *makers.get(name, ())}]
        paths += [path, *filter(Path.is_dir, libraries)]
    return paths


def _write_init(folder, original):
    """Write an ``__init__.py``: those relative imports of the original whose modules are in the folder."""
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
