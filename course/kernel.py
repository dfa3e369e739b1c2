"""Running cells in a fresh kernel of this Python, as Jupyter's "Restart and run all" does."""
import asyncio
import os
import sys
import tempfile
import threading

from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook

PATIENCE = 5                    # seconds after which a cell that still runs is named
OURS = ("MPLBACKEND", "PYTHONOPTIMIZE")         # would keep figures out of a notebook, and asserts out of Python


def client(notebook, folder, **options):
    """Return a client that runs a notebook in a folder, with this Python's own kernel whatever is installed."""
    kernels = KernelSpecManager(kernel_dirs=[])
    return NotebookClient(notebook, km=AsyncKernelManager(kernel_spec_manager=kernels), kernel_name="python3",
                          resources={"metadata": {"path": str(folder)}}, extra_arguments=["--log-level=CRITICAL"],
                          **options)


class _Loop(asyncio.SelectorEventLoop):
    """Leaves Ctrl-C to Python. nbclient would take it, and then report a kernel that died."""

    def add_signal_handler(self, *arguments):
        raise NotImplementedError


def run(client):
    """Run a client's notebook in the user's environment, without what changes what a notebook shows or checks.

    What the kernel itself says on stderr, past Jupyter, is told only where it dies: some end with a complaint of libzmq
    after all is done.

    Raises
    ------
    KeyboardInterrupt
        At Ctrl-C, once the kernel has ended.
    CellExecutionError, CellTimeoutError, DeadKernelError
        As nbclient does.
    """
    environment = {name: value for name, value in os.environ.items() if name not in OURS}

    async def execute():
        task = asyncio.ensure_future(client.async_execute(env=environment, stderr=said, cleanup_kc=True))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait([task])
            task.exception()
            raise

    with tempfile.TemporaryFile() as said, asyncio.Runner(loop_factory=_Loop) as runner:
        try:
            runner.run(execute())
        except RuntimeError:                    # it never answered, or died in a cell (DeadKernelError)
            said.seek(0)
            if words := said.read().decode(errors="replace").strip():
                print(f"\n{words}", file=sys.stderr)
            raise


def errors(sources, folder, seconds, say):
    """Run cells from the top, those after a failed one too.

    Parameters
    ----------
    sources : list of str
    folder : Path
    seconds : float
        The time of one cell.
    say : callable
        Gets a line about a cell that takes long.

    Returns
    -------
    errors : list of str
        One for each cell: why it failed, or empty.
    """
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    watch, reached = _Watch(seconds, say), -1

    def start(cell, cell_index):
        nonlocal reached
        reached = cell_index
        watch.start(cell_index, cell.source)

    runs = client(notebook, folder, timeout=seconds, interrupt_on_timeout=True, allow_errors=True, on_cell_start=start,
                  on_cell_executed=lambda **cell: watch.stop(), shutdown_kernel="immediate")
    try:
        run(runs)
        reached = len(sources)
    except DeadKernelError:
        pass
    finally:
        watch.stop()
    dead = f"cell [{reached + 1}] or one above it ended Python itself (exit, a crash, or no memory)"
    return [_error(cell, seconds) if place < reached else dead for place, cell in enumerate(notebook.cells)]


def _error(cell, seconds):
    """Return why a cell failed, or an empty text."""
    for output in cell.outputs:
        if output.output_type == "error":
            if output.ename == "NotImplementedError":
                return "not answered yet"
            if output.ename == "KeyboardInterrupt":
                return f"ran longer than {seconds:g} s"
            return f"{output.ename}: {output.evalue}".strip()
    return ""


class _Watch:
    """Says which cell is running when it takes long."""

    def __init__(self, seconds, say):
        self.seconds, self.say, self.timer = seconds, say, None

    def start(self, place, source):
        first = next((line.strip() for line in source.splitlines() if line.strip()), "")
        line = (f"cell [{place + 1}], which begins {first[:60]!r}, is still running; it is stopped after "
                f"{self.seconds:g} s (Ctrl-C ends the check)")
        self.stop()
        self.timer = threading.Timer(PATIENCE, self.say, [line])
        self.timer.daemon = True
        self.timer.start()

    def stop(self):
        if self.timer:
            self.timer.cancel()
