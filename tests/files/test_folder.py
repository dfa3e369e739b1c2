"""A folder is replaced as a whole: whenever the process ends, all its files are the old ones or all the new."""
import os
import signal
import subprocess
import sys
import time

import pytest

from tinynet.files import folder as module
from tinynet.files import replaced_folder, restore_folder


class Kill(BaseException):
    """The end of the process, here."""


def fill(path, word, more=()):
    with replaced_folder(path) as new:
        for name in ("a", "b", "c", *more):
            (new / name).write_text(word)


def words(path):
    """What the three files say, a set."""
    return {(path / name).read_text() for name in ("a", "b", "c")}


@pytest.fixture(params=["exchange", "rename"])
def way(request, monkeypatch):
    """Where folders can change places in one step, and where they cannot."""
    if request.param == "rename":
        monkeypatch.setattr(module.ctypes, "CDLL", lambda *_, **__: None)
    return request.param


def test_a_folder_is_made_and_replaced(tmp_path, way):
    fill(tmp_path / "deep" / "run", "old", more=["d"])
    assert words(tmp_path / "deep" / "run") == {"old"}
    (tmp_path / "deep" / "run" / "notes.txt").write_text("mine")
    fill(tmp_path / "deep" / "run", "new")
    assert words(tmp_path / "deep" / "run") == {"new"}
    assert (tmp_path / "deep" / "run" / "notes.txt").read_text() == "mine", "a file of the user's own stays"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["run"]


def test_a_link_to_a_folder_stays_one(tmp_path, way):
    (tmp_path / "disk").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "disk")
    fill(tmp_path / "run", "new")
    assert (tmp_path / "run").is_symlink() and words(tmp_path / "disk") == {"new"}


@pytest.mark.parametrize("make", [lambda path: (path / "photos").mkdir(), lambda path: os.chdir(path)])
def test_a_folder_that_is_more_than_a_runs_is_never_moved(tmp_path, monkeypatch, make):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "run"
    fill(path, "old")
    before = path.stat().st_ino
    make(path)
    fill(path, "new")
    assert words(path) == {"new"} and path.stat().st_ino == before


def operations(monkeypatch, kill_at):
    """Count what touches the disk, and end the process before or after the one of this number."""
    count = [0]

    def counted(name, real):
        def call(*arguments, **options):
            count[0] += 1
            if count[0] == kill_at:
                raise Kill
            result = real(*arguments, **options)
            count[0] += 1
            if count[0] == kill_at:
                raise Kill
            return result
        return call

    for name in ("rename", "replace", "link", "fsync"):
        monkeypatch.setattr(os, name, counted(name, getattr(os, name)))
    monkeypatch.setattr(module.shutil, "rmtree", counted("rmtree", module.shutil.rmtree))
    return count


def test_a_kill_at_any_moment_leaves_all_old_or_all_new(tmp_path, way):
    seen, n = set(), 1
    while True:
        path = tmp_path / str(n) / "run"
        fill(path, "old")
        (path / "notes.txt").write_text("mine")
        with pytest.MonkeyPatch.context() as patch:
            count = operations(patch, n)
            try:
                fill(path, "new")
            except Kill:
                pass
        if count[0] < n:
            break
        if way == "rename":
            restore_folder(path)                            # what every reader does first
        assert len(words(path)) == 1 and (path / "notes.txt").read_text() == "mine", n
        seen |= words(path)
        fill(path, "newest")
        assert words(path) == {"newest"} and (path / "notes.txt").read_text() == "mine"
        n += 1
    assert seen == {"old", "new"} and n > 8


def test_an_error_while_it_is_filled_changes_nothing(tmp_path, way):
    fill(tmp_path / "run", "old")
    for error in OSError(28, "No space left on device"), KeyboardInterrupt():
        with pytest.raises(type(error)), replaced_folder(tmp_path / "run") as new:
            (new / "a").write_text("new")
            raise error
    assert words(tmp_path / "run") == {"old"} and [path.name for path in tmp_path.iterdir()] == ["run"]


def test_leftovers_of_a_kill_are_removed_an_hour_later(tmp_path):
    fill(tmp_path / "run[1]", "old")
    for name, age in ((".run[1].aaaa.new", 4000), (".run[1].bbbb.new", 10), (".run1.cccc.new", 4000)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    fill(tmp_path / "run[1]", "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".run1.cccc.new", ".run[1].bbbb.new", "run[1]"]


PROGRAM = """
import sys
from pathlib import Path
from tinynet.files import replaced_folder
print("ready", flush=True)
for i in range(10 ** 6):
    with replaced_folder(sys.argv[1]) as new:
        for name in "abc":
            (new / name).write_text(str(i))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL")
def test_real_kills(tmp_path):
    for i in range(10):
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path / "run")], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(0.02 + 0.007 * i)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        restore_folder(tmp_path / "run")
        assert not (tmp_path / "run").exists() and i == 0 or len(words(tmp_path / "run")) == 1
