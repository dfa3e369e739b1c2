"""Damage a file in many ways and see that a reader answers each with InputError or with arrays, in bounded memory."""
import random
import struct
import tracemalloc

import pytest

from tinynet.errors import InputError

HUGE = [b"../", b"\xff", b"\x7f", b"\0", struct.pack("<I", 2**31 - 1), struct.pack("<I", 2**32 - 1), struct.pack("<Q", 2**40),
        struct.pack("<Q", 2**63 - 1), struct.pack(">I", 2**31 - 1), b"\xff" * 8, b"999999999", b"\x80" * 9 + b"\x01",
        b"\xff\xff\xff\xff\x0f"]


def mutations(data, seed, rounds):
    """Yield damaged copies: bits flipped, bytes changed, huge numbers put in, parts cut, doubled, moved, grown."""
    rng = random.Random(seed)
    for _ in range(rounds):
        damaged = bytearray(data)
        for _ in range(rng.choice((1, 1, 1, 2, 5, 30))):
            size = max(len(damaged), 1)
            # half of the damage goes to the first and last kilobyte, where headers and tables of contents are
            at = rng.choice((rng.randrange(size), rng.randrange(min(size, 1000)), size - 1 - rng.randrange(min(size, 1000)),
                             rng.randrange(size)))
            length = rng.choice((1, 2, 4, 8, 50, rng.randrange(size) + 1))
            kind = rng.randrange(8)
            if kind < 2:
                damaged[at:at + 1] = bytes([(damaged[at] if at < len(damaged) else 0) ^ 1 << rng.randrange(8)])
            elif kind == 2:
                damaged[at:at + 1] = bytes([rng.randrange(256)])
            elif kind == 3:
                number = rng.choice(HUGE)
                damaged[at:at + len(number)] = number
            elif kind == 4:
                del damaged[at:at + length]
            elif kind == 5:
                damaged[at:at] = damaged[at:at + length][:100_000]
            elif kind == 6:
                to = rng.randrange(size)
                damaged[to:to + length] = damaged[at:at + length]
            else:
                damaged[at:at] = rng.randbytes(min(length, 1000))
        yield bytes(damaged)


def assert_only_input_error(read, tmp_path, data, rounds, seed=0, name="damaged", limit=None):
    """Assert that `read` gives a result or an InputError for each damaged copy of `data`, within `limit` bytes.

    Returns how many copies were read, how many were refused, and the largest peak of memory.
    """
    path = tmp_path / name
    n_read = n_refused = largest = 0
    tracemalloc.start()
    try:
        for number, damaged in enumerate(mutations(data, seed, rounds)):
            path.write_bytes(damaged)
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            try:
                read(path)
                n_read += 1
            except InputError as error:
                assert str(error).isprintable() and len(str(error)) < 900 + len(str(path)), str(error)
                n_refused += 1
            except BaseException as error:
                pytest.fail(f"round {number} of seed {seed}: {type(error).__name__}: {error}")
            peak = tracemalloc.get_traced_memory()[1] - before
            largest = max(largest, peak)
            allowed = limit or 4 * len(damaged) + 2**26
            assert peak <= allowed, f"round {number} of seed {seed}: {peak:,} bytes for a file of {len(damaged):,}"
    finally:
        tracemalloc.stop()
    return n_read, n_refused, largest
