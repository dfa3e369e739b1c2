"""Any executor must give what threads give, send the network once to each worker, and lose nothing when something fails."""
import itertools
import os
import pickle
import sys
import threading
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from tests.executors import KINDS, Here, opened
from tinynet import InputError, ops
from tinynet.compute import executor_map, executors, parallel
from tinynet.layers import BatchNorm, Conv2d, Dropout, Flatten, Linear, Module, ReLU, Sequential

ROW = 3 * 6 * 5


@pytest.fixture(autouse=True)
def two_rows(monkeypatch):
    """Micro-batches of two images, and no worker among this process's threads has any task yet."""
    monkeypatch.setattr(parallel, "MICRO_BATCH_NUMBERS", 2 * ROW + ROW // 2)
    monkeypatch.setattr(executors, "_held", {})


@pytest.fixture
def x(rng):
    return rng.standard_normal((37, 3, 6, 5)).astype(np.float32)


LABELS = np.arange(37) % 3


def make_net(*extra):
    rng = np.random.default_rng(0)
    return Sequential(Conv2d(3, 4, 3, rng=rng), ReLU(), Dropout(0.3, rng), *extra, Flatten(), Linear(48, 3, rng))


@dataclass
class Task:
    """Adds a number; calls `before` first, if it is given."""

    net: Module = field(default_factory=Sequential)
    plus: int = 100
    before: object = None

    def __call__(self, job):
        if self.before is not None:
            self.before(job)
        return job + self.plus


def run_all(executor, task=None, jobs=range(50), **options):
    return {i: result for i, result, _ in executor_map(executor, task or Task(), jobs, len(jobs), **options)}


def collect(executor, task, jobs=range(50), **options):
    """What came before the error, and the error."""
    found = {}
    with pytest.raises((InputError, RuntimeError)) as caught:
        for i, result, _ in executor_map(executor, task, jobs, len(jobs), **options):
            found[i] = result
    assert all(result == i + 100 for i, result in found.items())
    return found, caught.value


class Postponed(Here):
    """Calls when it is told to."""

    def submit(self, function, *arguments):
        self.sent.append((function, arguments, Future()))
        return self.sent[-1][2]

    def answer(self, k):
        function, arguments, future = self.sent[k]
        future.set_result(function(*arguments))


# --- the same numbers ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=KINDS)
def executor(request):
    with opened(request.param) as executor:
        yield executor


def test_every_job_is_done_once(executor):
    for n in (0, 1, 2, 33):
        assert run_all(executor, jobs=range(n)) == {i: i + 100 for i in range(n)}


def test_run_and_gradients_are_those_of_threads_to_the_last_bit(executor, x):
    """Random layers draw the same numbers, and gradients are added in the same order; in a second step too."""
    here, there = make_net(), make_net()
    for _ in range(2):
        expected = parallel.gradients(here, ops.cross_entropy, x, LABELS, workers=2)
        found = parallel.gradients(there, ops.cross_entropy, x, LABELS, executor=executor)
        assert found[0] == expected[0]
        np.testing.assert_array_equal(found[1], expected[1])
        for a, b in zip(here.parameters(), there.parameters(), strict=True):
            np.testing.assert_array_equal(a.grad, b.grad)
            a.data = b.data = a.data - 0.1 * a.grad
    np.testing.assert_array_equal(parallel.run(there.eval(), x, executor=executor), parallel.run(here.eval(), x))


def test_a_mistake_in_a_job_surfaces_in_one_line_and_changes_nothing(executor, x):
    net = make_net()
    with pytest.raises(InputError, match=r"labels run from 3 to 3.* \(on worker .+\)") as caught:
        parallel.gradients(net, ops.cross_entropy, x, np.append(LABELS[:-1], 3), executor=executor)
    assert "\n" not in str(caught.value)
    assert all(p.grad is None for p in net.parameters())


def test_a_batch_that_must_stay_whole_is_computed_here(x):
    """Its layers' memory, here the running mean, is the network's own."""
    nets = [make_net(BatchNorm(4)) for _ in range(2)]
    refusing = Here()
    refusing.submit = None
    for net, executor in zip(nets, (None, refusing)):
        parallel.gradients(net, ops.cross_entropy, x, LABELS, executor=executor)
    np.testing.assert_array_equal(nets[0][3].running_mean, nets[1][3].running_mean)
    assert nets[1][3].running_mean.any()
    parallel.run(nets[1].eval(), x[:2], executor=refusing)


def test_batch_norm_in_evaluation_is_shared_out(x):
    net, executor = make_net(BatchNorm(4)).eval(), Here()
    np.testing.assert_array_equal(parallel.run(net, x, executor=executor), parallel.run(net, x))
    assert len(executor.sent) > 1


# --- what is sent -------------------------------------------------------------------------------------------


def test_a_task_is_sent_only_to_a_worker_that_lacks_it():
    executor = Here()
    run_all(executor)
    assert executor.with_task == [False, True, False, False, False]     # 50 jobs, 16 to a call
    run_all(executor)
    assert not any(executor.with_task[5:])


def test_a_process_is_sent_a_task_once():
    with opened("spawn", 1) as executor:
        sizes, submit = [], executor.submit
        executor.submit = lambda function, *arguments: sizes.append(len(arguments[3] or "")) or submit(function, *arguments)
        task = Task(Sequential(head=Linear(100, 100, np.random.default_rng(0))))
        for _ in range(2):
            assert len(run_all(executor, task)) == 50
    assert len([size for size in sizes if size]) == 1 and max(sizes) > 40_000


def test_a_fresh_task_goes_along_at_once():
    executor = Here(4)
    run_all(executor, fresh=True, jobs=range(8))
    assert executor.with_task == [True] * 4


def test_a_worker_forgets_what_was_used_long_ago():
    executor = Here()
    tasks = [Task(plus=plus) for plus in range(executors.KEPT + 1)]
    for task in [*tasks[:-1], tasks[0], tasks[-1]]:         # the second is the one that was not used for longest
        run_all(executor, task, jobs=range(3))
    executor.sent.clear()
    assert [run_all(executor, task, jobs=[5])[0] for task in (tasks[0], tasks[-1])] == [5, 5 + executors.KEPT]
    assert not any(executor.with_task)
    run_all(executor, tasks[1], jobs=[5])
    assert executor.with_task[-2:] == [False, True] and len(executors._held) == executors.KEPT


@pytest.mark.parametrize("n, workers, sizes", [(50, 1, [16, 16, 16, 2]), (50, 10, [5] * 10), (7, 2, [4, 3]), (3, 8, [1, 1, 1])])
def test_jobs_are_shared_out_evenly_but_not_too_many_to_a_call(n, workers, sizes):
    executor = Here(workers)
    run_all(executor, jobs=range(n))
    run_all(executor, jobs=range(n), workers=workers)
    sent = [len(pickle.loads(jobs)) for *_, packed, jobs in executor.sent if packed is None]
    assert sent[-len(sizes):] == sizes


def test_jobs_are_taken_only_when_a_worker_will_soon_be_free():
    """More calls wait as more workers answer, so that workers who join later get something to do."""
    executor, taken = Postponed(2), itertools.count()
    results = executor_map(executor, Task(), (next(taken) for _ in range(1000)), 1000)
    thread = threading.Thread(target=next, args=[results])
    thread.start()
    while len(executor.sent) < 2:
        pass
    for k in (0, 1):                                        # each lacks the task
        executor.answer(k)
    while len(executor.sent) < 4:
        pass
    executor.answer(2)
    thread.join()
    assert next(taken) == 2 * 16
    assert sum(1 for _ in zip(range(15), results)) == 15 and len(executor.sent) == 4
    executor.answer(3)
    next(results)
    assert len(executor.sent) == 4 + executors.AHEAD - 1
    results.close()
    assert all(future.cancelled() for _, _, future in executor.sent[4:])


def test_workers_are_counted_where_the_executor_tells():
    assert executors._number_of_workers(object()) == 1
    for kind in ("threads", "dask"):
        with opened(kind, 3) as executor:
            assert executors._number_of_workers(executor) == 3


def test_leaving_early_ends_the_work():
    done = []
    executors._held.clear()
    with ThreadPoolExecutor(2) as executor:
        results = executor_map(executor, Local(done.append), range(1000), 1000)
        next(results)
        results.close()
    assert len(done) <= 16 * (1 + 2 * executors.AHEAD)


class Local(Task):
    """A Task whose `before` need not be sent: a worker among this process's threads finds it here."""

    known = {}

    def __init__(self, before):
        super().__init__(plus=100)
        self.known[id(self)] = before
        self.number = id(self)

    def __getstate__(self):
        return {"net": self.net, "plus": self.plus, "number": self.number, "before": None}

    def __call__(self, job):
        self.known[self.number](job)
        return super().__call__(job)


# --- what goes wrong ----------------------------------------------------------------------------------------


def throw(error):
    raise error


def fail_at_20(job):
    if job == 20:
        raise InputError("photo 20: is damaged")


def divide_at_20(job):
    if job == 20:
        1 / 0


def die_at_40(job):
    if job == 40:
        os._exit(1)


def test_only_the_rest_of_a_failed_call_and_what_was_not_sent_is_missing():
    found, error = collect(Here(), Task(before=fail_at_20), jobs=range(100))
    assert set(range(20)) | set(range(32, 64)) <= set(found) <= set(range(20)) | set(range(32, 80))
    assert str(error).startswith("photo 20: is damaged (on worker ") and "\n" not in str(error)


def test_an_error_that_is_no_mistake_of_the_user_comes_with_the_workers_traceback():
    found, error = collect(Here(), Task(before=divide_at_20))
    assert type(error) is RuntimeError and set(range(20)) <= set(found) and 21 not in found
    assert "in divide_at_20" in str(error) and "ZeroDivisionError" in str(error)


def test_a_job_that_cannot_be_made_here_surfaces_after_those_before_it():
    found, error = collect(Here(), Task(), jobs=Failing())
    assert str(error) == "photo 20: has gone" and set(found) == set(range(16))


class Failing:
    def __len__(self):
        return 50

    def __iter__(self):
        yield from range(20)
        raise InputError("photo 20: has gone")


def test_a_process_that_dies_takes_its_own_jobs_alone():
    with opened("spawn") as executor:
        found, error = collect(executor, Task(before=die_at_40), jobs=range(64))
        assert "workers were lost or could not start (BrokenProcessPool: " in str(error) and "\n" not in str(error)
        assert 40 not in found and len(found) >= 16
        again, error = collect(executor, Task())            # the pool is of no use any more, and says so
        assert again == {} and "workers were lost" in str(error)


def test_a_scheduler_that_goes_away():
    """Dask's client first waits whether it comes back, for half a minute unless told otherwise."""
    dask, found = pytest.importorskip("dask"), []
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}), opened("dask", 1) as executor:
        with pytest.raises(InputError, match="workers were lost.*what had come is kept"):
            for result in executor_map(executor, Task(), range(200), 200):
                found.append(result)
                if len(found) == 1:
                    executor._client.cluster.sync(executor._client.cluster.scheduler.close)
        assert 16 <= len(found) < 200


