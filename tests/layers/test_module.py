"""Modules: names, order, state, and stages."""
import numpy as np
import pytest

from tinynet import InputError, Tensor
from tinynet.backend import array_module, to_numpy
from tinynet.layers import (BatchNorm, Conv2d, Dropout, Flatten, Linear, Module, Parameter, ReLU, Sequential,
                            stage_shapes, summary)
from tinynet.layers.module import works_by_row


class Block(Module):
    """Parameters before, between and after modules, as a user may assign them."""

    def __init__(self, rng):
        self.scale = Parameter(np.ones(3, np.float32))
        self.conv = Conv2d(3, 5, (3, 2), rng=rng)
        self.norm = BatchNorm(5)
        self.shift = Parameter(np.zeros(5, np.float32))
        self.setting = np.ones(7)                           # an array, but no buffer

    def forward(self, x):
        return self.norm(self.conv(x)) * self.shift.reshape(1, -1, 1, 1)


NAMES = ["block.scale", "block.shift", "block.conv.weight", "block.conv.bias", "block.norm.weight",
         "block.norm.bias", "block.norm.running_mean", "block.norm.running_var", "head.weight", "head.bias"]


@pytest.fixture
def net(rng):
    return Sequential(block=Block(rng), relu=ReLU(), drop=Dropout(), flat=Flatten(), head=Linear(5, 2, rng))


def test_names_follow_the_order_of_assignment(net):
    assert [name for name, _ in net.named_parameters()] == [name for name in NAMES if "running" not in name]
    assert list(net.state_dict()) == NAMES
    assert [id(p) for p in net.parameters()] == [id(p) for _, p in net.named_parameters()]
    assert [type(m).__name__ for m in net.modules()] == [
        "Sequential", "Block", "Conv2d", "BatchNorm", "ReLU", "Dropout", "Flatten", "Linear"]


def test_a_shared_parameter_is_counted_once(rng):
    layer = Linear(3, 3, rng)
    net = Sequential(a=layer, b=ReLU(), c=layer)
    assert len(net.parameters()) == 2
    assert list(net.state_dict()) == ["a.weight", "a.bias", "c.weight", "c.bias"]


def test_state_goes_round(net):
    rng = np.random.default_rng(1)
    state = {name: rng.standard_normal(array.shape) for name, array in net.state_dict().items()}
    live = list(net.state_dict().values())
    net.load_state_dict(state)
    for (name, array), before in zip(net.state_dict().items(), live):
        assert array is before and array.dtype == np.float32, "loaded in place, optimisers and slices see it"
        np.testing.assert_array_equal(array, state[name].astype(np.float32))
    state["head.bias"][:] = 0
    assert net["head"].bias.data.any()


def test_a_state_that_does_not_fit_is_listed_in_full_and_changes_nothing(net):
    state = {name: array + 1 for name, array in net.state_dict().items()}
    del state["block.scale"], state["head.bias"]
    state["foot.weight"] = np.ones(3)
    state |= {"block.conv.weight": np.ones((5, 3, 2, 3)), "head.weight": np.ones((5, 2))}
    before = {name: array.copy() for name, array in net.state_dict().items()}
    with pytest.raises(InputError) as error:
        net.load_state_dict(state)
    for problem in ("missing block.scale", "missing head.bias", "unknown foot.weight", "5 of 10",
                    "block.conv.weight is (5, 3, 2, 3), needs (5, 3, 3, 2)",
                    "head.weight is (5, 2), needs (2, 5)"):
        assert problem in str(error.value)
    assert "block.shift" not in str(error.value) and "\n" not in str(error.value)
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_train_and_eval_reach_every_module(net):
    assert all(module.training for module in net.modules())
    assert net.eval() is net and not any(module.training for module in net.modules())
    assert net.train() is net and all(module.training for module in net.modules())
    net["drop"].eval()
    assert [module.training for module in net.modules()].count(False) == 1


