"""What holds for every optimiser: who is changed, who has state, and what can be saved."""
import copy
import json

import numpy as np
import pytest

from tinynet import InputError, Tensor, ops
from tinynet.backend import to_device, to_numpy
from tinynet.layers import Linear, Parameter, ReLU, Sequential
from tinynet.optim import SGD, AdaGrad, Adam, Optimizer, RMSProp

OPTIMIZERS = {
    "sgd": lambda params, lr=0.1, **options: SGD(params, lr, **options),
    "momentum": lambda params, lr=0.1, **options: SGD(params, lr, momentum=0.9, **options),
    "nesterov": lambda params, lr=0.1, **options: SGD(params, lr, momentum=0.9, nesterov=True, **options),
    "adagrad": lambda params, lr=0.1, **options: AdaGrad(params, lr, **options),
    "rmsprop": lambda params, lr=0.02, **options: RMSProp(params, lr, **options),
    "adam": lambda params, lr=0.1, **options: Adam(params, lr, **options),
}
every_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())


def parameter(*numbers, requires_grad=True):
    return Parameter(np.array(numbers, np.float32), requires_grad)


def train(net, optimizer, steps, first=0):
    """Some steps on the same three batches in turn."""
    for step in range(first, first + steps):
        rng = np.random.default_rng(step % 3)
        x = to_device(rng.standard_normal((7, 5)).astype(np.float32), net.device)
        optimizer.zero_grad()
        ops.cross_entropy(net(Tensor(x)), rng.integers(0, 3, 7)).backward()
        optimizer.step()


def small_net(device="cpu"):
    rng = np.random.default_rng(0)
    return Sequential(hidden=Linear(5, 11, rng), relu=ReLU(), head=Linear(11, 3, rng)).to(device)


@every_optimizer
@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_the_gradient_is_followed_downhill(make, weight_decay, device):
    net = small_net(device)
    optimizer = make(net.parameters(), weight_decay=weight_decay)
    x, labels = np.random.default_rng(5).standard_normal((30, 5)), np.arange(30) % 3
    x[:, :3] += 3 * np.eye(3)[labels]
    x = Tensor(to_device(x.astype(np.float32), device))
    for _ in range(30):
        optimizer.zero_grad()
        loss = ops.cross_entropy(net(x), labels)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.4, "from about 1.1"
    assert all(p.dtype == np.float32 for p in net.parameters())


@every_optimizer
def test_weight_decay_never_touches_a_frozen_parameter(make):
    net = small_net()
    for p in net["hidden"].parameters():
        p.requires_grad = False
    frozen = [p.data.tobytes() for p in net["hidden"].parameters()]
    optimizer = make(net.parameters(), weight_decay=0.5)
    net["hidden"].weight.grad = np.ones((11, 5), np.float32)       # left from before it was frozen
    optimizer.step()
    train(net, optimizer, 20)
    assert [p.data.tobytes() for p in net["hidden"].parameters()] == frozen
    assert set(optimizer.state) <= {2, 3}, "positions of the head's parameters"


@every_optimizer
def test_a_parameter_without_gradient_is_left_alone(make):
    p, q = parameter(1.0), parameter(2.0)
    optimizer = make([p, q], weight_decay=0.5)
    p.grad = np.ones(1, np.float32)
    optimizer.step()
    assert p.data[0] != 1 and q.data.tolist() == [2] and set(optimizer.state) == {0}


@every_optimizer
def test_weight_decay_adds_to_the_gradient(make):
    p, q = parameter(1.0, -2.0), parameter(1.0, -2.0)
    decayed, plain = make([p], weight_decay=0.5), make([q])
    for _ in range(3):
        p.grad, q.grad = np.float32([3, 4]), np.float32([3, 4]) + np.float32(0.5) * q.data
        given = p.grad.copy()
        decayed.step()
        plain.step()
        np.testing.assert_allclose(p.data, q.data, rtol=1e-6)
        np.testing.assert_array_equal(p.grad, given)


@every_optimizer
def test_parameters_are_changed_in_place(make):
    """Slices of the network and loaded states see it."""
    p = parameter(1.0, 2.0)
    array = p.data
    p.grad = np.ones(2, np.float32)
    make([p]).step()
    assert p.data is array and (array != [1, 2]).all()