def test_what_is_no_executor_is_refused():
    """A Dask client has `submit` too, but what that returns cannot be waited for as here."""
    client = SimpleNamespace(submit=lambda function, *arguments: object())
    for other in (client, "processes"):
        with pytest.raises(InputError, match="a (SimpleNamespace|str) is no executor .* client.get_executor"):
            run_all(other)
    assert run_all(Here(None))[0] == 100                    # one that does not know how many workers it has


def test_an_executor_that_was_shut_down():
    with ThreadPoolExecutor(2) as executor:
        pass
    assert "cannot schedule new futures after shutdown" in str(collect(executor, Task())[1])


def test_a_long_silence_is_told_and_a_longer_one_after_an_error_ends_it(monkeypatch):
    monkeypatch.setattr(executors, "PATIENCE", 0)
    monkeypatch.setattr(executors, "GRACE", 0)
    executor, told = Postponed(2), []

    def warn(message, **options):
        told.append(message)
        if len(told) == 2:
            executor.sent[0][2].set_exception(OSError("the line is cut"))

    monkeypatch.setattr(warnings, "warn", warn)
    found, error = collect(executor, Task(), workers=2)
    assert found == {} and "OSError: the line is cut" in str(error)
    assert "no worker has answered for 0 s, 2 calls wait and the executor says it has 2 workers" in told[0] and len(told) == 2


