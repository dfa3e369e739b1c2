"""Hidden checks of a4: how the inputs of each task are drawn, what is asked of the answers, how a record is judged, points."""
import hashlib
import json
from collections import Counter
from functools import cache, partial

import numpy as np

from course.grading.contract import Assignment, Part, Task, Written
from tinynet.models import DEFAULT, pretrained
from tinynet.weights import tensors_sha256

Near = partial(Part, rtol=1e-4, atol=1e-4)          # float32 is good enough


def draw_pairs(rng):
    """Pairs of single photos; and chains and stars, shuffled and turned about, in which no pair alone says who is first."""
    rows = rng.permutation(24)
    chain, star, ring = rows[:8], rows[8:13], rows[13:17]
    linked = [*zip(chain, chain[1:]), *((star[0], other) for other in star[1:]), *zip(ring, np.roll(ring, 1)), rows[:2]]
    linked = rng.permuted(np.array(linked), axis=1)
    return {"pairs": rng.permuted(rows[:12].reshape(6, 2), axis=1), "linked": rng.permutation(linked), "n": rng.integers(3, 9)}


def number_moments(answer, n, pairs):
    """Of whatever type the numbers are."""
    return np.asarray(answer.moments(int(n), [(int(i), int(j)) for i, j in pairs]), float)


def two_by_two(answer, pairs):
    return number_moments(answer, 24, pairs)


def linked_up(answer, linked):
    return number_moments(answer, 24, linked)


def nobody(answer, n):
    return number_moments(answer, n, [])


def draw_photos(rng):
    """Photos of three classes, some in bursts, which may cross classes. The keys rise, so a moment's first is its smallest."""
    sizes = rng.permutation([1, 1, 1, 2, 2, 3, 1, 1, 2, 3, 1, 1, 2, 1, 3, 1, 1, 2, 1, 1])
    moments = np.repeat(rng.choice(900, size=20, replace=False), sizes)
    labels = np.sort(np.arange(len(moments)) % 3)
    keys = np.sort([hashlib.sha256(rng.bytes(8)).hexdigest()[:16] for _ in moments])
    return {"labels": labels, "keys": keys, "moments": moments, "share": rng.uniform(0.35, 0.45),
            "order": rng.permutation(len(moments))}


def split(answer, labels, keys, moments, share, least):
    """The seed, and the drawer as 0 and 1."""
    seed, drawer = answer.honest_split(np.array(labels), [str(key) for key in keys], np.array(moments), float(share), least)
    return {"seed": int(seed), "in the drawer": np.asarray(drawer).astype(int)}


def sides(answer, labels, keys, moments, share):
    """Seed 0 will do: nobody has to be anywhere."""
    return split(answer, labels, keys, moments, share, 0)


def shuffled(answer, labels, keys, moments, share, order):
    return split(answer, labels[order], keys[order], moments[order], share, 0)


def enough(answer, labels, keys, moments, share):
    """Little in the drawer, and little left on the bench."""
    return {f"{name}, share {share_of:.1f}": value for share_of in (share - 0.1, 1.1 - share)
            for name, value in split(answer, labels, keys, moments, share_of, 3).items()}