@every_optimizer
def test_groups_have_their_own_rate_and_decay(make):
    ps = [parameter(1.0, -2.0) for _ in range(3)]
    optimizer = make([{"params": ps[:1], "lr": 0.01}, {"params": iter(ps[1:2]), "weight_decay": 0.5},
                      {"params": ps[2:]}])
    assert optimizer.parameters() == ps
    lr = make([parameter(1.0)]).groups[0]["lr"]
    assert [(g["lr"], g["weight_decay"]) for g in optimizer.groups] == [(0.01, 0), (lr, 0.5), (lr, 0)]
    alone = [parameter(1.0, -2.0) for _ in range(3)]
    others = [make([alone[0]], lr=0.01), make([alone[1]], weight_decay=0.5), make([alone[2]])]
    for _ in range(3):
        for p in ps + alone:
            p.grad = np.float32([3, 4])
        for each in (optimizer, *others):
            each.step()
    for p, q in zip(ps, alone):
        np.testing.assert_array_equal(p.data, q.data)


@every_optimizer
def test_a_changed_rate_counts_from_the_next_step(make):
    p = parameter(1.0)
    optimizer = make([p])
    optimizer.groups[0]["lr"] = 0.0
    p.grad = np.ones(1, np.float32)
    optimizer.step()
    assert p.data.tolist() == [1]


@every_optimizer
@pytest.mark.parametrize("stop", [0, 1, 7])
def test_a_stopped_run_goes_on_bit_for_bit(make, stop, device):
    def start(net):
        hidden, head = net["hidden"].parameters(), net["head"].parameters()
        return make([{"params": hidden, "lr": 0.01}, {"params": head}], weight_decay=0.01)

    whole, first, second = (small_net(device) for _ in range(3))
    train(whole, start(whole), 20)

    before = start(first)
    train(first, before, stop)
    saved = copy.deepcopy(before.state_dict())
    remembered = [value for values in saved["state"].values() for value in values.values()]
    assert all(isinstance(value, (np.ndarray, int)) for value in remembered)
    second.load_state_dict({name: to_numpy(array) for name, array in first.state_dict().items()})
    after = start(second)
    after.load_state_dict(saved)
    train(second, after, 20 - stop, first=stop)
    for a, b in zip(whole.parameters(), second.parameters()):
        np.testing.assert_array_equal(to_numpy(a.data), to_numpy(b.data))


@every_optimizer
def test_a_saved_state_is_a_copy_of_its_own(make):
    p, q = parameter(1.0), parameter(1.0)
    one, other = make([p]), make([q])
    p.grad = q.grad = np.ones(1, np.float32)
    one.step()
    saved = one.state_dict()
    expected = copy.deepcopy(saved)
    other.load_state_dict(saved)
    one.step()
    other.step()
    assert saved == expected


def test_loading_restores_the_rates():
    one, other = SGD([parameter(1.0)], lr=0.3), SGD([parameter(1.0)], lr=0.1)
    other.load_state_dict(one.state_dict())
    assert other.groups[0]["lr"] == 0.3


@pytest.mark.parametrize("make_other", [
    lambda: Adam([parameter(1.0, 2.0, 3.0), parameter(1.0)]),
    lambda: Adam([parameter(1.0, 2.0)]),
    lambda: Adam([{"params": [parameter(1.0, 2.0)]}, {"params": [parameter(1.0)]}]),
    lambda: SGD([parameter(1.0, 2.0), parameter(1.0)], lr=0.1, momentum=0.9),
    lambda: SGD([parameter(1.0, 2.0), parameter(1.0)], lr=0.1),
    lambda: RMSProp([parameter(1.0, 2.0), parameter(1.0)]),
], ids=["shape", "number", "groups", "momentum", "plain", "rmsprop"])
def test_a_state_of_something_else_changes_nothing(make_other):
    adam = Adam([parameter(1.0, 2.0), parameter(1.0)], lr=0.7)
    for p in adam.parameters():
        p.grad = np.ones_like(p.data)
    adam.step()
    other = make_other()
    rates = [group["lr"] for group in other.groups]
    with pytest.raises(InputError, match="as it was when saved"):
        other.load_state_dict(adam.state_dict())
    assert other.state == {} and [group["lr"] for group in other.groups] == rates


@pytest.mark.parametrize("make_one, make_other", [
    (lambda ps: SGD(ps, lr=0.1, momentum=0.9), Adam), (AdaGrad, RMSProp), (RMSProp, AdaGrad)])