def test_calls_that_somebody_cancels_are_lost(monkeypatch):
    """`shutdown(cancel_futures=True)` on another thread cancels calls, but wakes nobody who waits for them."""
    monkeypatch.setattr(executors, "PATIENCE", 0)
    executor, told = Postponed(2), []

    def warn(message, **options):
        told.append(message)
        assert len(told) < 3, "it waits for ever"
        for *_, call in executor.sent:
            call.cancel()

    monkeypatch.setattr(warnings, "warn", warn)
    assert "CancelledError" in str(collect(executor, Task(), workers=2)[1])


def test_a_silent_executor_that_cannot_be_asked_any_more_is_lost(monkeypatch):
    """Dask's futures may stay as they are for ever when the scheduler goes away."""
    monkeypatch.setattr(executors, "PATIENCE", 0)
    monkeypatch.setattr(executors, "GRACE", 0)
    for error in (OSError("the line is cut"), AttributeError("'NoneType' object has no attribute 'ncores'")):
        executor = Postponed()
        executor._client = SimpleNamespace(nthreads=lambda: throw(error))
        assert "workers were lost" in str(collect(executor, Task(), workers=1)[1])


def test_what_cannot_be_sent_is_refused_in_one_line():
    for task, jobs in ((Task(before=threading.Lock()), range(3)), (Task(), [threading.Lock()])):
        found, error = collect(Here(), task, jobs)
        assert "cannot be sent to another process (TypeError: cannot pickle" in str(error) and "\n" not in str(error)


