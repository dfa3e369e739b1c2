"""Running networks on what the machine has: threads, and batches cut into parts."""
from .executors import executor_map
from .parallel import gradients, micro_batches, run
from .threads import default_workers, one_blas_thread, ordered_map, usable_cores

__all__ = ["default_workers", "executor_map", "gradients", "micro_batches", "one_blas_thread", "ordered_map", "run",
           "usable_cores"]
