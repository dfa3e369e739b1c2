"""Hidden checks of a3: how the inputs of each task are drawn, what is asked of the answers, points."""
import struct

import numpy as np

from course.grading.contract import Assignment, Part, Task, Written

STAGES = [f"{kind}{number}" for number in (1, 2, 10, 11, 20) for kind in ("conv", "fire")]


def packed(arrays):
    """Return a weight file as bytes."""
    data = b"TNW1" + struct.pack("<I", len(arrays))
    for name, array in arrays.items():
        data += bytes([len(name)]) + name.encode() + bytes([array.ndim])
        data += struct.pack(f"<{array.ndim}I", *array.shape) + array.astype("<f4").tobytes()
    return data


def draw_files(rng):
    """A good file and, in any order, damaged ones among good ones, each behind its length."""
    shapes = [tuple(rng.integers(2, 6, size=n)) for n in (4, 1, 3)] + [()]
    arrays = {f"{stage}.W": rng.normal(size=shape) for stage, shape in zip(rng.permutation(STAGES), shapes)}
    good = packed(arrays)
    huge = good.replace(struct.pack("<4I", *shapes[0]), struct.pack("<4I", *4 * [1 << 15]))
    files = [b"TNW2" + good[4:], good[:-int(rng.integers(1, 4))], good[:int(rng.integers(9, 30))], huge,
             good + b"\0" * int(rng.integers(1, 9)), good[:6], packed({"w": rng.normal(size=3)}), packed({}), good]
    return {"good": np.frombuffer(good, np.uint8)} | {
        f"file{i}": np.frombuffer(files[j], np.uint8) for i, j in enumerate(rng.permutation(len(files)))}


def read_good(answer, good):
    weights = answer.read_weights(good.tobytes())
    return {"names": " ".join(weights), **{f"array{i}": np.asarray(array) for i, array in enumerate(weights.values())}}


def read_damaged(answer, good, file0, file1, file2, file3, file4, file5, file6, file7, file8):
    from tinynet.errors import InputError
    refused = []
    for file in (file0, file1, file2, file3, file4, file5, file6, file7, file8):
        try:
            answer.read_weights(file.tobytes())
            refused.append(0)
        except InputError:
            refused.append(1)
    return {"refused": np.array(refused), "first": list(answer.read_weights(good.tobytes()).values())[0]}


def draw_filters(rng):
    R, S, C, F = rng.permutation([2, 3, 4, 5])
    return {"W": rng.normal(size=(R, S, C, F))}


def in_order(answer, W):
    return answer.to_fcrs(W, False)


def turned(answer, W):
    return answer.to_fcrs(W, True)


def draw_shapes(rng):
    """Shapes of a file and of a network, (n, 2) each, some of one axis, written (length, 0)."""
    names = np.array([f"{stage}.{kind}" for stage in STAGES for kind in "Wb"])[rng.permutation(20)]
    wanted = rng.integers(2, 5, size=(14, 2))
    wanted[9:11, 1] = 0
    found = np.concatenate([wanted[4:], rng.integers(2, 5, size=(6, 2))])
    found[:5] = np.stack([wanted[4], wanted[5] + 1, wanted[6] * [1, 2], wanted[7] * [2, 1], wanted[8]])
    found[5, 1] = 1                                 # (n, 1) where (n,) is wanted
    return {"wanted_names": names[:14], "wanted": wanted, "found_names": names[4:], "found": found}


def compared(answer, which, found_names, found, wanted_names, wanted):
    """One of the three lists, as text."""
    found, wanted = ({str(name): tuple(int(n) for n in shape if n) for name, shape in zip(names, shapes)}
                     for names, shapes in ((found_names, found), (wanted_names, wanted)))
    return " ".join(answer.misfits(found, wanted)[which])


def missing(answer, found_names, found, wanted_names, wanted):
    return compared(answer, 0, found_names, found, wanted_names, wanted)


def extra(answer, found_names, found, wanted_names, wanted):
    return compared(answer, 1, found_names, found, wanted_names, wanted)


def misshapen(answer, found_names, found, wanted_names, wanted):
    return compared(answer, 2, found_names, found, wanted_names, wanted)


