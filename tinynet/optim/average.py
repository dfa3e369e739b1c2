"""The average of the weights along a training run. Taught in lesson 13.

Sources: B. Polyak, A. Juditsky, "Acceleration of stochastic approximation by averaging", 1992; the correction of the first
steps is that of D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", 2015, section 3.
"""
from contextlib import contextmanager

from .. import backend
from ..errors import InputError


class EMA:
    """a <- decay a + (1 - decay) w after each step: an exponential moving average of a network's weights w.

    An average that began at 0, or at random first weights, would be drawn to them for some 1 / (1 - decay) steps. So it is
    divided by the sum of its coefficients, 1 - decayᵗ after t updates. That is the same as

        a <- a + (1 - decay) / (1 - decayᵗ) (w - a),

    with a = w after the first update: a mean, with weights that fall with age, of what the network was after each step, and
    of nothing else. For decay near 1 it is the plain mean of all steps, Polyak's own.

    Buffers of real numbers, such as the running statistics of a batch norm, are averaged alike: those of the last step belong
    to the weights of the last step. Others are taken as they are. What never changes is its own average, so frozen layers
    need no care.

    Parameters
    ----------
    net : Module
        Whose parameters and buffers are averaged.
    decay : float
        How much of the average is kept at each update, in [0, 1): it reaches back about 1 / (1 - decay) steps. 0 is no
        average.

    Attributes
    ----------
    updates : int
        How many there were.
    average : dict of str to ndarray
        The average, by the names of ``net.state_dict()``; empty before the first update.

    Raises
    ------
    InputError
        If decay is not a number in [0, 1).

    Examples
    --------
    Update after each step, and measure with the average in place of the weights::

        ema = EMA(net, decay=0.99)
        ...
        optimizer.step()
        ema.update()
        ...
        with ema.averaged():
            evaluate(net, x, labels)
    """

    def __init__(self, net, decay=0.99):
        if isinstance(decay, bool) or not isinstance(decay, (int, float)) or not 0 <= decay < 1:
            raise InputError(f"EMA: decay is {decay!r}; it must be a number from 0 up and below 1, such as 0.99")
        self.net, self.decay = net, decay
        self.updates, self.average = 0, {}
        self._inside = False

    def update(self):
        """Take the present weights into the average.

        Raises
        ------
        InputError
            If the average is in their place, or the network has other arrays than before.
        """
        if self._inside:
            raise InputError("EMA: update() inside averaged() would average the average; call it after the block")
        live, device = self.net.state_dict(), self.net.device
        self._check(live)
        self.updates += 1
        share = (1 - self.decay) / (1 - self.decay ** self.updates)         # 1 at first, then falling to 1 - decay
        for name, w in live.items():
            if self.updates == 1 or w.dtype.kind != "f":
                self.average[name] = w.copy()
            else:
                a = self.average[name] = backend.to_device(self.average[name], device)
                a += share * (w - a)

    @contextmanager
    def averaged(self):
        """Put the average in place of the weights inside a ``with`` block; afterwards, whatever happens, they are back.

        What the block changes in the network is lost. Before the first update there is no average.

        Raises
        ------
        InputError
            If there is no average yet, or it is in place already.
        """
        if self._inside or not self.updates:
            raise InputError(f"EMA: averaged() {'inside averaged()' if self._inside else 'before the first update()'}: "
                             "call it once, after a step and its update()")
        own, device = {name: w.copy() for name, w in self.net.state_dict().items()}, self.net.device
        self._inside = True
        try:                                    # load_state_dict writes in place, and counts a version of each parameter
            self.net.load_state_dict({name: backend.to_device(a, device) for name, a in self.average.items()})
            yield
        finally:
            self.net.load_state_dict(own)
            self._inside = False

    def state_dict(self):
        """Return all that is needed to go on later.

        That is ``{"decay": ..., "updates": ..., "average": {name: NumPy array}}``, copies, wherever the network is.
        """
        return {"decay": self.decay, "updates": self.updates,
                "average": {name: backend.to_numpy(a).copy() for name, a in self.average.items()}}

    def check_state_dict(self, saved):
        """Raise InputError unless `load_state_dict` would take it."""
        if saved["decay"] != self.decay:
            raise InputError(f"EMA: this state is of decay {saved['decay']}, here it is {self.decay}; "
                             "build it as it was when saved")
        if saved["updates"]:
            self._check(saved["average"])

    def load_state_dict(self, saved):
        """Go on from a `state_dict` of an average with the same decay, of a network built in the same way.

        Raises
        ------
        InputError
            If it was saved from another; nothing was changed.
        """
        self.check_state_dict(saved)
        self.updates = saved["updates"]
        self.average = {name: a.copy() for name, a in saved["average"].items()}     # `update` takes it to the network's device

    def _check(self, arrays):
        """Raise unless the arrays have the names and shapes of the average, or of the network before there is one."""
        own = {name: a.shape for name, a in (self.average or self.net.state_dict()).items()}
        if {name: a.shape for name, a in arrays.items()} != own:
            raise InputError("EMA: the average is of other parameters than the network's; build both as they were when it began")
