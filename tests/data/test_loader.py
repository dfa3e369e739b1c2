"""batches: every index once, in order or shuffled; load_inputs: the rows asked for, in order; Loader: both, on threads."""
import _thread
import threading
import time
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.data import ColourShift, Compose, Crop, Mirror, Preprocessing
from tinynet.data.loader import Loader, batches, distorted, load_inputs
from tinynet.errors import InputError

PREP = Preprocessing(resize=5, crop=3, resample="bicubic", channels="BGR", mean=(1, 2, 3), scale=0.5)


@settings(deadline=None)
@given(n=st.integers(0, 99), batch_size=st.integers(1, 110), shuffle=st.booleans())
def test_every_index_comes_once_in_full_batches_but_the_last(n, batch_size, shuffle):
    found = list(batches(n, batch_size, np.random.default_rng(0) if shuffle else None))
    assert sorted(i for batch in found for i in batch) == list(range(n))
    assert all(len(batch) == batch_size for batch in found[:-1])
    assert all(batch.dtype == np.int64 for batch in found)
    assert not found or 0 < len(found[-1]) <= batch_size + (batch_size > 1)
    assert n < 2 or batch_size == 1 or all(len(batch) > 1 for batch in found), "batch norm cannot learn from one row"


def test_order_is_kept_without_a_generator_and_drawn_with_one():
    assert [batch.tolist() for batch in batches(8, 3)] == [[0, 1, 2], [3, 4, 5], [6, 7]]
    assert [batch.tolist() for batch in batches(7, 3)] == [[0, 1, 2], [3, 4, 5, 6]]
    rng = np.random.default_rng(0)
    first, second = (np.concatenate(list(batches(50, 7, rng))) for _ in range(2))
    np.testing.assert_array_equal(first, np.random.default_rng(0).permutation(50))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("batch_size", [0, -3])
def test_batch_size_below_one_is_refused_at_once(batch_size):
    with pytest.raises(InputError, match=f"batch size is {batch_size}, it must be at least 1"):
        batches(5, batch_size)


class Pictures:
    """As much of a dataset as loading asks for; picture 13 is gone."""

    labels = np.arange(100) % 7

    def title(self, i):
        return f"{i}.jpg"

    def image(self, i):
        if i == 13:
            raise InputError("13.jpg: is gone; put it back")
        return np.random.default_rng(i).integers(0, 256, (7 + i, 11, 3), np.uint8)


def test_inputs_are_the_prepared_images_in_the_order_asked_for():
    indices = np.array([5, 2, 9, 2, 0, 7, 1])
    x = load_inputs(Pictures(), indices, PREP)
    assert x.dtype == np.float32 and x.shape == (7, 3, 3, 3)
    for row, i in zip(x, indices):
        np.testing.assert_array_equal(row, PREP(Pictures().image(i)))


def test_grey_inputs_have_one_channel():
    prep = Preprocessing(resize=5, crop=3, resample="bicubic", channels="L", mean=(1,), scale=0.5)
    x = load_inputs(Pictures(), [2, 0], prep)
    assert x.shape == (2, 1, 3, 3)
    np.testing.assert_array_equal(x[1], prep(Pictures().image(0)))


def test_no_inputs():
    assert load_inputs(Pictures(), [], PREP).shape == (0, 3, 3, 3)


def test_inputs_have_as_many_channels_as_the_network_takes():
    grey = Preprocessing(resize=5, crop=3, resample="bicubic", channels="L", mean=(1,), scale=0.5)
    x = load_inputs(Pictures(), [2, 9], grey)
    assert x.shape == (2, 1, 3, 3)
    np.testing.assert_array_equal(x[1], grey(Pictures().image(9)))


def test_an_error_on_a_thread_reaches_the_caller():
    with pytest.raises(InputError, match="13.jpg: is gone"):
        load_inputs(Pictures(), [1, 13, 2], PREP)


# Loader

AUGMENT = Compose((Mirror(), Crop(), ColourShift()))
ROWS = np.array([5, 2, 9, 40, 0, 7, 1, 22, 31, 8, 3])
SHORT = 4                               # a batch


def loader(workers=2, seed=0, rows=ROWS, dataset=None, augment=AUGMENT, **options):
    return Loader(dataset or Pictures(), rows, SHORT, options.pop("preprocessing", PREP), augment,
                  np.random.default_rng(seed), workers)


def as_bytes(epoch):
    return [(x.tobytes(), labels.tolist()) for x, labels in epoch]


