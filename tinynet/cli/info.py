"""``tinynet info``: what this machine brings."""
import platform

import numpy as np
import threadpoolctl

from .. import __version__, backend
from ..compute import default_workers


def add(commands):
    """Add the command to the parser's commands."""
    parser = commands.add_parser("info", help="versions, BLAS, threads and GPU")
    parser.set_defaults(run=run)


def run(arguments):
    """Print a table."""
    problem = backend.gpu_problem()
    rows = {
        "tinynet": __version__,
        "Python": platform.python_version(),
        "system": platform.platform(),
        "NumPy": np.__version__,
        "BLAS": "; ".join(_describe(library) for library in threadpoolctl.threadpool_info()
                          if library["user_api"] == "blas") or "not recognised",
        "workers": f"{default_workers()} (set TINYNET_WORKERS to change)",
        "GPU": f"none: {problem}" if problem else backend.gpu_name(),
    }
    for name, value in rows.items():
        print(f"{name:8} {value}")


def _describe(blas):
    return f"{blas['internal_api']} {blas['version']} ({blas.get('architecture', 'any')}, {blas['num_threads']} threads)"
