"""The layers of the house: an import in tinynet points strictly down, and only backend.py knows CuPy."""
import ast
from graphlib import CycleError, TopologicalSorter

import pytest

# Lowest first. A row may import every row above it in this list, and nothing in its own row or below;
# inside one package (ops, layers, ...) modules may import each other, but never in a circle.
LEVELS = [
    ["errors", "version"],
    ["backend", "files"],
    ["tensor"],
    ["ops"],
    ["layers", "optim", "gradcheck"],
    ["compute"],
    ["data", "weights"],
    ["models", "samples"],
    ["plots"],
    ["transfer"],
    ["report", "serve"],
    ["__init__"],
    ["cli"],
    ["__main__"],
]
HEIGHT = {unit: height for height, units in enumerate(LEVELS) for unit in units}
OUTSIDE = {"assignments", "benchmarks", "course", "lessons", "solutions", "tests"}


def imported(module, source, known):
    """Full names of what `source`, the text of `module`, imports anywhere, in functions too.

    A package is named by its file (tinynet.ops.__init__), in `module`, in the result and in `known`, the
    names of all modules, which tells whether `from tinynet.ops import conv` means a module or a function.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            candidates = [(alias.name,) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parents = module.split(".")[:-node.level] if node.level else []
            base = ".".join(parents + [node.module] * bool(node.module))
            candidates = [(f"{base}.{alias.name}", base) for alias in node.names]
        else:
            continue
        for names in candidates:
            spelled = [name + end for name in names for end in ("", ".__init__")]
            yield next((name for name in spelled if name in known), names[-1])


def faults(module, source, known):
    """One line for each import in `source` that the house does not allow."""
    here = module.split(".")[1]
    if here not in HEIGHT:
        return [f"{module} has no level; give it a row in LEVELS"]
    found = []
    for name in imported(module, source, known):
        top, there = (name.split(".") + ["__init__"])[:2]
        if top == "cupy" and here != "backend":
            found.append(f"{module} imports {name}; only tinynet.backend may")
        elif top in OUTSIDE:
            found.append(f"{module} imports {name}, which is outside the library")
        elif top == "tinynet" and here != there and HEIGHT.get(there, len(LEVELS)) >= HEIGHT[here]:
            found.append(f"{module} imports {name}, which is not below it")
    return found


def modules(root, package):
    """Every module of a package: {"tinynet.ops.conv": its text}."""
    return {".".join(path.relative_to(root).with_suffix("").parts): path.read_text(encoding="utf-8")
            for path in sorted((root / package).rglob("*.py"))}


@pytest.fixture
def sources(root):
    """Every module of the library."""
    return modules(root, "tinynet")


def test_every_import_points_down(sources):
    assert "tinynet.tensor" in sources
    found = [line for module, text in sources.items() for line in faults(module, text, set(sources))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("package", ["tinynet", "course", "benchmarks"])
def test_no_import_runs_in_a_circle(package, root):
    sources = modules(root, package)
    graph = {module: {name for name in imported(module, text, set(sources)) if name in sources} - {module}
             for module, text in sources.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


KNOWN = {"tinynet.__init__", "tinynet.backend", "tinynet.tensor", "tinynet.ops.__init__", "tinynet.ops.conv",
         "tinynet.ops.loss", "tinynet.models.__init__", "tinynet.cli.__init__"}


@pytest.mark.parametrize("module, source", [
    ("tinynet.tensor", "import tinynet.ops.conv"),
    ("tinynet.tensor", "from tinynet import ops"),
    ("tinynet.tensor", "from . import ops"),
    ("tinynet.tensor", "from .ops import conv2d"),
    ("tinynet.tensor", "def late():\n    from tinynet.models import squeezenet1_1"),
    ("tinynet.tensor", "from tinynet import Tensor"),
    ("tinynet.tensor", "import tinynet"),
    ("tinynet.ops.conv", "from ..models import squeezenet1_1"),
    ("tinynet.ops.__init__", "from ..models import squeezenet1_1"),
    ("tinynet.layers.conv", "import tinynet.optim.sgd"),
    ("tinynet.transfer.job", "from course import grade"),
    ("tinynet.cli", "import tests.conftest"),
    ("tinynet.ops.conv", "import cupy as cp"),
    ("tinynet.ops.conv", "from cupy.cuda import Stream"),
    ("tinynet.ops.conv", "import tinynet.unknown"),
    ("tinynet.unknown", ""),
])
def test_a_forbidden_import_is_found(module, source):
    assert len(faults(module, source, KNOWN)) == 1


@pytest.mark.parametrize("module, source", [
    ("tinynet.backend", "import cupy"),
    ("tinynet.ops.conv", "from tinynet.tensor import Function\nfrom .loss import cross_entropy"),
    ("tinynet.ops.__init__", "from .conv import conv2d"),
    ("tinynet.cli", "from . import __version__, models\nfrom tinynet import tensor"),
    ("tinynet.__main__", "from .cli import main"),
])
def test_an_allowed_import_is_not(module, source):
    assert faults(module, source, KNOWN) == []


# The house

NETWORKS = ("squeezenet", "alexnet", "vgg", "resnet", "mobilenet", "efficientnet", "lenet")
OF_NETWORKS = ("tinynet.models", "tinynet.weights.ndf")      # ndf reads the one file of that package, SqueezeNet's


def test_no_code_but_the_models_knows_a_network_by_name(sources):
    """Docstrings may give one as an example; code asks the zoo."""
    found = []
    for module, text in sources.items():
        if not module.startswith(OF_NETWORKS):
            tree = ast.parse(text)
            prose = {id(node.body[0].value) for node in ast.walk(tree)
                     if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node)}
            words = [getattr(node, "id", getattr(node, "attr", getattr(node, "value", getattr(node, "module", ""))))
                     for node in ast.walk(tree) if id(node) not in prose]
            found += [f"{module}: {word[:60]!r}" for word in words if isinstance(word, str)
                      and any(name in word.lower() for name in NETWORKS)]
    assert not found, "\n".join(found)


def test_no_file_is_too_long_to_be_read(sources):
    long = {module: text.count("\n") for module, text in sources.items() if text.count("\n") > 300}
    assert not long