def draw_stages(rng):
    """Stages whose names begin like each other: conv10 is frozen and conv1 is not; some parameters are frozen already."""
    stages = ["conv10", *rng.permutation([stage for stage in STAGES if stage not in ("conv10", "conv1")]), "conv1"]
    names = [f"{stage}.{rest}" for stage in STAGES for rest in ("W", "b", "inner.conv1.W")]
    return {"stages": stages, "until": stages[rng.integers(3, 8)], "names": rng.permutation(names),
            "before": rng.integers(2, size=len(names))}


def frozen(answer, stages, until, names, before):
    """Run freeze and return the parameters and what it returned."""
    from tinynet import Tensor
    parameters = {str(name): Tensor(np.ones(1), requires_grad=bool(wanted)) for name, wanted in zip(names, before)}
    return parameters, answer.freeze(parameters, [str(stage) for stage in stages], str(until))


def flags(answer, stages, until, names, before):
    parameters, _ = frozen(answer, stages, until, names, before)
    return np.array([int(parameter.requires_grad) for parameter in parameters.values()])


def trained(answer, stages, until, names, before):
    return " ".join(frozen(answer, stages, until, names, before)[1])


def draw_key(rng):
    return {"a": rng.normal(size=(40, 50)), "b": rng.normal(size=(3, 4)), "c": rng.normal(size=(3, 4)),
            "at": rng.integers(15, 25, size=2), "order": rng.permutation(9), "size": rng.integers(200, 300)}


def alike(answer, runs, order):
    """Which of the runs, in a drawn order, have equal keys, (n, n), and the lengths of the keys."""
    keys = [answer.cache_key(*runs[i]) for i in order if i < len(runs)]
    return {"equal": np.array([[int(one == other) for other in keys] for one in keys]),
            "lengths": np.array([len(key) for key in keys])}


def key_weights(answer, a, b, c, at, order, size):
    nudged = a.copy()
    nudged[tuple(at)] += 1e-9
    base = {"a.W": a, "b.W": b, "c.W": c}
    variants = [base, {"c.W": c, "a.W": a, "b.W": b}, base | {"b.W": np.asfortranarray(b)}, base | {"a.W": nudged},
                {"a.W": a, "b.W": c, "c.W": b}, {"a.W": a, "b.W": b, "d.W": c}, base | {"b.W": b.reshape(4, 3)},
                base | {"b.W": b.view(np.int64)}, {"a.W": a, "b.W": b}]
    return alike(answer, [(weights, {"resize": int(size)}, "fire9", "float32") for weights in variants], order)


def key_settings(answer, a, b, order, size):
    weights, settings = {"a.W": a, "b.W": b}, {"resize": int(size), "mean": [104, 117, 123], "channels": "BGR"}
    again = dict(reversed(settings.items()))
    runs = [(settings, "fire9", "float32"), (again, "fire9", "float32"), (settings, "fire9", "float16"),
            (settings, "fire8", "float32"), (settings | {"resize": int(size) + 1}, "fire9", "float32"),
            (settings | {"mean": [123, 117, 104]}, "fire9", "float32"),
            (settings | {"channels": "RGB"}, "fire9", "float32"), (settings | {"crop": 227}, "fire9", "float32")]
    return alike(answer, [(weights, *run) for run in runs], order)


def draw_images(rng):
    """Images of which some are in the store and some occur twice, and another order of them."""
    kinds = rng.integers(5, size=12)
    kinds[:5] = rng.permutation(5)
    distinct = rng.normal(size=(5, 2, 3, 4))
    return {"identities": np.array(["tigger", "misty", "fox", "dog", "sofa"])[kinds], "images": distinct[kinds],
            "known": rng.permutation(5)[:2], "matrix": rng.normal(size=(24, 6)), "shuffled": rng.permutation(12)}


def ask(answer, order, identities, images, known, matrix):
    """Fill a store with two images, ask for them all and again in another order; return rows and what the trunk saw."""
    seen = []

    def trunk(images):
        seen.append(np.array(images))
        return images.reshape(len(images), len(matrix)) @ matrix

    known = [int(i) for i in known]
    names, store = [str(name) for name in identities], {}
    for i in known:
        store[names[i]] = images[i].reshape(-1) @ matrix
    rows = answer.cached(names, images, trunk, store)
    again = answer.cached([names[i] for i in order], 0 * images, trunk, store)
    return rows, again, seen, store


