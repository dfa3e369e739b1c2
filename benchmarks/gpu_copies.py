"""A candidate for the GPU beside what stands: images are sent there while those before them are computed.

Run by `gpu_candidates`. tinynet sends a batch from ordinary memory, and CUDA copies that through a buffer of its own while
the program waits. From *page-locked* memory the card fetches it by itself, so that the copy can go on in another stream,
beside the kernels. It must first give what stands gives; then both take turns. Not in the library: a measurement
decides. Loading is not measured: where reading photos is slower than the network, neither matters.
"""
from tinynet.backend import to_device
from tinynet.compute import parallel
from tinynet.models import squeezenet1_1

from . import gpu, inputs

N_BATCHES = 6
SIZES = 16, 64, 256


def page_locked(x):
    """Return a copy of an array in memory that the card can read by itself."""
    import cupyx
    copy = cupyx.empty_pinned(x.shape, x.dtype)
    copy[...] = x
    return copy


def ahead(batches):
    """Yield page-locked batches of one shape on the GPU; while one is used, the next is on its way into the other buffer.

    Work that uses a batch must be in the current stream, and launched before the next one is asked for.
    """
    import cupy
    copies, here = cupy.cuda.Stream(non_blocking=True), cupy.cuda.get_current_stream()
    buffers = [cupy.empty(batches[0].shape, batches[0].dtype) for _ in range(2)]
    copies.wait_event(here.record())                        # the buffers' memory may have been somebody else's

    def send(k):
        buffers[k % 2].set(batches[k], stream=copies)       # returns at once
        return copies.record()

    arrived = send(0)
    for k in range(len(batches)):
        here.wait_event(arrived)
        if k + 1 < len(batches):
            arrived = send(k + 1)
        yield buffers[k % 2]
        copies.wait_event(here.record())                    # this buffer is free again once what was launched has ended


def pairs(n, net):
    """Return {what: (what stands, the candidate)} for batches of n images, functions that return the network's last answer."""
    images = inputs.images(n)
    batches = [images + k for k in range(N_BATCHES)]
    locked = [page_locked(x) for x in batches]

    def sent(batches):
        return (to_device(x, "gpu") for x in batches)

    def last(batches):
        return lambda: [list(sent(batches))[-1]]

    def computed(arriving, batches):
        return lambda: [[parallel.run(net, x) for x in arriving(batches)][-1]]

    return {
        "copies alone": (last(batches), last(locked)),
        "trunk, page-locked": (computed(sent, batches), computed(sent, locked)),
        "trunk, page-locked, copied meanwhile": (computed(sent, batches), computed(ahead, locked)),
    }


def table():
    """Print what was measured."""
    print(f"| {N_BATCHES} batches to the GPU | of | batch | now ms | candidate ms | candidate / now (min-max) | results differ by |\n"
          "|---|---|---|---|---|---|---|", flush=True)
    net = squeezenet1_1()[:"drop9"].eval().to("gpu")
    for n in SIZES:
        gpu.empty_pools()
        for what, (now, new) in pairs(n, net).items():
            print(f"| {what} | {inputs.images(n).nbytes / 1e6:.0f} MB each | {n} | {gpu.turns(now, new)} |", flush=True)
