"""fit and evaluate, on a small problem that can be learnt."""
import importlib
import threading

import numpy as np
import pytest

from tinynet import InputError, Tensor, ops
from tinynet.compute import parallel
from tinynet.data import ColourShift, Compose, Crop, Loader, Mirror, Preprocessing, load_inputs
from tinynet.layers import BatchNorm, Conv2d, Dropout, GlobalAvgPool2d, Linear, ReLU, Sequential, zeros
from tinynet.optim import EMA, SGD, Adam, exponential_decay, warmup
from tinynet.transfer import Checkpoint, evaluate, fit
from tinynet.transfer.checkpoint import load_checkpoint, save_checkpoint

fit_module = importlib.import_module("tinynet.transfer.fit")     # the package's own name `fit` is the function

N, D, K = 67, 13, 3


@pytest.fixture
def data():
    """Points around one centre per class, and which are for training and validation."""
    rng = np.random.default_rng(0)
    labels = rng.integers(K, size=N)
    x = (rng.standard_normal((K, D))[labels] + rng.standard_normal((N, D))).astype(np.float32)
    order = rng.permutation(N)
    return x, labels, order[:47], order[47:]


def dropout_net():
    rng = np.random.default_rng(1)
    return Sequential(hidden=Linear(D, 17, rng), relu=ReLU(), drop=Dropout(0.3, rng), out=Linear(17, K, rng))


def norm_net():
    rng = np.random.default_rng(1)
    return Sequential(hidden=Linear(D, 17, rng), norm=BatchNorm(17), relu=ReLU(), drop=Dropout(0.3, rng), out=Linear(17, K, rng))


def train(data, net, epochs=12, optimizer=None, **options):
    x, labels, rows, val = data
    optimizer = optimizer or Adam(net.parameters(), lr=0.01)
    return fit(net, x, labels, rows, val, optimizer, epochs, np.random.default_rng(2), batch_size=8, progress=False, **options)


def test_it_learns_and_reports_every_epoch(data):
    net = dropout_net()
    history = train(data, net)
    assert all(len(history[name]) == 12 for name in ("train_loss", "train_accuracy", "val_loss", "val_accuracy"))
    assert history["train_loss"][-1] < 0.5 * history["train_loss"][0]
    assert evaluate(net, *data[:2], data[3]).accuracy > 0.8
    assert not net.training


def test_the_best_epoch_is_restored(data):
    net = dropout_net()
    history = train(data, net, epochs=30, optimizer=Adam(net.parameters(), lr=0.1))
    best = int(np.argmin(history["val_loss"]))
    assert history["best_epoch"] == best < 29, "the last epoch is the best: this test shows nothing"
    assert evaluate(net, *data[:2], data[3]).loss == pytest.approx(history["val_loss"][best], rel=1e-6)


def test_it_stops_early_when_nothing_improves(data):
    net = dropout_net()
    history = train(data, net, epochs=200, optimizer=Adam(net.parameters(), lr=0.1), patience=4)
    assert len(history["val_loss"]) == history["best_epoch"] + 5 < 200


def test_without_validation_rows_the_last_epoch_counts_and_patience_is_not_asked(data):
    x, labels, rows, _ = data
    net = dropout_net()
    history = fit(net, x, labels, rows, rows[:0], Adam(net.parameters(), lr=0.01), 5, np.random.default_rng(0),
                  patience=1, progress=False)
    assert history["best_epoch"] == 4 and history["val_loss"] == []


def test_the_schedule_scales_every_group_and_leaves_the_rates_as_they_were(data):
    net, seen = dropout_net(), []
    groups = [{"params": net["hidden"].parameters(), "lr": 0.5}, {"params": net["out"].parameters()}]
    optimizer = SGD(groups, lr=0.1)
    step = optimizer.step
    optimizer.step = lambda: (seen.append([group["lr"] for group in optimizer.groups]), step())
    train(data, net, epochs=3, optimizer=optimizer, schedule=exponential_decay(0.5))
    np.testing.assert_allclose(np.unique(seen, axis=0)[::-1], [[0.5, 0.1], [0.25, 0.05], [0.125, 0.025]])
    assert [group["lr"] for group in optimizer.groups] == [0.5, 0.1]


