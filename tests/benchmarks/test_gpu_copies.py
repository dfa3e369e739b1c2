"""Copies that overtake nothing: the candidate's streams and events, played through in both extreme orders."""
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import gpu_copies


class Stream:
    """A queue of work that the host only fills; events are places in a queue."""

    def __init__(self, non_blocking=True):
        self.queue = []

    def record(self):
        event = SimpleNamespace(reached=False)
        self.queue.append(lambda: setattr(event, "reached", True) or True)
        return event

    def wait_event(self, event):
        self.queue.append(lambda: event.reached)

    def launch(self, work):
        self.queue.append(lambda: work() or True)


class Buffer(np.ndarray):
    def set(self, x, stream):
        stream.launch(lambda: np.copyto(self, x))


def play(*streams):
    """Do all work, always in the first stream that does not wait."""
    while any(stream.queue for stream in streams):
        stream = next(stream for stream in streams if stream.queue and stream.queue[0]())
        stream.queue.pop(0)


@pytest.mark.parametrize("first", ["copies", "kernels"])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_every_batch_is_there_when_it_is_used_and_until_then(n, first, monkeypatch):
    here, made, seen = Stream(), [], []
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(
        empty=lambda shape, dtype: np.zeros(shape, dtype).view(Buffer),
        cuda=SimpleNamespace(Stream=lambda **options: made.append(Stream(**options)) or made[-1], get_current_stream=lambda: here)))
    batches = [np.full(3, k + 1.0) for k in range(n)]
    for x in gpu_copies.ahead(batches):
        here.launch(lambda x=x: seen.append(x.copy()))
    play(*([*made, here] if first == "copies" else [here, *made]))
    np.testing.assert_array_equal(seen, batches)
