"""The runner's parts that are no protection, in this process."""
import sys

import numpy as np
import pytest

from course.answers import runner
from course.answers.session import Session


@pytest.fixture(autouse=True)
def modules(monkeypatch):
    """A session takes the name of the main module."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.delitem(sys.modules, "answer", raising=False)


def part(call, trials=2):
    inputs = {f"{trial}/{name}": np.asarray(value) for trial in range(2) for name, value in
              (("x", np.arange(3.0)), ("rate", 0.5), ("steps", 4), ("word", "a"))}
    session = Session(False, 1)
    session.answer = "answer"
    return runner.run_part({"name": "p", "call": "f", "trials": trials}, {"f": call}, session, inputs, np)


def test_inputs_come_by_name_numbers_as_numbers_and_fresh_every_time():
    def call(answer, x, rate, steps, word):
        assert (answer, type(rate), type(steps), type(word)) == ("answer", float, int, str)
        x += 1
        return {"x": x, "steps": steps}

    results = part(call)
    assert results.keys() == {"p/0/x", "p/0/steps", "p/1/x", "p/1/steps"}
    np.testing.assert_array_equal(results["p/1/x"], [1, 2, 3])
    np.testing.assert_array_equal(part(call)["p/0/x"], [1, 2, 3])


@pytest.mark.parametrize("value", [None, object(), [1, "a", None], 1j, np.zeros(2, "datetime64[s]")])
def test_only_numbers_and_text_are_results(value):
    assert "not numbers" in part(lambda answer: value)["p/error"]


def test_complex_numbers_are_real_where_their_imaginary_part_is_rounding():
    there_and_back = part(lambda answer: np.fft.ifft(np.fft.fft([1.0, 2.0, 4.0])))["p/0/"]
    assert there_and_back.dtype == np.float64
    np.testing.assert_allclose(there_and_back, [1, 2, 4])


def test_byte_order_is_the_machines():
    assert part(lambda answer: np.ones(2, ">f8"))["p/0/"].dtype == np.float64


def test_messages_name_the_students_line():
    session = Session(False, 1)
    session.run("answer", "def f(x):\n    y = x\n    return y / 0")
    text = part(lambda answer_, x: session.answer.f(1))["p/error"]
    assert text == "line 3 of your cell, in f: return y / 0\nZeroDivisionError: division by zero"


def test_messages_are_short():
    def call(answer):
        raise ValueError("x" * 1_000_000)

    assert len(part(call)["p/error"]) <= 2000