@pytest.mark.parametrize("factor", [-1, float("nan"), float("inf"), None, np.array([1.0, 2.0])])
def test_a_schedule_that_gives_no_factor_is_refused(data, factor):
    with pytest.raises(InputError, match="fit: the schedule gives .* for epoch 1; a factor is a number from 0 up"):
        train(data, dropout_net(), schedule=lambda epoch: factor if epoch else np.float32(1))


class Stop(Exception):
    """Stands for a kill between two epochs."""


@pytest.mark.parametrize("kind", ["momentum", "adam"])
def test_a_run_that_was_stopped_and_resumed_equals_bit_for_bit_one_that_was_not(data, kind, tmp_path, monkeypatch):
    def build(net):
        return Adam(net.parameters(), lr=0.01) if kind == "adam" else SGD(net.parameters(), lr=0.05, momentum=0.9)

    whole, schedule = dropout_net(), warmup(3, then=exponential_decay(0.8))
    expected = train(data, whole, optimizer=build(whole), schedule=schedule)

    path = tmp_path / "run.safetensors"
    epochs = iter(range(100))

    def stop_at_epoch_five(*arguments):
        if next(epochs) == 5:
            raise Stop
        return train_epoch(*arguments)

    train_epoch = fit_module._train_epoch
    monkeypatch.setattr(fit_module, "_train_epoch", stop_at_epoch_five)
    with pytest.raises(Stop):
        stopped = dropout_net()
        train(data, stopped, optimizer=build(stopped), schedule=schedule, checkpoint=Checkpoint(path, "a", every=0))
    assert path.exists()

    again = dropout_net()
    history = train(data, again, optimizer=build(again), schedule=schedule, checkpoint=Checkpoint(path, "a", every=0))
    assert next(epochs) == 6 + 7, "the second run did not go on from the sixth epoch"
    assert history == expected
    for name, array in whole.state_dict().items():
        assert array.tobytes() == again.state_dict()[name].tobytes(), name
    assert path.exists(), "it stays until the results are saved"


def test_the_average_is_updated_each_step_measured_and_kept_and_changes_no_step(data):
    x, labels, rows, val = data
    plain, net = norm_net(), norm_net()
    without, ema = train(data, plain), EMA(net, 0.9)
    history = train(data, net, ema=ema)
    assert ema.updates == 12 * 6
    assert history["train_loss"] == without["train_loss"], "training goes on from the weights, not from their average"
    assert history["val_loss"] != without["val_loss"]
    best = history["best_epoch"]
    assert best == int(np.argmin(history["val_loss"]))
    assert evaluate(net, x, labels, val).loss == history["val_loss"][best]

    again = norm_net()                                      # the same, by hand
    by_hand = EMA(again, 0.9)
    train(data, again, epochs=best + 1, ema=by_hand)
    with by_hand.averaged():
        assert evaluate(again, x, labels, val).loss == history["val_loss"][best]
        for name, array in net.state_dict().items():
            assert array.tobytes() == again.state_dict()[name].tobytes(), name


def test_without_validation_rows_the_last_average_is_kept(data):
    x, labels, rows, _ = data
    net = norm_net()
    ema = EMA(net, 0.9)
    train((x, labels, rows, []), net, ema=ema)
    for name, array in net.state_dict().items():
        assert array.tobytes() == ema.average[name].tobytes(), name


def test_an_average_of_nothing_but_the_last_step_is_no_average(data):
    plain, net = norm_net(), norm_net()
    assert train(data, plain) == train(data, net, ema=EMA(net, 0))


