"""Every public name is documented, and its numpydoc sections name what its signature has."""
import ast
import doctest
import importlib
import re

import numpy as np
import pytest

import tinynet

EXEMPT = ("tinynet/samples/drawing/", "tinynet/samples/cats.py:draw", "tinynet/samples/cats.py:who",   # strokes of a pen
          "tinynet/data/dataset.py")                                                            # a protocol: no bodies


def public_definitions(root):
    """Yield (file:name, node) of every public function, class and method of tinynet."""
    for path in sorted((root / "tinynet").rglob("*.py")):
        name = path.relative_to(root).as_posix()
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_") \
                    and not f"{name}:{node.name}".startswith(EXEMPT):
                yield f"{name}:{node.name}", node
                yield from ((f"{name}:{node.name}.{method.name}", method) for method in getattr(node, "body", [])
                            if isinstance(node, ast.ClassDef) and isinstance(method, ast.FunctionDef)
                            and not method.name.startswith("_"))


def section(docstring, title):
    """Return the text of a numpydoc section, or None."""
    lines = docstring.splitlines()
    starts = [i for i, line in enumerate(lines[:-1]) if line == title and lines[i + 1] == "-" * len(title)]
    if not starts:
        return None
    rest = lines[starts[0] + 2:]
    ends = [i for i, line in enumerate(rest[1:]) if line.startswith("---")]
    return "\n".join(rest[:ends[0]] if ends else rest)


def arguments(function):
    """Return the names of a function's parameters, but for self."""
    names = [a.arg for a in [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]]
    return [name for name in names if name not in ("self", "cls")]


def is_function_of_a_module(name):
    return "." not in name.split(":")[1]


def own_raises(function):
    """Return whether the function itself raises an InputError."""
    return any(isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
               and getattr(node.exc.func, "id", "") == "InputError" for node in ast.walk(function))


def is_core(name):
    return name.startswith(("tinynet/ops/", "tinynet/layers/", "tinynet/optim/"))


def says_enough(function):
    """Return whether a docstring without sections is enough: nothing is raised, and what is no Tensor is named."""
    text = ast.get_docstring(function) or ""
    words, refers = set(re.findall(r"\w+", text)), re.search(r"`\w+`", text)      # "as `sum` takes them"
    raises = any(isinstance(node, ast.Raise) for node in ast.walk(function)) and "raises" not in words
    return not raises and (refers or {name for name in arguments(function) if name not in ("x", "xs", "a", "b")} <= words)


def test_every_public_name_has_a_docstring(root):
    missing = [name for name, node in public_definitions(root) if not ast.get_docstring(node)
               and not (name.startswith("tinynet/ops/") and node.name in ("forward", "backward"))]
    assert not missing


def test_every_function_documents_its_parameters_result_and_errors(root):
    problems = []
    for name, node in public_definitions(root):
        if not isinstance(node, ast.FunctionDef) or not is_function_of_a_module(name) \
                or name.startswith("tinynet/cli/") and node.name in ("add", "run"):       # every command has these two
            continue
        text = ast.get_docstring(node) or ""
        if is_core(name) and not section(text, "Parameters") and says_enough(node):
            continue
        listed = section(text, "Parameters") or ""
        heads = " ".join(line.split(":")[0] for line in listed.splitlines() if not line.startswith(" "))
        problems += [f"{name}: {argument} is not under Parameters" for argument in arguments(node)
                     if argument not in heads.replace(",", " ").split()]
        returns = any(isinstance(part, ast.Return) and part.value is not None for part in ast.walk(node))
        one_line = text.count("\n") == 0 and not arguments(node)
        if returns and not one_line and not (section(text, "Returns") or section(text, "Yields")):
            problems.append(f"{name}: no section Returns")
        if own_raises(node) and not section(text, "Raises"):
            problems.append(f"{name}: raises InputError, but has no section Raises")
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("folder", ["ops", "optim", "layers", "files", "compute", "data", "samples", "weights", "models",
                                    "plots", "transfer", "report", "cli"])
def test_every_module_says_what_it_is_for(folder, root):
    for path in (root / "tinynet" / folder).glob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path.name


def test_every_example_gives_what_it_says(root):
    names = [".".join(path.relative_to(root).with_suffix("").parts) for path in sorted((root / "tinynet").rglob("*.py"))]
    tried = 0
    for name in names:
        if name != "tinynet.__main__":
            module = importlib.import_module(name)
            result = doctest.testmod(module, extraglobs={"np": np, "Tensor": tinynet.Tensor})
            assert not result.failed, name
            tried += result.attempted
    assert tried >= 4
