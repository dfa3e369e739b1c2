"""The command line, with libraries that only pretend."""
import json

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import library
from benchmarks.machine import Setting

KEYS = {"malloc", "case", "op", "batch", "threads", "peer", "ratio", "min", "max", "rounds", "ms", "peer_ms"}


class Pretender:
    """A library that takes no time to speak of; DeZero is not installed."""

    version = "torch 1.2.3"

    def __init__(self, peer, setting):
        if peer == "dezero":
            raise library.Problem("not installed: no module named dezero")

    def prepare(self, case):
        pass

    def run(self, times=1):
        return {"seconds": 2.0, "cpu": 2.0, "extra_mb": 3.0, "peak_mb": 4.0}

    def results(self):
        return [np.float64(0.5)]

    def close(self):
        pass


@pytest.fixture
def pretend(monkeypatch):
    """Everything but the libraries, on a machine of two idle cores."""
    monkeypatch.setattr(command, "Library", Pretender)
    monkeypatch.setattr(library, "Library", Pretender)
    monkeypatch.setattr(command, "busy_cores", lambda: 0.0)
    monkeypatch.setattr(command, "settings", lambda cores, quick: [Setting("set", 1), Setting("as user", 2)])


def test_json_is_a_list_of_rows_and_a_figure_lies_beside_it(pretend, tmp_path, capsys):
    command.main(["--quick", "--only", "trunk", "--json", str(tmp_path / "out.json")])
    rows = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert all(KEYS <= row.keys() for row in rows)
    assert {row["case"] for row in rows} == {"roofline", "trunk"} and {row["threads"] for row in rows} == {1, 2}
    assert all(row["ratio"] == 1 and row["rounds"] == 3 for row in rows if row["peer"] != "dezero")
    assert (tmp_path / "out.png").stat().st_size > 1000
    printed = capsys.readouterr().out
    assert (tmp_path / "out.md").read_text(encoding="utf-8") + "\n" == printed
    assert "against dezero: not installed" in printed and "torch 1.2.3" in printed


def test_two_threads_are_left_out_on_a_busy_machine(pretend, monkeypatch, capsys):
    monkeypatch.setattr(command, "busy_cores", lambda: 0.7)
    command.main(["--quick", "--only", "head"])
    printed = capsys.readouterr().out
    assert "| 1 thread, malloc set" in printed and "| 2 threads" not in printed
    assert "2 threads, malloc as user: not measured, others kept 0.7 cores busy" in printed


def test_ctrl_c_reports_what_was_measured(pretend, monkeypatch, capsys):
    measure, closed = command.measure, []

    def stop_at_the_head(case, *args):
        if case.case == "head":
            raise KeyboardInterrupt
        return measure(case, *args)

    monkeypatch.setattr(command, "measure", stop_at_the_head)
    monkeypatch.setattr(Pretender, "close", lambda self: closed.append(self))
    command.main([])
    printed = capsys.readouterr().out
    assert "| partial " in printed and "| head " not in printed and "stopped before the end by Ctrl-C" in printed
    assert closed


def test_a_failure_of_tinynet_costs_that_case_alone(pretend, monkeypatch, capsys):
    def prepare(self, case):
        if case.case == "head":
            raise library.Problem("failed: ValueError: no room")

    monkeypatch.setattr(Pretender, "prepare", prepare)
    command.main([])
    printed = capsys.readouterr().out
    assert "| partial " in printed and "| head " not in printed and "| ops " in printed
    assert "1 thread, malloc set: head, epoch, fit, batch 2000 is missing: tinynet: failed: ValueError: no room" in printed


def test_without_pytorch_the_others_are_measured(pretend, monkeypatch, capsys):
    """Its matrix product is the roof of all: then there is none."""
    start = Pretender.__init__

    def missing(self, peer, setting):
        if peer.startswith("pytorch"):
            raise library.Problem("not installed: no module named torch")
        start(self, peer, setting)

    monkeypatch.setattr(Pretender, "__init__", missing)
    command.main(["--quick", "--only", "trunk"])
    printed = capsys.readouterr().out
    assert "| chainer " in printed and "against pytorch: not installed: no module named torch" in printed


def test_where_nothing_was_measured_the_reason_is_said(pretend, monkeypatch):
    def prepare(self, case):
        raise library.Problem("failed: ValueError: no room")

    monkeypatch.setattr(Pretender, "prepare", prepare)
    with pytest.raises(SystemExit, match="nothing was measured: .*tinynet: failed: ValueError: no room"):
        command.main(["--quick"])


def test_a_folder_that_is_not_there_is_said_before_the_work(pretend, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "measure", lambda *args: pytest.fail("measured"))
    with pytest.raises(SystemExit):
        command.main(["--quick", "--json", str(tmp_path / "missing" / "out.json")])
    assert f"no folder {tmp_path / 'missing'}" in capsys.readouterr().err


def test_ctrl_c_at_once_writes_nothing(pretend, monkeypatch, tmp_path):
    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "busy_cores", stop)
    with pytest.raises(SystemExit, match="nothing was measured"):
        command.main(["--json", str(tmp_path / "out.json")])
    assert not list(tmp_path.iterdir())


def test_every_group_can_be_asked_for(pretend, capsys):
    for group in ("finetune", "partial", "head", "ops", "job", "scaling"):
        command.main(["--only", group])
        assert group in capsys.readouterr().out


def test_nothing_is_written_without_json(pretend, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command.main(["--quick", "--only", "head"])
    assert not list(tmp_path.iterdir())
