"""The engine: what is recorded, in which order it is undone, what is freed, and what is refused."""
import gc
import threading
import weakref

import numpy as np
import pytest

from tinynet import Function, Tensor, no_grad, ops
from tinynet.backend import to_numpy
from tinynet.tensor import is_recording


class Scale(Function):
    """y = 2 x + 3 w, which notes what it was asked to compute."""

    log = []

    def forward(self, x, w):
        self.kept = np.ones(7)
        return 2 * x + 3 * w

    def backward(self, gy):
        Scale.log.append(tuple(self.needs))
        return (2 * gy if self.needs[0] else None), (3 * gy if self.needs[1] else None)


@pytest.fixture(autouse=True)
def empty_log():
    Scale.log.clear()


def leaf(*numbers):
    return Tensor(np.array(numbers), requires_grad=True)


# What a Tensor is made of

@pytest.mark.parametrize("data, dtype, shape", [
    (np.ones((3, 5), np.float32), np.float32, (3, 5)), (np.ones(3), np.float64, (3,)),
    (np.float64(2), np.float64, ()), (np.float32(2), np.float32, ()), (np.array([True]), np.bool_, (1,)),
    (2.0, np.float32, ()), ([1.0, 2.0], np.float32, (2,)), ([[1, 2.5]], np.float32, (1, 2)),
    ([np.float64(1)], np.float32, (1,)), ([1, 2], np.int64, (2,))], ids=repr)
def test_dtypes(data, dtype, shape):
    x = Tensor(data)
    assert type(x.data) is np.ndarray and x.dtype == dtype and x.shape == shape
    assert x.ndim == len(shape) and x.size == np.prod(shape) and x.grad is None and not x.requires_grad


def test_an_array_is_not_copied(device):
    x = Tensor(np.ones(3)).to(device).data
    assert Tensor(x).data is x and Tensor(x).detach().data is x


def test_a_memory_mapped_array_becomes_plain(tmp_path):
    np.save(tmp_path / "x.npy", np.ones(3))
    assert type(Tensor(np.load(tmp_path / "x.npy", mmap_mode="r")).data) is np.ndarray


@pytest.mark.parametrize("data", [[Tensor([1.0])], Tensor([1.0]), "3", None, [None], {"a": 1}], ids=repr)
def test_data_that_are_no_numbers(data):
    with pytest.raises(TypeError):
        Tensor(data)


def test_lists_of_unequal_length():
    with pytest.raises(TypeError, match="lists of equal length"):
        Tensor([[1.0], [1.0, 2.0]])


@pytest.mark.parametrize("data", [
    np.array(["a"]), np.array([1 + 1j]), np.array([1.0, None]), np.array(["2020-01-01"], "M8[D]"),
    np.array([(1, 2.0)], "i4,f4"), np.ma.masked_array([1.0, 2.0], [True, False])], ids=lambda data: str(data.dtype))
def test_arrays_that_hold_no_real_numbers(data):
    with pytest.raises(TypeError, match="Tensor: data is"):
        Tensor(data)


@pytest.mark.parametrize("dtype", [">f4", ">f8", ">i4"])
def test_a_foreign_byte_order_is_turned(dtype):
    x = Tensor(np.array([1, 2], dtype), requires_grad=dtype != ">i4")
    assert x.dtype.isnative and x.data.tolist() == [1, 2]
    if x.requires_grad:
        (x * x).sum().backward()
        assert x.grad.tolist() == [2, 4]


@pytest.mark.parametrize("data", [[1, 2], np.ones(2, bool), np.ones(2, np.uint8)], ids=repr)
def test_only_floats_have_gradients(data):
    with pytest.raises(TypeError, match="only floats"):
        Tensor(data, requires_grad=True)


def test_a_tensor_does_not_turn_into_an_array_in_silence():
    with pytest.raises(TypeError, match=r"\.numpy\(\)"):
        np.asarray(Tensor([1.0, 2.0]))
    with pytest.raises(TypeError):
        np.exp(Tensor([1.0]))


def test_reading(device):
    x = leaf(1.0, 2.0).to(device) * 2
    assert x.numpy().tolist() == [2, 4] and len(x) == 2 and x.sum().item() == 6
    assert "2." in repr(x) and "made by" not in repr(leaf(1.0)) and repr(x * 3).endswith("made by Multiply)")


def test_moving_to_a_device_makes_a_leaf(device):
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="made by Multiply.*detach"):
        (x * 2).to(device)
    moved = x.to(device)
    assert moved.requires_grad and moved.creator is None
    (moved * 3).sum().backward()
    assert to_numpy(moved.grad).tolist() == [3, 3] and x.grad is None
    assert type(moved.grad) is type(moved.data)


