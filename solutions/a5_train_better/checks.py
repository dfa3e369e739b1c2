"""Hidden checks of a5: how the inputs of each task are drawn, what is asked of the answers, points."""
from functools import partial

import numpy as np

from course.grading.contract import Assignment, Part, Task, Written

Near = partial(Part, rtol=1e-4, atol=1e-4)          # float32 is good enough


def draw_schedule(rng):
    warmup = int(rng.integers(3, 7))
    return {"lr": rng.uniform(0.1, 1), "lowest": rng.uniform(0.01, 0.05), "warmup": warmup,
            "period": warmup + rng.integers(2, 6)}


def rise(answer, lr, warmup, period, lowest):
    return np.array([answer.cosine_rate(lr, step, warmup, period, lowest) for step in range(warmup)])


def fall(answer, lr, warmup, period, lowest):
    return np.array([answer.cosine_rate(lr, step, length, period, lowest)
                     for length in (0, warmup) for step in range(length, length + period)])


def restarts(answer, lr, warmup, period, lowest):
    return np.array([answer.cosine_rate(lr, step, warmup, period, lowest)
                     for step in range(warmup + period, warmup + 3 * period)])


def draw_steps(rng):
    """A quadratic bowl, steps in it and the changes of its gradient."""
    d, m = int(rng.integers(5, 8)), int(rng.integers(3, 5))
    axes, _ = np.linalg.qr(rng.normal(size=(d, d)))
    S = rng.normal(size=(m, d))
    return {"g": rng.normal(size=d), "S": S, "Y": S @ (axes * rng.uniform(0.5, 5, size=d) @ axes.T)}


def no_history(answer, g, S, Y):
    return answer.lbfgs_direction(g, S[:0], Y[:0])


def one_pair(answer, g, S, Y):
    return answer.lbfgs_direction(g, S[:1], Y[:1])


def history(answer, g, S, Y):
    return answer.lbfgs_direction(g, S, Y)


def steps_kept(answer, g, S, Y):
    return {"direction": answer.lbfgs_direction(g, S[:1], Y[:1]), "g afterwards": g, "S afterwards": S, "Y afterwards": Y}


def draw_linear(rng):
    n, d, k = rng.permutation([5, 6, 7])
    return {"x": rng.normal(size=(n, d)), "W": rng.normal(size=(k, d)), "b": rng.normal(size=k),
            "u": rng.random((k, d)), "p": rng.uniform(0.3, 0.6), "gy": rng.normal(size=(n, k))}


def dropped(answer, x, W, b, u, p):
    return answer.DropConnect(p, u).forward(x, W, b)


def gradients(answer, x, W, b, u, p, gy):
    """The three gradients, after a forward."""
    layer = answer.DropConnect(p, u)
    layer.forward(x, W, b)
    return layer.backward(gy)


def gradient_x(answer, x, W, b, u, p, gy):
    return gradients(answer, x, W, b, u, p, gy)[0]


def gradient_W(answer, x, W, b, u, p, gy):
    return gradients(answer, x, W, b, u, p, gy)[1]


def gradient_b(answer, x, W, b, u, p, gy):
    return gradients(answer, x, W, b, u, p, gy)[2]


def at_test_time(answer, x, W, b, p, gy):
    layer = answer.DropConnect(p, None)
    y = layer.forward(x, W, b)
    gx, gW, _ = layer.backward(gy)
    return {"y": y, "gx": gx, "gW": gW}


def layer_kept(answer, x, W, b, u, p):
    return {"y": dropped(answer, x, W, b, u, p), "x afterwards": x, "W afterwards": W, "b afterwards": b}


def draw_path(rng):
    return {"path": rng.normal(size=(rng.integers(5, 9), rng.integers(2, 5))) + 3, "decay": rng.uniform(0.7, 0.9)}


def one_update(answer, path, decay):
    ema = answer.EMA(decay)
    ema.update(path[0])
    return ema.average()


def many_updates(answer, path, decay):
    ema = answer.EMA(decay)
    for w in path:
        ema.update(w)
    return ema.average()


def direction(average):
    """An average without its length, so that a wrong correction costs its points once."""
    return np.asarray(average) / np.linalg.norm(average)


def asked_in_between(answer, path, decay):
    ema, directions = answer.EMA(decay), []
    for w in path:
        ema.update(w)
        directions.append(direction(ema.average()))
    first = np.array(ema.average())
    return {"directions": np.stack(directions), "second answer divided by the first": ema.average() / first}


def weights_in_place(answer, path, decay):
    """One array, which training changes before the average is asked for too."""
    ema, w = answer.EMA(decay), np.zeros_like(path[0])
    for now in path:
        w[:] = now
        ema.update(w)
    last = w.copy()
    w[:] = 1
    return {"direction": direction(ema.average()), "w after the last update": last}


