"""Damaged files for the readers: bits flipped, parts cut out, doubled and overwritten, lengths made huge.

``python -m tests.weights.mutate 20000`` tries so many on every reader and says what came of them.
"""
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np

from tinynet.errors import InputError

HUGE = [b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\xff" * 9 + b"\1", b"\x80" * 9 + b"\1", b"\xff\xff\xff\xff\x0f", b"\0\0\0\0", b"../"]
MEGABYTE = 2 ** 20


def mutated(data, rng):
    """Return a file with one to four faults; most lie where it is structure and not numbers, in its first and last bytes."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        n = len(data)
        span = int(rng.choice([n, min(n, 64), min(n, 2000)]))
        at = int(rng.integers(max(span, 1))) if rng.random() < 0.7 else n - 1 - int(rng.integers(max(span, 1)))
        at, size = max(at, 0), int(rng.integers(1, 20))
        match rng.integers(6):
            case 0:
                data[at:at + 1] = bytes([(data[at:at + 1] or b"\0")[0] ^ 1 << int(rng.integers(8))])
            case 1:
                data[at:at + 1] = bytes([int(rng.integers(256))])
            case 2:
                del data[at:at + size]
            case 3:
                data[at:at] = data[at:at + size]
            case 4:
                huge = HUGE[rng.integers(len(HUGE))]
                data[at:at + len(huge)] = huge
            case _:
                del data[at if rng.random() < 0.1 else n - size:]
    return bytes(data)


def attack(read, name, data, rounds, seed=0, target=None):
    """Read so many damaged copies of a file in its own folder; anything but a result or an InputError is raised.

    Returns the number that were refused, the longest time in seconds, and the most memory in bytes above four files' size.
    """
    rng, refused, slowest, largest = np.random.default_rng(seed), 0, 0.0, 0
    path = Path(name)
    tracemalloc.start()
    for _ in range(rounds):
        path.write_bytes(mutated(data, rng))
        tracemalloc.reset_peak()
        start = time.perf_counter()
        try:
            read(target or path)
        except InputError as error:
            refused += 1
            assert "\n" not in str(error) and str(error).isprintable() and len(str(error)) < 900, str(error)
        slowest = max(slowest, time.perf_counter() - start)
        largest = max(largest, tracemalloc.get_traced_memory()[1] - 4 * len(data))
    tracemalloc.stop()
    return refused, slowest, largest


def main(rounds):
    """Attack every reader with small files made by the tests' own writers."""
    from tests.weights import samples
    from tinynet.weights import caffe, onnx, tensorflow, tflite
    with tempfile.TemporaryDirectory() as folder:
        for reader, name, data in samples.files(Path(folder)):
            module = {"onnx": onnx, "tflite": tflite, "caffe": caffe, "tensorflow": tensorflow}[reader]
            refused, slowest, largest = attack(module.read, Path(folder) / name, data, rounds)
            (Path(folder) / name).write_bytes(data)
            print(f"{reader:<11}{name:<32}{len(data):>8,} bytes: {refused:,} of {rounds:,} refused, "
                  f"slowest {slowest:.2f} s, {largest / MEGABYTE:.1f} MB over four times the file")


if __name__ == "__main__":
    main(int(sys.argv[1]))
