"""Work on threads comes back in order, ends cleanly, and leaves BLAS as it was."""
import _thread
import threading
import time
import traceback

import pytest
import threadpoolctl

from tinynet import InputError
from tinynet.compute import threads


def blas_threads():
    libraries = threadpoolctl.threadpool_info()
    return [library["num_threads"] for library in libraries if library["user_api"] == "blas"]


def pool_threads():
    return [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]


@pytest.fixture
def blas_of_two():
    """BLAS as a machine with two cores has it, so that a limit can be told from no limit."""
    threads._blas_controller.cache_clear()                  # other tests may have brought a BLAS of PyTorch's since
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        if set(blas_threads()) != {2}:
            pytest.skip("this BLAS cannot use two threads")
        yield
        assert set(blas_threads()) == {2}, "the number of BLAS threads was not restored"
        assert not pool_threads()


@pytest.mark.parametrize("workers", [1, 2, 5, 100])
def test_results_come_in_order(workers):
    def slow_first(i):
        time.sleep(0.02 / (i + 1))
        return i * i

    assert list(threads.ordered_map(slow_first, range(9), workers)) == [i * i for i in range(9)]
    assert list(threads.ordered_map(slow_first, [], workers)) == []


def test_blas_has_one_thread_in_tasks_and_its_own_number_afterwards(blas_of_two):
    assert list(threads.ordered_map(lambda job: set(blas_threads()), range(3), 2)) == [{1}] * 3
    assert list(threads.ordered_map(lambda job: set(blas_threads()), range(3), 1)) == [{1}] * 3


def test_overlapping_maps_restore_blas_when_the_last_one_ends(blas_of_two):
    first = threads.ordered_map(lambda job: None, range(9), 1)
    second = threads.ordered_map(lambda job: None, range(9), 1)
    next(first), next(second)
    first.close()
    assert set(blas_threads()) == {1}
    second.close()
    assert set(blas_threads()) == {2}


def test_any_thread_may_hold_blas_to_one_thread(blas_of_two):
    """Also after another one did, which is still there."""
    def hold():
        with threads.one_blas_thread():
            seen.append(set(blas_threads()))

    seen = []
    hold()
    thread = threading.Thread(target=hold)
    thread.start()
    thread.join()
    assert seen == [{1}, {1}] and set(blas_threads()) == {2}


def test_one_job_or_one_worker_needs_no_thread():
    def thread(job):
        return threading.current_thread()

    here = threading.current_thread()
    assert list(threads.ordered_map(thread, [0], 4)) == [here]
    assert list(threads.ordered_map(thread, range(3), 1)) == [here] * 3
    assert here not in threads.ordered_map(thread, range(3), 2)


def test_tasks_run_on_several_threads_at_once():
    meeting = threading.Barrier(3, timeout=10)
    assert len(set(threads.ordered_map(lambda job: meeting.wait(), range(3), 3))) == 3


def test_few_results_wait_to_be_used():
    started, ahead = [], []
    for used, _ in enumerate(threads.ordered_map(started.append, range(40), 2), start=1):
        time.sleep(0.002)
        ahead.append(len(started) - used)
    assert used == 40 and max(ahead) <= 5


@pytest.mark.parametrize("workers", [1, 3])
def test_so_many_jobs_are_begun_as_were_asked_for_while_the_caller_is_at_work(workers):
    started = []
    results = threads.ordered_map(started.append, range(40), workers, ahead=11)
    next(results)
    deadline = time.monotonic() + 10
    while len(started) < 12 and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(0.02)
    assert len(started) == 12
    results.close()
    assert list(threads.ordered_map(abs, range(5), workers, ahead=0)) == list(range(5))
    assert list(threads.ordered_map(abs, [], workers, ahead=3)) == []


def test_with_a_number_ahead_even_one_worker_has_a_thread(blas_of_two):
    here = threading.current_thread()
    assert here not in threads.ordered_map(lambda job: threading.current_thread(), range(3), 1, ahead=2)


def test_an_exception_comes_with_its_own_traceback_and_starts_no_new_task(blas_of_two):
    started = []

    def stumble(job):
        started.append(job)
        if job == 3:
            raise ZeroDivisionError("in job 3")
        if job > 3:
            time.sleep(0.2)                                 # running already when job 3 failed

    with pytest.raises(ZeroDivisionError, match="in job 3") as error:
        list(threads.ordered_map(stumble, range(100), 2))
    assert "in stumble" in "".join(traceback.format_exception(error.value))
    assert len(started) <= 6


def test_an_exception_of_the_user_of_results_ends_the_tasks(blas_of_two):
    with pytest.raises(ZeroDivisionError):
        for _ in threads.ordered_map(lambda job: time.sleep(0.002), range(100), 2):
            1 / 0


def test_stopping_halfway_ends_the_tasks(blas_of_two):
    results = threads.ordered_map(lambda job: time.sleep(0.002), range(100), 2)
    next(results)
    assert pool_threads()
    results.close()


def test_ctrl_c_starts_no_new_task_and_restores_blas(blas_of_two):
    started = []

    def task(job):
        started.append(job)
        if job == 3:
            _thread.interrupt_main()
        time.sleep(0.005)

    with pytest.raises(KeyboardInterrupt):
        list(threads.ordered_map(task, range(100), 2))
    assert len(started) < 20


# How many threads

@pytest.mark.parametrize("wanted, workers", [("1", 1), ("3", 3), ("16", 16)])
def test_the_variable_decides(monkeypatch, wanted, workers):
    monkeypatch.setenv("TINYNET_WORKERS", wanted)
    assert threads.default_workers() == workers


@pytest.mark.parametrize("wanted", ["0", "-1", "two", "", "1.5", " "])
def test_a_variable_that_is_no_number(monkeypatch, wanted):
    monkeypatch.setenv("TINYNET_WORKERS", wanted)
    with pytest.raises(InputError, match=f"TINYNET_WORKERS is '{wanted}'"):
        threads.default_workers()


@pytest.mark.parametrize("affinity, quota, cores", [
    ({0, 3, 5}, float("inf"), 3), ({0, 3, 5}, 2, 2), ({0}, 4, 1), ({0, 3, 5}, 0, 1)])
def test_usable_cores(monkeypatch, affinity, quota, cores):
    monkeypatch.delenv("TINYNET_WORKERS", raising=False)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda pid: affinity, raising=False)
    monkeypatch.setattr(threads, "_cgroup_quota", lambda: quota)
    assert threads.usable_cores() == threads.default_workers() == cores


@pytest.mark.parametrize("count, cores", [(6, 6), (None, 1)])
def test_usable_cores_where_there_is_no_affinity(monkeypatch, count, cores):
    monkeypatch.delattr(threads.os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(threads.os, "cpu_count", lambda: count)
    monkeypatch.setattr(threads, "_cgroup_quota", lambda: float("inf"))
    assert threads.usable_cores() == cores


@pytest.mark.parametrize("files, quota", [
    ({"cpu.max": "max 100000\n"}, float("inf")), ({"cpu.max": "150000 100000\n"}, 2),
    ({"cpu.max": "50000 100000\n"}, 1), ({"cpu.max": "200000 100000\n"}, 2),
    ({"cpu.max": "nonsense\n"}, float("inf")), ({}, float("inf")),
    ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
    ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, float("inf"))], ids=repr)
def test_the_quota_of_a_container(tmp_path, files, quota):
    (tmp_path / "cpu").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert threads._cgroup_quota(tmp_path) == quota
