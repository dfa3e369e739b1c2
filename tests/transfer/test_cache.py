"""The activation cache: each number is computed once, and never another trunk's or another image's."""
import _thread
import hashlib
import json
import random
import os
import re
import signal
import subprocess
import sys
import threading
import time
import tracemalloc

import numpy as np
import pytest

from tinynet.compute import parallel
from tinynet.data import Preprocessing
from tinynet.errors import InputError
from tinynet.layers import (BatchNorm, Conv2d, DropConnect, Dropout, DropPath, Flatten, FractionalMaxPool2d, Linear, MaxPool2d,
                            Module, ReLU, Sequential)
from tinynet.models import for_inference
from tinynet.tensor import Tensor, no_grad
from tinynet.transfer import cache
from tinynet.transfer.cache import ActivationCache

PREPROCESSING = Preprocessing(17, 13, "bilinear", "RGB", mean=(104, 117, 123), scale=0.02)
N = 11


class Pictures:
    """N small random pictures; `asked` lists the numbers of those that were asked for."""

    name, classes = "pictures", ["tigger", "misty", "neither"]

    def __init__(self, n=N, seed=0):
        rng = np.random.default_rng(seed)
        self.pixels = rng.integers(0, 256, (n, 19, 23, 3), np.uint8)
        self.labels = rng.integers(0, 3, n)
        self.asked = []

    def __len__(self):
        return len(self.pixels)

    def image(self, i):
        self.asked.append(i)
        return self.pixels[i]

    def key(self, i):
        return hashlib.sha256(self.pixels[i].tobytes()).hexdigest()

    def title(self, i):
        return f"picture {i}"

    def select(self, order):
        """The same pictures in another order, or some of them; labels go with them."""
        chosen = Pictures(0)
        chosen.pixels, chosen.labels = self.pixels[order], self.labels[order]
        return chosen


def make_net(seed=0, window=2):
    """A frozen network in evaluation mode; the statistics in its batch norm are not the default ones."""
    rng = np.random.default_rng(seed)
    net = Sequential(conv=Conv2d(3, 5, (3, 2), rng=rng), norm=BatchNorm(5), relu=ReLU(),
                     drop=Dropout(0.5, rng), pool=MaxPool2d(window, stride=2), flat=Flatten(),
                     head=Linear(5 * 5 * 6, 3, rng))
    net["norm"].running_mean[:] = rng.normal(size=5)
    net["norm"].running_var[:] = rng.uniform(0.5, 2, 5)
    for p in net.parameters():
        p.requires_grad = False
    return net.eval()


def inputs(dataset, preprocessing=PREPROCESSING):
    return np.stack([preprocessing(pixels) for pixels in dataset.pixels])


def apply(net, x):
    with no_grad():
        return net(Tensor(x)).data


def activations(folder, net=None, dataset=None, preprocessing=PREPROCESSING, cut="flat", **options):
    net, dataset, options = net or make_net(), dataset or Pictures(), {"progress": False} | options
    return ActivationCache(folder).activations(net[:cut], dataset, preprocessing, cut, **options)


# --- the right numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", ["norm", "flat", "head"])
def test_codes_are_the_trunks_output(tmp_path, cut):
    net, dataset = make_net(), Pictures()
    codes = activations(tmp_path, net, dataset, cut=cut)
    expected = apply(net[:cut], inputs(dataset))
    assert codes.shape == expected.shape and len(codes) == N
    assert codes[:].dtype == np.float32
    np.testing.assert_allclose(codes[:], expected, rtol=1e-5, atol=1e-5)
    assert codes.labels.dtype == np.int64 and (codes.labels == dataset.labels).all()
    assert (codes.computed, codes.reused) == (N, 0)


