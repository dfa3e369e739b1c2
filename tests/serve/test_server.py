"""The server of `tinynet try`: who is answered, with what, and what it does with all others."""
import http.client
import json
import re
import socket
import threading
import time

import pytest

from tests.serve.conftest import serving
from tinynet.errors import InputError
from tinynet.serve.server import HEADERS

KIND = {"Content-Type": "application/octet-stream"}


class Echo:
    """Answers with the number of bytes, and counts the calls."""

    calls = 0

    def __call__(self, contents):
        self.calls += 1
        return {"bytes": len(contents)}


@pytest.fixture
def server():
    with serving(Echo(), megabytes=1, seconds=20) as server:
        yield server


def request(server, method="GET", name="", body=None, headers=None, path=None):
    """Send a request as the page does, headers of the same names replaced; return status, headers, contents."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    connection.request(method, path or server.root + name, body, headers or {})
    reply = connection.getresponse()
    contents = reply.read()
    connection.close()
    return reply.status, reply.headers, contents


def raw(server, head, body=b"", then=lambda connection: None):
    """Send bytes as they are; return all that comes back."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=30) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode("latin-1") + body)
        then(connection)
        received = b""
        while part := connection.recv(2 ** 16):
            received += part
    return received


def head(server, *lines, host=None):
    return "\n".join([f"POST {server.root}answer HTTP/1.1", f"Host: {host or server.hosts[0]}",
                      "Content-Type: application/octet-stream", *lines, "", ""])


def ask(server, body=b"photo", **headers):
    return request(server, "POST", "answer", body, KIND | headers)


# What is there

def test_it_listens_on_this_computer_alone_at_an_address_of_its_own(server):
    assert server.server_address[0] == "127.0.0.1"
    assert re.fullmatch(rf"http://127\.0\.0\.1:{server.server_port}/[\w-]{{22}}/", server.address)
    with serving(Echo()) as other:
        assert other.root != server.root


@pytest.mark.parametrize("name, kind, words", [
    ("", "text/html", b"<h1>my &lt;cats&gt;</h1>"), ("page.css", "text/css", b"--ink"), ("page.js", "text/javascript", b"fetch(")])
def test_the_page_and_its_parts(server, name, kind, words):
    status, headers, contents = request(server, name=name)
    assert status == 200 and headers["Content-Type"] == f"{kind}; charset=utf-8" and words in contents
    assert int(headers["Content-Length"]) == len(contents)


def test_names_are_shown_as_they_are():
    names = ["a & <b>", "$name ${x} %s", *(f"c{k}" for k in range(20))]
    with serving(Echo(), name="</title>$x", classes=names) as server:
        page = request(server)[2].decode()
    assert "<title>&lt;/title&gt;$x – try it</title>" in page and "a &amp; &lt;b&gt;, $name ${x} %s, c0" in page
    assert "c9 and 10 more." in page and "c10" not in page


def test_a_file_is_answered(server):
    status, headers, contents = ask(server, b"12345")
    assert status == 200 and headers["Content-Type"].startswith("application/json") and json.loads(contents) == {"bytes": 5}


def test_every_reply_says_what_the_page_may_do(server):
    replies = [request(server), request(server, name="page.js"), ask(server), request(server, path="/"), request(server, "PUT"),
               request(server, headers={"Host": "evil.example"}), request(server, "POST", "answer", b"", {})]
    assert [status for status, _, _ in replies] == [200, 200, 200, 404, 501, 403, 415]
    for _, headers, _ in replies:
        assert {name: headers[name] for name in HEADERS} == HEADERS
        assert not [name for name in headers if name.startswith("Access-Control")]
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "http" not in policy and "*" not in policy


# Who is refused

@pytest.mark.parametrize("path", ["/", "/page.js", "/favicon.ico", "{root}x", "{root}../answer", "{root}/", "{short}", "{other}",
                                  "{other}answer", "{upper}", "{root}?x", "http://127.0.0.1{root}", "/\xff{root}", "/" + "\xff" * 40])
