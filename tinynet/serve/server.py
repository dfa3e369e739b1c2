"""A server for one page and one person: this computer's own browser, at an address that nobody else knows."""
import io
import json
import os
import re
import secrets
import socket
import sys
import threading
import time
import traceback
from contextlib import suppress
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template

from ..errors import InputError

HERE = Path(__file__).parent
MEGABYTE = 10 ** 6
LINGER = 2.0                # seconds in which a refused upload is taken and dropped
# What the page may do: its own script, style and pictures, and questions to this server. Nothing else, and in no frame.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
                               "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self)",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class Server(ThreadingHTTPServer):
    """Serves the page on 127.0.0.1, at an address with a random part, until it is stopped.

    Requests are taken side by side and answered one at a time. A request for another host (a name that was made to point
    here) or from another site's page is refused; so is what is too large, or takes too long to come.

    Parameters
    ----------
    answer : callable
        Bytes of a file to a dict that JSON can hold, or to an InputError, a sentence for the page. It is called once at a time.
    name : str
        Of the run.
    classes : list of str
    port : int
        0 is any free one.
    megabytes : int
        The largest file.
    seconds : float
        How long a request may take to come.
    places : int
        Files in memory at a time: the one being answered and those that wait for it.

    Attributes
    ----------
    address : str
        Of the page.
    """

    allow_reuse_address = os.name == "posix"                # elsewhere it would share a port with another program

    def __init__(self, answer, name, classes, port=0, megabytes=64, seconds=30.0, places=4):
        self.one, self.places = threading.Lock(), threading.BoundedSemaphore(places)
        super().__init__(("127.0.0.1", port), _Handler)
        end = "" if self.server_port == 80 else f":{self.server_port}"      # browsers leave the default port out
        self.hosts = ["127.0.0.1" + end, "localhost" + end]
        self.root = f"/{secrets.token_urlsafe(16)}/"
        self.address = f"http://{self.hosts[0]}{self.root}"
        self.answer, self.megabytes, self.seconds = answer, megabytes, seconds
        page = Template((HERE / "page.html").read_text(encoding="utf-8")).substitute(
            name=escape(name), classes=escape(_enumerated(classes)), megabytes=megabytes)
        self.files = {"": (page.encode("utf-8", "replace"), "text/html"),
                      "page.css": ((HERE / "page.css").read_bytes(), "text/css"),
                      "page.js": ((HERE / "page.js").read_bytes(), "text/javascript")}

    def server_close(self):
        """Stop listening, wait for the answer under way and give no other."""
        super().server_close()
        self.one.acquire()

    def handle_error(self, request, client_address):
        """Say what went wrong, but for a browser that went away; arguments as of the standard library's."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Refused(Exception):
    """Why a request gets no answer: a status, a line, and what else the head of the reply says."""


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server_version, sys_version = "tinynet", ""

    def setup(self):
        super().setup()
        self.incoming = _Until(self.connection, self.server.seconds)
        self.rfile = io.BufferedReader(self.incoming)

    def do_GET(self):
        self._reply(lambda: self.server.files[self._asked("GET")])

    def do_POST(self):
        self._reply(self._found)

    def _reply(self, find):
        """Send what is found, or the line that says why not."""
        try:
            status, (contents, kind), headers = 200, find(), {}
        except _Refused as error:
            status, line, headers = error.args
        except OSError:
            raise                                           # the browser went away
        except Exception:
            traceback.print_exc()
            status, line, headers = 500, "tinynet failed at it; the terminal in which it runs says how.", {}
        if status != 200:
            contents, kind = line.encode("utf-8", "replace"), "text/plain"
        self.connection.settimeout(self.server.seconds)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(contents)))
        self.end_headers()
        self.wfile.write(contents)

    def _asked(self, method):
        """Return the name of what is asked for, if this server's page asks for something that is there."""
        server, hosts, path = self.server, self.headers.get_all("Host", []), self.path
        if len(hosts) != 1 or hosts[0] not in server.hosts \
                or any(origin != f"http://{hosts[0]}" for origin in self.headers.get_all("Origin", [])):
            raise _Refused(403, f"This page answers at http://{server.hosts[0]} alone, and to no other site's page.", {})
        root, name = path[:len(server.root)], path[len(server.root):]
        if not secrets.compare_digest(root.encode(), server.root.encode()) or name not in (*server.files, "answer"):
            raise _Refused(404, "Nothing is here. Use the address that `tinynet try` printed last: each start has its own.", {})
        allowed = "POST" if name == "answer" else "GET"
        if method != allowed:
            raise _Refused(405, f"{method} is not for this address.", {"Allow": allowed})
        return name

    def _found(self):
        """Take a file and return the answer."""
        server, _ = self.server, self._asked("POST")
        if self.headers.get_content_type() != "application/octet-stream":           # which no form of another site can send
            raise _Refused(415, "Send the bytes of one file, as application/octet-stream.", {})
        length = self.headers.get("Content-Length", "")
        if "Transfer-Encoding" in self.headers or not re.fullmatch("[0-9]{1,15}", length):
            raise _Refused(411, "Say in Content-Length how many bytes will come.", {})
        if (length := int(length)) > server.megabytes * MEGABYTE:
            raise _Refused(413, f"It has more than {server.megabytes} MB; choose a smaller copy.", {})
        if not server.places.acquire(blocking=False):
            raise _Refused(503, "Too many files wait for their answers; try again in a moment.", {})
        try:
            contents = self.rfile.read(length)
            if len(contents) < length:
                raise _Refused(400, f"{len(contents):,} of {length:,} bytes came; send it again.", {})
            with server.one:
                found = server.answer(contents)
        except InputError as error:                         # a bad file is no fault of the request
            found = {"problem": str(error)}
        except MemoryError:
            found = {"problem": "There is not enough memory for it; choose a smaller copy."}
        except TimeoutError:
            raise _Refused(408, f"It took longer than {server.seconds:g} s to come; choose a smaller copy.", {}) from None
        finally:
            server.places.release()
        return json.dumps(found, allow_nan=False).encode(), "application/json"

    def end_headers(self):
        """Every reply says what it may be used for, those of the standard library too."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def finish(self):
        """Take what is still being sent, for a while: closed before, a connection drops the answer on its way."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.incoming.until = time.monotonic() + LINGER
            while self.rfile.read1(2 ** 16):
                pass
        super().finish()

    def log_message(self, *_):
        """Print no line for each request."""


class _Until(io.RawIOBase):
    """What a connection brings until a time; then TimeoutError, however slowly it still comes."""

    def __init__(self, connection, seconds):
        self.connection, self.until = connection, time.monotonic() + seconds

    def readable(self):
        return True

    def readinto(self, buffer):
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.connection.settimeout(left)
        return self.connection.recv_into(buffer)


def _enumerated(names, most=12):
    """Return names as a sentence says them."""
    *first, last = [*names[:most], f"{len(names) - most} more"] if len(names) > most else names
    return f"{', '.join(first)} and {last}" if first else last