def test_maps_of_any_size_are_kept_each_size_apart(tmp_path):
    net, dataset = make_net(), Pictures()
    for crop, shape in ((13, (N, 5, 5, 6)), (17, (N, 5, 7, 8)), (13, (N, 5, 5, 6))):
        prep = PREPROCESSING.with_size(17, crop)
        codes = activations(tmp_path, net, dataset, prep)
        assert codes.shape == shape
        np.testing.assert_allclose(codes[:], apply(net[:"flat"], inputs(dataset, prep)), rtol=1e-5, atol=1e-5)
    assert codes.computed == 0 and len(ActivationCache(tmp_path).entries()) == 2


def test_a_grey_network_is_given_one_channel(tmp_path):
    prep = Preprocessing(17, 13, "bilinear", "L", mean=(104,), scale=0.02)
    net = Sequential(conv=Conv2d(1, 2, 3, rng=np.random.default_rng(0)), head=ReLU()).eval()
    net["conv"].weight.requires_grad = net["conv"].bias.requires_grad = False
    codes = activations(tmp_path, net, preprocessing=prep, cut="head")
    np.testing.assert_allclose(codes[:], apply(net[:"head"], inputs(Pictures(), prep)), rtol=1e-5, atol=1e-5)


def test_a_trunk_computes_where_it_is(tmp_path, device):
    net = make_net().to(device)
    codes = activations(tmp_path / "device", net)
    np.testing.assert_allclose(codes[:], activations(tmp_path / "cpu")[:], rtol=1e-5, atol=1e-5)
    assert type(codes[0]) is np.ndarray and net.device == device
    assert activations(tmp_path / "device").computed == 0           # the key does not depend on the device


def test_a_head_on_codes_equals_the_whole_network(tmp_path):
    net, dataset = make_net(), Pictures()
    codes = activations(tmp_path, net, dataset)
    np.testing.assert_allclose(parallel.run(net["flat":], codes), apply(net, inputs(dataset)), atol=1e-5)


def test_codes_are_indexed_as_an_array_is(tmp_path):
    dataset = Pictures()
    activations(tmp_path, dataset=dataset.select([7, 2, 9]))    # so that rows are not in the dataset's order
    codes = activations(tmp_path, dataset=dataset)
    whole = codes[:]
    rng = np.random.default_rng(3)
    for indices in (4, -1, slice(2, 9, 3), slice(None, None, -1), rng.permutation(N), rng.random(N) < 0.5,
                    np.array([5, 5, 0]), [3, 1], np.array([], int), np.array([[1, 2], [3, 10]])):
        found = codes[indices]
        assert found.dtype == np.float32 and type(found) is np.ndarray and found.flags.writeable
        np.testing.assert_array_equal(found, whole[indices])
    np.testing.assert_array_equal(whole, activations(tmp_path / "new", dataset=dataset)[:])
    with pytest.raises(IndexError):
        codes[N]


def test_numpy_can_load_the_file(tmp_path):
    codes = activations(tmp_path)
    stored = np.load(codes.path, mmap_mode="r")
    assert stored.dtype == np.float32 and stored.flags.c_contiguous
    np.testing.assert_array_equal(stored, codes[:])


def test_workers_change_nothing(tmp_path):
    one, three = (activations(tmp_path / str(workers), workers=workers) for workers in (1, 3))
    assert one.path.read_bytes() == three.path.read_bytes()


def test_without_stages_the_inputs_are_kept(tmp_path):
    dataset = Pictures()
    codes = activations(tmp_path, dataset=dataset, cut="conv")
    np.testing.assert_array_equal(codes[:], inputs(dataset))


def test_float16_halves_the_file_and_comes_back_as_float32(tmp_path):
    single, half = activations(tmp_path), activations(tmp_path, dtype="float16")
    assert half[[0]].dtype == np.float32
    np.testing.assert_allclose(half[:], single[:], rtol=2**-11, atol=1e-7)
    assert half.computed == N and np.load(half.path).nbytes * 2 == np.load(single.path).nbytes


# --- computed once ------------------------------------------------------------------------------------------


def test_a_second_call_computes_nothing(tmp_path):
    first, dataset = activations(tmp_path), Pictures()
    second = activations(tmp_path, dataset=dataset)
    assert (second.computed, second.reused) == (0, N) and len(dataset.asked) == 1
    np.testing.assert_array_equal(second[:], first[:])


