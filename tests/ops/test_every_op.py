"""What holds for every op: one table of uses, and the same questions asked of each row."""
from itertools import product
from typing import NamedTuple

import numpy as np
import pytest

from tinynet import Tensor, gradcheck, no_grad, ops
from tinynet.backend import array_module, to_device, to_numpy

RNG = np.random.default_rng(0)
LABELS = np.array([2, 0, 4, 4, 1, 0, 3])
WEIGHTS = np.array([1.0, 0.5, 2.0, 3.0, 0.25])
MEAN, VAR = RNG.standard_normal(5), RNG.random(5) + 0.5
MASK = (np.random.default_rng(7).random((3, 5)) >= 0.4) / 0.6
WEIGHT_MASK = (np.random.default_rng(7).random((7, 5)) >= 0.4) / 0.6
ROW_MASK = (np.random.default_rng(7).random((5, 1, 1)) >= 0.4) / 0.6


class Use(NamedTuple):
    """One way of calling an op: with Tensors, the same with torch, and arrays to call it on."""

    op: str
    ours: callable
    theirs: callable
    inputs: list


USES = []


def use(op, *shapes, ours=None, theirs=None, inputs=None):
    """Add a row; by default `ours` and `theirs` both apply the op's name."""
    ours = ours or getattr(ops, op)
    theirs = theirs or (lambda torch, *xs: ours(*xs))
    USES.append(Use(op, ours, theirs, inputs or [RNG.standard_normal(shape) for shape in shapes]))


def beside(x, array):
    """The array where x is and of its dtype."""
    return array_module(x.data).asarray(array, dtype=x.dtype)


def like(x, array):
    """The same for torch."""
    return x.new_tensor(array)


def positive(*shape):
    return [RNG.random(shape) + 0.2]


for shapes in [(3, 5), (3, 5)], [(2, 3, 5), (3, 1)], [(5,), (7, 1)], [(), (3, 5)]:
    use("add", *shapes, theirs=lambda torch, a, b: a + b)
    use("subtract", *shapes, theirs=lambda torch, a, b: a - b)
    use("multiply", *shapes, theirs=lambda torch, a, b: a * b)
    use("divide", theirs=lambda torch, a, b: a / b, inputs=[RNG.random(shape) + 0.5 for shape in shapes])
for c in 3, 2.5, np.float64(2.5), WEIGHTS:
    use("add", (3, 5), ours=lambda x, c=c: c + x, theirs=lambda torch, x, c=c: like(x, c) + x)
    use("subtract", (3, 5), ours=lambda x, c=c: c - x, theirs=lambda torch, x, c=c: like(x, c) - x)
    use("multiply", (3, 5), ours=lambda x, c=c: x * c, theirs=lambda torch, x, c=c: x * like(x, c))
    use("divide", (3, 5), ours=lambda x, c=c: x / c, theirs=lambda torch, x, c=c: x / like(x, c))
    use("divide", ours=lambda x, c=c: c / x, theirs=lambda torch, x, c=c: like(x, c) / x,
        inputs=positive(3, 5))
use("power", (3, 5), ours=lambda x: x ** 3)
use("power", (3, 5), ours=lambda x: x ** 1)
use("power", ours=lambda x: x ** -0.5, inputs=positive(3, 5))
use("power", ours=lambda x: x ** np.float64(2.5), theirs=lambda torch, x: x ** 2.5, inputs=positive(3, 5))
use("negative", (3, 5), theirs=lambda torch, x: -x)
use("exp", (3, 5), theirs=lambda torch, x: x.exp())
use("absolute", (3, 5), theirs=lambda torch, x: x.abs())
use("sqrt", theirs=lambda torch, x: x.sqrt(), inputs=positive(3, 5))
use("power", (3, 5), ours=lambda x: 2 ** x, theirs=lambda torch, x: 2 ** x)
use("conv2d", (2, 3, 5, 7), (4, 3, 3, 2), (4,), ours=lambda x, W, b: ops.conv2d(x, W, b, (2, 1), (1, 0), relu=True),
    theirs=lambda torch, x, W, b: torch.nn.functional.conv2d(x, W, b, (2, 1), (1, 0)).relu())
