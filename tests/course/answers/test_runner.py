"""The runner's parts that are no protection, in this process."""
import numpy as np
import pytest

from course.grading import runner


def job(*answers, given=(), others=()):
    return {"given": given, "others": others, "answers": answers}


def test_an_answer_sees_what_was_given_and_what_else_is_defined():
    answer, problem = runner.load_answer(job("def f():\n    return helper() + G + C", given=["G = 1"],
                                             others=["def helper():\n    return 10", "C = 100"]))
    assert problem == "" and answer.f() == 111


def test_other_cells_only_define():
    names = {}
    runner.define("import math\nC = (1, 2)\nD = print('no')\nraise ValueError\ndef f(): pass\n"
                  "class K: raise SystemExit\nclass L: pass\nfor i in []: pass", names)
    assert {"math", "C", "f", "L"} <= names.keys() and not {"D", "K", "i"} & names.keys()
    runner.define("not Python", names)


def test_of_several_answers_the_last_one_counts():
    answer, problem = runner.load_answer(job("def f(): return 1", "raise ValueError", "def f(): return 3"))
    assert answer.f() == 3 and problem == ""
    assert "ValueError" in runner.load_answer(job("x = 1", "raise ValueError"))[1]


def test_lines_for_ipython_are_dropped():
    answer, problem = runner.load_answer(job("%matplotlib inline\n!ls\nx = 5 % 3"))
    assert problem == "" and answer.x == 2
    assert "SyntaxError" in runner.load_answer(job("def f(:"))[1]


def part(call, trials=2):
    inputs = {f"{trial}/{name}": np.asarray(value) for trial in range(2) for name, value in
              (("x", np.arange(3.0)), ("rate", 0.5), ("steps", 4), ("word", "a"))}
    return runner.run_part({"name": "p", "call": "f", "trials": trials}, {"f": call}, "answer", inputs, np)


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


def test_byte_order_is_the_machines():
    assert part(lambda answer: np.ones(2, ">f8"))["p/0/"].dtype == np.float64


def test_messages_name_the_students_line():
    answer, _ = runner.load_answer(job("def f(x):\n    y = x\n    return y / 0"))
    text = part(lambda answer_, x: answer.f(1))["p/error"]
    assert text == "line 3 of your cell, in f: return y / 0\nZeroDivisionError: division by zero"


def test_messages_are_short():
    def call(answer):
        raise ValueError("x" * 1_000_000)

    assert len(part(call)["p/error"]) <= 2000
