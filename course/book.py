"""Make a web site of the lessons, from the outputs they store, and the guide; it needs no network, nor do its readers."""
import shutil
import subprocess
import sys
import sysconfig
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

from tinynet.errors import InputError

from .notebook import LESSONS, ROOT, find

SOURCE = ROOT / "build" / "book"
SITE = SOURCE / "_build" / "html"


def build():
    """Build the site with Jupyter Book 1, which, unlike 2, fetches nothing, and check every page of it.

    Returns
    -------
    status : int
        0 if the site is whole, 1 if Jupyter Book complained or a page needs a file that is not there.

    Raises
    ------
    InputError
        If Jupyter Book is not installed.
    """
    program = shutil.which("jupyter-book", path=sysconfig.get_path("scripts"))
    if program is None:
        raise InputError('Jupyter Book is not installed; run: pip install -e ".[course,book]"')
    collect()
    done = subprocess.run([program, "build", SOURCE, "--all", "--quiet", "--warningiserror", "--keep-going"])
    pages = [page for page in sorted(SITE.rglob("*.html")) if "_static" not in page.parts]
    found = [f"{page.name} loads {address}" for page in pages for address in missing(page)]
    print("\n".join(found) or SITE / "index.html", file=sys.stderr if found else sys.stdout)
    return int(done.returncode != 0 or bool(found))


def collect(folder=SOURCE):
    """Lay the book's settings, the guide and every lesson into an empty folder.

    Parameters
    ----------
    folder : Path
        Emptied first.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "course" / "book", folder)
    for path in find([]):
        target = folder / LESSONS.name / path.name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, target)


def missing(page):
    """List what a page loads that is not on the disk: from another host, or from a file that does not exist.

    Parameters
    ----------
    page : Path
        An HTML file.

    Returns
    -------
    missing : list of str
        Addresses as they stand in the page.
    """
    loads = _Loads()
    loads.feed(page.read_text(encoding="utf-8"))
    return [address for address in loads.addresses if not _is_there(address, page.parent)]


def _is_there(address, folder):
    parts = urlsplit(address)
    return parts.scheme == "data" or not parts.scheme and (folder / unquote(parts.path)).is_file()


class _Loads(HTMLParser):
    """Collects the addresses that a browser fetches to show the page; those of <a> it does not."""

    def __init__(self):
        super().__init__()
        self.addresses = []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        fetched = "stylesheet preload icon".split()
        if "src" in attributes:
            self.addresses.append(attributes["src"])
        elif tag == "link" and set(attributes.get("rel", "").split()) & set(fetched):
            self.addresses.append(attributes["href"])