use("var", (2, 3, 5), ours=lambda x: x.var(axis=(0, 2)), theirs=lambda torch, x: x.var((0, 2), correction=0))
use("log", theirs=lambda torch, x: x.log(), inputs=positive(3, 5))
use("matmul", (3, 5), (5, 7), theirs=lambda torch, a, b: a @ b)
use("matmul", (2, 1, 3, 5), (7, 5, 2), theirs=lambda torch, a, b: a @ b)
use("matmul", (3, 5), ours=lambda x: x @ WEIGHTS[:, None],
    theirs=lambda torch, x: x @ like(x, WEIGHTS[:, None]))
use("matmul", (5, 3), ours=lambda x: WEIGHTS[None] @ x, theirs=lambda torch, x: like(x, WEIGHTS[None]) @ x)
use("linear", (3, 5), (7, 5), (7,), theirs=lambda torch, x, W, b: torch.nn.functional.linear(x, W, b))
use("linear", (3, 5), (7, 5), theirs=lambda torch, x, W: torch.nn.functional.linear(x, W))

use("reshape", (3, 5, 2), ours=lambda x: x.reshape(-1, 6))
use("flatten", (3, 5, 2), theirs=lambda torch, x: x.flatten(1))
use("transpose", (3, 5, 2), ours=lambda x: x.T, theirs=lambda torch, x: x.permute(2, 1, 0))
use("transpose", (3, 5, 2), ours=lambda x: x.transpose((2, 0, 1)), theirs=lambda torch, x: x.permute(2, 0, 1))
use("transpose", (3, 3, 3), ours=lambda x: x.transpose((-1, 0, 1)),
    theirs=lambda torch, x: x.permute(-1, 0, 1))
use("concat", (2, 3, 5), (2, 1, 5), (2, 7, 5), ours=lambda *xs: ops.concat(xs, axis=1),
    theirs=lambda torch, *xs: torch.cat(xs, 1))
use("concat", (2, 3), (2, 5), ours=lambda *xs: ops.concat(xs, axis=-1),
    theirs=lambda torch, *xs: torch.cat(xs, -1))
for index in [1, (slice(1, None), slice(None, None, 2)), (..., None, -1), [2, 0, 2, 2], [True, False, True],
              ([0, 2, 0], [1, 1, 1]), (slice(None), [0, 4, 4])]:
    use("getitem", (3, 5), ours=lambda x, index=index: x[index])
use("getitem", (3, 5), ours=lambda x: x[::-1], theirs=lambda torch, x: x.flip(0))
for axis, keepdims in [(None, False), (None, True), (1, False), (-1, True), ((0, 2), False), ((-1, 0), True)]:
    def torch_reduce(name, axis=axis, keepdims=keepdims):
        axes = axis if axis is not None else (0, 1, 2)
        return lambda torch, x: getattr(torch, name)(x, dim=axes, keepdim=keepdims)

    options = {"axis": axis, "keepdims": keepdims}
    use("sum", (2, 3, 5), ours=lambda x, o=options: x.sum(**o), theirs=torch_reduce("sum"))
    use("mean", (2, 3, 5), ours=lambda x, o=options: x.mean(**o), theirs=torch_reduce("mean"))
    use("max", (2, 3, 5), ours=lambda x, o=options: x.max(**o), theirs=torch_reduce("amax"))