def test_a_layer_that_cannot_be_copied_is_refused_in_one_line(x):
    net = make_net().eval()
    net[1].lock = threading.Lock()
    for answer in (lambda: parallel.run(net, x, executor=Here()), lambda: parallel.gradients(net, ops.cross_entropy, x, LABELS)):
        with pytest.raises(InputError, match=r"cannot be copied \(cannot pickle '_thread.lock' object\).*locks") as caught:
            answer()
        assert "\n" not in str(caught.value)


def of_a_notebook():
    """A layer whose class a worker cannot import."""
    class Plus(Linear):
        by_row = True

        def forward(self, x):
            return super().forward(x) + 1

    Plus.__module__, Plus.__qualname__ = "__main__", "Plus"
    sys.modules["__main__"].Plus = Plus
    return Plus(ROW, 3, np.random.default_rng(0)).eval()


def test_a_layer_of_a_notebook_is_sent_where_cloudpickle_is_and_refused_where_not(monkeypatch, x):
    net = Sequential(flat=Flatten(), own=of_a_notebook())
    with opened("spawn") as executor:
        if executors.dumps is not pickle.dumps:
            np.testing.assert_array_equal(parallel.run(net, x, executor=executor), parallel.run(net, x))
        monkeypatch.setattr(executors, "dumps", pickle.dumps)
        with pytest.raises(InputError, match="cannot load what it was sent .*'Plus'.* in a module .* the extra cluster") as caught:
            parallel.run(net, x, executor=executor)
    assert "\n" not in str(caught.value)
    del sys.modules["__main__"].Plus


def test_a_worker_with_another_tinynet_is_named():
    worker, results, error = executors._work((b"", 0), "0.0", "", None, b"")
    assert results == [] and "was called by 0.0; install the same everywhere (on worker " in str(error)


# --- layers that remember -----------------------------------------------------------------------------------


class Remembers(Module):
    """Row by row, but it keeps something of what it saw."""

    by_row = True
    buffers = ("mean",)

    def __init__(self, how):
        self.mean, self.count, self.seen, self.how = np.zeros(1, np.float32), 0, [], how

    def forward(self, x):
        if self.how == "buffer":
            self.mean += 1
        elif self.how == "new buffer":
            self.mean = self.mean + 1
        elif self.how == "count":
            self.count += 1
        elif self.how == "list":
            self.seen.append(len(x))
        elif self.how == "new":
            self.last = len(x)
        return x


@pytest.mark.parametrize("how, match", [
    ("buffer", "a layer writes into its weights or buffers"), ("new buffer", "Remembers.mean changes"),
    ("count", "Remembers.count changes"), ("list", "Remembers.seen changes"), ("new", "Remembers.last changes")])
@pytest.mark.parametrize("train", [True, False])
def test_a_layer_that_remembers_is_refused(x, how, match, train):
    net = make_net(Remembers(how)).train(train)
    with pytest.raises(InputError, match=f"^{match}.* when the network runs, .*without an executor" if "changes" in match else match):
        if train:
            parallel.gradients(net, ops.cross_entropy, x, LABELS, executor=Here())
        else:
            parallel.run(net, x, executor=Here())
    assert all(p.grad is None for p in net.parameters())
    net[3].how = None
    assert len(parallel.run(net.eval(), x, executor=Here())) == len(x)


def test_only_a_workers_arrays_cannot_be_written_to(x):
    net = make_net().eval()
    with ThreadPoolExecutor(2) as executor:
        parallel.run(net, x, executor=executor)
    assert all(array.flags.writeable for array in net.state_dict().values())
