"""course/book.py: the book has every lesson and the guide, and a page that needs the network or a lost file is found."""
import pytest
import yaml
from course import book

from tinynet import InputError

PAGE = """<html><head><link rel="stylesheet" href="style.css?v=1">
<link rel="canonical" href="https://example.org/"><script>const x = 1</script>
<script src="../lost.js"></script><script async src="https://example.org/a.js"></script>
</head><body><a href="https://example.org">a</a><img src="data:image/png;base64,AAAA"/><img src="a%20b.png">
<img src="//example.org/c.png"><link rel="shortcut icon" href="lost.ico"></body></html>"""


def test_what_a_page_loads_from_elsewhere_or_nowhere_is_listed(tmp_path):
    for name in ["style.css", "a b.png"]:
        (tmp_path / name).touch()
    (tmp_path / "page.html").write_text(PAGE, encoding="utf-8")
    assert book.missing(tmp_path / "page.html") == [
        "../lost.js", "https://example.org/a.js", "//example.org/c.png", "lost.ico"]


def test_the_books_folder_is_laid_out_anew_with_every_lesson_and_the_guide(root, tmp_path):
    folder = tmp_path / "book"
    folder.mkdir()
    (folder / "old.html").touch()
    book.collect(folder)
    laid = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    lessons = {f"lessons/{path.name}" for path in (root / "lessons").glob("*.ipynb")}
    guide = {f"guide/{path.name}" for path in (root / "course" / "book" / "guide").glob("*.md")}
    assert laid == {"_config.yml", "_toc.yml", "index.md", "_static/book.css"} | lessons | guide


def test_the_book_runs_no_notebook_and_loads_no_other_host(root):
    config = yaml.safe_load((root / "course" / "book" / "_config.yml").read_text(encoding="utf-8"))
    assert config["execute"]["execute_notebooks"] == "off"
    extensions = config["sphinx"]["config"]["extensions"]
    assert "sphinx-mathjax-offline" in extensions and "sphinx_thebe" not in extensions


def test_without_jupyter_book_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(book.shutil, "which", lambda name, path: None)
    with pytest.raises(InputError, match=r"Jupyter Book is not installed; run: pip install -e"):
        book.build()
