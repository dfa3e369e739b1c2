"""Hidden checks of a2: how the inputs of each task are drawn, what is asked of the answers, points."""
import numpy as np

from course.grading.contract import Assignment, Part, Task, Written


def draw_regression(rng):
    """Rows that no batch size divides evenly."""
    batch = int(rng.integers(3, 6))
    n, d = batch * int(rng.integers(3, 6)) + int(rng.integers(1, batch)), int(rng.integers(2, 5))
    return {"X": rng.normal(size=(n, d)), "y": rng.normal(size=n), "w": rng.normal(size=d),
            "lr": rng.uniform(0.02, 0.1), "order": rng.permutation(n), "batch": batch}


def full_batch(answer, X, y, w, lr, order):
    return answer.sgd(X, y, w, float(lr), order, len(order))


def mini_batches(answer, X, y, w, lr, order, batch):
    return answer.sgd(X, y, w, float(lr), order, int(batch))


def draw_valley(rng):
    """A quadratic bowl whose axes lie across those of the weights, and the settings of every optimiser."""
    d = int(rng.integers(3, 6))
    axes, _ = np.linalg.qr(rng.normal(size=(d, d)))
    return {"valley": axes * rng.uniform(0.2, 4, size=d) @ axes.T, "w": rng.normal(size=d) + 2,
            "lr": rng.uniform(0.02, 0.1), "rho": rng.uniform(0.8, 0.95), "beta": rng.uniform(0.7, 0.95),
            "beta1": rng.uniform(0.8, 0.9), "beta2": rng.uniform(0.93, 0.99), "eps": rng.uniform(0.05, 0.2),
            "steps": rng.integers(15, 30)}


def follow(step, valley, w, n_states, steps):
    """Return all that an optimiser goes through, (steps + 1, 1 + n_states, D): the weights and its states."""
    now = [w, *np.zeros((n_states, len(w)))]
    path = [np.stack(now)]
    for t in range(1, int(steps) + 1):
        now = list(step(now[0], valley @ now[0], *now[1:], t))
        path.append(np.stack(now))
    return np.stack(path)


def momentum_first(answer, valley, w, lr, rho):
    return follow(lambda w, g, v, t: answer.momentum(w, g, v, lr, rho), valley, w, 1, 1)


def momentum_path(answer, valley, w, lr, rho, steps):
    return follow(lambda w, g, v, t: answer.momentum(w, g, v, lr, rho), valley, w, 1, steps)


def nesterov_first(answer, valley, w, lr, rho):
    return follow(lambda w, g, v, t: answer.nesterov(w, g, v, lr, rho), valley, w, 1, 1)


def nesterov_path(answer, valley, w, lr, rho, steps):
    return follow(lambda w, g, v, t: answer.nesterov(w, g, v, lr, rho), valley, w, 1, steps)


def rmsprop_first(answer, valley, w, lr, beta, eps):
    return follow(lambda w, g, s, t: answer.rmsprop(w, g, s, lr, beta, eps), valley, w, 1, 1)


def rmsprop_path(answer, valley, w, lr, beta, eps, steps):
    return follow(lambda w, g, s, t: answer.rmsprop(w, g, s, lr, beta, eps), valley, w, 1, steps)


def adam_first(answer, valley, w, lr, beta1, beta2, eps):
    return follow(lambda w, g, m, v, t: answer.adam(w, g, m, v, t, lr, beta1, beta2, eps), valley, w, 2, 1)


def adam_path(answer, valley, w, lr, beta1, beta2, eps, steps):
    return follow(lambda w, g, m, v, t: answer.adam(w, g, m, v, t, lr, beta1, beta2, eps), valley, w, 2, steps)


def draw_schedule(rng):
    return {"lr": rng.uniform(0.01, 1), "every": rng.integers(2, 6), "warmup": rng.integers(3, 7),
            "factor": rng.uniform(0.3, 0.8)}


def steps_down(answer, lr, every, factor):
    return np.array([answer.step_decay(float(lr), epoch, int(every), float(factor)) for epoch in range(20)])


def rise(answer, lr, warmup, factor):
    return np.array([answer.warmup_decay(float(lr), epoch, int(warmup), float(factor)) for epoch in range(warmup)])


def fall(answer, lr, warmup, factor):
    return np.array([answer.warmup_decay(float(lr), epoch, length, float(factor))
                     for length in (0, int(warmup)) for epoch in range(length, 20)])


ASSIGNMENT = Assignment(
    tasks=[
        Task("a2-sgd", draw_regression, [Part("full batch", 5, full_batch), Part("mini-batches", 10, mini_batches)]),
        Task("a2-momentum", draw_valley, [Part("first step", 4, momentum_first), Part("path", 8, momentum_path)],
             support=[follow]),
        Task("a2-nesterov", draw_valley, [Part("first step", 4, nesterov_first), Part("path", 8, nesterov_path)],
             support=[follow]),
        Task("a2-rmsprop", draw_valley, [Part("first step", 4, rmsprop_first), Part("path", 8, rmsprop_path)],
             support=[follow]),
        Task("a2-adam", draw_valley, [Part("first step", 6, adam_first), Part("path", 12, adam_path)], support=[follow]),
        Task("a2-step-decay", draw_schedule, [Part("rates", 8, steps_down)]),
        Task("a2-warmup", draw_schedule, [Part("rise", 4, rise), Part("fall", 4, fall)]),
    ],
    written=[Written("a2-curves", 15)],
)