def test_new_images_alone_are_computed(tmp_path):
    dataset = Pictures()
    activations(tmp_path, dataset=dataset.select([8, 3, 5]))
    codes = activations(tmp_path, dataset=dataset)
    assert (codes.computed, codes.reused) == (N - 3, 3)
    assert set(range(N)) - {8, 3, 5} <= set(dataset.asked) and len(dataset.asked) == N - 3 + 1
    fewer = activations(tmp_path, dataset=dataset.select([1, 8]))
    assert fewer.computed == 0
    np.testing.assert_array_equal(fewer[:], codes[[1, 8]])


def test_codes_stay_with_their_images(tmp_path):
    dataset = Pictures()
    codes = activations(tmp_path, dataset=dataset)
    order = np.random.default_rng(1).permutation(N)
    shuffled = activations(tmp_path, dataset=dataset.select(order))
    assert shuffled.computed == 0
    np.testing.assert_array_equal(shuffled[:], codes[order])
    np.testing.assert_array_equal(shuffled.labels, dataset.labels[order])
    dataset.labels = (dataset.labels + 1) % 3
    dataset.name = "renamed"
    relabelled = activations(tmp_path, dataset=dataset)
    assert relabelled.computed == 0 and (relabelled.labels == dataset.labels).all()
    np.testing.assert_array_equal(relabelled[:], codes[:])


def test_an_image_that_was_replaced_is_computed(tmp_path):
    dataset = Pictures()
    old = activations(tmp_path, dataset=dataset)
    dataset.pixels[4] = 255 - dataset.pixels[4]
    new = activations(tmp_path, dataset=dataset)
    assert new.computed == 1 and (new[4] != old[4]).any()
    np.testing.assert_array_equal(new[4], activations(tmp_path / "new", dataset=dataset)[4])


def test_the_same_picture_twice_is_computed_once(tmp_path):
    dataset = Pictures().select([0, 1, 0, 2, 1])
    codes = activations(tmp_path, dataset=dataset)
    assert (codes.computed, codes.reused) == (3, 2) and len(dataset.asked) == 3 + 2
    np.testing.assert_array_equal(codes[[0, 1]], codes[[2, 4]])


def changed_weight():
    net = make_net()
    net["conv"].weight.data[2, 1, 0, 1] += 1e-3
    return net


def changed_statistic():
    net = make_net()
    net["norm"].running_var[3] *= 1.01
    return net


@pytest.mark.parametrize("change", [
    {"net": changed_weight()},
    {"net": changed_statistic()},
    {"net": make_net(window=3)},                                    # the same weights through another layer
    {"cut": "pool"},
    {"cut": "head"},                                                # the same numbers in another shape
    {"preprocessing": Preprocessing(17, 13, "bilinear", "BGR", (104, 117, 123), 0.02)},
    {"preprocessing": Preprocessing(17, 13, "bilinear", "RGB", (104, 117, 124), 0.02)},
    {"dtype": "float16"},
], ids=["weight", "statistic", "layer", "cut", "shape", "channels", "mean", "dtype"])
def test_another_key_is_never_served_from_this_one(tmp_path, change):
    first = activations(tmp_path)
    other = activations(tmp_path, **change)
    assert other.computed == N and other.path != first.path
    np.testing.assert_array_equal(other[:], activations(tmp_path / "new", **change)[:])
    assert activations(tmp_path).computed == 0


def test_numbers_in_the_folder_of_another_key_are_not_used(tmp_path):
    theirs, ours = activations(tmp_path / "a", changed_weight()), activations(tmp_path / "b")
    theirs.path.parent.rename(tmp_path / "a" / ours.path.parent.name)
    with pytest.warns(UserWarning, match=f"{N} of {N} rows are damaged"):
        codes = activations(tmp_path / "a")
    assert codes.computed == N
    np.testing.assert_array_equal(codes[:], ours[:])