# Backward

@pytest.mark.parametrize("join", [lambda short, long: short + long, lambda short, long: long + short])
def test_a_function_waits_for_all_uses_of_its_result(join, rng):
    """Ways of unequal length lead back to `long` and to x; what came along all is passed on at once."""
    x = Tensor(rng.standard_normal((3, 5)), requires_grad=True)
    short = x * 2
    long = (short + 0) * 1
    y = join(short, long) * 1 + long.exp() + short * short
    y.sum().backward()
    np.testing.assert_allclose(x.grad, 4 + 2 * np.exp(2 * x.data) + 8 * x.data)


@pytest.mark.parametrize("join", [
    lambda u, v: (u + v) + u, lambda u, v: u + (u + v), lambda u, v: (v + u) + u])
def test_a_gradient_handed_to_two_is_not_added_to_in_place(join):
    """An addition passes one array on to both of its inputs; what u receives besides must not reach v."""
    x, w = leaf(1.0), leaf(1.0)
    join(x * 2, w * 3).backward()
    assert x.grad.tolist() == [4] and w.grad.tolist() == [3]


def test_every_function_is_visited_once():
    x = y = leaf(1.0)
    zero = Tensor([0.0])
    for _ in range(20):
        y = Scale()(y, zero) + Scale()(y, zero)                 # 2^20 ways from y to x, 40 functions
    y.backward()
    assert x.grad.tolist() == [4.0 ** 20] and len(Scale.log) == 40


def test_a_tensor_used_twice_by_one_op():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    assert x.grad.tolist() == [2, 4]
    y = leaf(3.0) * 1
    z = y - y
    z.backward()
    assert z.item() == 0


def test_gradients_add_up_over_calls():
    x = leaf(1.0, 2.0)
    for _ in range(3):
        (x * 5).sum().backward()
    assert x.grad.tolist() == [15, 15]
    x.zero_grad()
    assert x.grad is None


def test_backward_of_a_leaf():
    x = leaf(1.0, 2.0)
    gradient = np.array([3.0, 4.0])
    x.backward(gradient)
    x.backward(gradient)
    gradient[:] = 0
    assert x.grad.tolist() == [6, 8]


def test_a_gradient_may_be_given(device):
    x = leaf(1.0, 2.0).to(device)
    (x * 2).backward(x.data * 0 + 3)
    assert to_numpy(x.grad).tolist() == [6, 6]


def test_the_gradient_of_a_number_is_an_array_too():
    x = Tensor(np.float32(3), requires_grad=True)
    for count in 1, 2:
        (x * x).backward()
        assert type(x.grad) is np.ndarray and x.grad.shape == () and x.grad.dtype == np.float32
        assert x.grad == 6 * count


@pytest.mark.parametrize("depth", [10_000, 100_000])
def test_deep_networks_do_not_recurse(depth):
    x = y = leaf(1.0)
    for _ in range(depth):
        y = y * 1
    y.backward()
    assert x.grad.tolist() == [1]


def test_a_deep_tape_may_be_dropped_unused():
    y = leaf(1.0)
    for _ in range(100_000):
        y = y + 1
    made = weakref.ref(y)
    del y
    gc.collect()
    assert made() is None


# Who owns what

@pytest.mark.parametrize("combine", [
    lambda a, b: a + b, lambda a, b: a - b, lambda a, b: ops.concat([a, b], axis=0),
    lambda a, b: a.reshape(2, 1) + b.T,
    lambda a, b: (a.sum() + b.sum()) * 1, lambda a, b: a.transpose() + b[::1]])
def test_changing_one_gradient_changes_no_other(combine):
    a, b = leaf(1.0, 2.0), leaf(3.0, 5.0)
    y = combine(a, b)
    gradient = np.ones(y.shape)
    y.backward(gradient)
    expected = b.grad.copy()
    a.grad += 100
    assert b.grad.tolist() == expected.tolist() and (gradient == 1).all()


def test_a_function_may_return_one_array_twice_or_keep_it():
    class Both(Function):
        def forward(self, a, b):
            return a + b

        def backward(self, gy):
            Both.kept = 2 * gy
            return Both.kept, Both.kept

    a, b = leaf(1.0), leaf(2.0)
    Both()(a, b).backward()
    a.grad += 100
    assert b.grad.tolist() == Both.kept.tolist() == [2]


# Freezing

@pytest.mark.parametrize("x_wanted, w_wanted", [(True, False), (False, True), (True, True)])
def test_only_wanted_gradients_are_asked_for(x_wanted, w_wanted):
    x, w = Tensor([1.0], requires_grad=x_wanted), Tensor([2.0], requires_grad=w_wanted)
    Scale()(x, w).backward()
    assert Scale.log == [(x_wanted, w_wanted)]
    assert (x.grad is not None, w.grad is not None) == (x_wanted, w_wanted)