def test_what_one_kind_remembers_is_not_taken_by_another(make_one, make_other):
    """Though its names and shapes may be the same."""
    one, other = make_one([parameter(1.0)]), make_other([parameter(1.0)])
    one.parameters()[0].grad = np.ones(1, np.float32)
    one.step()
    with pytest.raises(InputError, match=f"{type(other).__name__}: this state is of kind {type(one).__name__}"):
        other.load_state_dict(one.state_dict())


def test_zero_grad():
    p, q = parameter(1.0), parameter(1.0)
    p.grad = np.ones(1, np.float32)
    SGD([{"params": [p]}, {"params": [q]}], lr=0.1).zero_grad()
    assert p.grad is None and q.grad is None


SHARED = parameter(1.0)


@pytest.mark.parametrize("params, options, word", [
    ([], {}, "0 parameters"), ([{"params": []}], {}, "0 parameters"),
    ([SHARED, SHARED], {}, "2 parameters, 1 different"),
    ([{"params": [SHARED]}, {"params": [SHARED]}], {}, "in one group only"),
    ([SHARED], {"lr": -0.1}, "lr -0.1"), ([SHARED], {"lr": float("nan")}, "lr nan"),
    ([SHARED], {"weight_decay": -1}, "weight_decay -1"), ([{"params": [SHARED], "lr": -1}], {}, "lr -1"),
    ([{"params": [SHARED], "learning_rate": 1}], {}, "learning_rate")])
@every_optimizer
def test_mistakes(make, params, options, word):
    with pytest.raises(InputError) as error:
        make(params, **options)
    assert word in str(error.value) and "\n" not in str(error.value)


def test_an_unwritten_optimizer_says_what_to_write():
    p = parameter(1.0)
    p.grad = np.ones(1, np.float32)
    with pytest.raises(NotImplementedError, match="Optimizer: write update"):
        Optimizer([p], lr=0.1).step()