def test_elsewhere_nothing_is(server, path):
    root = server.root
    other = "/" + ("A" if root[1] != "A" else "B") + root[2:]
    path = path.format(root=root, short=root[:-2], other=other, upper=root.swapcase())
    for method in "GET", "POST":
        reply = raw(server, f"{method} {path} HTTP/1.1\nHost: {server.hosts[0]}\n\n")
        assert reply.startswith(b"HTTP/1.0 404") and b"Nothing is here." in reply
        assert root.encode() not in reply and server.answer.calls == 0


@pytest.mark.parametrize("hosts", [
    ["evil.example"], ["evil.example:{port}"], ["127.0.0.1"], ["127.0.0.1:1"], ["127.0.0.1.evil.example:{port}"], [], [""],
    ["0.0.0.0:{port}"], ["127.0.0.1:{port}", "evil.example"], ["evil.example", "127.0.0.1:{port}"]])
def test_another_host_is_refused(server, hosts):
    lines = [f"Host: {host}".format(port=server.server_port) for host in hosts]
    for start in f"GET {server.root} HTTP/1.1", f"POST {server.root}answer HTTP/1.1":
        reply = raw(server, "\n".join([start, *lines, "Content-Type: application/octet-stream", "Content-Length: 1", "", ""]), b"x")
        assert reply.startswith(b"HTTP/1.0 403") and server.answer.calls == 0


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "https://127.0.0.1:{port}", "http://127.0.0.1:1",
                                    "http://127.0.0.1", "http://localhost:{port}", "http://127.0.0.1:{port}.evil.example"])
def test_another_origin_is_refused(server, origin):
    headers = {"Origin": origin.format(port=server.server_port)}
    assert request(server, headers=headers)[0] == ask(server, **headers)[0] == 403 and server.answer.calls == 0


def test_its_own_page_is_not(server):
    for host in "127.0.0.1", "localhost":
        here = f"{host}:{server.server_port}"
        assert request(server, headers={"Host": here})[0] == 200
        assert ask(server, Host=here, Origin=f"http://{here}")[0] == 200


def test_each_address_has_its_method(server):
    for method, name, allowed in ("GET", "answer", "POST"), ("POST", "", "GET"), ("POST", "page.js", "GET"):
        status, headers, _ = request(server, method, name)
        assert status == 405 and headers["Allow"] == allowed
    for method in "OPTIONS", "PUT", "DELETE", "PATCH", "HEAD", "TRACE":
        assert request(server, method, "answer")[0] == 501
    assert server.answer.calls == 0


