"""A few rounds of tests/transfer/kills.py, which does hundreds."""
import sys

import pytest

from tests.transfer import kills


@pytest.mark.skipif(sys.platform != "linux", reason="starts and kills processes as Linux does")
@pytest.mark.parametrize("kinds", [("worker", "worker", "client"), ("dask worker",)], ids=" ".join)
def test_no_row_is_lost_or_wrong(kinds, tmp_path):
    if "dask worker" in kinds:
        pytest.importorskip("distributed")
    done = list(kills.rounds(kinds, len(kinds), seed=5, folder=tmp_path))
    assert [kind for kind, *_ in done] == list(kinds)
    assert all(ended in ("went on", "stopped in one line", "client killed", kills.TOO_LATE) for _, ended, _ in done)