@pytest.mark.parametrize("stop", [1, 5])
def test_a_run_with_an_average_that_was_stopped_and_resumed_is_bit_for_bit_the_same(data, stop, tmp_path, monkeypatch):
    whole, path, train_epoch, epochs = norm_net(), tmp_path / "run.safetensors", fit_module._train_epoch, iter(range(100))
    one = EMA(whole, 0.95)
    expected = train(data, whole, ema=one)

    def stop_then(*arguments):
        if next(epochs) == stop:
            raise Stop
        return train_epoch(*arguments)

    monkeypatch.setattr(fit_module, "_train_epoch", stop_then)
    with pytest.raises(Stop):
        stopped = norm_net()
        train(data, stopped, checkpoint=Checkpoint(path, "a", every=0), ema=EMA(stopped, 0.95))
    again = norm_net()
    other = EMA(again, 0.95)
    assert train(data, again, checkpoint=Checkpoint(path, "a", every=0), ema=other) == expected
    assert next(epochs) == stop + 1 + 12 - stop, "the second run did not go on where the first was stopped"
    assert one.updates == other.updates
    for name, array in whole.state_dict().items():
        assert array.tobytes() == again.state_dict()[name].tobytes(), name
        assert one.average[name].tobytes() == other.average[name].tobytes(), name


def test_a_checkpoint_with_another_average_or_none_is_not_loaded(data, tmp_path):
    def parts():
        net = dropout_net()
        return net, SGD(net.parameters(), 0.1), np.random.default_rng(0)

    with_one, without, path = parts(), parts(), tmp_path / "c.safetensors"
    ema = EMA(with_one[0], 0.9)
    ema.update()
    for saved, asked in ((ema, None), (None, EMA(without[0], 0.9)), (ema, EMA(without[0], 0.8))):
        save_checkpoint(path, *with_one, {}, ema=saved)
        without[0].parameters()[0].data += 1
        weights = {name: array.copy() for name, array in without[0].state_dict().items()}
        with pytest.raises(InputError):
            load_checkpoint(path, *without, asked)
        assert asked is None or asked.updates == 0
        assert all((array == weights[name]).all() for name, array in without[0].state_dict().items())


def test_an_average_of_another_network_is_refused(data):
    with pytest.raises(InputError, match="the average is of another network's parameters"):
        train(data, dropout_net(), ema=EMA(dropout_net()))


def test_a_checkpoint_of_another_run_and_a_damaged_one_are_ignored(data, tmp_path):
    path = tmp_path / "run.safetensors"
    expected = train(data, dropout_net())
    other = dropout_net()
    save_checkpoint(path, other, SGD(other.parameters(), lr=9), np.random.default_rng(9),
                             {"run_id": "other", "history": {}})
    assert train(data, dropout_net(), checkpoint=Checkpoint(path, "mine", every=0)) == expected
    path.write_bytes(b"garbage")
    assert train(data, dropout_net(), checkpoint=Checkpoint(path, "mine", every=0)) == expected


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_micro_batches_change_nothing_that_can_be_seen(workers, monkeypatch):
    rng = np.random.default_rng(0)
    x, labels = rng.standard_normal((11, 3, 9, 7), dtype=np.float32), rng.integers(K, size=11)

    def trained(workers):
        rng = np.random.default_rng(1)
        net = Sequential(conv=Conv2d(3, 5, 3, rng=rng), relu=ReLU(), pool=GlobalAvgPool2d(),
                         out=Linear(5, K, rng))
        history = fit(net, x, labels, np.arange(8), np.arange(8, 11), SGD(net.parameters(), lr=0.1, momentum=0.9), 3,
                      np.random.default_rng(2), batch_size=8, workers=workers, progress=False)
        return history["train_loss"], net.state_dict()

    whole_loss, whole = trained(1)
    monkeypatch.setattr(parallel, "MICRO_BATCH_NUMBERS", 2 * 3 * 9 * 7)
    loss, state = trained(workers)
    np.testing.assert_allclose(loss, whole_loss, rtol=1e-5)
    for name, array in whole.items():
        np.testing.assert_allclose(state[name], array, rtol=1e-4, atol=1e-6, err_msg=name)


# From a loader

