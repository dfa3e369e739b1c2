"""LBFGS against SciPy's and PyTorch's, its direction against BFGS's own matrix, its line search against the conditions."""
import copy
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.datasets import load_digits

from tinynet import InputError, Tensor, ops
from tinynet.backend import to_device, to_numpy
from tinynet.layers import Linear, Parameter
from tinynet.optim import LBFGS
from tinynet.optim.lbfgs import ARMIJO, CURVATURE, Point, strong_wolfe, two_loops

RNG = np.random.default_rng(0)
TURN = np.linalg.qr(RNG.standard_normal((23, 23)))[0]
HESSIAN = TURN @ np.diag(np.logspace(0, 3, 23)) @ TURN.T
PULL = RNG.standard_normal(23)
FACTORS, SHIFTS = RNG.standard_normal((31, 13)), RNG.standard_normal(31)
IMAGES, LABELS = (array[:300] for array in load_digits(return_X_y=True))


def rosenbrock(w):
    a, b = w[:-1], w[1:]
    return (100 * (b - a * a) ** 2 + (1 - a) ** 2).sum()


def quadratic(w):
    return 0.5 * (w * (w * HESSIAN).sum(axis=1)).sum() - (w * PULL).sum()


def log_sum_exp(w):
    return ((w * FACTORS).sum(axis=1) + SHIFTS).exp().sum().log() + 0.05 * (w * w).sum()


def softmax_head(w):
    """The cross-entropy of 300 digits, with weight decay, from one vector of 640 weights."""
    return ops.cross_entropy(ops.linear(Tensor(IMAGES / 16), w.reshape(10, 64)), LABELS) + 0.005 * (w * w).sum()


PROBLEMS = {
    "rosenbrock": (rosenbrock, np.array([-1.2, 1.0])), "rosenbrock, 10": (rosenbrock, np.tile([-1.2, 1.0], 5)),
    "quadratic": (quadratic, np.ones(23)), "log-sum-exp": (log_sum_exp, np.ones(13)),
    "log-sum-exp, far": (log_sum_exp, 10 * np.ones(13)), "softmax head": (softmax_head, np.zeros(640)),
}
TOLERANCE = {softmax_head: 3e-8}         # its flattest curvature is 0.01: a small gradient says less about the distance
every_problem = pytest.mark.parametrize("f, start", PROBLEMS.values(), ids=PROBLEMS.keys())


def counting(f, w):
    """A closure of the loss f at w, and the list of losses it gave."""
    losses = []

    def closure():
        loss = f(w)
        loss.backward()
        losses.append(loss.item())
        return loss

    return closure, losses


def value_and_gradient(f):
    def both(x):
        w = Tensor(x.copy(), requires_grad=True)
        loss = f(w)
        loss.backward()
        return loss.item(), w.grad
    return both


@every_problem
def test_scipys_minimum_at_scipys_cost(f, start):
    """The same point to 1e-5, for at most 1.5 times the evaluations, with the same limit on the gradient."""
    theirs = minimize(value_and_gradient(f), start, jac=True, method="L-BFGS-B",
                      options={"maxcor": 10, "ftol": 0, "gtol": TOLERANCE.get(f, 1e-6), "maxiter": 5000, "maxfun": 5000})
    w = Parameter(start.copy())
    closure, losses = counting(f, w)
    loss = LBFGS([w], iterations=5000, tolerance=TOLERANCE.get(f, 1e-6)).step(closure)
    np.testing.assert_allclose(w.data, theirs.x, rtol=0, atol=1e-5)
    assert abs(loss - theirs.fun) < 1e-9 and np.abs(w.grad).max() <= 1e-6
    assert len(losses) <= 1.5 * theirs.nfev


@pytest.mark.parity
@every_problem
def test_torchs_minimum(f, start):
    torch = pytest.importorskip("torch")
    w = torch.nn.Parameter(torch.tensor(start))
    both, evaluations = value_and_gradient(f), []

    def closure():
        loss, gradient = both(w.detach().numpy())
        w.grad = torch.tensor(gradient)
        evaluations.append(loss)
        return loss

    theirs = torch.optim.LBFGS([w], max_iter=5000, max_eval=5000, history_size=10, line_search_fn="strong_wolfe",
                               tolerance_grad=TOLERANCE.get(f, 1e-6), tolerance_change=0)
    theirs.step(closure)
    ours = Parameter(start.copy())
    own, losses = counting(f, ours)
    LBFGS([ours], iterations=5000, tolerance=TOLERANCE.get(f, 1e-6)).step(own)
    np.testing.assert_allclose(ours.data, w.detach().numpy(), rtol=0, atol=1e-5)
    assert len(losses) <= 1.5 * len(evaluations)