def cache_rows(answer, shuffled, identities, images, known, matrix):
    return ask(answer, shuffled, identities, images, known, matrix)[0]


def cache_work(answer, shuffled, identities, images, known, matrix):
    seen = ask(answer, shuffled, identities, images, known, matrix)[2]
    return {"calls": len(seen), "seen": np.concatenate(seen)}


def cache_again(answer, shuffled, identities, images, known, matrix):
    _, again, _, store = ask(answer, shuffled, identities, images, known, matrix)
    return {"rows": again, "kept": " ".join(sorted(store))}


def draw_head(rng):
    k, d = rng.permutation([3, 5, 7])[:2]
    return {"noise": rng.normal(size=(k, d)), "old": rng.normal(size=(1000, d)), "bias": rng.normal(size=1000),
            "conv": rng.normal(size=(d, 2, 3, 3))}


def swapped(answer, noise, old, bias, conv):
    """The dicts before and after."""
    before = {"conv1.W": conv, "head.W": old, "head.b": bias, "head.norm.W": conv[0]}
    return before, answer.swap_head(before, noise)


def new_head(answer, noise, old, bias, conv):
    after = swapped(answer, noise, old, bias, conv)[1]
    return {"W": after["head.W"], "b": after["head.b"]}


def old_rest(answer, noise, old, bias, conv):
    before, after = swapped(answer, noise, old, bias, conv)
    return {"names": " ".join(sorted(after)), "conv": after["conv1.W"], "norm": after["head.norm.W"],
            "old": before["head.W"].sum(axis=0), "bias": before["head.b"].sum()}


def draw_transfer(rng):
    n, p, d, k = rng.permutation([4, 5, 6, 7])
    return {"X": rng.normal(size=(n, p)), "V": rng.normal(size=(d, p)) / 2, "U": rng.normal(size=(k, d)) / 2,
            "targets": rng.normal(size=(n, k)), "lr_trunk": rng.uniform(0.05, 0.1), "lr_head": rng.uniform(0.2, 0.4),
            "steps": rng.integers(6, 12)}


def tuned(answer, X, V, U, targets, lr_trunk, lr_head, steps):
    """Losses and weights after training on a loss of its own; V and U are those that the answer was given."""
    def loss(scores):
        return 0.5 * ((scores - targets) ** 2).mean(), (scores - targets) / scores.size

    given_V, given_U = V.copy(), U.copy()
    losses, V, U = answer.finetune(X, given_V, given_U, loss, float(lr_trunk), float(lr_head), int(steps))
    return {"losses": losses, "V": V, "U": U, "given_V": given_V, "given_U": given_U}


def head_only(answer, X, V, U, targets, lr_head, steps):
    return tuned(answer, X, V, U, targets, 0, lr_head, steps)


def two_rates(answer, X, V, U, targets, lr_trunk, lr_head, steps):
    return tuned(answer, X, V, U, targets, lr_trunk, lr_head, steps)


ASSIGNMENT = Assignment(
    tasks=[
        Task("a3-read", draw_files, [Part("good file", 8, read_good), Part("damaged files", 6, read_damaged)]),
        Task("a3-layout", draw_filters, [Part("order of axes", 5, in_order), Part("channels", 3, turned)]),
        Task("a3-compare", draw_shapes, [Part("missing", 3, missing), Part("extra", 3, extra),
                                         Part("other shape", 6, misshapen)], support=[compared]),
        Task("a3-freeze", draw_stages, [Part("requires_grad", 6, flags), Part("names", 2, trained)], support=[frozen]),
        Task("a3-key", draw_key, [Part("weights", 6, key_weights), Part("settings", 6, key_settings)], support=[alike]),
        Task("a3-cache", draw_images, [Part("rows", 4, cache_rows), Part("work", 5, cache_work),
                                       Part("another order", 3, cache_again)], support=[ask]),
        Task("a3-head", draw_head, [Part("new head", 5, new_head), Part("the rest", 3, old_rest)], support=[swapped]),
        Task("a3-finetune", draw_transfer, [Part("frozen trunk", 5, head_only), Part("two rates", 9, two_rates)],
             support=[tuned]),
    ],
    written=[Written("a3-defend", 12)],
)