def threads():
    """The threads that load."""
    return [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert not threads()


def test_every_row_once_with_its_label_shuffled_anew_in_each_epoch():
    batches_of = loader(augment=None)
    assert len(batches_of) == 3
    epochs, rng = [], np.random.default_rng(0)
    for _ in range(2):
        seen = list(batches_of)
        assert [len(labels) for _, labels in seen] == [4, 4, 3] and all(x.dtype == np.float32 for x, _ in seen)
        order = ROWS[rng.permutation(len(ROWS))]
        np.testing.assert_array_equal(np.concatenate([x for x, _ in seen]), load_inputs(Pictures(), order, PREP))
        assert np.concatenate([labels for _, labels in seen]).tolist() == Pictures.labels[order].tolist()
        epochs.append(order.tolist())
    assert epochs[0] != epochs[1]


def test_without_a_generator_the_rows_come_in_order():
    x = np.concatenate([x for x, _ in Loader(Pictures(), ROWS, SHORT, PREP)])
    np.testing.assert_array_equal(x, load_inputs(Pictures(), ROWS, PREP))


def test_the_same_seed_gives_the_same_batches_whatever_the_number_of_workers():
    class Uneven(Pictures):
        """The first to be asked for are the last to come."""

        def image(self, i):
            time.sleep(0.003 * (i % 3))
            return super().image(i)

    expected = None
    for workers in (1, 2, 3, 4):
        epochs = loader(workers, seed=7, dataset=Uneven())
        found = [as_bytes(epochs), as_bytes(epochs)]
        expected = expected or found
        assert found == expected
    assert expected[0] != expected[1]
    assert as_bytes(loader(seed=8)) != expected[0]


def test_each_image_is_distorted_by_its_own_numbers_anew_in_each_epoch():
    same = np.full(12, 5)                                   # one picture, twelve times
    batches_of = loader(rows=same, augment=Compose((Crop(), ColourShift())))
    images = [image.tobytes() for _ in range(2) for x, _ in batches_of for image in x]
    assert len(set(images)) == 24


def test_an_image_is_what_its_seed_makes_of_it():
    rng = np.random.default_rng(0)
    order, number = rng.permutation(len(ROWS)), int(rng.integers(2 ** 63))
    x = np.concatenate([x for x, _ in loader()])
    for image, place in zip(x, order):
        picture = AUGMENT(Pictures().image(ROWS[place]), np.random.default_rng([number, place]))
        np.testing.assert_array_equal(image, PREP(picture))


@pytest.mark.parametrize("workers", [1, 2])
def test_the_threads_load_the_next_batch_while_the_caller_is_at_work(workers):
    loaded = []

    class Counted(Pictures):
        def image(self, i):
            loaded.append(threading.current_thread())
            return super().image(i)

    epoch = iter(loader(workers, dataset=Counted()))
    loaded.clear()
    next(epoch)
    deadline = time.monotonic() + 10
    while len(loaded) < 2 * SHORT and time.monotonic() < deadline:
        time.sleep(0.005)                                   # the caller asks for nothing
    assert len(loaded) >= 2 * SHORT and threading.main_thread() not in loaded
    epoch.close()


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_few_images_are_in_memory_however_many_there_are(workers):
    alive, most = set(), []

    def prepare(rgb):
        image = np.empty((3, 3, 3), np.float32)
        alive.add(id(image))
        weakref.finalize(image, alive.discard, id(image))
        most.append(len(alive))
        return image

    prepare.n_channels, prepare.crop = 3, 3
    rows = np.concatenate([np.arange(13), np.arange(14, 100)])
    for _ in loader(workers, rows=rows, preprocessing=prepare):
        time.sleep(0.002)
    assert len(most) == 99 and max(most) <= max(SHORT, 2 * workers) + 2 + workers


def test_an_error_on_a_thread_reaches_the_caller_and_names_the_file():
    with pytest.raises(InputError, match="13.jpg: is gone"):
        list(loader(rows=[5, 13, 2, 4, 1, 7, 8]))

    class Broken:
        def __call__(self, image, rng):
            if image.shape[0] == 7 + 9:
                raise ZeroDivisionError("in mid-distortion")
            return image

    with pytest.raises(ZeroDivisionError, match="in mid-distortion") as error:
        list(loader(augment=Broken()))
    assert error.value.__notes__ == ["in 9.jpg"]


@pytest.mark.parametrize("workers", [1, 3])
def test_leaving_early_ends_the_threads(workers):
    for _ in loader(workers):
        assert threads()
        break
    assert not threads()
    with pytest.raises(ZeroDivisionError):
        for _ in loader(workers):
            1 / 0
    assert not threads(), "while the traceback is still at hand"


@pytest.mark.parametrize("at_work", [True, False])
def test_ctrl_c_ends_the_threads(at_work):
    asked = []

    class Slow(Pictures):
        def image(self, i):
            asked.append(i)
            if len(asked) == 6:
                _thread.interrupt_main()
            time.sleep(0.005)
            return super().image(i)

    with pytest.raises(KeyboardInterrupt):
        for _ in loader(dataset=Slow(), rows=np.arange(14, 99)):
            if at_work:
                time.sleep(5)
    assert len(asked) < 30 and not threads()


def test_no_rows_have_no_batches():
    empty = loader(rows=[])
    assert len(empty) == 0 and list(empty) == []


def test_what_a_loader_refuses():
    with pytest.raises(InputError, match="Loader: distortions are random; pass rng="):
        Loader(Pictures(), ROWS, 4, PREP, AUGMENT)
    with pytest.raises(InputError, match="batch size is 0"):
        Loader(Pictures(), ROWS, 0, PREP)


def test_a_distortion_that_writes_into_the_image_is_stopped():
    def black(image, rng):
        image[:] = 0
        return image

    kept = Pictures().image(3)
    with pytest.raises(ValueError, match="read-only"):
        distorted(kept, black, 0)
    assert kept.any() and kept.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        list(loader(augment=black))


def test_a_distortion_that_draws_from_elsewhere_is_refused():
    own = np.random.default_rng(0)

    def shaken(image, rng):
        return Mirror()(image, own)

    with pytest.raises(InputError, match="Loader: .*shaken.* makes another picture each time from the same numbers"):
        loader(augment=shaken)
    assert len(loader(augment=shaken, rows=[])) == 0