@pytest.mark.parametrize("kind", ["image/jpeg", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", ""])
def test_a_form_cannot_ask(server, kind):
    assert ask(server, **{"Content-Type": kind})[0] == 415 and server.answer.calls == 0


# What is too large, too short, too slow

@pytest.mark.parametrize("lines", [[], ["Content-Length: -1"], ["Content-Length: x"], ["Content-Length: +5"], ["Content-Length: 1_0"],
                                   ["Content-Length: " + "9" * 5000], ["Transfer-Encoding: chunked"], ["Content-Length: \xb2"],
                                   ["Content-Length: 3", "Transfer-Encoding: chunked"]])
def test_the_length_must_be_said(server, lines):
    assert raw(server, head(server, *lines), b"3\r\nabc\r\n0\r\n\r\n").startswith(b"HTTP/1.0 411")
    assert server.answer.calls == 0


def test_what_is_too_large_is_said_though_it_is_still_being_sent(server):
    status, _, contents = ask(server, bytes(30_000_000))
    assert status == 413 and contents == b"It has more than 1 MB; choose a smaller copy."
    assert ask(server, bytes(1_000_001))[0] == 413 and server.answer.calls == 0
    assert ask(server, bytes(1_000_000))[0] == 200


def test_an_upload_that_ends_early_is_said(server):
    reply = raw(server, head(server, "Content-Length: 1000"), bytes(400), lambda connection: connection.shutdown(socket.SHUT_WR))
    assert reply.startswith(b"HTTP/1.0 400") and reply.endswith(b"\r\n\r\n400 of 1,000 bytes came; send it again.")
    assert server.answer.calls == 0 and ask(server)[0] == 200


def trickle(connection):
    """Send on, a byte at a time, until the other end has had enough."""
    connection.settimeout(0.01)
    for _ in range(2000):
        try:
            connection.send(b"x")
            connection.recv(1, socket.MSG_PEEK)             # an answer, or the end
            break
        except TimeoutError:
            pass
        except OSError:
            break
    else:
        pytest.fail("it is still taken")
    connection.settimeout(30)


def test_an_upload_that_takes_too_long_is_said_however_steadily_it_comes():
    with serving(Echo(), seconds=0.5) as server:
        reply = raw(server, head(server, "Content-Length: 50000"), then=trickle)
        assert reply.startswith(b"HTTP/1.0 408") and b"longer than 0.5 s" in reply
        assert raw(server, "GET / HTTP/1.1\nX-Slow: ", then=trickle) == b"", "a head that never ends"
        assert raw(server, "") == b"", "a connection that says nothing"
        assert server.answer.calls == 0 and ask(server)[0] == 200


# Answers

def raising(error):
    def answer(contents):
        if contents == b"bad":
            raise error
        return {}
    return answer


@pytest.mark.parametrize("error, line", [(InputError("It is <b>bad</b>."), "It is <b>bad</b>."),
                                         (MemoryError(), "There is not enough memory for it; choose a smaller copy.")])
def test_a_bad_file_is_a_line(error, line):
    with serving(raising(error)) as server:
        status, headers, contents = ask(server, b"bad")
        assert status == 200 and json.loads(contents) == {"problem": line}
        assert ask(server)[0] == 200


def test_a_fault_of_ours_is_said_at_both_ends(capsys):
    with serving(raising(ZeroDivisionError("here"))) as server:
        status, _, contents = ask(server, b"bad")
        assert status == 500 and contents == b"tinynet failed at it; the terminal in which it runs says how."
        assert ask(server)[0] == 200
    assert "ZeroDivisionError: here" in capsys.readouterr().err


class Held:
    """Answers when it is let go, and knows how many it was asked for at once."""

    def __init__(self):
        self.go, self.started, self.now, self.most, self.done = threading.Event(), threading.Event(), 0, 0, 0

    def __call__(self, contents):
        self.now += 1
        self.most = max(self.most, self.now)
        self.started.set()
        assert self.go.wait(30)
        self.now -= 1
        self.done += 1
        return {"bytes": len(contents)}


def in_background(function, *arguments):
    results = []
    thread = threading.Thread(target=lambda: results.append(function(*arguments)))
    thread.start()
    return thread, results


def wait_for(condition):
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("it never came")


def full(server):
    if server.places.acquire(blocking=False):
        server.places.release()
        return False
    return True


def test_two_wait_for_each_other_and_a_third_is_told():
    held = Held()
    with serving(held, places=2) as server:
        asked = [in_background(ask, server, bytes(n)) for n in (1, 2)]
        wait_for(lambda: full(server))
        status, _, contents = ask(server, bytes(3))
        assert status == 503 and contents == b"Too many files wait for their answers; try again in a moment."
        assert request(server)[0] == 200, "the page does not wait"
        held.go.set()
        for (thread, results), n in zip(asked, (1, 2)):
            thread.join()
            assert results[0][0] == 200 and json.loads(results[0][2]) == {"bytes": n}
        assert held.most == 1 and held.done == 2
        assert ask(server, bytes(3))[0] == 200


def test_a_browser_that_goes_away_is_no_fault(capsys):
    held = Held()
    with serving(held, places=1) as server:
        with socket.create_connection(("127.0.0.1", server.server_port)) as connection:
            connection.sendall(head(server, "Content-Length: 1").replace("\n", "\r\n").encode() + b"x")
            assert held.started.wait(30)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")      # a reset
        held.go.set()
        wait_for(lambda: not full(server))
        assert ask(server)[0] == 200
    assert capsys.readouterr().err == ""


def test_it_stops_after_the_answer_under_way_and_gives_no_other():
    held = Held()
    with serving(held) as server:
        first = in_background(ask, server)
        assert held.started.wait(30)
        closing, _ = in_background(server.server_close)
        closing.join(0.2)
        assert closing.is_alive() and held.done == 0
        held.go.set()
        closing.join(30)
        assert not closing.is_alive() and held.done == 1
        first[0].join()
        assert first[1][0][0] == 200
        server.one = threading.Lock()                       # the block closes it again