def test_below_the_lowest_trainable_layer_nothing_is_recorded():
    x = frozen = Tensor([1.0])
    made = []
    for _ in range(3):
        x = Scale()(x, Tensor([2.0]))
        assert x.creator is None and not x.requires_grad
        made.append(weakref.ref(x))
    w = leaf(5.0)
    y = Scale()(x, w)
    del x
    y.backward()
    assert Scale.log == [(False, True)] and w.grad.tolist() == [3] and frozen.grad is None
    assert [reference() for reference in made] == [None] * 3


def test_a_constant_is_no_input_that_wants_a_gradient():
    w = leaf(5.0)
    Scale()(np.array([1.0]), w).backward()
    Scale()(1.0, w).backward()
    assert Scale.log == [(False, True)] * 2 and w.grad.tolist() == [6]


# Freeing

def test_backward_frees_the_tape():
    x = leaf(1.0, 2.0)
    middle = x * 2
    function, tensor = weakref.ref(middle.creator), weakref.ref(middle)
    loss = (middle * middle).sum()
    del middle
    assert tensor() is not None
    loss.backward()
    assert tensor() is None and function() is None
    assert vars(loss.creator) == {}                         # what forward kept is gone as well


def test_backward_frees_on_the_way():
    """Not at the end: a deep network's gradients take the place of its activations."""
    alive = []

    class Watch(Function):
        def forward(self, x):
            return x

        def backward(self, gy):
            alive.append(above())
            return gy

    x = leaf(1.0)
    y = Watch()(x) * 2
    above = weakref.ref(y.creator)
    loss = y * 3
    del y
    loss.backward()
    assert alive == [None]


@pytest.mark.parametrize("again", [
    lambda loss, middle: loss, lambda loss, middle: middle, lambda loss, middle: middle * 2])
def test_a_second_backward_says_so(again):
    x = leaf(1.0)
    middle = x * 2
    loss = middle + 1
    loss.backward()
    with pytest.raises(RuntimeError, match="freed at (Add|Multiply).*forward"):
        again(loss, middle).backward()


def test_a_function_is_applied_once():
    """A second application would overwrite what the first backward reads."""
    double = Scale()
    double(leaf(1.0), leaf(2.0))
    with pytest.raises(RuntimeError, match="Scale.*second time"):
        double(leaf(3.0), leaf(4.0))
    free = Scale()
    with no_grad():
        assert [free(leaf(1.0), leaf(n)).item() for n in (2.0, 3.0)] == [8, 11]


# Mistakes

@pytest.mark.parametrize("returned, found", [
    (np.ones(3), r"float64 \(3,\)"), (np.ones((1, 2)), r"float64 \(1, 2\)"),
    (np.ones(2, np.float32), r"float32 \(2,\)"),
    (None, "None"), (1.0, "1.0"), ([1.0, 1.0], r"\[1.0, 1.0\]")], ids=repr)
def test_a_wrong_gradient_names_the_op(returned, found):
    class Wrong(Function):
        def forward(self, x):
            return x * 1

        def backward(self, gy):
            return returned

    for x in leaf(1.0, 2.0), leaf(1.0, 2.0) * 1:
        with pytest.raises(ValueError, match=rf"^Wrong: gradient is {found}, its input is float64 \(2,\)"):
            (Wrong()(x) * 3).sum().backward()


@pytest.mark.parametrize("returned", [(), (np.ones(1),), (np.ones(1),) * 3], ids=len)
def test_a_wrong_number_of_gradients_names_the_op(returned):
    class Wrong(Scale):
        def backward(self, gy):
            return returned

    with pytest.raises(ValueError, match=rf"Wrong: backward returned {len(returned)} gradients for 2 inputs"):
        Wrong()(leaf(1.0), leaf(2.0)).backward()


@pytest.mark.parametrize("gradient", [np.ones(3), np.ones(2, np.float32), 1.0, Tensor([1.0, 1.0])], ids=repr)
def test_a_given_gradient_of_the_wrong_kind(gradient):
    with pytest.raises((ValueError, TypeError)):
        (leaf(1.0, 2.0) * 2).backward(gradient)


def test_many_numbers_have_no_single_gradient():
    with pytest.raises(ValueError, match=r"\(2,\).*loss"):
        (leaf(1.0, 2.0) * 2).backward()


@pytest.mark.parametrize("make", [
    lambda: Tensor([1.0]), lambda: Tensor([1.0]) * 2, lambda: leaf(1.0).detach() * 2])
def test_nothing_to_differentiate(make):
    with pytest.raises(RuntimeError, match="requires_grad=True"):
        make().backward()


