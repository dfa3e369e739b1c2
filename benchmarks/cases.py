"""What is measured, and against whom."""
from dataclasses import dataclass

from .inputs import CODES, CONVOLUTIONS, LOSS, NETWORKS, NORM, PARTIAL_GFLOP, POOL, TAPE, TRUNK_GFLOP
from .machine import GATE, Setting

BOTH_LAYOUTS = ("pytorch", "pytorch channels_last")
LIBRARIES = (*BOTH_LAYOUTS, "dezero", "chainer", "ndf", "cs231n")


@dataclass(frozen=True)
class Case:
    """One thing that every library is asked to do.

    Attributes
    ----------
    case, op : str
        The group it belongs to (what ``--only`` names) and what is done.
    batch : int
        Images, or rows, in one go.
    peers : tuple of str
        Who else does it, names of `peers.PEERS`.
    gflop : float
        10⁹ floating-point operations of its matrix products, 0 if they are not what counts.
    same : bool
        Whether the results must be equal; False for another algorithm that solves the same task.
    rounds : int
        How often each takes its turn, 0 for the run's usual number.
    fresh : bool
        Each turn in a new process, its first run measured with the memory it needs; otherwise after a warm-up.
    of : {"seconds", "memory"}
        What the ratio is of.
    settings : tuple of Setting
        Measured in these settings only; in all if empty.
    quick : bool
        Whether a quick run has it.
    """

    case: str
    op: str
    batch: int
    peers: tuple
    gflop: float = 0.0
    same: bool = True
    rounds: int = 0
    fresh: bool = False
    of: str = "seconds"
    settings: tuple = ()
    quick: bool = False

    def items(self, peer):
        """Return how many images or rows a library works through, which times are divided by for the ratio."""
        return int(peer.split()[1]) if peer.endswith(" images") else self.batch


def _both_ways(op, batch, peers, quick=False):
    """An operation forward, and forward and backward."""
    return [Case("ops", f"{op}, {way}", batch, peers, quick=quick) for way in ("forward", "forward and backward")]


CASES = [
    Case("roofline", "product of 1024 x 1024 matrices", 1024, ("pytorch",), gflop=2 * 1.024 ** 3, quick=True),
    *(Case("trunk", "forward", n, LIBRARIES, gflop=n * TRUNK_GFLOP, quick=n == 16) for n in (1, 16, 32)),
    Case("trunk", "forward, peak extra memory", 32, BOTH_LAYOUTS, rounds=3, fresh=True, of="memory",
         settings=(GATE, Setting("as user", 1)), quick=True),
    *(Case("network", f"{name}, {what}", 16, BOTH_LAYOUTS, rounds=3, settings=where) for name in NETWORKS for what, where in
      (("forward", (GATE, Setting("as user", 2))), ("as built", (GATE,)), ("codes and head", (GATE,)))),
    Case("finetune", "step", 16, BOTH_LAYOUTS, gflop=16 * 3 * TRUNK_GFLOP, quick=True),
    Case("partial", "step", 32, BOTH_LAYOUTS, gflop=32 * 3 * PARTIAL_GFLOP, quick=True),
    *(Case("head", way, CODES[0], ("pytorch", "pytorch dataloader"), quick=True) for way in ("epoch, own loop", "epoch, fit")),
    Case("head", "epoch, own loop, against a whole fit", CODES[0], ("scikit-learn",), same=False, quick=True),
    *(case for op in CONVOLUTIONS for case in _both_ways(op, 8, BOTH_LAYOUTS)),
    *_both_ways(POOL, 8, BOTH_LAYOUTS),
    *_both_ways(NORM, 8, BOTH_LAYOUTS),
    *_both_ways(LOSS, 128, ("pytorch",)),
    *_both_ways(TAPE, 8, ("pytorch",), quick=True),
    Case("job", "photos to a trained head", 120, ("pytorch",), same=False, rounds=1, fresh=True,
         settings=(GATE, Setting("as user", 2))),
    *(Case("scaling", op, n, ("tinynet, 100 images",), same=False, rounds=3, fresh=True, settings=(Setting("as user", 1),))
      for op in ("activations", "epoch from the cache") for n in (1000, 3000)),
    Case("scaling", "main job", 3000, ("tinynet, 100 images",), same=False, rounds=1, fresh=True, settings=(Setting("as user", 1),)),
    Case("scaling", "trunk forward, two workers", 32, ("tinynet, 1 worker",),
         settings=(Setting("set", 2), Setting("as user", 2))),
]
