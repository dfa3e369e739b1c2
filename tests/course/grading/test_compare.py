import json

import numpy as np
import pytest

from course.grading import compare
from course.grading.contract import Part

PART = Part("y", 3, lambda answer: None, rtol=1e-6, atol=0)
WANT = np.array([[1.0, -2.0, 0.0], [4.0, 5.0, 1e6]])


def judge(got, want=WANT, problem="", key="y/0/"):
    return compare.judge(PART, {"y/0/": np.asarray(want)}, {key: np.asarray(got)}, problem)


def test_right_numbers_earn_the_points():
    assert judge(WANT) == compare.Verdict(3, "")
    assert judge(WANT * (1 + 0.9e-6)).points == 3
    assert judge(WANT.astype(np.float32)).points == 3
    assert judge(np.array([1, 2], np.uint8), np.array([1, 2])).points == 3
    assert judge("a name", "a name").points == 3


@pytest.mark.parametrize("got, fault", [
    (WANT * (1 + 1.1e-6), "[0, 0] is 1.0000011"),
    (WANT + np.eye(3)[:2] * 1e-3, "[0, 0] is 1.001, which is wrong; 2 of 6 are"),
    (WANT * np.nan, "is nan"),
    (np.full((2, 3), np.inf), "is inf"),
    (WANT.T, "has shape (3, 2) where (2, 3) is due"),
    (WANT.astype(int), "is integers (int64) where floats are due"),
    (WANT.astype(str), "is text"),
    (WANT > 0, "is truth values"),
    (1.0, "has shape ()"),
])
def test_wrong_numbers_earn_nothing_and_are_named(got, fault):
    verdict = judge(got)
    assert verdict.points == 0 and fault in verdict.message


def test_the_message_never_holds_the_right_number():
    assert "12345.678" not in judge(np.ones(3), np.full(3, 12345.678)).message


def test_text_integers_and_truth_values_must_be_equal():
    assert judge("b", "a").points == judge(3, 4).points == judge(True, False).points == 0


@pytest.mark.parametrize("key", ["y/1/", "y/0/other", "x/0/"])
def test_other_names_earn_nothing(key):
    assert judge(WANT, key=key).points == 0


def test_a_surplus_result_earns_nothing():
    assert compare.judge(PART, {"y/0/": WANT}, {"y/0/": WANT, "y/1/": WANT}, "").points == 0


def test_reasons():
    assert compare.judge(PART, {"y/0/": WANT}, {}, "took longer than 5 s").message == "took longer than 5 s"
    assert "ended before" in compare.judge(PART, {"y/0/": WANT}, {}, "").message
    assert judge("line 3 of your cell\nNotImplementedError", key="y/error").message == "not answered"
    assert judge("ValueError: no", key="y/error").message == "ValueError: no"
    assert judge("", key="y/error") == compare.Verdict(0, "failed without saying why")
    assert len(judge("x" * 10_000, key="y/error").message) <= 2000


def ruled(got, rule=lambda text: "" if text == "all is well" else f"it says {text}", key="y/0/"):
    part = Part("y", 3, lambda answer: None, rule=rule)
    return compare.judge(part, {"y/0/": np.asarray("the solution's own")}, {key: np.asarray(got)}, "")


def test_where_there_is_a_rule_nothing_is_compared_with_the_solution():
    assert ruled("all is well") == compare.Verdict(3, "")
    assert ruled("nothing") == compare.Verdict(0, "it says nothing")
    assert ruled("line 1\nNotImplementedError", key="y/error").message == "not answered"
    assert compare.judge(Part("y", 3, None, rule=lambda text: ""), {}, {}, "took too long") == compare.Verdict(0, "took too long")


@pytest.mark.parametrize("got, key", [("[" * 100_000, "y/0/"), ("9" * 5000, "y/0/"), ("{}", "y/0/"), ("all is well", "y/1/")])
def test_a_text_that_a_rule_cannot_read_earns_nothing(got, key):
    verdict = ruled(got, lambda text: json.loads(text)["name"], key)
    assert verdict.points == 0 and verdict.message.startswith("these are no records") and len(verdict.message) <= 2000


def test_results_before_an_early_end_count():
    assert judge(WANT, problem="took longer than 5 s").points == 3
