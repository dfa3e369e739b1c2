"""A file is on the disk before its name points to it."""
import os

import pytest

from tinynet.files import atomic_write, command_line, sha256


def test_the_contents_are_synced_before_the_rename(tmp_path, monkeypatch):
    calls, sync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: calls.append(("sync", os.fstat(number).st_size)) or sync(number))
    monkeypatch.setattr(os, "replace", lambda a, b: calls.append(("rename", os.path.getsize(a))) or replace(a, b))
    with atomic_write(tmp_path / "deep" / "file") as file:
        file.write(b"12345")
    assert calls == [("sync", 5), ("rename", 5)]
    assert (tmp_path / "deep" / "file").read_bytes() == b"12345" and len(list((tmp_path / "deep").iterdir())) == 1


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_error_leaves_the_old_file(tmp_path, error):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(type(error)), atomic_write(tmp_path / "file") as file:
        file.write(b"new")
        raise error
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_sha256_of_bytes_and_of_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert sha256(b"abc") == sha256(tmp_path / "file") == sha256(str(tmp_path / "file"))
    assert sha256(b"abc").startswith("ba7816bf")


@pytest.mark.skipif(os.name == "nt", reason="quotes as a POSIX shell reads them")
def test_a_command_line_is_read_as_it_was_meant():
    import shlex
    names = ["plain", "two words", "it's", "$HOME", "a;b", "(1)", "-dash", "Ü", "new\nline", ""]
    words = shlex.split(command_line("tinynet", "predict", *names))
    assert words == ["tinynet", "predict", *[name if name != "-dash" else "./-dash" for name in names]]
    line = command_line("tinynet", "transfer", data="-it's", skip_bad=True, hidden=None, ema=False, weight_decay=0.0, lr=2e-05)
    assert shlex.split(line) == ["tinynet", "transfer", "--data", "./-it's", "--skip-bad", "--weight-decay", "0.0", "--lr", "2e-05"]