def too_few(answer, labels, keys, moments, share):
    """A class of which both sides cannot have enough, and one that is all of one moment."""
    one = np.where(labels == 1, 1000, moments)
    refused = []
    for together, least in ((moments, len(labels) // 6 + 1), (one, 1)):
        try:
            split(answer, labels, keys, together, share, least)
            refused.append(0)
        except ValueError:
            refused.append(1)
    return {"refused": np.array(refused), **split(answer, labels, keys, moments, share, 0)}


def draw_curve(rng):
    """A curve with one peak, of which it matters what the error bars are; and one whose best is there twice.

    All accuracies are sixteenths, so that equal means are equal in any arithmetic; and nothing is on a knife's edge.
    """
    while True:
        accuracy = np.clip(rng.integers(-3, 4, size=(7, 4)) + rng.integers(5, 14, size=(7, 1)), 0, 16) / 16
        mean, bar, bar_of_sample = accuracy.mean(axis=1), accuracy.std(axis=1), accuracy.std(axis=1, ddof=1)
        best = mean.argmax()
        off = mean[best] - mean
        touch = off <= bar + bar[best]
        differs = [touch != (off <= other) for other in (bar, bar[best], bar_of_sample + bar_of_sample[best])]
        if (off == 0).sum() == 1 and best < 6 and not touch.all() and all(other.any() for other in differs) \
                and np.abs(off - bar - bar[best]).min() > 1e-3:
            break
    twice = accuracy.copy()
    twice[best + 1] = rng.permutation(twice[best])
    return {"stages": ["pixels", *(f"{kind}{i}" for i, kind in enumerate(rng.permutation(["conv", "fire", "pool"] * 2), 1))],
            "accuracy": accuracy, "twice": twice}


def read(answer, stages, accuracy):
    best, others = answer.peak([str(stage) for stage in stages], np.array(accuracy))
    return str(best), sorted(map(str, others))


def best_stage(answer, stages, accuracy):
    return read(answer, stages, accuracy)[0]


def last_of_equals(answer, stages, twice):
    return read(answer, stages, twice)[0]


def like_it(answer, stages, accuracy):
    return " ".join(read(answer, stages, accuracy)[1])


def draw_cases(rng):
    """Curves of seven stages. Whether the last stage saves half of the pixels' mistakes is never a matter of rounding."""
    pixels = rng.uniform(0.4, 0.6)
    stages = ["pixels", *(f"{kind}{i}" for i, kind in enumerate(rng.permutation(["conv", "fire", "pool"] * 2), 1))]
    means = rng.uniform(0.1, 0.5, size=7)
    return {"stages": stages, "means": means, "pixels": pixels, "best": rng.integers(2, 5),
            "saves": rng.uniform(0.55, 0.75), "wastes": rng.uniform(0.2, 0.45),
            "few": rng.integers(15, 40), "many": rng.integers(40, 90)}


def case(answer, smallest, stages, means, pixels, gain, best, others):
    """One case: whether many, whether similar, and the cut."""
    means = np.array(means)
    means[0], means[-1] = pixels, 1 - (1 - pixels) * (1 - gain)
    stages = [str(stage) for stage in stages]
    many, similar, cut = answer.scenario(int(smallest), stages, means, stages[best], [stages[i] for i in others])
    return {"many": bool(many), "similar": bool(similar), "cut": str(cut)}


def cases(answer, which, stages, means, pixels, saves, wastes, best, few, many):
    """The same cases for few and many photos, each by a name."""
    curves = {"last is best": (saves, -1, []), "last is like the best": (saves, best, [-1]),
              "last saves little": (wastes, -1, []), "an earlier one is better": (saves, best, [best - 1]),
              "better, and saves little": (wastes, best, [1]), "pixels are best": (-wastes, 0, [best])}
    found = {}
    for name, (gain, top, others) in curves.items():
        for size, smallest in (("few", few), ("many", many)):
            for key, value in case(answer, smallest, stages, means, pixels, gain, top, others).items():
                found[f"{size}, {name}: {key}"] = value
    return {name: value for name, value in found.items() if name.endswith(which)}


def how_many(answer, stages, means, pixels, saves, best):
    """Just below and at the bound."""
    return {str(n): case(answer, n, stages, means, pixels, saves, -1, [])["many"] for n in (15, 39, 40, 41, 200)}


def how_similar(answer, stages, means, pixels, saves, wastes, best, few, many):
    return cases(answer, ": similar", stages, means, pixels, saves, wastes, best, few, many)


def where_few(answer, stages, means, pixels, saves, wastes, best, few, many):
    found = cases(answer, ": cut", stages, means, pixels, saves, wastes, best, few, many)
    return {name: cut for name, cut in found.items() if name.startswith("few")}


def where_many(answer, stages, means, pixels, saves, wastes, best, few, many):
    found = cases(answer, ": cut", stages, means, pixels, saves, wastes, best, few, many)
    return {name: cut for name, cut in found.items() if name.startswith("many")}


def draw_runs(rng):
    """Accuracies of two ways on the bench, (5 cases, R), and in the drawer, (5 cases, 2 ways, R).

    Two cases are clear. In the others it matters that gains are taken seed by seed, as seeds differ far more than the ways
    do, and how many errors they are worth. The drawer always speaks for the wrong way.
    """
    R = int(rng.integers(5, 9))
    cheap = 0.5 + 0.1 * rng.permuted(np.tile(np.linspace(0, 1, R), (5, 1)), axis=1)
    noise = rng.permuted(np.tile(np.linspace(-1, 1, R), (5, 1)), axis=1)
    error = noise[0].std(ddof=1) / np.sqrt(R)
    means = np.array([40, 1.4, -40, 2.1, 1.93]) * error     # in errors
    drawer = rng.uniform(0.4, 0.6, size=(5, 2, R))
    drawer[:, 0] += [[0.3], [0], [0], [0.3], [0]]
    drawer[:, 1] += [[0], [0.3], [0.3], [0], [0.3]]
    return {"cheap": cheap, "dear": cheap + 0.01 * (means[:, None] + noise), "drawer": drawer,
            "seeds": rng.permutation(50)[:R]}


def ask(answer, cheap, dear, seeds, drawer, case):
    """What was chosen in a case, what came back, and all questions."""
    ways, asked = {"cheap": cheap[case], "dear": dear[case]}, []
    seeds = [int(seed) for seed in seeds]

    def accuracy(way, seed, where):
        asked.append((str(way), int(seed), str(where)))
        if where == "bench":
            return float(ways[way][seeds.index(seed)])
        if where == "drawer":
            return float(drawer[case][list(ways).index(way)][seeds.index(seed)])
        raise ValueError(f"there is no place {where!r}: bench or drawer")

    way, seed, right = answer.choose(list(ways), seeds, accuracy)
    return (str(way), int(seed)), float(right), asked


def chosen(answer, cheap, dear, seeds, drawer):
    """In words, case by case."""
    return {f"case {case}": " ".join(map(str, ask(answer, cheap, dear, seeds, drawer, case)[0])) for case in range(5)}


def looked_once(answer, cheap, dear, seeds, drawer):
    """Two clear cases: what was asked of the drawer, and of the bench after that."""
    found = {}
    for case in (0, 2):
        _, _, asked = ask(answer, cheap, dear, seeds, drawer, case)
        places = [where for *_, where in asked]
        first = places.index("drawer") if "drawer" in places else len(places)
        opened = [f"{way}-{seed}" for way, seed, where in asked if where == "drawer"]
        found[f"case {case}: asked of the drawer"] = " ".join(opened)
        found[f"case {case}: asked of the bench afterwards"] = places[first:].count("bench")
    return found


def in_the_drawer(answer, cheap, dear, seeds, drawer):
    """Two clear cases."""
    return {f"case {case}": ask(answer, cheap, dear, seeds, drawer, case)[1] for case in (0, 2)}


def draw_counts(rng):
    n = int(rng.integers(8, 60))
    return {"right": rng.integers(2, n - 1), "n": n}


def some_right(answer, right, n):
    return np.array(answer.interval(int(right), int(n)), float)


def none_or_all(answer, n):
    return np.array([answer.interval(0, int(n)), answer.interval(int(n), int(n))], float)


def told(answer):
    """The record as text, whether a function or a name gives it, and whether as text or as what it says."""
    import json
    found = answer.record() if callable(answer.record) else answer.record
    return found if isinstance(found, str) else json.dumps(found)


# From here on all runs outside the sandbox, on a text that anybody may have written: nothing of it is trusted, an exception
# means that it is no record, and no work grows faster than its length.

SHARE, LEAST, SEEDS = 0.25, 3, 5
CLOSE = 1e-9                        # what other arithmetic may change: on such a knife's edge either side is right


def parse(text):
    return json.loads(text, parse_constant=lambda name: 1 / 0)


def lot(seed, key):
    """What the notebook calls number."""
    return int(hashlib.sha256(f"{seed} {key}".encode()).hexdigest()[:13], 16) / 16**13


def refused_split(text):
    """Say why a split is none by the rule of task 2; empty if it is one."""
    found = parse(text)
    labels, keys, moments, drawn, seed = (found[name] for name in ("labels", "keys", "moments", "drawn", "seed"))
    n, K = len(keys), len(found["classes"])
    if {len(labels), len(moments), len(drawn)} != {n} or any(type(x) is not int for x in [*labels, *moments, *drawn, seed]):
        return f"{n} keys, {len(labels)} labels, {len(moments)} moments, {len(drawn)} sides: a whole number is due for each photo"
    if K < 3 or set(labels) != set(range(K)) or min(Counter(labels).values()) < 15:
        return f"{K} classes of {list(Counter(labels).values())} photos; due are 3 or more of 15 or more"
    if len(set(keys)) < n or any(len(key) != 16 or set(key) - set("0123456789abcdef") for key in keys):
        return "the keys are not the first 16 digits of a SHA-256 each, all different"
    smallest = {}
    for key, moment in zip(keys, moments):
        smallest[moment] = min(key, smallest.get(moment, key))
    if not 0 <= seed < 200 or seed * len(smallest) > 1_000_000:
        return f"the seed is {seed}"
    for tried in range(seed + 1):
        numbers = {moment: lot(tried, key) for moment, key in smallest.items()}
        drawer = [int(numbers[moment] < SHARE) for moment in moments]
        counts = [[0, 0] for _ in range(K)]
        for label, away in zip(labels, drawer):
            counts[label][away] += 1
        if min(map(min, counts)) >= LEAST:
            break
    if tried != seed or drawer != drawn:
        return f"with seed {seed} the rule of task 2 does not put these {sum(drawn)} photos into the drawer"
    return ""


def bench_of(found):
    """How many photos of each class are on the bench, a list."""
    left = Counter(label for label, away in zip(found["labels"], found["drawn"]) if away == 0)
    return [left[k] for k in range(len(found["classes"]))]


def is_share(value, n):
    """Return whether a number is k / n for a whole k from 0 to n."""
    return n > 0 and 0 <= value <= 1 and abs(value * n - round(value * n)) < 1e-6


def refused_curve(text):
    """Say why a layer curve cannot be of this bench."""
    found = parse(text)
    curve, counts = found["layers"], bench_of(found)
    stages, sizes, accuracy = curve["stages"], curve["n_per_class"], np.array(curve["accuracy"], float)
    if stages[0] != "pixels" or len(set(stages)) < max(4, len(stages)) or accuracy.shape[:2] != (len(stages), len(sizes)) \
            or accuracy.ndim != 3 or accuracy.shape[2] < 2 or sizes != sorted(sizes):
        return f"a curve {accuracy.shape} of {len(stages)} stages, {len(sizes)} numbers of photos and 2 or more splits is due"
    rest = sum(counts) - len(counts) * sizes[-1]
    if curve["smallest"] != min(counts) or not 1 <= sizes[0] or not sizes[-1] < min(counts):
        return f"it is of other photos: {curve['smallest']} of the smallest class, and the bench has {min(counts)}"
    for k, split in enumerate(accuracy.reshape(-1, accuracy.shape[2]).T.tolist()):     # what is of a moment that trains is not left
        if not any(all(is_share(value, n) for value in split) for n in range(1, rest + 1)):
            return (f"with {sizes[-1]} photos of each class to train on, at most {rest} are left to test; the accuracies of split {k} "
                    "are no shares of so few")
    return ""


@cache
def trunk_of(cut):
    """The first 16 digits of the hash of all stages before a cut, of the network that comes with tinynet."""
    base = pretrained()
    stages = base.net[:base.classifier] if cut == "head" else base.net[:cut]
    return tensors_sha256(stages.state_dict())[:16]


def refused_runs(text, way):
    """Say why five runs are not the five that were asked for."""
    found = parse(text)
    runs, n = [found[f"{way}-{seed}"] for seed in range(SEEDS)], sum(bench_of(found))
    for seed, run in enumerate(runs):
        settings, sizes = run["settings"], [run[f"n_{part}"] for part in ("train", "val", "test")]
        if settings["seed"] != seed or settings | {"seed": 0} != runs[0]["settings"] | {"seed": 0}:
            return f"{way}-{seed} has seed {settings['seed']}, or other settings than {way}-0"
        if run["classes"] != found["classes"] or run["model"] != found["layers"]["model"] or run["trunk"] != runs[0]["trunk"]:
            return f"{way}-{seed} has other classes or another network than the split, the curve and {way}-0"
        if sum(sizes) != n:
            return f"{way}-{seed} had {sum(sizes)} photos ({sizes}), the bench has {n}"
        for part, size in zip(("train", "val", "test"), sizes):
            if not is_share(run[f"{part}_accuracy"], size):
                return f"{way}-{seed}: {run[f'{part}_accuracy']} is no share of {size} {part} photos"
    cut, own = runs[0]["settings"]["cut"], runs[0]["settings"].get("weights")
    if runs[0]["model"] == DEFAULT and not own and runs[0]["trunk"] != trunk_of(cut):
        return f"{way}-0: these are not the frozen stages before {cut}"
    return ""


def refused_heads(text):
    """Heads on cached activations."""
    settings = parse(text)["head-0"]["settings"]
    if settings["cut"] != "head" or settings.get("augment") and not settings.get("copies"):
        return "head-0 does not train the head alone on cached activations"
    return refused_runs(text, "head")


def refused_fine(text):
    """Partial fine-tuning with two rates, on the splits of the heads."""
    found = parse(text)
    settings = found["fine-0"]["settings"]
    if settings["cut"] in ("head", found["layers"]["stages"][1]) or not 0 < settings["lr_pretrained"] < settings["lr"]:
        return "fine-0 is no partial fine-tuning with a smaller rate for the pretrained stages"
    for seed in range(SEEDS):
        if any(found[f"fine-{seed}"][name] != found[f"head-{seed}"][name] for name in ("n_train", "n_val", "n_test")):
            return f"fine-{seed} was split otherwise than head-{seed}"
    return refused_runs(text, "fine")


def cuts(curve):
    """The cuts that the rules of tasks 3 and 4 give for a curve: one, but on a knife's edge."""
    stages, accuracy = curve["stages"], np.array(curve["accuracy"], float)[:, -1]
    mean, deviation, found = accuracy.mean(axis=1), accuracy.std(axis=1), set()
    for best in np.flatnonzero(mean >= mean.max() - CLOSE):
        for edge in (-CLOSE, CLOSE):
            touch = abs(mean[-1] - mean[best]) <= deviation[-1] + deviation[best] + edge
            similar = 1 - mean[-1] <= (1 - mean[0]) / 2 + edge and (best == len(stages) - 1 or touch)
            if curve["smallest"] >= 40:
                found.add(stages[-2] if similar else stages[1])
            else:
                found.add("head" if similar or best in (0, len(stages) - 1) else stages[best + 1])
    return {stages[-2] if cut in ("head", stages[1]) else cut for cut in found}


def refused_cut(text):
    """Say if the fine-tuning began elsewhere than the curve says."""
    found = parse(text)
    if refused_curve(text):
        return "there is no curve of these photos to tell"
    cut = found["fine-0"]["settings"]["cut"]
    return "" if cut in cuts(found["layers"]) else f"the curve does not say to cut at {cut}"


def ways(found):
    """The ways that the rule of task 5 may choose: one, but on a knife's edge."""
    head, fine = (np.array([found[f"{way}-{seed}"]["test_accuracy"] for seed in range(SEEDS)]) for way in ("head", "fine"))
    more = (fine - head).mean() - 2 * (fine - head).std(ddof=1) / np.sqrt(SEEDS)
    return {"fine" if more > edge else "head" for edge in (-CLOSE, CLOSE)}


def refused_drawer(text):
    """Say what was wrong with the look into the drawer."""
    found = parse(text)
    inside = {key for key, away in zip(found["keys"], found["drawn"]) if away}
    if len(found["drawer"]) != 1:
        return f"the drawer was opened {len(found['drawer'])} times"
    opened, = found["drawer"]
    if opened["run"] not in {f"{way}-0" for way in ways(found)}:
        return f"the drawer was opened for {opened['run']}, which is not the run that the rule of task 5 gives"
    if set(opened["said"]) != inside or not inside or not set(opened["said"].values()) <= set(range(len(found["classes"]))):
        return f"{len(opened['said'])} photos were named, and the drawer has {len(inside)}, or others"
    return ""


def facts(text):
    """The record in one line, for whoever marks the report."""
    found = parse(text)
    curve, photos = found["layers"], Counter(found["labels"])
    counts = ", ".join(f"{name} {photos[k]}" for k, name in enumerate(found["classes"]))
    means = dict(zip(curve["stages"], np.array(curve["accuracy"], float)[:, -1].mean(axis=1)))
    best = max(means, key=means.get)
    benched = []
    for way in ("head", "fine"):
        accuracy = np.array([found[f"{way}-{seed}"]["test_accuracy"] for seed in range(SEEDS)], float)
        benched.append(f"{way} from {found[f'{way}-0']['settings']['cut']} {accuracy.mean():.2f} ± {accuracy.std():.2f}")
    opened, truth = found["drawer"][0], dict(zip(found["keys"], found["labels"]))
    right = sum(truth[key] == label for key, label in opened["said"].items())
    data = hashlib.sha256(" ".join(sorted(found["keys"])).encode()).hexdigest()[:8]
    return (f"Record: {counts}; {len(set(found['moments']))} moments, {sum(found['drawn'])} photos in the drawer. "
            f"{curve['model']}: pixels {means['pixels']:.2f}, best {best} {means[best]:.2f}. Bench: {', '.join(benched)}. "
            f"Drawer: {opened['run']}, {right} of {len(opened['said'])} right. Data set {data}.")


ASSIGNMENT = Assignment(
    tasks=[
        Task("a4-moments", draw_pairs, [Part("pairs", 3, two_by_two), Part("chains", 4, linked_up), Part("nobody", 1, nobody)],
             support=[number_moments]),
        Task("a4-split", draw_photos, [Part("moments whole", 4, sides), Part("any order", 3, shuffled),
                                       Part("enough of each class", 4, enough), Part("too few", 1, too_few)], support=[split]),
        Task("a4-curve", draw_curve, [Part("best", 3, best_stage), Part("last of equals", 1, last_of_equals),
                                      Part("like it", 4, like_it)], support=[read]),
        Task("a4-scenario", draw_cases, [Part("many", 1, how_many), Part("similar", 3, how_similar), Part("cut, few", 3, where_few),
                                         Part("cut, many", 3, where_many)], support=[case, cases]),
        Task("a4-choose", draw_runs, [Near("choice", 5, chosen), Near("looked once", 4, looked_once),
                                      Near("in the drawer", 3, in_the_drawer)], support=[ask]),
        Task("a4-interval", draw_counts, [Near("some right", 4, some_right), Near("none or all", 2, none_or_all)]),
        Task("a4-record", lambda rng: {},
             [Part("two sides", 5, told, rule=refused_split), Part("the curve", 3, told, rule=refused_curve),
              Part("cached heads", 3, told, rule=refused_heads), Part("fine-tuning", 3, told, rule=refused_fine),
              Part("the cut", 2, told, rule=refused_cut), Part("the drawer", 4, told, rule=refused_drawer)],
             trials=1, facts=facts),
    ],
    written=[Written("a4-report", 24)],
)