def draw_networks(rng):
    """Scores of some networks. The large ones are whole numbers, so that float32 holds them."""
    m, n, k = rng.permutation([3, 4, 5])
    large = rng.integers(-4000, 4000, size=(m, n, k))
    large[:, 0] = rng.integers(-5003, -4996, size=(m, k))       # a photo whose scores are all far down, and close together
    large[:, 1, 0] = -9000                                      # a class that no network believes in
    return {"scores": rng.normal(scale=2, size=(m, n, k)), "large": large.astype(float)}


def mean_probabilities(answer, scores):
    return answer.ensemble(scores)


def large_scores(answer, large):
    return answer.ensemble(large)


def scores_kept(answer, scores):
    return {"log p": answer.ensemble(scores), "scores afterwards": scores}


def draw_photos(rng):
    """Photos whose colours spread along drawn axes, unevenly."""
    axes, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    colours = rng.normal(size=(*rng.permutation([2, 5, 7]), 3)) * [40, 20, 8] @ axes.T
    return {"images": np.clip(colours + rng.uniform(90, 160, size=3), 0, 255).astype(np.uint8)}


def axes_of(answer, images):
    """The deviations, and the axes as rows without their signs: of each axis v the matrix v vᵀ, (3, 3, 3)."""
    deviations, axes = map(np.asarray, answer.colour_axes(images))
    if deviations.shape != (3,) or axes.shape != (3, 3):
        raise ValueError(f"deviations and axes have shapes {deviations.shape} and {axes.shape}, not (3,) and (3, 3)")
    return deviations, np.stack([np.outer(v, v) for v in axes.T])


def deviations(answer, images):
    """Whatever their order."""
    return np.sort(axes_of(answer, images)[0])


def axes(answer, images):
    """In the order of their deviations, whatever that of the columns."""
    deviations, squares = axes_of(answer, images)
    return squares[np.argsort(deviations)]


def largest_first(answer, images):
    deviations, squares = axes_of(answer, images)
    return {"from the largest to the smallest": np.argsort(-deviations), "first axis": squares[0]}


def draw_colours(rng):
    """A photo without light and dark pixels, and one with the darkest and lightest."""
    H, W = rng.permutation([5, 6, 7])[:2]
    grey, full = rng.integers(110, 146, size=(H, W, 3)), rng.integers(256, size=(H, W, 3))
    full[0, :2] = [[0], [255]]
    return {"grey": grey.astype(np.uint8), "full": full.astype(np.uint8), "strength": rng.uniform(0.1, 0.3),
            "deviations": rng.uniform([30, 15, 5], [60, 25, 10]), "axes": np.linalg.qr(rng.normal(size=(3, 3)))[0],
            "seeds": rng.integers(1 << 30, size=8)}


def relit(answer, image, deviations, axes, strength, seeds):
    """A photo in the lights of several generators, (8, H, W, 3)."""
    return np.stack([answer.pca_colour(image.copy(), deviations, axes, strength, np.random.default_rng(seed))
                     for seed in seeds])


def one_light(answer, grey, deviations, axes, strength, seeds):
    """Of any type."""
    return relit(answer, grey, deviations, axes, strength, seeds).astype(float)


def clipped(answer, full, deviations, axes, strength, seeds):
    return relit(answer, full, deviations, axes, strength, seeds)


def photo_kept(answer, grey, deviations, axes, strength, seeds):
    other = answer.pca_colour(grey, deviations, axes, strength, np.random.default_rng(seeds[0]))
    return {"photo": np.array(other, float), "image afterwards": grey}


def draw_loader(rng):
    """Rows that no batch size divides evenly, more batches than workers, and how the threads take turns."""
    batch = int(rng.integers(3, 6))
    return {"n": batch * int(rng.integers(5, 8)) + int(rng.integers(1, batch)), "batch": batch,
            "workers": rng.permutation([2, 3, 4]), "seed": rng.integers(100), "epoch": rng.integers(100),
            "turns": rng.integers(1 << 30, size=4)}


def taking_turns(turn, given):
    """Return a run: its workers take turns by chance. How many jobs each got is added to the list `given`."""
    chance = np.random.default_rng(turn)

    def run(work, shares):
        waiting = [list(jobs) for jobs in shares]
        done = [[] for _ in waiting]
        given.append([len(jobs) for jobs in waiting])
        while any(waiting):
            worker = chance.choice([worker for worker, jobs in enumerate(waiting) if jobs])
            done[worker].append(work(waiting[worker].pop(0)))
        return done
    return run