@pytest.mark.parity
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 1e-4)])
@every_optimizer
def test_fifty_steps_equal_torchs(make, dtype, tolerance):
    """Two groups with rates and decays of their own; torch's momentum is ours with dampening 0."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(shape).astype(dtype) for shape in ((5, 7), (7,), (7, 3))]
    ours = [Parameter(w.copy()) for w in weights]
    theirs = [torch.nn.Parameter(torch.tensor(w)) for w in weights]
    options = {"lr": 0.03, "weight_decay": 0.01}
    one = make([{"params": ours[:2], "lr": 0.003}, {"params": ours[2:], "weight_decay": 0.1}], **options)
    groups = [{"params": theirs[:2], "lr": 0.003}, {"params": theirs[2:], "weight_decay": 0.1}]
    if isinstance(one, SGD):
        other = torch.optim.SGD(groups, momentum=one.momentum, nesterov=one.nesterov, **options)
    else:
        theirs_of = {Adam: torch.optim.Adam, AdaGrad: torch.optim.Adagrad, RMSProp: torch.optim.RMSprop}
        other = theirs_of[type(one)](groups, **options)
    x, gy = rng.standard_normal((11, 5)).astype(dtype), rng.standard_normal((11, 3)).astype(dtype)
    for _ in range(50):
        one.zero_grad()
        other.zero_grad()
        W, b, V = ours
        ((Tensor(x) @ W + b).tanh() @ V).backward(gy)
        W, b, V = theirs
        ((torch.tensor(x) @ W + b).tanh() @ V).backward(torch.tensor(gy))
        one.step()
        other.step()
    for p, q, start in zip(ours, theirs, weights):
        assert np.abs(p.data - start).max() > 0.01
        assert np.abs(p.data - q.detach().numpy()).max() <= tolerance * np.abs(p.data).max()


ROWS = Parameter(np.ones((2, 3), np.float32))


@pytest.mark.parametrize("params", [
    ROWS, list(ROWS), small_net(), ["weight"], "weight", [np.ones(3)], {"params": [ROWS]}, [{"lr": 0.1}], [ROWS * 2],
    [{"params": ROWS}], [{"params": [ROWS]}, ROWS], 3, None], ids=lambda value: type(value).__name__)
@every_optimizer
def test_what_are_no_parameters_is_refused(make, params):
    with pytest.raises(InputError) as error:
        make(params)
    assert "param" in str(error.value) and "\n" not in str(error.value)


def test_parameters_may_come_from_a_generator():
    net = small_net()
    assert len(SGD((p for p in net.parameters()), 0.1).parameters()) == 4
    assert len(SGD([{"params": (p for p in net.parameters())}], 0.1).parameters()) == 4


@pytest.mark.parametrize("make, word", [
    (lambda ps: SGD(ps, 0.1, momentum=1.5), "momentum 1.5"), (lambda ps: SGD(ps, 0.1, momentum=-0.1), "momentum -0.1"),
    (lambda ps: SGD(ps, 0.1, nesterov=True), "nesterov"), (lambda ps: SGD(ps, "0.1"), "lr '0.1'"),
    (lambda ps: SGD(ps, float("inf")), "lr inf"), (lambda ps: SGD(ps, True), "lr True"),
    (lambda ps: Adam(ps, betas=(1.0, 1.0)), "beta1 1.0"), (lambda ps: Adam(ps, betas=(0.9, 1.0)), "beta2 1.0"),
    (lambda ps: Adam(ps, betas=0.9), "betas is 0.9"), (lambda ps: Adam(ps, eps=-1), "eps -1"),
    (lambda ps: RMSProp(ps, decay=2), "decay 2"), (lambda ps: RMSProp(ps, eps=-1), "eps -1"),
    (lambda ps: AdaGrad(ps, eps=-1), "eps -1")])
def test_impossible_settings_are_refused_where_they_are_made(make, word):
    with pytest.raises(InputError, match=word):
        make([SHARED])


@pytest.mark.parametrize("make, make_other", [
    (lambda ps: SGD(ps, 0.1, momentum=0.9), lambda ps: SGD(ps, 0.1)),
    (lambda ps: SGD(ps, 0.1, momentum=0.9), lambda ps: SGD(ps, 0.1, momentum=0.9, nesterov=True)),
    (lambda ps: SGD(ps, 0.1, weight_decay=0.1), lambda ps: SGD(ps, 0.1)),
    (lambda ps: Adam(ps), lambda ps: Adam(ps, betas=(0.8, 0.999))), (lambda ps: Adam(ps), lambda ps: Adam(ps, eps=1)),
    (lambda ps: RMSProp(ps), lambda ps: RMSProp(ps, decay=0.9)),
    (lambda ps: SGD(ps, 0.1), lambda ps: SGD([*ps, parameter(1.0)], 0.1)),
    (lambda ps: SGD([*ps, parameter(1.0)], 0.1), lambda ps: SGD([parameter(1.0), *ps], 0.1))])
def test_state_goes_with_the_options_it_was_saved_with(make, make_other):
    saved = json.loads(json.dumps(make([parameter(1.0, 2.0)]).state_dict()))
    make([parameter(1.0, 2.0)]).load_state_dict(saved)
    with pytest.raises(InputError, match="as it was when saved"):
        make_other([parameter(1.0, 2.0)]).load_state_dict(saved)


def test_a_gradient_of_another_shape_is_refused():
    p = parameter(1.0, 2.0)
    p.grad = np.ones((2, 2), np.float32)
    with pytest.raises(InputError, match=r"a gradient is \(2, 2\), its parameter \(2,\)"):
        SGD([p], 0.1).step()


@every_optimizer
def test_a_step_between_forward_and_backward_is_refused(make):
    net, x = small_net(), Tensor(np.ones((2, 5), np.float32))
    optimizer = make(net.parameters())
    ops.cross_entropy(net(x), np.array([0, 1])).backward()
    late = ops.cross_entropy(net(x), np.array([0, 1]))
    optimizer.step()
    with pytest.raises(RuntimeError, match="Linear read was changed after it read it, by a step"):
        late.backward()


def test_default_rates_of_forgetting():
    """Those of the docstrings, as in PyTorch."""
    for optimizer, remembered, left in (RMSProp([parameter(1.0)]), "s", 0.01), (Adam([parameter(1.0)]), "v", 0.001), \
            (Adam([parameter(1.0)]), "m", 0.1):
        optimizer.parameters()[0].grad = np.ones(1, np.float32)
        optimizer.step()
        assert optimizer.state[0][remembered][0] == pytest.approx(left, rel=1e-4)