@pytest.mark.parametrize("method", ["forward", "backward"])
def test_an_unwritten_function_says_what_to_write(method):
    with pytest.raises(NotImplementedError, match=f"Function: write {method}"):
        getattr(Function(), method)(np.ones(1))


# no_grad

def test_no_grad_records_nothing_and_is_restored():
    x = leaf(1.0)
    with no_grad():
        assert not is_recording()
        y = Scale()(x, x)
        assert y.creator is None and not y.requires_grad
        with no_grad():
            pass
        assert not is_recording()
    assert is_recording() and (x * 2).requires_grad


def test_no_grad_is_restored_after_an_exception():
    with pytest.raises(ZeroDivisionError), no_grad():
        1 / 0
    assert is_recording()


def test_no_grad_is_each_threads_own():
    inside, outside = [], []

    def work():
        outside.append(is_recording())
        with no_grad():
            both.wait()
            inside.append(is_recording())
            both.wait()

    both = threading.Barrier(2, timeout=10)
    thread = threading.Thread(target=work)
    with no_grad():
        thread.start()
        both.wait()
    inside.append(is_recording())                               # here recording again, while the other is not
    both.wait()
    thread.join()
    assert outside == [True] and inside.count(True) == inside.count(False) == 1


def test_each_thread_records_its_own_tape():
    grads = {}

    def work(n):
        x = leaf(float(n))
        y = x
        for _ in range(200):
            y = y * 1 + x
        y.backward()
        grads[n] = x.grad.tolist()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert grads == {n: [201.0] for n in range(4)}


# What is typed first

def test_one_number_is_a_number():
    x = leaf(1.5)
    assert float(x) == x.item() == 1.5 and int(x) == 1 and f"{x.sum():.3f}" == "1.500" and f"{x}" == str(x)
    assert bool(x) and not bool(Tensor([0.0])) and not Tensor(0.0)
    for question in float, int, bool, "{:.3f}".format, Tensor.item:
        with pytest.raises(TypeError, match=r"Tensor of shape \(2,\) is not one number"):
            question(leaf(1.0, 2.0))


def test_comparisons_are_answered_element_by_element(device):
    x = Tensor([1.0, 2.0, 3.0]).to(device)
    for answer, expected in [(x > 2, [0, 0, 1]), (x >= 2, [0, 1, 1]), (x < x, [0, 0, 0]), (2 <= x, [0, 1, 1]),
                             (x == 2, [0, 1, 0]), (x != x, [0, 0, 0]), (x == Tensor([1.0, 0, 3]).to(device), [1, 0, 1])]:
        assert answer.dtype == bool and to_numpy(answer).tolist() == expected
    labels = np.array([0, 1, 1])
    assert np.mean(labels == Tensor(labels)) == 1 and ((labels != Tensor(labels)) == np.zeros(3)).all()
    assert len({x, x, Tensor([1.0])}) == 2, "a Tensor is still a key of sets and dicts, by identity"


# Changes behind backward's back

class Writes(Function):
    """y = x, with a backward that spoils what it is given."""

    def forward(self, x):
        return x + 0

    def backward(self, gy):
        gy *= 2
        return gy


def test_backward_cannot_write_into_the_gradient_it_was_given():
    x = leaf(1.0, 2.0)
    with pytest.raises(ValueError, match="Writes: backward writes into the gradient"):
        Writes()(x).backward(np.ones(2))


def test_another_value_error_of_backward_is_passed_on():
    class Stumbles(Writes):
        def backward(self, gy):
            raise ValueError("its own")

    with pytest.raises(ValueError, match="^its own$"):
        Stumbles()(leaf(1.0)).backward()


@pytest.mark.parametrize("change", [
    lambda W: setattr(W, "data", W.data * 2),
    lambda W: setattr(W, "data", np.subtract(W.data, 1, out=W.data)),           # W.data -= 1
], ids=["assigned", "in place"])
def test_what_was_changed_since_it_was_read_is_refused(change):
    W, x = leaf(3.0), leaf(2.0)
    y = x * W
    change(W)
    with pytest.raises(RuntimeError, match="what Multiply read was changed.*call backward first"):
        y.backward()
    (x * W).backward()
    assert x.grad.tolist() == W.data.tolist()


def test_a_result_that_was_changed_is_refused():
    for operation in ops.tanh, ops.exp, lambda x: x * 2:    # some keep what they made, some do not
        x = Tensor([0.5], requires_grad=True)
        y = operation(x)
        y.data *= 2                                         # by which the gradient would have to be doubled too
        with pytest.raises(RuntimeError, match="the result of .* was changed by assigning to .data"):
            y.sum().backward()