class Stripes:
    """Pictures of three classes, striped one way, the other way, or not at all."""

    labels = np.arange(24) % K

    def title(self, i):
        return f"stripes {i}"

    def image(self, i):
        image = np.random.default_rng(i).integers(0, 120, (8, 8, 3), np.uint8)
        image[(slice(None, None, 2), (slice(None), slice(None, None, 2)), slice(0))[self.labels[i]]] += 120
        return image


PREP = Preprocessing(resize=8, crop=8, resample="bilinear", channels="RGB", mean=(128,) * 3, scale=0.02)
AUGMENT = Compose((Mirror(), Crop(), ColourShift()))
TRAIN, VAL = np.arange(17), np.arange(17, 24)


def striped(rows_or_augment=AUGMENT, epochs=4, workers=2, checkpoint=None):
    """Train on stripes: from a loader with a distortion or None, or from prepared inputs if rows are given."""
    rng = np.random.default_rng(5)
    net = Sequential(conv=Conv2d(3, 5, 3, rng=rng), relu=ReLU(), drop=Dropout(0.2, rng), pool=GlobalAvgPool2d(), out=Linear(5, K, rng))
    x, labels = load_inputs(Stripes(), np.arange(24), PREP), Stripes.labels
    train = (rows_or_augment if isinstance(rows_or_augment, np.ndarray)
             else Loader(Stripes(), TRAIN, 4, PREP, rows_or_augment, rng, workers))
    history = fit(net, x, labels, train, VAL, Adam(net.parameters(), lr=0.02), epochs, rng, batch_size=4, progress=False,
                  checkpoint=checkpoint)
    return history, {name: array.tobytes() for name, array in net.state_dict().items()}


def test_a_loader_that_distorts_nothing_equals_prepared_inputs_bit_for_bit():
    assert striped(None) == striped(TRAIN)


def test_a_loader_that_distorts_learns_something_else_and_the_same_with_any_number_of_workers():
    found = striped(workers=1)
    assert found == striped(workers=3) and found[1] != striped(None)[1]


def test_a_run_from_a_loader_that_was_stopped_and_resumed_equals_bit_for_bit_one_that_was_not(tmp_path, monkeypatch):
    expected = striped()
    path, train_epoch, epochs = tmp_path / "run.safetensors", fit_module._train_epoch, []

    def stop_in_the_third_epoch(*arguments):
        epochs.append(1)
        if len(epochs) == 3:
            raise Stop
        return train_epoch(*arguments)

    monkeypatch.setattr(fit_module, "_train_epoch", stop_in_the_third_epoch)
    with pytest.raises(Stop):
        striped(checkpoint=Checkpoint(path, "a", every=0))
    assert striped(checkpoint=Checkpoint(path, "a", every=0)) == expected and len(epochs) == 3 + 2


def test_a_loader_must_draw_from_the_generator_that_is_saved():
    net = dropout_net()
    foreign = Loader(Stripes(), TRAIN, 4, PREP, AUGMENT, np.random.default_rng(5))
    with pytest.raises(InputError, match="fit: the loader draws from a generator of its own, which no checkpoint would save"):
        fit(net, None, Stripes.labels, foreign, VAL, Adam(net.parameters()), 1, np.random.default_rng(5))


def test_stopped_in_mid_epoch_a_loader_leaves_no_thread():
    rng, net = np.random.default_rng(5), Sequential(pool=GlobalAvgPool2d(), out=Linear(3, K, np.random.default_rng(0)))

    before = set(threading.enumerate())                     # a progress bar may have left one

    def loss(scores, labels, total):
        assert set(threading.enumerate()) > before
        raise Stop

    with pytest.raises(Stop):
        fit(net, None, Stripes.labels, Loader(Stripes(), TRAIN, 4, PREP, AUGMENT, rng), VAL, Adam(net.parameters()), 1, rng,
            loss=loss, progress=False)
    assert set(threading.enumerate()) <= before


