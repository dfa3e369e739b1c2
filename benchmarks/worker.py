"""One library's process: it takes orders on stdin and answers on stdout, each a line of JSON.

Orders are {"case": position in CASES}, {"run": times} and {"save": file}; the last saves the results of the last run.
"""
import importlib
import json
import os
import sys
import time
import traceback
from contextlib import suppress
from importlib import metadata

import numpy as np

from . import machine, peers
from .cases import CASES


def main(peer, threads):
    """Serve one library until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)                   # what a library prints does not mix with the answers
    machine.pin(threads)
    for answer in serve(peer, sys.stdin):
        print(json.dumps(answer), file=answers, flush=True)


def serve(peer, orders):
    """Yield the answers: first one that tells whether the library is there, then one per order."""
    module, distribution = peers.PEERS[peer]
    try:
        importlib.import_module(f"{peers.__name__}.{module}")
        yield {"version": f"{distribution} {metadata.version(distribution)}" if distribution else ""}
    except Exception as error:      # not installed, or too old for this Python or NumPy: it can raise anything
        yield {"problem": f"not installed: {type(error).__name__}: {error}".splitlines()[0]}
        return
    run = results = None
    for order in map(json.loads, orders):
        try:
            if "case" in order:
                run, answer = peers.prepare(peer, CASES[order["case"]]), {}
            elif "run" in order:
                results, answer = timed(run, order["run"])
            else:
                np.savez(order["save"], *map(peers.as_numpy, results))
                answer = {}
        except Exception as error:
            traceback.print_exc()
            answer = {"problem": f"failed: {type(error).__name__}: {error}".splitlines()[0]}
        yield answer


def timed(run, times):
    """Run so many times; return the last results and {"seconds", "cpu", "extra_mb", "peak_mb"}, the first two of one run."""
    machine.forget_peak()
    before, _ = machine.memory_mb()
    cpu, start = time.process_time(), time.perf_counter()
    for _ in range(times):
        results = run()
    seconds, cpu = (time.perf_counter() - start) / times, (time.process_time() - cpu) / times
    _, peak = machine.memory_mb()
    return results, {"seconds": seconds, "cpu": cpu, "extra_mb": peak - before, "peak_mb": peak}


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):       # Ctrl-C reaches every process; the one that gives the orders reports it
        main(sys.argv[1], int(sys.argv[2]))
