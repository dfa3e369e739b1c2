"""Fetching, against a server on this machine."""
import hashlib
import http.server
import threading

import pytest

from tinynet import InputError
from tinynet.weights.fetch import fetch

CONTENT = bytes(range(256)) * 4000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT, parts of it on demand, and breaks off where `breaks` says."""

    breaks, ranges, asked = None, True, []

    def do_GET(self):
        self.asked.append(self.headers.get("Range"))
        start = int(self.headers["Range"][6:-1]) if self.ranges and "Range" in self.headers else 0
        if self.path != "/weights.pth":
            self.send_error(404)
            return
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start:self.breaks])

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def server():
    handler = type("One", (Handler,), {"asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        server.handler, server.url = handler, f"http://127.0.0.1:{server.server_port}/weights.pth"
        yield server
        server.shutdown()


def test_a_file_is_fetched_once(server, tmp_path):
    for _ in range(2):
        path = fetch(server.url, tmp_path / "new" / "weights.pth", DIGEST[:8], progress=False)
        assert path.read_bytes() == CONTENT
    assert server.handler.asked == [None] and [p.name for p in path.parent.iterdir()] == ["weights.pth"]


@pytest.mark.parametrize("ranges, asked", [(True, "bytes=300000-"), (False, "bytes=300000-")])
def test_what_broke_off_goes_on(server, ranges, asked, tmp_path):
    server.handler.breaks, server.handler.ranges = 300_000, ranges
    with pytest.raises(InputError, match="run it again to go on, or get the file some other way and put it at .*weights.pth"):
        fetch(server.url, tmp_path / "weights.pth", DIGEST, progress=False)
    assert (tmp_path / "weights.pth.part").stat().st_size == 300_000 and not (tmp_path / "weights.pth").exists()
    server.handler.breaks = None
    assert fetch(server.url, tmp_path / "weights.pth", DIGEST, progress=False).read_bytes() == CONTENT
    assert server.handler.asked == [None, asked]


def test_a_part_that_is_already_whole_is_only_checked(server, tmp_path):
    (tmp_path / "weights.pth.part").write_bytes(CONTENT)
    assert fetch(server.url, tmp_path / "weights.pth", DIGEST, progress=False).read_bytes() == CONTENT


def test_something_else_is_thrown_away(server, tmp_path):
    (tmp_path / "weights.pth.part").write_bytes(b"not the beginning of it")
    with pytest.raises(InputError, match="not the file that was published"):
        fetch(server.url, tmp_path / "weights.pth", DIGEST, progress=False)
    assert not list(tmp_path.iterdir())
    assert fetch(server.url, tmp_path / "weights.pth", DIGEST, progress=False).read_bytes() == CONTENT


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/weights.pth", "http://nowhere.invalid/weights.pth", "weights.pth"])
def test_an_address_that_cannot_be_reached_is_said_in_one_line(url, tmp_path):
    with pytest.raises(InputError, match="put it at") as error:
        fetch(url, tmp_path / "weights.pth", DIGEST, progress=False)
    assert "\n" not in str(error.value)


def test_a_page_that_is_not_there(server, tmp_path):
    with pytest.raises(InputError, match="404"):
        fetch(server.url + "x", tmp_path / "weights.pth", DIGEST, progress=False)