def bfgs_inverse(pairs, n):
    """The inverse Hessian of BFGS as a matrix, Nocedal and Wright (6.17)."""
    s, y = pairs[-1]
    H = np.eye(n) * (s @ y) / (y @ y)
    for s, y in pairs:
        rho = 1 / (s @ y)
        V = np.eye(n) - rho * np.outer(y, s)
        H = V.T @ H @ V + rho * np.outer(s, s)
    return H


@given(seed=st.integers(0, 10**6), n=st.integers(1, 7), length=st.integers(1, 5))
def test_two_loops_multiply_by_bfgss_matrix(seed, n, length):
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(length):
        s, curvature = rng.standard_normal(n), rng.standard_normal((n, n))
        pairs.append((s, (curvature @ curvature.T + 0.5 * np.eye(n)) @ s))
    g = rng.standard_normal(n)
    given_g = g.copy()
    np.testing.assert_allclose(two_loops(g, pairs), bfgs_inverse(pairs, n) @ g, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(two_loops(pairs[-1][1], pairs), pairs[-1][0], rtol=1e-6, atol=1e-8)     # the secant condition
    np.testing.assert_array_equal(g, given_g)
    assert g @ two_loops(g, pairs) > 0


def test_without_pairs_the_direction_is_the_gradient():
    g = np.array([3.0, -4.0])
    np.testing.assert_array_equal(two_loops(g, []), g)
    assert two_loops(g, []) is not g


@given(kind=st.sampled_from(["parabola", "quartic", "waves", "steep", "barrier"]), scale=st.floats(-3, 3),
       first=st.floats(-4, 4))
def test_a_line_search_ends_where_both_conditions_hold(kind, scale, first):
    """Whatever the first trial: 10,000 times too short or too long."""
    k = 10.0 ** scale
    height, slope = {
        "parabola": (lambda t: 0.5 * (t - 1) ** 2, lambda t: t - 1),
        "quartic": (lambda t: (t - 1) ** 4 + 0.1 * t, lambda t: 4 * (t - 1) ** 3 + 0.1),
        "waves": (lambda t: 0.1 * t * t - 2 * t + 0.3 * math.sin(5 * t), lambda t: 0.2 * t - 2 + 1.5 * math.cos(5 * t)),
        "steep": (lambda t: t + 2 * math.exp(-t) - 2, lambda t: 1 - 2 * math.exp(-t)),
        "barrier": (lambda t: -t - math.log(1 - t) / 2 if t < 1 else math.nan,
                    lambda t: -1 + 0.5 / (1 - t) if t < 1 else math.nan)}[kind]
    tried = []

    def at(t):
        tried.append(t)
        return Point(t, height(t * k), slope(t * k) * k, "gradient")

    start = at(0.0)
    end = strong_wolfe(at, start, 10.0 ** first / k)
    assert end.loss <= start.loss + ARMIJO * end.t * start.slope
    assert abs(end.slope) <= CURVATURE * abs(start.slope)
    assert end.t in tried and end.t > 0 and len(tried) <= 1 + 25 and end.g == "gradient"


def test_a_line_that_only_rises_has_no_end():
    assert strong_wolfe(lambda t: Point(t, 1.0 + t, -1.0, None), Point(0.0, 1.0, -1.0, None), 1.0) is None


def test_a_line_that_falls_for_ever_ends_at_its_lowest_trial():
    end = strong_wolfe(lambda t: Point(t, -t, -1.0, None), Point(0.0, 0.0, -1.0, None), 1.0)
    assert end.t == 4.0 ** 24


def test_a_fall_of_less_than_was_promised_is_too_far():
    end = strong_wolfe(lambda t: Point(t, -1e-6 if t == 1 else -0.5, 0.0, None), Point(0.0, 0.0, -1.0, None), 1.0)
    assert 0 < end.t < 1 and end.loss == -0.5


def head(device="cpu"):
    return Linear(64, 10, np.random.default_rng(0)).to(device)


def head_closure(net):
    x = Tensor(to_device((IMAGES / 16).astype(np.float32), net.device))

    def closure():
        loss = ops.cross_entropy(net(x), LABELS)
        loss.backward()
        return loss

    return closure


@pytest.mark.parametrize("stop", [0, 1, 4])
def test_a_stopped_run_goes_on_bit_for_bit(stop, device):
    def steps(net, optimizer, n):
        return [optimizer.step(head_closure(net)) for _ in range(n)]

    whole, first, second = (head(device) for _ in range(3))
    losses = steps(whole, LBFGS(whole.parameters(), iterations=3), 6)
    before = LBFGS(first.parameters(), iterations=3)
    steps(first, before, stop)
    saved = copy.deepcopy(before.state_dict())
    assert all(isinstance(value, np.ndarray) for values in saved["state"].values() for value in values.values())
    second.load_state_dict({name: to_numpy(array) for name, array in first.state_dict().items()})
    after = LBFGS(second.parameters(), iterations=3)
    after.load_state_dict(saved)
    assert steps(second, after, 6 - stop) == losses[stop:]
    for a, b in zip(whole.parameters(), second.parameters()):
        np.testing.assert_array_equal(to_numpy(a.data), to_numpy(b.data))
    assert losses == sorted(losses, reverse=True) and losses[-1] < 0.1


def test_a_saved_state_is_a_copy_and_holds_the_newest_pairs():
    net = head()
    optimizer = LBFGS(net.parameters(), history=3, iterations=5)
    optimizer.step(head_closure(net))
    saved = optimizer.state_dict()
    assert set(saved["state"]) == {0, 1} and set(saved["state"][0]) == {"s0", "y0", "s1", "y1", "s2", "y2"}
    assert {value.shape for value in saved["state"][0].values()} == {(10, 64)}
    newest = saved["state"][0]["s2"].copy()
    optimizer.step(head_closure(net))
    np.testing.assert_array_equal(saved["state"][0]["s2"], newest)
    with pytest.raises(InputError, match="as it was when saved"):
        LBFGS(net.parameters(), history=4, iterations=5).load_state_dict(saved)


def test_it_ends_at_the_point_whose_loss_and_gradient_it_gives():
    w = Parameter(np.array([-1.2, 1.0]))
    array = w.data
    closure, losses = counting(rosenbrock, w)
    optimizer = LBFGS([w], iterations=7)
    loss = optimizer.step(closure)
    again, gradient = value_and_gradient(rosenbrock)(w.data)
    assert loss == pytest.approx(again, rel=1e-12) and loss <= min(losses) and w.data is array
    np.testing.assert_allclose(w.grad, gradient, rtol=1e-9)


def test_a_frozen_parameter_stays_and_thawing_forgets_the_history():
    w, fixed = Parameter(np.array([-1.2, 1.0])), Parameter(np.array([1.0]))
    fixed.requires_grad = False
    optimizer = LBFGS([w, fixed], iterations=5)
    closure, _ = counting(lambda w: rosenbrock(w) + ((fixed - 3) ** 2).sum(), w)
    optimizer.step(closure)
    assert fixed.data[0] == 1 and set(optimizer.state) == {0}
    fixed.requires_grad = True
    optimizer.iterations = 300
    assert optimizer.step(closure) < 1e-10 and fixed.data[0] == pytest.approx(3)


def test_a_parameter_out_of_the_loss_is_left_alone():
    w, apart = Parameter(np.array([-1.2, 1.0])), Parameter(np.array([5.0]))
    closure, _ = counting(rosenbrock, w)
    LBFGS([w, apart], iterations=300).step(closure)
    assert apart.data[0] == 5 and w.data == pytest.approx(1)


def test_an_overflow_on_the_line_is_only_too_far():
    w = Parameter(np.array([3.0]))

    def log_barrier(w):
        with np.errstate(invalid="ignore", divide="ignore"):
            return (w * 5 - w.log()).sum()

    closure, losses = counting(log_barrier, w)
    with np.errstate(invalid="ignore", divide="ignore"):
        LBFGS([w], iterations=100).step(closure)
    assert w.data[0] == pytest.approx(0.2)


def test_where_the_digits_of_float32_end_a_step_is_cheap():
    """No line search can tell up from down there; it says so after a few evaluations and stays."""
    w = Parameter(np.zeros(640, np.float32))
    closure, losses = counting(
        lambda w: ops.cross_entropy(ops.linear(Tensor(np.float32(IMAGES / 16)), w.reshape(10, 64)), LABELS)
        + 0.005 * (w * w).sum(), w)
    optimizer = LBFGS([w], iterations=500)
    loss, before = optimizer.step(closure), len(losses)
    there = w.data.copy()
    assert before < 100 and optimizer.step(closure) == loss and len(losses) - before < 15
    np.testing.assert_array_equal(w.data, there)


@pytest.mark.parametrize("steepness, length", [(1000.0, 1.0), (0.1, 0.1)])
def test_the_first_trial_is_the_gradient_and_no_longer_than_1(steepness, length):
    w, seen = Parameter(np.zeros(2)), []

    def closure():
        seen.append(w.data.copy())
        loss = (w * np.array([0.6, 0.8])).sum() * steepness + (w * w).sum()
        loss.backward()
        return loss

    LBFGS([w], iterations=1).step(closure)
    np.testing.assert_allclose(seen[1], [-0.6 * length, -0.8 * length])


def test_a_step_between_forward_and_backward_is_refused():
    w = Parameter(np.array([-1.2, 1.0]))
    late = rosenbrock(w)
    closure, _ = counting(rosenbrock, w)
    LBFGS([w], iterations=1).step(closure)
    with pytest.raises(RuntimeError, match="was changed after it read it"):
        late.backward()


def test_a_history_that_misleads_is_forgotten():
    """Its steps are 1e60 times too long, more than a line search can take back."""
    w = Parameter(np.array([-1.2, 1.0]))
    closure, _ = counting(rosenbrock, w)
    optimizer = LBFGS([w], iterations=300)
    optimizer.state = {0: {"s0": np.full(2, 1e30), "y0": np.full(2, 1e-30)}}
    assert optimizer.step(closure) < 1e-10


def test_a_pair_without_curvature_is_not_remembered():
    w = Parameter(np.array([1.0, 2.0]))
    closure, losses = counting(lambda w: (w * np.array([-1.0, 2.0])).sum(), w)
    optimizer = LBFGS([w], iterations=2)
    assert optimizer.step(closure) < -1e12 and optimizer.state == {} and len(losses) <= 51


def test_at_the_minimum_it_stays():
    w = Parameter(np.ones(2))
    closure, losses = counting(rosenbrock, w)
    assert LBFGS([w]).step(closure) == 0 and w.data.tolist() == [1, 1] and losses == [0]


def test_a_closure_that_fails_leaves_the_last_finished_iteration():
    w = Parameter(np.array([-1.2, 1.0]))
    seen = []

    def closure():
        if len(seen) == 9:
            raise KeyboardInterrupt
        seen.append(w.data.copy())
        loss = rosenbrock(w)
        loss.backward()
        return loss

    optimizer = LBFGS([w])
    with pytest.raises(KeyboardInterrupt):
        optimizer.step(closure)
    assert any(np.array_equal(w.data, point) for point in seen) and rosenbrock(w).item() < 5


W = Parameter(np.ones(3))


def backward_of(result):
    def closure():
        (W * W).sum().backward()
        return result
    return closure


@pytest.mark.parametrize("closure, words", [
    (None, "give it a function"), (3.0, "give it a function"), (backward_of(None), "returned a NoneType"),
    (backward_of(3.0), "returned a float"), (backward_of(Tensor(np.ones(2))), r"a Tensor of shape \(2,\)"),
    (lambda: (W * W).sum(), "left no gradient"), (backward_of(Tensor(np.array(math.nan))), "the loss is nan"),
    (backward_of(Tensor(np.array(math.inf))), "the loss is inf")])
def test_what_cannot_work_is_refused_in_one_line(closure, words):
    W.grad = np.ones(3)                     # left from before: no gradient of this loss
    with pytest.raises(InputError, match=f"^LBFGS: .*{words}") as error:
        LBFGS([W]).step(closure)
    assert "\n" not in str(error.value) and W.data.tolist() == [1, 1, 1]


def test_a_gradient_that_is_not_finite_is_refused():
    w = Parameter(np.zeros(2))

    def closure():
        loss = (w * w).sum()
        loss.backward()
        w.grad[1] = np.nan
        return loss

    with pytest.raises(InputError, match="gradient"):
        LBFGS([w]).step(closure)


def test_nothing_to_train_is_refused():
    w = Parameter(np.ones(3))
    w.requires_grad = False
    with pytest.raises(InputError, match="every parameter is frozen"):
        LBFGS([w]).step(backward_of(None))


@pytest.mark.parametrize("params, options, words", [
    ([{"params": [W]}], {}, "params has groups"), ([W, {"params": []}], {}, "params has groups"), ([], {}, "0 parameters"),
    ([W, W], {}, "2 parameters, 1 different"), ([W], {"history": 0}, "history is 0"),
    ([W], {"history": 2.5}, "history is 2.5"),
    ([W], {"iterations": 0}, "iterations is 0"), ([W], {"iterations": True}, "iterations is True"),
    ([W], {"tolerance": -1}, "tolerance -1"), ([W], {"tolerance": math.nan}, "tolerance nan")])
def test_impossible_settings_are_refused(params, options, words):
    with pytest.raises(InputError, match=words):
        LBFGS(params, **options)
