"""The cases of the CPU on a GPU: tinynet on CuPy against PyTorch on CUDA. ``python -m benchmarks.gpu > benchmarks/gpu.md``.

Both run in this process, turn by turn, timed by CUDA events after a warm-up. TensorFloat-32, which halves the digits
of a product's factors for speed, is off for both, or with ``--tf32`` on for both.
"""
import argparse
import datetime
import os
import platform
import sys

from . import peers
from .cases import CASES as ALL_CASES
from .measure import TOLERANCE, difference, interleave, ratios

ROUNDS, WARM_UPS = 15, 3
TF32_TOLERANCE = 1e-2               # TensorFloat-32 keeps three decimal digits of each factor
CASES = [case for case in ALL_CASES if case.case in ("trunk", "finetune", "partial", "ops") and case.of == "seconds"]


def main(argv=None):
    """Print the table, or say that there is no GPU."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description="tinynet on CuPy against PyTorch on CUDA.")
    parser.add_argument("--tf32", action="store_true", help="let both use TensorFloat-32")
    arguments = parser.parse_args(argv)
    os.environ["CUPY_TF32"] = str(int(arguments.tf32))              # read when CuPy first computes
    problem = _problem()
    if problem:
        print(f"nothing was measured: {problem}", file=sys.stderr)
        return
    import cupy
    import torch

    from tinynet import backend
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = arguments.tf32
    print(f"{datetime.date.today()}, {backend.gpu_name()}, CUDA {cupy.cuda.runtime.runtimeGetVersion()}, CuPy {cupy.__version__}, "
          f"PyTorch {torch.__version__}, Python {platform.python_version()}, TF32 {'on' if arguments.tf32 else 'off'}\n")
    print("| case | batch | tinynet ms | PyTorch ms | ratio (min-max) | results differ by |\n|---|---|---|---|---|---|")
    for case in CASES:
        _measure(case, TF32_TOLERANCE if arguments.tf32 else TOLERANCE)


def _problem():
    """Return why nothing can be measured, None if it can."""
    from tinynet import backend
    try:
        import torch
    except ImportError:
        return "PyTorch is not installed"
    return backend.gpu_problem() or (None if torch.cuda.is_available() else "PyTorch was built without CUDA or finds no GPU")


def _measure(case, tolerance):
    """Print a case's row."""
    names = ("tinynet cuda", "pytorch cuda")
    runs = {name: peers.prepare(name, case) for name in names}
    first = [[peers.as_numpy(array) for array in runs[name]()] for name in names]
    error = difference(*first)
    for run in runs.values():
        for _ in range(WARM_UPS):
            run()
    times = interleave({name: lambda name=name, run=run: _milliseconds(run, name) for name, run in runs.items()}, ROUNDS)
    ours, theirs = (sorted(times[name])[ROUNDS // 2] for name in names)
    found = ratios(*(times[name] for name in names))
    print(f"| {case.case}, {case.op} | {case.batch} | {ours:.2f} | {theirs:.2f} | {found['ratio']:.2f} "
          f"({found['min']:.2f}-{found['max']:.2f}) | {error:.0e}{'' if error <= tolerance else ' (too much)'} |")


def _milliseconds(run, name):
    """Return the time between two events in the library's stream."""
    if name.startswith("tinynet"):
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


if __name__ == "__main__":
    main()