for C, F, kernel, stride, padding, groups in [
        (3, 5, (1, 1), 1, 0, 1), (3, 5, (3, 2), 1, 0, 1), (3, 5, (3, 2), (2, 3), (1, 2), 1),
        (3, 2, (1, 1), (2, 3), 0, 1), (3, 2, (1, 1), 1, (1, 2), 1), (4, 6, (3, 2), (1, 2), 1, 2),
        (5, 5, (3, 2), (2, 1), 1, 5), (3, 6, (2, 3), 1, (2, 0), 3)]:
    options = {"stride": stride, "padding": padding, "groups": groups}
    shapes = (2, C, 7, 11), (F, C // groups, *kernel)
    use("conv2d", *shapes, (F,), ours=lambda x, W, b, o=options: ops.conv2d(x, W, b, **o),
        theirs=lambda torch, x, W, b, o=options: torch.nn.functional.conv2d(x, W, b, **o))
use("conv2d", *shapes, ours=lambda x, W, o=options: ops.conv2d(x, W, **o),
    theirs=lambda torch, x, W, o=options: torch.nn.functional.conv2d(x, W, **o))
for kernel, stride, padding, ceil in [
        ((2, 3), None, 0, False), ((3, 2), (2, 3), (1, 1), False), ((3, 2), (2, 3), (1, 0), True),
        (3, 2, 0, True), ((2, 5), (3, 4), (1, 2), True), (1, (2, 3), 0, True)]:
    options = {"stride": stride, "padding": padding, "ceil_mode": ceil}
    use("max_pool2d", (2, 3, 7, 11), ours=lambda x, k=kernel, o=options: ops.max_pool2d(x, k, **o),
        theirs=lambda torch, x, k=kernel, o=options: torch.nn.functional.max_pool2d(x, k, **o))
    use("avg_pool2d", (2, 3, 7, 11), ours=lambda x, k=kernel, o=options: ops.avg_pool2d(x, k, **o),
        theirs=lambda torch, x, k=kernel, o=options: torch.nn.functional.avg_pool2d(x, k, **o))
for size in (3, 2), (7, 11), (1, 1), (9, 4):
    use("adaptive_avg_pool2d", (2, 3, 7, 11), ours=lambda x, size=size: ops.adaptive_avg_pool2d(x, size),
        theirs=lambda torch, x, size=size: torch.nn.functional.adaptive_avg_pool2d(x, size))
use("pad2d", (2, 3, 5, 7), ours=lambda x: ops.pad2d(x, ((0, 1), (2, 3)), value=-1.5),
    theirs=lambda torch, x: torch.nn.functional.pad(x, (2, 3, 0, 1), value=-1.5))
for n in 5, 1, 9:                                           # nine of seven channels: some are beyond both ends
    use("local_response_norm", (2, 7, 3, 5), ours=lambda x, n=n: ops.local_response_norm(x, n, 0.5, 0.75, 2.0),
        theirs=lambda torch, x, n=n: torch.nn.functional.local_response_norm(x, n, 0.5, 0.75, 2.0))
use("global_avg_pool2d", (2, 3, 5, 7), theirs=lambda torch, x: x.mean(dim=(2, 3)))

use("relu", (3, 5), theirs=lambda torch, x: x.relu())
use("relu", (2, 3, 5, 7), theirs=lambda torch, x: x.relu())
use("relu", (2, 3, 5, 7), ours=lambda x: ops.relu(x.transpose((0, 2, 3, 1))),
    theirs=lambda torch, x: x.permute(0, 2, 3, 1).relu())
use("relu6", inputs=[8 * RNG.standard_normal((3, 5))], theirs=lambda torch, x: torch.nn.functional.relu6(x))
use("sigmoid", (3, 5), theirs=lambda torch, x: x.sigmoid())
use("tanh", (3, 5), theirs=lambda torch, x: x.tanh())
use("softmax", (3, 5), theirs=lambda torch, x: x.softmax(-1))
use("softmax", (2, 5, 3), ours=lambda x: ops.softmax(x, axis=1), theirs=lambda torch, x: x.softmax(1))
use("log_softmax", (3, 5), theirs=lambda torch, x: x.log_softmax(-1))
use("log_softmax", (2, 5, 3), ours=lambda x: ops.log_softmax(x, axis=1),
    theirs=lambda torch, x: x.log_softmax(1))

use("cross_entropy", (7, 5), ours=lambda x: ops.cross_entropy(x, LABELS),
    theirs=lambda torch, x: torch.nn.functional.cross_entropy(x, torch.tensor(LABELS)))
use("cross_entropy", (7, 5), ours=lambda x: ops.cross_entropy(x, LABELS, np.float64(3.5)),
    theirs=lambda torch, x: torch.nn.functional.cross_entropy(x, torch.tensor(LABELS)) * 2)
use("hinge", (7, 5), ours=lambda x: ops.hinge(x, LABELS),
    theirs=lambda torch, x: torch.nn.functional.multi_margin_loss(x, torch.tensor(LABELS)) * 5)
use("hinge", (7, 5), ours=lambda x: ops.hinge(x, LABELS, np.float64(3.5)),
    theirs=lambda torch, x: torch.nn.functional.multi_margin_loss(x, torch.tensor(LABELS)) * 10)
use("dropout", (3, 5), ours=lambda x: ops.dropout(x, np.float64(0.4), np.random.default_rng(7)),
    theirs=lambda torch, x: x * like(x, MASK))
use("linear", (3, 5), (7, 5), (7,),                         # DropConnect
    ours=lambda x, W, b: ops.linear(x, ops.dropout(W, 0.4, np.random.default_rng(7)), b),
    theirs=lambda torch, x, W, b: torch.nn.functional.linear(x, W * like(W, WEIGHT_MASK), b))
use("drop_path", (5, 3, 7), ours=lambda x: ops.drop_path(x, np.float64(0.6), np.random.default_rng(7)),
    theirs=lambda torch, x: x * like(x, ROW_MASK))


def torch_regions(torch, x, down, across):
    """The largest of each region that its edges cut out, with slices and loops."""
    rows = [[x[:, :, top:bottom, left:right].flatten(2).max(2).values for left, right in zip(across, across[1:])]
            for top, bottom in zip(down, down[1:])]
    return torch.stack([torch.stack(row, 2) for row in rows], 2)


for ratio in 1.4, 2.3, 1, np.float64(1.9):
    for pseudorandom, draw in (True, None), (True, 3), (False, 3):
        def drawn(draw=draw):
            return draw if draw is None else np.random.default_rng(draw)

        def edges(ratio=ratio, pseudorandom=pseudorandom, drawn=drawn):
            rng = drawn()
            return [ops.random.part_edges(size, int(size / ratio), rng, pseudorandom).tolist() for size in (7, 11)]

        use("fractional_max_pool2d", (2, 3, 7, 11),
            ours=lambda x, r=ratio, d=drawn, p=pseudorandom: ops.fractional_max_pool2d(x, r, d(), p),
            theirs=lambda torch, x, edges=edges: torch_regions(torch, x, *edges()))
for shape in (7, 5), (2, 5, 3, 4):
    use("batch_norm", shape, (5,), (5,), ours=lambda x, g, b: ops.batch_norm(x, g, b, np.float64(1e-3))[0],
        theirs=lambda torch, x, g, b: torch.nn.functional.batch_norm(x, None, None, g, b, True, eps=1e-3))
    use("fixed_norm", shape, (5,), (5,),
        ours=lambda x, g, b: ops.fixed_norm(x, g, b, beside(x, MEAN), beside(x, VAR), np.float64(1e-3)),
        theirs=lambda torch, x, g, b: torch.nn.functional.batch_norm(
            x, like(x, MEAN), like(x, VAR), g, b, eps=1e-3))

every_use = pytest.mark.parametrize("use", USES, ids=[f"{use.op}-{i}" for i, use in enumerate(USES)])


def leaves(use, device="cpu", dtype=np.float64, wanted=None):
    """The inputs of a use as Tensors, of which the wanted ones require a gradient."""
    wanted = wanted or [True] * len(use.inputs)
    return [Tensor(to_device(x.astype(dtype), device), requires_grad)
            for x, requires_grad in zip(use.inputs, wanted)]


def forward_backward(use, xs):
    """The result of a use, and what it leaves in the leaves' grad."""
    y = use.ours(*xs)
    y.backward(array_module(y.data).asarray(np.random.default_rng(1).standard_normal(y.shape), dtype=y.dtype))
    return to_numpy(y.data), [None if x.grad is None else to_numpy(x.grad) for x in xs]


def test_the_table_has_every_op():
    assert {use.op for use in USES} == set(ops.__all__)


@every_use
def test_gradients_are_derivatives(use, device, rng):
    gradcheck(use.ours, *(to_device(x, device) for x in use.inputs), rng=rng)


@every_use
def test_float32_stays_float32(use, device):
    exact, exact_grads = forward_backward(use, leaves(use))
    y, grads = forward_backward(use, leaves(use, device, np.float32))
    assert y.dtype == np.float32 and all(grad.dtype == np.float32 for grad in grads)
    for found, expected in zip([y, *grads], [exact, *exact_grads]):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@every_use
def test_frozen_inputs_cost_nothing(use):
    _, expected = forward_backward(use, leaves(use))
    for wanted in product([True, False], repeat=len(use.inputs)):
        xs = leaves(use, wanted=wanted)
        y = use.ours(*xs)
        if not any(wanted):
            assert y.creator is None and not y.requires_grad
            continue
        function, gy = y.creator, np.random.default_rng(1).standard_normal(y.shape)
        if all(isinstance(x, Tensor) and x.creator is None for x in function.inputs):
            returned = function.backward(gy.copy())
            returned = returned if isinstance(returned, tuple) else (returned,)
            computed = [gradient is not None for gradient in returned]
            assert computed == list(function.needs)
        y.backward(gy)
        for x, gradient in zip(xs, expected):
            assert (x.grad is None) != x.requires_grad
            if x.requires_grad:
                np.testing.assert_array_equal(x.grad, gradient)


@every_use
def test_no_grad_gives_the_same_and_records_nothing(use):
    expected, _ = forward_backward(use, leaves(use))
    with no_grad():
        y = use.ours(*leaves(use))
    assert y.creator is None and not y.requires_grad
    np.testing.assert_array_equal(y.data, expected)


@every_use
def test_no_array_given_is_changed(use):
    """Neither the inputs nor the arriving gradient, of which others may hold a reference too."""
    xs = leaves(use)
    for x in xs:
        x.data.flags.writeable = False
    y = use.ours(*xs)
    gradient = np.ones(y.shape)
    gradient.flags.writeable = False
    y.backward(gradient)


@every_use
def test_gradients_share_no_memory(use):
    xs = leaves(use)
    y = use.ours(*xs)
    gradient = np.ones(y.shape)
    y.backward(gradient)
    arrays = [gradient, y.data, *(x.grad for x in xs), *(x.data for x in xs)]
    for x in xs:
        assert type(x.grad) is np.ndarray and x.grad.flags.writeable
        assert sum(np.shares_memory(x.grad, array) for array in arrays) == 1, "only with itself"


@every_use
def test_inputs_and_the_arriving_gradient_stay_as_they_were(use):
    xs = leaves(use)
    y = use.ours(*xs)
    before, gradient = [x.data.copy() for x in xs], np.random.default_rng(1).standard_normal(y.shape)
    arriving = gradient.copy()
    y.backward(arriving)
    np.testing.assert_array_equal(arriving, gradient)
    for x, data in zip(xs, before):
        np.testing.assert_array_equal(x.data, data)


@pytest.mark.parity
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-10), (np.float32, 2e-5)])
@every_use
def test_same_as_torch(use, dtype, tolerance):
    torch = pytest.importorskip("torch")
    y, grads = forward_backward(use, leaves(use, dtype=dtype))
    xs = [torch.tensor(x.astype(dtype), requires_grad=True) for x in use.inputs]
    theirs = use.theirs(torch, *xs)
    theirs.backward(torch.tensor(np.random.default_rng(1).standard_normal(y.shape).astype(dtype)))
    for ours, reference in zip([y, *grads], [theirs, *(x.grad for x in xs)]):
        reference = reference.detach().numpy()
        assert ours.shape == reference.shape
        assert np.abs(ours - reference).max() <= tolerance * np.abs(reference).max()