def loaded(answer, n, batch, workers, seed, epoch, run):
    """What came, batch by batch: of every photo its row and the number that it drew, each batch (B, 2)."""
    batches = answer.load_epoch(n, batch, workers, seed, epoch, lambda row, rng: np.array([row, rng.random()]), run)
    try:
        batches = [np.asarray(photos, float) for photos in batches]
    except ValueError:
        raise ValueError("what came is no list of arrays, one for each batch") from None
    if any(photos.shape[1:] != (2,) for photos in batches):
        raise ValueError(f"of photos of shape (2,) came arrays of {[photos.shape for photos in batches]}, not (B, 2) each")
    return batches


def drawn(answer, n, batch, workers, seed, epoch, turn):
    """The rows in the order in which they came, and the number that each photo drew."""
    rows, numbers = np.concatenate(loaded(answer, n, batch, workers, seed, epoch, taking_turns(turn, []))).T
    return rows.astype(int).tolist(), numbers.tolist()


def every_row(answer, n, batch, seed, epoch, turns):
    batches = loaded(answer, n, batch, 1, seed, epoch, taking_turns(turns[0], []))
    rows = np.concatenate(batches)[:, 0].astype(int)
    return {"rows in each batch": [len(photos) for photos in batches], "rows, sorted": np.sort(rows),
            "order differs from 0, 1, 2, ...": int((rows != np.arange(len(rows))).any())}


def shared_out(answer, n, batch, workers, seed, epoch, turns):
    given = [[0] * workers[0]]                          # should it never call run
    answer.load_epoch(n, batch, int(workers[0]), seed, epoch, lambda row, rng: np.array([row]),
                      taking_turns(turns[0], given))
    return {"jobs of each worker, sorted": np.sort(np.sum(given, axis=0))}


def any_workers(answer, n, batch, workers, seed, epoch, turns):
    """One epoch with different numbers of workers that take turns differently."""
    rows, numbers = zip(*(drawn(answer, n, batch, int(count), seed, epoch, turn)
                          for count, turn in zip([1, *workers], turns)))
    return {"rows, sorted": np.sort(rows[0]), "same order as with 1 worker": [int(other == rows[0]) for other in rows],
            "same random numbers as with 1 worker": [int(other == numbers[0]) for other in numbers]}


def own_numbers(answer, n, batch, seed, epoch, turns):
    """Neighbouring seeds and epochs with one worker, and one of them with larger batches."""
    runs = [drawn(answer, n, size, 1, seed + s, epoch + e, turns[0])
            for s, e, size in ((0, 0, batch), (0, 1, batch), (1, 0, batch), (1, 1, batch), (0, 0, batch + 1))]
    again, first = (dict(zip(rows, numbers)) for rows, numbers in (runs.pop(), runs[0]))
    return {"different random numbers in 2 seeds and 2 epochs": len({x for _, numbers in runs for x in numbers}),
            "different orders": len({tuple(rows) for rows, _ in runs}),
            "same random numbers in larger batches": int(first == again)}


ASSIGNMENT = Assignment(
    tasks=[
        Task("a5-schedule", draw_schedule, [Near("warm-up", 3, rise), Near("fall", 4, fall), Near("restarts", 3, restarts)]),
        Task("a5-lbfgs", draw_steps, [Near("no history", 2, no_history), Near("one pair", 4, one_pair),
                                      Near("history", 6, history), Near("inputs kept", 2, steps_kept)]),
        Task("a5-dropconnect", draw_linear,
             [Near("forward", 3, dropped), Near("gx", 3, gradient_x), Near("gW", 3, gradient_W), Near("gb", 1, gradient_b),
              Near("at test time", 2, at_test_time), Near("inputs kept", 2, layer_kept)], support=[dropped, gradients]),
        Task("a5-ema", draw_path, [Near("one update", 2, one_update), Near("many updates", 4, many_updates),
                                   Near("asked in between", 2, asked_in_between),
                                   Near("weights in place", 2, weights_in_place)], support=[direction]),
        Task("a5-ensemble", draw_networks, [Near("mean of probabilities", 5, mean_probabilities),
                                            Near("large scores", 4, large_scores), Near("inputs kept", 1, scores_kept)]),
        Task("a5-pca-axes", draw_photos, [Near("deviations", 3, deviations), Near("axes", 3, axes),
                                          Near("largest first", 2, largest_first)], support=[axes_of]),
        Task("a5-pca-colour", draw_colours, [Near("one light", 5, one_light), Near("uint8", 2, clipped),
                                             Near("photo kept", 1, photo_kept)], support=[relit]),
        Task("a5-loader", draw_loader, [Near("every row once", 3, every_row), Near("shared out", 3, shared_out),
                                        Near("any number of workers", 4, any_workers),
                                        Near("seed, epoch and row", 4, own_numbers)], support=[taking_turns, loaded, drawn]),
    ],
    written=[Written("a5-curves", 12)],
)