def test_training_the_head_does_not_change_the_key(tmp_path):
    net = make_net()
    activations(tmp_path, net)
    net["head"].weight.data += 1
    net["head"].weight.requires_grad = True
    assert activations(tmp_path, net).computed == 0


def test_the_folder_says_what_is_in_it(tmp_path):
    folder = activations(tmp_path).path.parent
    assert folder.parent == tmp_path and re.fullmatch("flat-float32-[0-9a-f]{12}", folder.name)
    key = json.loads((folder / "key.json").read_text(encoding="utf-8"))
    assert (key["cut"], key["dtype"], key["preprocessing"]) == ("flat", "float32", PREPROCESSING.to_dict())
    assert key["trunk"] == (
        "Sequential(conv=Conv2d(stride=1, padding=0, groups=1), norm=BatchNorm(eps=1e-05, momentum=0.1), "
        "relu=ReLU(), drop=Dropout(p=0.5), pool=MaxPool2d(window=(2, 2, 0, False)))")
    lines = (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["image"] for line in lines] == [Pictures().key(i) for i in range(N)]


# --- edited code --------------------------------------------------------------------------------------------


class Own(Module):
    """A layer of a reader's own: x, times and plus something that stands in no state dict."""

    def __init__(self, by=1.0, plus=0.0):
        self.by, self.plus = np.full(1, by, np.float32), lambda x: x + plus

    def forward(self, x):
        return self.plus(x * self.by)


def own(*arguments):
    net = make_net()
    return Sequential(**dict(net[:"drop"].children()), own=Own(*arguments), flat=net["flat"], head=net["head"]).eval()


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("edit", [(2.0,), (-1.0,), (0.0,), (1.0, 1.0), (1.1,), (float("nan"),)], ids=str)
def test_code_that_was_edited_is_noticed(tmp_path, edit, dtype):
    if dtype == "float16" and np.isnan(edit[0]):
        pytest.skip("float16 keeps no nan")
    activations(tmp_path, own(), dtype=dtype)
    with pytest.warns(UserWarning, match="gives other numbers than when these were kept, so its code was changed"):
        if np.isnan(edit[0]):
            with pytest.raises(InputError, match="activations reach nan"):
                activations(tmp_path, own(*edit), dtype=dtype)
            return
        codes = activations(tmp_path, own(*edit), dtype=dtype)
    assert codes.computed == N
    np.testing.assert_array_equal(codes[:], activations(tmp_path / "new", own(*edit), dtype=dtype)[:])
    assert activations(tmp_path, own(*edit), dtype=dtype).computed == 0


def test_a_run_that_is_stopped_after_an_edit_trusts_no_old_row(tmp_path):
    activations(tmp_path, own())

    class Stopping(Pictures):
        def image(self, i):
            if len(self.asked) == 4:
                raise KeyboardInterrupt
            return super().image(i)

    with pytest.warns(UserWarning, match="code was changed"), pytest.raises(KeyboardInterrupt):
        activations(tmp_path, own(3.0), Stopping(), workers=1)
    codes = activations(tmp_path, own(3.0))
    np.testing.assert_array_equal(codes[:], activations(tmp_path / "new", own(3.0))[:])


def test_edited_preprocessing_is_noticed(tmp_path):
    class Mirrored(Preprocessing):
        def __call__(self, rgb):
            return super().__call__(rgb)[..., ::-1].copy()

    settings = PREPROCESSING.to_dict()
    activations(tmp_path)
    with pytest.warns(UserWarning, match="code was changed"):
        assert activations(tmp_path, preprocessing=Mirrored(**settings)).computed == N


def test_rounding_of_another_blas_is_no_edit(tmp_path):
    first = activations(tmp_path, own())
    again = activations(tmp_path, own(1 + 1e-4, 1e-5))
    assert again.computed == 0
    np.testing.assert_array_equal(again[:], first[:])


