"""A headless Chromium, told what to do over two pipes (the DevTools protocol)."""
import json
import os
import select
import shutil
import subprocess
import sys
import time

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None) if os.name == "posix" else None
# Chromium reads file 3 and writes to file 4. A program in between puts the pipes there.
LAUNCH = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
OPTIONS = ["--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic",
           "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


class Chromium:
    """One browser with one page open.

    `events` lists what the browser reported, a dict each.
    """

    def __init__(self, folder):
        ours, theirs = zip(*(map(_far, pair) for pair in (reversed(os.pipe()), os.pipe())))
        (self.to, self.read), self.buffer, self.events, self.number, self.session = ours, b"", [], 0, None
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, *map(str, theirs), PROGRAM, *OPTIONS, f"--user-data-dir={folder}", "about:blank"],
            pass_fds=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for end in theirs:
            os.close(end)
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self.session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in "Page", "Runtime", "Log", "Network":
            self(f"{domain}.enable")

    def __call__(self, method, **parameters):
        """Send a command and return its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        os.write(self.to, json.dumps(message | ({"sessionId": self.session} if self.session else {})).encode() + b"\0")
        while (said := self._next()).get("id") != self.number:
            self.events.append(said)
        assert "error" not in said, f"{method}: {said['error']}"
        return said["result"]

    def js(self, expression):
        """Evaluate an expression in the page."""
        found = self("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, condition, seconds=60):
        """Wait until an expression is true, and return it."""
        end = time.monotonic() + seconds
        while not (found := self.js(condition)):
            assert time.monotonic() < end, f"{condition} never came; the page says {self.js('document.body.innerText')!r}"
            time.sleep(0.05)
        return found

    def open(self, url):
        """Open an address and wait until it is there."""
        self("Page.navigate", url=url)
        self.until(f"location.href == {json.dumps(url)} && document.readyState == 'complete'")

    def key(self, key, code, text=""):
        """Press a key."""
        for kind in "keyDown", "keyUp":
            self("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, text=text * (kind == "keyDown"))

    def faults(self):
        """Return what the console complained of: errors, and what the page may not do."""
        found = [event["params"] for event in self.events]
        return [said for said in found if said.get("type") in ("error", "warning") or "exceptionDetails" in said
                or said.get("entry", {}).get("level") in ("error", "warning")]

    def close(self):
        self.session = None
        self("Browser.close")
        self.process.wait(30)
        os.close(self.to)
        os.close(self.read)

    def _next(self):
        parts = [self.buffer]
        while b"\0" not in parts[-1]:
            assert select.select([self.read], [], [], 60)[0], "Chromium says nothing"
            parts.append(os.read(self.read, 2 ** 20))
            assert parts[-1], "Chromium ended"
        message, self.buffer = b"".join(parts).split(b"\0", 1)
        return json.loads(message)


def _far(end):
    """Move a file descriptor out of the way of 3 and 4."""
    import fcntl                                            # not on Windows

    moved = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(end)
    return moved
