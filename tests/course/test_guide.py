"""course/book/guide and the README: every command in them runs, and prints what the page says that it prints."""
import importlib
import re
import shlex
from pathlib import Path

import pytest
import yaml
from PIL import Image

from tinynet.cli import main
from tinynet.samples import DrawnCats
from tinynet.transfer import Settings

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "course" / "book"
PAGES = sorted((BOOK / "guide").glob("*.md"))
BLOCK = re.compile(r"(<!-- not run: [^\n]+ -->\n)?^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)


def blocks(path):
    """Yield the shell blocks of a page: whether it is run, its commands as lists of words, the text said to come out."""
    page = path.read_text(encoding="utf-8")
    found = BLOCK.findall(page)
    assert len(found) == page.count("```sh"), "a block was not understood"
    for mark, lines, text in found:
        yield not mark, [shlex.split(line, comments=True) for line in lines.splitlines()], text


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where a reader stands: a few drawings as `photos`, another as new.jpg, and a run."""
    here, drawn = tmp_path_factory.mktemp("reader"), DrawnCats(n_per_class=10)
    for i, label in enumerate(drawn.labels):
        path = here / "photos" / drawn.classes[label] / f"{i}.bmp"     # BMP: the same bytes everywhere
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn.image(i)).resize((128, 128)).save(path)
    Image.fromarray(DrawnCats(1, seed=1).image(0)).save(here / "new.jpg")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        patch.setattr(Settings, "epochs", 2)
        assert main(["transfer", "--data", "photos"]) == 0
    return here


def marked(path):
    """A page as a test's parameter; onnx and its runtime are not installed for every test."""
    return pytest.param(path, id=path.stem, marks=[pytest.mark.parity] if path.stem == "export" else [])


@pytest.mark.parametrize("path", [marked(path) for path in [*PAGES, ROOT / "README.md"]])
def test_every_command_runs_and_prints_what_the_page_says(path, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(Settings, "epochs", 2)                      # the default of --epochs
    for is_run, commands, said in blocks(path):
        capsys.readouterr()
        for program, *words in commands:
            if not is_run:
                if program == "tinynet":
                    importlib.import_module("tinynet.cli.main")._parser().parse_args(words)
                continue
            assert program == "tinynet", f"{program}: say why above the block, <!-- not run: ... -->"
            assert main(words) == 0, f"{' '.join(words)}: {capsys.readouterr().err}"
        printed = capsys.readouterr().out
        heads = re.findall(r"^ *([a-z][a-z ,]*?)(?::| {2})", said, re.MULTILINE)
        assert [head for head in heads if head not in printed] == []


def test_no_command_or_option_is_named_that_does_not_exist(capsys):
    named = {}                                                      # {command: options}, in blocks and between backticks
    for path in [*PAGES, ROOT / "README.md", ROOT / "course" / "student_README.md"]:
        for name, rest in re.findall(r"(?:^|`)tinynet ([a-z]+)([^`\n#]*)", path.read_text(encoding="utf-8"), re.MULTILINE):
            named.setdefault(name, set()).update(re.findall(r"--[a-z-]+", rest))
    assert {"transfer", "predict", "classify", "audit", "explain", "cache", "fetch"} <= set(named)
    for name, options in named.items():
        with pytest.raises(SystemExit) as left:
            main([name, "--help"])
        assert left.value.code == 0
        assert options <= {*re.findall(r"--[a-z-]+", capsys.readouterr().out), "--help"}, name


def test_every_page_is_in_the_book_and_in_the_readme():
    toc = yaml.safe_load((BOOK / "_toc.yml").read_text(encoding="utf-8"))
    lessons, guide = (part["chapters"] for part in toc["parts"])
    assert lessons == [{"glob": "lessons/*"}]
    listed = [chapter["file"] for chapter in guide]
    assert sorted(listed) == [f"guide/{path.stem}" for path in PAGES] and len(PAGES) > 8
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert sorted(set(re.findall(r"\(course/book/(guide/\w+)\.md\)", readme))) == sorted(listed)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_is_short_its_links_lead_somewhere_and_it_ends_with_what_to_do_next(path):
    text = path.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"^#+ (.+)$", prose, re.MULTILINE)[-1] == "What to do next"
    assert len(text.splitlines()) < 100
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert [link for link in links if not (path.parent / link).is_file()] == []