def test_rows_of_zeros_are_no_edit_and_hide_none(tmp_path):
    dataset = Pictures()
    activations(tmp_path, own(0.0), dataset)
    assert activations(tmp_path, own(0.0), dataset).computed == 0
    with pytest.warns(UserWarning, match="code was changed"):
        assert activations(tmp_path, own(1.0), dataset).computed == N


# --- refused ------------------------------------------------------------------------------------------------


def refused(tmp_path, match, **options):
    with pytest.raises(InputError, match=match) as caught:
        activations(tmp_path / "cache", **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("stage", ["conv", "norm"])
def test_a_trunk_that_can_be_trained_is_refused(tmp_path, stage):
    net = make_net()
    for p in net[stage].parameters():
        p.requires_grad = True
    refused(tmp_path, f"frozen trunk, but training would change {stage}.weight, {stage}.bias;", net=net)


def test_dropout_that_drops_is_refused(tmp_path):
    refused(tmp_path, "the cache: Dropout is in training mode.*random; call net.eval", net=make_net().train())


@pytest.mark.parametrize("stages", [
    {"own": DropPath(ReLU(), 0.5)}, {"own": FractionalMaxPool2d(1.5)},
    {"flat": Flatten(), "own": DropConnect(150, 4, rng=np.random.default_rng(0))}],
    ids=["DropPath", "FractionalMaxPool2d", "DropConnect"])
def test_other_noise_is_refused_in_training_and_kept_in_evaluation(tmp_path, stages):
    net = Sequential(**dict(make_net()[:"flat"].children()), **stages, end=ReLU()).eval()
    for p in net.parameters():
        p.requires_grad = False
    codes = activations(tmp_path / "kept", net, cut="end")
    np.testing.assert_allclose(codes[:], apply(net[:"end"], inputs(Pictures())), rtol=1e-5, atol=1e-5)
    name = type(net["own"]).__name__
    with pytest.raises(InputError, match=f"the cache: {name} is in training mode.*random; call net.eval"):
        net["own"].train()
        activations(tmp_path / "refused", net, cut="end")


def test_the_setting_of_a_noise_is_part_of_the_key(tmp_path):
    for ratio in 1.5, 1.6:
        net = Sequential(**dict(make_net()[:"flat"].children()), own=FractionalMaxPool2d(ratio), end=ReLU()).eval()
        assert activations(tmp_path, net, cut="end").computed == N
    assert "own=FractionalMaxPool2d(ratio=1.6, pseudorandom=True)" in "".join(
        path.read_text(encoding="utf-8") for path in tmp_path.glob("*/key.json"))


class Noise(Module):
    """A layer that draws from a generator it hides somewhere."""

    def __init__(self, hide=lambda rng: rng):
        self.rng = hide(np.random.default_rng(0))

    def forward(self, x):
        return x


class Counting(Module):
    """A layer whose answer depends on what it saw before."""

    def __init__(self):
        self.count = [0]

    def forward(self, x):
        self.count[0] += 1
        return x * self.count[0]


class GlobalNoise(Module):
    def forward(self, x):
        return x + np.random.standard_normal(x.shape)


class OwnNorm(Module):
    def forward(self, x):
        return x - x.mean(axis=0) if self.training else x


@pytest.mark.parametrize("layer, match", [
    (Noise(), "Noise.rng draws random numbers"), (Noise(lambda rng: [rng]), "Noise.rng"),
    (Noise(lambda rng: lambda x: rng.normal(x)), "Noise.rng"), (Noise(lambda rng: {"a": rng.normal}), "Noise.rng"),
    (Noise(lambda rng: np.random.RandomState(0)), "Noise.rng"), (Noise(lambda rng: random.Random(0)), "Noise.rng"),
    (OwnNorm(), "OwnNorm is in training mode, where its answers may depend on the other images; call net.eval")])
def test_a_trunk_of_ones_own_that_is_random_or_needs_the_batch_is_refused(tmp_path, layer, match):
    net = make_net()
    stages = dict(net[:"drop"].children())
    refused(tmp_path, match, net=Sequential(**stages, own=layer, flat=net["flat"]))


@pytest.mark.parametrize("layer", [Counting(), GlobalNoise()])
def test_a_trunk_that_answers_otherwise_each_time_is_refused(tmp_path, layer):
    net = make_net()
    with pytest.raises(InputError, match="gives other numbers each time it sees the same image"):
        activations(tmp_path, Sequential(**dict(net[:"drop"].children()), own=layer, flat=net["flat"]).eval())


class Centred(Module):
    """Takes the batch's mean in evaluation too: of an image alone, nothing is left."""

    def forward(self, x):
        return x - x.mean(axis=0)


class Brightest(Module):
    def forward(self, x):
        return x / (1 + float(abs(x.data).max()))


@pytest.mark.parametrize("layer", [Centred(), Brightest()])
def test_a_trunk_that_needs_the_other_images_in_evaluation_too_is_refused(tmp_path, layer):
    net = Sequential(own=layer, flat=Flatten()).eval()
    with pytest.raises(InputError, match="depends on the other images of its batch"):
        activations(tmp_path, net)
    assert [entry.photos for entry in ActivationCache(tmp_path).entries()] == [0], "nothing was kept"


def test_a_frozen_batch_norm_in_training_is_not(tmp_path):
    net, dataset = make_net().train(), Pictures()
    codes = activations(tmp_path / "train", net, dataset, cut="relu")
    np.testing.assert_array_equal(codes[:], activations(tmp_path / "eval", dataset=dataset, cut="relu")[:])


def test_rows_are_computed_by_the_network_made_for_inference(tmp_path, monkeypatch):
    ran = []

    class Watched(Module):
        by_row = True

        def __init__(self, net):
            self.net = net

        def forward(self, x):
            ran.append(len(x))
            return self.net(x)

    monkeypatch.setattr(cache, "for_inference", lambda trunk: Watched(for_inference(trunk)))
    activations(tmp_path)
    assert ran == [1] * (1 + N)                             # one image before them, to be compared with the trunk's answer
    activations(tmp_path)
    assert len(ran) == 1 + N


def test_a_network_for_inference_that_is_another_is_found_before_anything_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "for_inference", lambda trunk: for_inference(make_net(seed=1)[:"flat"]))
    with pytest.raises(InputError, match="gives other numbers"):
        activations(tmp_path)
    monkeypatch.undo()
    assert activations(tmp_path).computed == N


