"""The script measures what it says, here with Dask's workers and the other processes as threads of this one."""
import importlib
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.drawings import draw_folder


def test_the_tables(tmp_path, capsys, monkeypatch):
    distributed, _ = pytest.importorskip("distributed"), pytest.importorskip("psutil")
    from benchmarks import cluster
    draw_folder(tmp_path, 3)

    @contextmanager
    def dask(n, environment):
        with distributed.LocalCluster(n_workers=n, threads_per_worker=1, processes=False, dashboard_address=":0",
                                      silence_logs=50) as local, distributed.Client(local, set_as_default=False) as client:
            yield client

    monkeypatch.setattr(cluster, "dask", dask)
    monkeypatch.setattr(cluster, "ProcessPoolExecutor", lambda n, context: ThreadPoolExecutor(n))
    cluster.main(["--data", str(tmp_path), "--photos", "4", "--rounds", "1", "--workers", "1", "2", "--seconds", "0.1"])
    lines = capsys.readouterr().out.splitlines()
    fire8, head = lines[2:4]
    assert re.match(r"\| fire8 \| 301,056 B \| 1.3 MB \| \d\d\d B \| 301,\d\d\d B \| ", fire8)
    assert re.match(r"\| head \| 2,048 B \| 2.9 MB \| \d\d\d B \| 2,\d\d\d B \| ", head)
    assert [line.split(" | ")[0] for line in lines if line.startswith(("| threads", "| proc", "| Dask"))] == [
        "| threads, 2", "| processes, 2", "| Dask, workers: 1", "| Dask, workers: 2", "| Dask, workers: 2, malloc as Dask sets it"]
    assert sum(line.startswith(("| 1e+06", "| 1e+09")) for line in lines) == 2 and "One writer is the limit from" in lines[-1]


@pytest.mark.parametrize("script, options", [("cluster", []), ("photos", ["--cache", "unused"])])
def test_a_folder_that_is_not_there_is_one_line(script, options, tmp_path, capsys):
    pytest.importorskip("psutil")
    with pytest.raises(SystemExit):
        importlib.import_module(f"benchmarks.{script}").main(["--data", str(tmp_path / "missing"), *options])
    assert capsys.readouterr().err.splitlines()[-1].startswith(
        f"python -m benchmarks.{script}: error: --data: {tmp_path / 'missing'}")