def test_evaluate_counts(monkeypatch):
    scores = np.array([[3, 1, 0], [0, 2, 1], [5, 0, 0], [0, 0, 1]], np.float32)
    labels = np.array([0, 1, 1, 2])
    net = Sequential(out=Linear(3, 3, init=zeros))
    net["out"].weight.data[...] = np.eye(3)
    found = evaluate(net, scores, labels, batch_size=3)
    np.testing.assert_array_equal(found.confusion, [[1, 0, 0], [1, 1, 0], [0, 0, 1]])
    assert found.accuracy == 0.75
    np.testing.assert_allclose(found.class_accuracy, [1, 0.5, 1])
    assert found.loss == pytest.approx(ops.cross_entropy(Tensor(scores), labels).item(), rel=1e-6)
    np.testing.assert_allclose(found.probabilities, ops.softmax(Tensor(scores)).data, rtol=1e-6)
    assert net.training, "evaluate left the network in another mode"
    assert np.isnan(evaluate(net, scores, labels, np.array([0])).class_accuracy[1])


def test_a_mask_is_no_list_of_rows(data):
    x, labels, _, _ = data
    mask, net = np.arange(len(labels)) % 2 == 0, dropout_net()
    for train, val in ((mask, []), ([0, 1], mask), ([0.0, 1.0], [])):
        with pytest.raises(InputError, match="fit: rows are .*flatnonzero"):
            fit(net, x, labels, train, val, SGD(net.parameters(), 0.1), 1, np.random.default_rng(0), progress=False)
    with pytest.raises(InputError, match="evaluate: rows are bool"):
        evaluate(net, x, labels, mask)


def test_labels_that_are_no_classes_are_refused_whatever_the_loss(data):
    x, labels, _, _ = data

    def own(scores, labels, total):
        labels = np.asarray(labels).reshape(len(scores), -1)[:, 0]
        return ops.cross_entropy(scores, np.maximum(labels, 0).astype(int), total)

    for wrong in (labels[:, None], labels.astype(float), labels > 0, labels - 1):
        net = dropout_net()
        with pytest.raises(InputError, match="fit: labels"):
            fit(net, x, wrong, np.arange(len(x)), [], SGD(net.parameters(), 0.1), 1, np.random.default_rng(0), loss=own,
                progress=False)
        with pytest.raises(InputError, match="evaluate: labels"):
            evaluate(net, x, wrong, loss=own)


def test_it_says_what_is_wrong(data):
    x, labels, rows, val = data
    net = dropout_net()
    with pytest.raises(InputError, match="no training rows"):
        fit(net, x, labels, rows[:0], val, SGD(net.parameters(), 0.1), 1, np.random.default_rng(0), progress=False)
    with pytest.raises(InputError, match="no rows to measure"):
        evaluate(net, x, labels, rows[:0])
    with np.errstate(all="ignore"), pytest.raises(InputError, match="lower the learning rate"):
        train(data, net, optimizer=SGD(net.parameters(), lr=1e30))


def test_validation_uses_the_loss_that_trains(data):
    net = dropout_net()
    history = train(data, net, epochs=1, loss=ops.hinge)
    x, labels, _, val = data
    assert history["val_loss"][0] == pytest.approx(ops.hinge(net(Tensor(x[val])), labels[val]).item(), rel=1e-5)


def test_evaluate_leaves_every_module_in_its_mode(data):
    net = dropout_net()
    net["drop"].eval()
    evaluate(net, *data[:2])
    assert net.training and net["hidden"].training and not net["drop"].training


def test_a_checkpoint_needs_a_name(tmp_path):
    with pytest.raises(InputError, match="needs a run_id"):
        Checkpoint(tmp_path / "run.safetensors", "")


def test_of_two_equal_validation_losses_the_earlier_epoch_counts(data):
    net = dropout_net()
    optimizer = SGD(net.parameters(), lr=0.0)               # nothing changes: every epoch is as good as the first
    assert train(data, net, epochs=4, optimizer=optimizer)["best_epoch"] == 0