def test_a_dataset_that_varies_its_images_is_refused(tmp_path):
    dataset = Pictures()
    dataset.augmented = True
    refused(tmp_path, "dataset 'pictures' varies them; use it without augmentation", dataset=dataset)


def test_a_key_that_is_no_sha256_is_refused(tmp_path):
    class Named(Pictures):
        def key(self, i):
            return super().key(i) if i < 3 else "cat.jpg"

    refused(tmp_path, r"key\(3\) 'cat.jpg'; return 64 hex", dataset=Named())


def test_an_unknown_dtype_is_refused(tmp_path):
    refused(tmp_path, "float32 or float16, not as 'int8'", dtype="int8")


# --- stopped, and watched -----------------------------------------------------------------------------------


class Failing(Pictures):
    """Calls `fail` instead of giving picture 7."""

    def image(self, i):
        return self.fail() if i == 7 else super().image(i)


def throw(error):
    raise error


def pool_threads():
    return [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), InputError("pictures/7.jpg: is damaged")])
@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_done_before_an_error_is_kept(tmp_path, error, workers):
    dataset = Failing()
    dataset.fail = lambda: throw(error)
    with pytest.raises(type(error)):
        activations(tmp_path, dataset=dataset, workers=workers)
    assert pool_threads() == []
    codes = activations(tmp_path)
    assert (codes.computed, codes.reused) == (N - 7, 7)
    np.testing.assert_array_equal(codes[:], activations(tmp_path / "new")[:])


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_is_obeyed_and_spoils_nothing(tmp_path, workers):
    dataset = Failing(100)
    dataset.fail = lambda: _thread.interrupt_main() or dataset.pixels[7]
    with pytest.raises(KeyboardInterrupt):
        activations(tmp_path, dataset=dataset, workers=workers)
    assert pool_threads() == [] and len(dataset.asked) < 50
    codes = activations(tmp_path, dataset=Pictures(100))
    assert 1 <= codes.reused < 50 and codes.computed + codes.reused == 100
    np.testing.assert_array_equal(codes[:], activations(tmp_path / "new", dataset=Pictures(100))[:])