def test_to_a_device(net, device, rng):
    x = rng.standard_normal((2, 3, 3, 2)).astype(np.float32)
    net.eval()
    expected = net(Tensor(x)).numpy()
    parameters = net.parameters()
    parameters[0].grad = np.ones(3, np.float32)
    assert net.device == "cpu" and net.to(device) is net and net.device == device
    assert [id(p) for p in net.parameters()] == [id(p) for p in parameters], "optimisers hold them"
    assert parameters[0].grad is None
    xp = array_module(Tensor(x).to(device).data)
    assert all(type(array) is xp.ndarray for array in net.state_dict().values())
    assert type(net["block"].setting) is np.ndarray, "only parameters and buffers move"
    np.testing.assert_allclose(net(Tensor(x).to(device)).numpy(), expected, rtol=1e-5, atol=1e-6)
    net.load_state_dict({name: np.full(array.shape, 2.0) for name, array in net.state_dict().items()})
    assert all((to_numpy(array) == 2).all() for array in net.state_dict().values()) and net.device == device


def test_a_module_without_arrays_is_on_the_cpu():
    assert ReLU().device == "cpu"


def test_a_parameter_is_trained_unless_frozen():
    assert Parameter(np.ones(3)).requires_grad
    assert not Parameter(np.ones(3), requires_grad=False).requires_grad


def test_an_unwritten_module_says_what_to_write():
    with pytest.raises(NotImplementedError, match="Module: write forward"):
        Module()(Tensor([1.0]))


# Sequential

class Plus(Module):
    def __init__(self, n):
        self.n = n

    def forward(self, x):
        return x * 10 + self.n


@pytest.fixture
def digits():
    return Sequential(one=Plus(1), two=Plus(2), three=Plus(3), four=Plus(4))


def test_stages_are_applied_in_order(digits):
    assert digits(Tensor([0.0])).item() == 1234
    assert digits.stages == ["one", "two", "three", "four"] and len(digits) == 4
    assert [stage.n for stage in digits] == [1, 2, 3, 4]


@pytest.mark.parametrize("take, stages", [
    (lambda net: net[:"three"], ["one", "two"]), (lambda net: net["three":], ["three", "four"]),
    (lambda net: net["two":"four"], ["two", "three"]), (lambda net: net["two":-1], ["two", "three"]),
    (lambda net: net[:"one"], []), (lambda net: net["four":"two"], []),
    (lambda net: net[1:], ["two", "three", "four"]),
    (lambda net: net[:], ["one", "two", "three", "four"]), (lambda net: net[::2], ["one", "three"]),
    (lambda net: net[1:]["three":][:1], ["three"])])
def test_slices(digits, take, stages):
    part = take(digits)
    assert isinstance(part, Sequential) and part.stages == stages
    assert all(part[name] is digits[name] for name in stages)
    assert part(Tensor([0.0])).item() == int("".join(str(digits[name].n) for name in stages) or 0)


def test_two_slices_make_the_whole(digits):
    assert digits["three":](digits[:"three"](Tensor([0.0]))).item() == 1234


def test_a_slice_shares_parameters_and_mode(net):
    net.eval()
    part = net["drop":]
    assert not part.training and part.parameters()[0] is net["head"].weight
    assert list(part.state_dict()) == ["head.weight", "head.bias"]


def test_stages_by_position(digits):
    assert digits[0] is digits["one"] and digits[-1] is digits["four"]
    with pytest.raises(IndexError):
        digits[4]


def test_unnamed_stages_are_numbered():
    net = Sequential(Plus(1), Plus(2), Plus(3))
    assert net.stages == ["0", "1", "2"] and net["1"] is net[1]
    assert net[1:].stages == ["1", "2"], "a slice keeps the names, and with them the parameters' names"


def test_a_stage_may_be_replaced_in_place(digits):
    digits.two = Plus(7)
    assert digits.stages == ["one", "two", "three", "four"] and digits(Tensor([0.0])).item() == 1734


