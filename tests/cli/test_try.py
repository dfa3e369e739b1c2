"""`tinynet try`: the program around the page, as a user starts and stops it."""
import http.client
import json
import os
import queue
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from PIL import Image

from tests.serve import conftest
from tinynet.cli import main
from tinynet.samples import DrawnCats

photos, trained = conftest.photos, conftest.trained         # fixtures

# As the command, with every file that it opens for writing named on stderr; Ctrl-C as on a terminal.
PROGRAM = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
def told(event, args):
    if event == "open" and (set(str(args[1])) & set("wax+") or (args[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
        os.write(2, f"WRITTEN {args[0]}\\n".encode())
sys.addaudithook(told)
from tinynet.cli import main
sys.exit(main())
"""


@pytest.fixture
def start(root, tmp_path):
    """Start the command; it is ended after the test."""
    started = []

    def start(*arguments):
        environment = os.environ | {"PYTHONPATH": str(root), "TMPDIR": str(tmp_path)}
        started.append(subprocess.Popen([sys.executable, "-B", "-c", PROGRAM, "try", *map(str, arguments)], text=True, cwd=tmp_path,
                                        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def post(url, contents):
    connection = http.client.HTTPConnection(url.netloc, timeout=60)
    connection.request("POST", url.path + "answer", contents, {"Content-Type": "application/octet-stream"})
    reply = connection.getresponse()
    return reply.status, json.loads(reply.read())


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as a signal")
def test_it_says_where_answers_writes_nothing_and_stops(start, trained, tmp_path):
    photo = tmp_path / "cat.png"
    Image.fromarray(DrawnCats().image(0)).save(photo)
    before = {path: path.stat().st_mtime_ns for folder in (trained, tmp_path) for path in folder.rglob("*")}
    process = start(trained)
    said = process.stdout.readline()
    assert said.startswith("page: http://127.0.0.1:") and said.endswith("/ (Ctrl-C stops it)\n")
    url = urlsplit(said.split()[1])
    status, found = post(url, photo.read_bytes())
    assert status == 200 and found["top"][0]["name"] in ("tigger", "misty", "neither") and len(found["neighbours"]) == 6
    status, found = post(url, b"<html>")
    assert status == 200 and found["problem"].startswith("It is not a JPEG")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and out == "\nstopped\n"
    written = [line for line in err.splitlines() if "matplotlib" not in line]       # its list of fonts, once on a computer
    assert written == [] and before == {path: path.stat().st_mtime_ns for folder in (trained, tmp_path) for path in folder.rglob("*")}


def test_a_port_in_use_is_one_line(trained, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["try", str(trained), "--port", str(port)]) == 2
    out, err = capsys.readouterr()
    assert f"tinynet: --port {port}: " in err and err.endswith("; choose another, or leave the option out\n") and "page" not in out


@pytest.mark.parametrize("options, words", [(["nowhere"], "nowhere: no model.safetensors in it"),
                                            ([".", "--port", "65536"], "a whole number, 0 to 65535"),
                                            ([".", "--port", "x"], "a whole number, 0 to 65535")])
def test_what_cannot_be_tried_is_one_line(options, words, capsys):
    assert main(["try", *options]) == 2
    out, err = capsys.readouterr()
    assert not out and words in err and err.count("\n") == 1


def test_the_browser_opens_only_when_asked(trained, monkeypatch, capsys):
    def stop(server):
        raise KeyboardInterrupt
    opened = queue.Queue()
    monkeypatch.setattr("webbrowser.open", opened.put)
    monkeypatch.setattr("tinynet.serve.Server.serve_forever", stop)
    assert main(["try", str(trained)]) == 0 and opened.empty()
    capsys.readouterr()
    assert main(["try", str(trained), "--open"]) == 0
    out = capsys.readouterr().out
    assert out == f"page: {opened.get(timeout=30)} (Ctrl-C stops it)\n\nstopped\n" and opened.empty()
