"""A run on a few drawings, and a server for it."""
import contextlib
import threading

import pytest

from tinynet.cli import main
from tinynet.serve import Server

from ..drawings import draw_folder


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """A folder of class folders with a few drawings as files."""
    return draw_folder(tmp_path_factory.mktemp("data") / "my cats", 6)


@pytest.fixture(scope="session")
def trained(photos, tmp_path_factory):
    """A finished run on them."""
    out = tmp_path_factory.mktemp("runs") / "my <cats>"
    assert main(["transfer", "--data", str(photos), "--out", str(out), "--epochs", "5"]) == 0
    return out


@contextlib.contextmanager
def serving(answer, name="my <cats>", classes=("tigger", "misty"), **limits):
    """A server on a thread, while the block lasts."""
    with Server(answer, name, classes, **limits) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