@pytest.mark.parametrize("make, word", [
    (lambda: Sequential(Plus(1), two=Plus(2)), "all stages or none"),
    (lambda: Sequential(training=Plus(1)), "'training'"), (lambda: Sequential(forward=Plus(1)), "'forward'"),
    (lambda: Sequential(stages=Plus(1)), "'stages'"), (lambda: Sequential(**{"a.b": Plus(1)}), "no dot"),
    (lambda: Sequential(one=np.tanh), "ufunc"), (lambda: Sequential(Plus), "type"),
    (lambda: Sequential(one=Plus(1))["two"], "no stage 'two'; the stages are one"),
    (lambda: Sequential(one=Plus(1))[:"two"], "no stage 'two'")])
def test_mistakes(make, word):
    with pytest.raises(InputError) as error:
        make()
    assert word in str(error.value)


# What a reader's own module gets wrong

class Own(Module):
    """Whatever is assigned to it."""

    def __init__(self, **parts):
        for name, value in parts.items():
            setattr(self, name, value)


def linear():
    return Linear(3, 2, np.random.default_rng(0))


@pytest.mark.parametrize("held", [
    lambda: [linear()], lambda: (ReLU(), linear()), lambda: {"first": linear()}, lambda: [[linear()]],
    lambda: [Parameter(np.ones(3))]])
def test_modules_that_nobody_would_find_are_refused(held):
    for ask in Own.parameters, Own.state_dict, Own.train, repr:
        with pytest.raises(InputError, match="Own: blocks is a .* would not be trained or saved"):
            ask(Own(blocks=held()))


def test_a_list_of_what_are_attributes_too_is_fine():
    first = linear()
    assert len(Own(first=first, blocks=[first], sizes=[3, 2], names={"a": 1}).parameters()) == 2


def test_a_tensor_in_the_place_of_a_parameter_is_refused():
    layer = linear()
    with pytest.raises(InputError, match="Linear: weight is a Parameter.*Parameter\\(x.data\\)"):
        layer.weight = Tensor(np.ones((2, 3), np.float32))
    layer.weight = Parameter(np.ones((2, 3), np.float32))
    assert (layer.weight.data == 1).all()
    with pytest.raises(InputError, match="Own: scale is a Tensor that wants a gradient, but no Parameter"):
        Own(scale=Tensor([1.0], requires_grad=True)).parameters()
    last = linear()(Tensor(np.ones((1, 3), np.float32)))
    assert Own(last=last, constant=Tensor([1.0])).parameters() == [], "a result or a constant may be kept"


def test_load_state_dict_takes_lists_and_refuses_what_are_no_numbers():
    layer = linear()
    layer.load_state_dict({"weight": [[1, 2, 3], [4, 5, 6]], "bias": [0, 1]})
    assert layer.weight.data.tolist() == [[1, 2, 3], [4, 5, 6]] and layer.weight.dtype == np.float32
    for strange in np.ones((2, 3)) * 1j, [["a"] * 3] * 2:
        with pytest.raises(InputError, match="weight is .*give real numbers"):
            layer.load_state_dict({"weight": strange, "bias": [0, 1]})


def test_loading_between_forward_and_backward_is_refused():
    layer = linear()
    y = layer(Tensor(np.ones((1, 3), np.float32), requires_grad=True)).sum()
    layer.load_state_dict({name: array + 1 for name, array in layer.state_dict().items()})
    with pytest.raises(RuntimeError, match="Linear read was changed"):
        y.backward()


def test_print_shows_a_tree():
    net = Sequential(body=Sequential(fc=linear(), relu=ReLU()), drop=Dropout(0.5))
    net["body"]["fc"].bias.requires_grad = False
    assert repr(net) == ("Sequential\n  body: Sequential\n    fc: Linear weight (2, 3), bias (2,) frozen\n"
                         "    relu: ReLU\n  drop: Dropout")


