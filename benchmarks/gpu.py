"""tinynet on CuPy against PyTorch on CUDA: ``python -m benchmarks.gpu networks`` or ``cases``. `gpu.sh` runs all there is.

Both run in this process, turn by turn, timed by CUDA events after a warm-up. TensorFloat-32, which halves the digits
of a product's factors for speed, is off for both, or with ``--tf32`` on for both. Both keep freed memory in a pool, which
is emptied before each case. What does not fit, or fails, costs its own row alone.
"""
import argparse
import datetime
import functools
import gc
import os
import platform
import sys

from . import peers
from .cases import CASES, Case
from .inputs import published_networks
from .measure import TOLERANCE, difference, interleave, ratios

OURS, THEIRS = NAMES = "tinynet cuda", "pytorch cuda"
BATCHES = 16, 64, 256
WARM_UPS, ROUNDS = 3, 15
PATIENCE = 1500                     # milliseconds a case is measured for: what is slow gets fewer rounds, 3 at least
TF32_TOLERANCE = 1e-2               # TensorFloat-32 keeps three decimal digits of each factor
GROUPS = {
    "networks": [Case("network", name, n, NAMES) for name in published_networks() for n in BATCHES],
    "cases": [*(Case(case, op, n, NAMES) for case, op in (("trunk", "forward"), ("finetune", "step"), ("partial", "step")) for n in BATCHES),
              *(Case("ops", case.op, case.batch, NAMES) for case in CASES if case.case == "ops")],
}
HEADER = ("| case | batch | tinynet ms | PyTorch ms | ratio (min-max) | tinynet MB | PyTorch MB | results differ by |\n"
          "|---|---|---|---|---|---|---|---|")


def main(argv=None):
    """Print a group's table, or end with why nothing can be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description="tinynet on CuPy against PyTorch on CUDA.")
    parser.add_argument("group", choices=GROUPS, help="whole networks of the zoo, or the trunk, training steps and single operations")
    parser.add_argument("--tf32", action="store_true", help="let both use TensorFloat-32")
    arguments = parser.parse_args(argv)
    start(arguments.tf32)
    print(HEADER, flush=True)
    for case in GROUPS[arguments.group]:
        print(row(case, TF32_TOLERANCE if arguments.tf32 else TOLERANCE), flush=True)


def start(tf32=False):
    """Print the day, the card and the versions; set TensorFloat-32 for both libraries.

    Raises
    ------
    SystemExit
        If there is no GPU that both can use, with one line that says why.
    """
    os.environ["CUPY_TF32"] = str(int(tf32))                        # read when CuPy first computes
    from tinynet import backend
    try:
        import torch
    except ImportError:
        sys.exit("nothing was measured: PyTorch is not installed")
    problem = backend.gpu_problem() or (None if torch.cuda.is_available() else "PyTorch was built without CUDA or finds no GPU")
    if problem:
        sys.exit(f"nothing was measured: {problem}")
    import cupy
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    print(f"{datetime.date.today()}, {backend.gpu_name()}, CUDA {cupy.cuda.runtime.runtimeGetVersion()}, CuPy {cupy.__version__}, "
          f"PyTorch {torch.__version__}, Python {platform.python_version()}, TF32 {'on' if tf32 else 'off'}\n")


def row(case, tolerance):
    """Measure a case and return its line of the table; one that fails says how."""
    empty_pools()
    try:
        return measured(case, tolerance)
    except Exception as error:                                      # no memory, an operation that CuPy lacks: the rest goes on
        words = f"{type(error).__name__}: {error}".replace("|", "/").split()
        return f"| {case.case}, {case.op} | {case.batch} | - | - | {' '.join(words)[:100]} | | | |"


def measured(case, tolerance):
    """Return a case's line of the table."""
    runs = {name: peers.prepare(name, case) for name in NAMES}
    first = [[peers.as_numpy(array) for array in runs[name]()] for name in NAMES]
    error = difference(*first)
    warm = {name: [milliseconds(run, name) for _ in range(WARM_UPS)][-1] for name, run in runs.items()}
    rounds = max(3, min(ROUNDS, int(PATIENCE / sum(warm.values()))))
    times = interleave({name: lambda name=name, run=run: milliseconds(run, name) for name, run in runs.items()}, rounds)
    ours, theirs = (sorted(times[name])[rounds // 2] for name in NAMES)
    found = ratios(*(times[name] for name in NAMES))
    return (f"| {case.case}, {case.op} | {case.batch} | {ours:.2f} | {theirs:.2f} | {found['ratio']:.2f} "
            f"({found['min']:.2f}-{found['max']:.2f}) | {' | '.join(f'{mb:.0f}' for mb in pools_mb())} "
            f"| {error:.0e}{'' if error <= tolerance else ' (too much)'} |")


def turns(now, new):
    """Return the last columns of a table: of what stands and of a candidate, functions that return arrays, run by turns."""
    error = difference([peers.as_numpy(array) for array in new()], [peers.as_numpy(array) for array in now()])
    if not error <= 1e-4:
        return f"- | - | wrong | {error:.0e}"
    runs = {name: functools.partial(milliseconds, run, OURS) for name, run in (("now", now), ("new", new))}
    interleave(runs, WARM_UPS)
    times = interleave(runs, ROUNDS)
    found = ratios(times["new"], times["now"])
    a, b = (sorted(times[name])[ROUNDS // 2] for name in ("now", "new"))
    return f"{a:.3f} | {b:.3f} | {found['ratio']:.2f} ({found['min']:.2f}-{found['max']:.2f}) | {error:.0e}"


def milliseconds(run, name):
    """Return the time between two events in the library's stream."""
    if name == OURS:
        import cupy
        start, end = cupy.cuda.Event(), cupy.cuda.Event()
        start.record()
        run()
        end.record()
        end.synchronize()
        return cupy.cuda.get_elapsed_time(start, end)
    import torch
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    run()
    end.record()
    end.synchronize()
    return start.elapsed_time(end)


def empty_pools():
    """Give back the memory that both libraries keep and no array uses."""
    import cupy
    import torch
    gc.collect()
    cupy.get_default_memory_pool().free_all_blocks()
    torch.cuda.empty_cache()


def pools_mb():
    """Return how much memory tinynet and PyTorch have taken from the card since `empty_pools`, in MB."""
    import cupy
    import torch
    return cupy.get_default_memory_pool().total_bytes() / 1e6, torch.cuda.memory_reserved() / 1e6


if __name__ == "__main__":
    main()
