"""Hidden checks of the toy assignment, which only the grader's tests use."""
import numpy as np

from course.grading.contract import Assignment, Limits, Part, Task, Written


def draw_square(rng):
    shape = rng.integers(2, 9, size=2)
    return {"x": rng.normal(size=shape), "gy": rng.normal(size=shape), "a": rng.uniform(0.5, 2)}


def square_forward(answer, x, a):
    from tinynet import Tensor
    return answer.Square(a)(Tensor(x)).data


def square_backward(answer, x, a, gy):
    from tinynet import Tensor
    x = Tensor(x, requires_grad=True)
    answer.Square(a)(x).backward(gy)
    return {"gx": x.grad}


def draw_scores(rng):
    return {"scores": rng.normal(scale=1000, size=rng.integers(2, 9, size=2))}


def softmax_rows(answer, scores):
    return answer.softmax(scores)


def draw_descent(rng):
    return {"curvature": rng.uniform(0.1, 1.5, size=5), "w": rng.normal(size=5), "rate": rng.uniform(0.1, 0.9),
            "steps": rng.integers(5, 20)}


def path(answer, curvature, w, rate, steps):
    return answer.descend(lambda w: curvature * w, w, rate, steps)


ASSIGNMENT = Assignment(
    tasks=[
        Task("toy-square", draw_square, [Part("forward", 2, square_forward), Part("backward", 4, square_backward)]),
        Task("toy-softmax", draw_scores, [Part("rows", 4, softmax_rows)]),
        Task("toy-descend", draw_descent, [Part("path", 5, path)]),
    ],
    written=[Written("toy-words", 5)],
    limits=Limits(cpu=2, wall=8, total=20, memory=1 << 30, disk=4 << 20, log=100_000),
)