def test_summary_counts_by_stage():
    net = Sequential(fc=linear(), relu=ReLU(), norm=BatchNorm(2))
    net["fc"].bias.requires_grad = False
    assert stage_shapes(net, (3,)) == {"fc": (2,), "relu": (2,), "norm": (2,)}
    lines = [line.split() for line in summary(net, (3,)).splitlines()]
    assert lines == [["stage", "layer", "output", "numbers", "trained"], ["fc", "Linear", "2", "8", "6"],
                     ["relu", "ReLU", "2", "0", "0"], ["norm", "BatchNorm", "2", "4", "4"], ["together", "12", "10"]]
    assert repr(summary(net, (3,))) == str(summary(net, (3,)))
    assert net.training and not net["norm"].running_mean.any(), "it looks, and changes nothing"


# Which layers may see a batch in parts

class ByRow(Module):
    by_row = True

    def forward(self, x):
        return x


class Inherits(ByRow):
    def forward(self, x):
        return x - x.mean(axis=0)


class SaysItAgain(Inherits):
    by_row = True


class Steps(ByRow):
    def forward(self, x):
        return self.before(x) * 2

    def before(self, x):
        return x

    by_row = True


class ChangesAStep(Steps):
    def before(self, x):
        return x - x.mean(axis=0)


class OnlySettings(Steps):
    buffers = ()

    def __init__(self):
        self.gain = 2

    def report(self):
        return self.gain


class Calls(ByRow):
    def __call__(self, x):
        return x - x.mean(axis=0)


@pytest.mark.parametrize("layer, answer", [
    (ByRow(), True), (Own(), False), (Inherits(), False), (SaysItAgain(), True), (Calls(), False), (ReLU(), True),
    (Steps(), True), (ChangesAStep(), False), (OnlySettings(), True),
    (BatchNorm(3), False), (BatchNorm(3).eval(), True), (Dropout(0.5), True)], ids=lambda value: type(value).__name__)
def test_a_network_works_by_row_if_every_layer_says_so_itself(layer, answer):
    assert works_by_row(layer) == answer
    assert works_by_row(Sequential(ReLU(), Sequential(layer, Flatten()))) == answer


def test_a_forward_put_in_place_of_a_layers_own_has_not_said_it():
    layer = ReLU()
    layer.forward = lambda x: x - x.mean(axis=0)
    assert not works_by_row(layer)
    layer.by_row = True
    assert works_by_row(layer)


def test_a_layer_that_has_its_own_train_is_switched_by_it():
    class Fixed(Module):
        def train(self, mode=True):
            return super().train(False)

        def forward(self, x):
            return x

    net = Sequential(a=Sequential(fixed=Fixed()), b=ReLU())
    assert not net.train()["a"]["fixed"].training
    assert net["a"].training and net["b"].training and net.training


def test_a_part_of_a_network_with_a_forward_of_its_own_is_refused():
    class Scaled(Sequential):
        def forward(self, x):
            return super().forward(x * 2)

    own = Scaled(relu=ReLU(), flatten=Flatten())
    with pytest.raises(InputError, match="Scaled has a forward of its own, which a part"):
        own[:"flatten"]
    patched = Sequential(relu=ReLU(), flatten=Flatten())
    patched.forward = lambda x: x
    with pytest.raises(InputError, match="forward of its own"):
        patched[1:]
    assert own["relu"] is own[0], "one stage is what it is"


@pytest.mark.parametrize("names", [("means",), "mean"])
def test_buffers_that_are_no_names_of_attributes_are_refused(names):
    class Own(Module):
        buffers = names

        def __init__(self):
            self.mean = np.zeros(3, np.float32)

    with pytest.raises(InputError, match="Own: buffers is .* names of arrays that __init__ assigns"):
        Sequential(own=Own()).state_dict()
