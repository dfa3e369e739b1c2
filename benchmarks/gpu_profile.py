"""Where the time goes in what is slowest: ``python -m benchmarks.gpu_profile TABLE.md``, of a table that `gpu` printed.

The card's side is told by PyTorch's profiler, which sees the kernels of every library in the process; the host's by
cProfile. If the card is busy for a small part of the time, the launching of kernels from Python is what takes it.
"""
import cProfile
import json
import pstats
import re
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from . import gpu, peers
from .cases import Case

BATCH, SLOWEST, REPEATS, LINES = 64, 3, 5, 12
ROW = re.compile(rf"\| (?P<case>network|trunk|finetune|partial), (?P<op>[^|]+) \| {BATCH} \| [^|]+ \| [^|]+ \| (?P<ratio>[\d.]+) \(")
ON_CARD = ("kernel", "gpu_memcpy", "gpu_memset")


def slowest(table):
    """Return the cases with the largest ratios in a table, the worst first: networks and steps of `BATCH` images."""
    rows = sorted(ROW.finditer(table), key=lambda row: -float(row["ratio"]))
    return [Case(row["case"], row["op"], BATCH, gpu.NAMES) for row in rows[:SLOWEST]]


def kernels(trace):
    """Return {name: (times, microseconds)} of what ran on the card, the longest first, from a trace as Chrome shows them."""
    seen = defaultdict(lambda: (0, 0.0))
    for event in trace["traceEvents"]:
        if event.get("cat") in ON_CARD:
            times, spent = seen[event["name"]]
            seen[event["name"]] = times + 1, spent + event["dur"]
    return dict(sorted(seen.items(), key=lambda item: -item[1][1]))


def card(run):
    """Return the trace of `REPEATS` runs, and how many milliseconds they took."""
    import cupy
    import torch
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trace.json"
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profiler:
            cupy.cuda.Device().synchronize()
            start = time.perf_counter()
            for _ in range(REPEATS):
                run()
            cupy.cuda.Device().synchronize()
            taken = 1e3 * (time.perf_counter() - start)
        profiler.export_chrome_trace(str(file))
        return json.loads(file.read_text(encoding="utf-8")), taken


def host(run):
    """Print which functions of Python the host spends its time in."""
    with cProfile.Profile() as profile:
        for _ in range(REPEATS):
            run()
    pstats.Stats(profile, stream=sys.stdout).strip_dirs().sort_stats("tottime").print_stats(2 * LINES)


def report(title, trace, taken):
    """Print a case's launches, how busy the card was, and its longest kernels."""
    seen = kernels(trace)
    launches, busy = sum(times for times, _ in seen.values()), sum(spent for _, spent in seen.values()) / 1e3
    print(f"{title}: {taken / REPEATS:.2f} ms, {launches / REPEATS:.0f} launches, the card busy for {busy / taken:.0%} of the time")
    for name, (times, spent) in list(seen.items())[:LINES]:
        print(f"{spent / 1e3 / REPEATS:10.3f} ms {times / REPEATS:6.0f} x  {name[:90]}")


def main(argv=None):
    """Profile the slowest cases of a table, or end with why that cannot be."""
    (file,) = sys.argv[1:] if argv is None else argv
    gpu.start()
    cases = slowest(Path(file).read_text(encoding="utf-8"))
    if not cases:
        sys.exit(f"nothing was profiled: {file} has no row of a network or step with {BATCH} images")
    for case in cases:
        gpu.empty_pools()
        run = peers.prepare(gpu.OURS, case)
        for _ in range(gpu.WARM_UPS):
            run()
        report(f"{case.case}, {case.op}, batch {BATCH}", *card(run))
        host(run)


if __name__ == "__main__":
    main()