def test_the_training_loss_is_the_mean_over_rows_not_over_batches(data):
    """Without steps: 7 batches of 8 rows and less make the loss of all 47."""
    x, labels, rows, val = data
    net = Sequential(out=Linear(D, K, np.random.default_rng(0)))
    history = fit(net, x, labels, rows, val, SGD(net.parameters(), lr=0.0), 1, np.random.default_rng(0), batch_size=9,
                  progress=False)
    assert history["train_loss"][0] == pytest.approx(evaluate(net, x, labels, rows).loss, rel=1e-6)


def test_a_validation_loss_that_is_no_number_is_said_and_the_rates_are_given_back(data):
    x, labels, rows, val = data
    x = x.copy()
    x[val[3]] = np.nan
    net = dropout_net()
    optimizer = SGD(net.parameters(), lr=0.1)
    with pytest.raises(InputError, match="the validation loss is nan in epoch 1"):
        train((x, labels, rows, val), net, optimizer=optimizer, schedule=exponential_decay(0.5))
    with pytest.raises(InputError, match="the training loss is .* in epoch"):
        train(data, net, optimizer=(diverging := SGD(net.parameters(), lr=1e30)), schedule=exponential_decay(0.5), loss=lambda s, y, total: s.sum() / total * np.nan)
    assert optimizer.groups[0]["lr"] == 0.1 and diverging.groups[0]["lr"] == 1e30


def test_lists_will_do(data):
    x, labels, rows, val = data
    one = fit(net := dropout_net(), x, labels, rows, val, SGD(net.parameters(), lr=0.1), 2, np.random.default_rng(0),
              progress=False)
    other = fit(net := dropout_net(), x, labels.tolist(), rows.tolist(), val.tolist(), SGD(net.parameters(), lr=0.1), 2,
                np.random.default_rng(0), progress=False)
    assert one == other


def test_a_checkpoint_is_loaded_whole_or_not_at_all(data, tmp_path):
    def parts(lr, **options):
        net = dropout_net()
        return net, SGD(net.parameters(), lr, **options), np.random.default_rng(0)

    path = tmp_path / "c.safetensors"
    save_checkpoint(path, *parts(0.1, momentum=0.9), {})
    renamed = Sequential(**{f"my_{name}": stage for name, stage in dropout_net().children()})
    own_rng = np.random.default_rng(7)
    for net, optimizer, rng in ((renamed, SGD(renamed.parameters(), 0.5, momentum=0.9), own_rng), parts(0.5),
                                parts(0.5, momentum=0.8), parts(0.5, momentum=0.9, nesterov=True)):
        weights = {name: array.copy() for name, array in net.state_dict().items()}
        state = rng.bit_generator.state
        net.parameters()[0].data += 1
        weights = {name: array.copy() for name, array in net.state_dict().items()}
        with pytest.raises(InputError):
            load_checkpoint(path, net, optimizer, rng)
        assert optimizer.groups[0]["lr"] == 0.5 and optimizer.state == {} and rng.bit_generator.state == state
        assert all((array == weights[name]).all() for name, array in net.state_dict().items())


@pytest.mark.parametrize("kind", ["PCG64", "MT19937", "Philox", "SFC64"])
def test_every_kind_of_generator_is_saved(kind, tmp_path):
    def generator(seed):
        return np.random.Generator(getattr(np.random, kind)(seed))

    path, net, rng = tmp_path / "c.safetensors", Sequential(drop=Dropout(0.5, generator(1)), out=Linear(3, 2, generator(2))), generator(3)
    save_checkpoint(path, net, SGD(net.parameters(), 0.1), rng, {})
    expected = rng.random(5).tolist(), net["drop"].rng.random(5).tolist()
    load_checkpoint(path, net, SGD(net.parameters(), 0.1), rng)
    assert (rng.random(5).tolist(), net["drop"].rng.random(5).tolist()) == expected


def test_an_optimiser_of_another_network_is_refused(data):
    with pytest.raises(InputError, match="none of the optimiser's parameters is the network's"):
        train(data, dropout_net(), optimizer=SGD(dropout_net().parameters(), lr=0.1))