def test_no_thread_goes_on_after_a_full_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("tinynet.files.rows._write",
                        lambda file, data: throw(OSError(28, "No space left on device")))
    dataset = Pictures(200)
    with pytest.raises(InputError, match="200 more rows need 120,000 bytes, but No space") as caught:
        activations(tmp_path, dataset=dataset, workers=2)
    assert pool_threads() == [] and len(dataset.asked) < 20
    assert caught.value.__cause__.errno == 28


def test_the_bar_is_shown_on_request_and_only_while_computing(tmp_path, capsys):
    activations(tmp_path, dataset=Pictures(3), progress=False)
    assert capsys.readouterr() == ("", "")
    activations(tmp_path, progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "activations before flat" in err and f"{N - 3}/{N - 3}" in err
    activations(tmp_path, progress=True)
    assert capsys.readouterr() == ("", "")


def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    class Endless(Pictures):
        def __len__(self):
            return 600

        def image(self, i):
            return self.pixels[i % N]

        def key(self, i):
            return hashlib.sha256(b"%d" % i).hexdigest()

    dataset, cut = Endless(), "drop"                                # 600 rows of 2,640 bytes
    dataset.labels = np.zeros(600, np.int64)
    activations(tmp_path / "first", cut=cut)                        # pay for what is made once
    tracemalloc.start()
    codes = activations(tmp_path, dataset=dataset, cut=cut, workers=2)
    for start in range(0, 600, 30):
        codes[start:start + 30]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert codes.path.stat().st_size > 1_500_000 and peak < 750_000


# --- other processes ----------------------------------------------------------------------------------------


class Slow(Pictures):
    """Takes its time over each picture and ends its own process, as kill -9 does, at picture `last`."""

    last = None

    def image(self, i):
        if i == self.last:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        time.sleep(0.02)
        return super().image(i)


def child(folder, n, last, n_children):
    """Run in another process: fill a cache once all children are there; print how many images it computed."""
    (folder / f"ready-{os.getpid()}").touch()
    while len(list(folder.glob("ready-*"))) < n_children:
        time.sleep(0.01)
    dataset = Slow(n)
    dataset.last = last
    print(activations(folder, dataset=dataset, workers=1).computed)


def start(root, folder, n=N, last=None, n_children=1):
    code = (f"import pathlib, runpy; child = runpy.run_path({__file__!r})['child']; "
            f"child(pathlib.Path({str(folder)!r}), {n}, {last}, {n_children})")
    return subprocess.Popen([sys.executable, "-c", code], cwd=root, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_killed_process_loses_no_finished_row(tmp_path, root):
    killed = start(root, tmp_path, last=6)
    out, err = killed.communicate(timeout=120)
    assert killed.returncode not in (0, 1) and out == "", err
    codes = activations(tmp_path)                                   # nothing is locked
    assert (codes.computed, codes.reused) == (N - 6, 6)
    np.testing.assert_array_equal(codes[:], activations(tmp_path / "new")[:])


def test_two_processes_share_the_work_of_one(tmp_path, root):
    n = 60
    children = [start(root, tmp_path, n, n_children=2) for _ in range(2)]
    results = [process.communicate(timeout=120) for process in children]
    assert sorted(int(out) for out, err in results) == [0, n], results
    codes = activations(tmp_path, dataset=Pictures(n))
    assert codes.computed == 0
    np.testing.assert_array_equal(codes[:], activations(tmp_path / "new", dataset=Pictures(n))[:])
