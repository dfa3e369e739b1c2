"""Right answers that do not look like the solution: loops and lists, float32, einsum, helpers, classes, other ways there."""

# A record of other data: five classes, no two with as many photos, some of one moment; another network, distorted copies,
# two rates of one's own; fine-tuning is worth it. It is made in the student's cell, from numbers that fit.
ANOTHER_RECORD = """
sizes = [15, 60, 21, 33, 40]
labels = [k for k, size in enumerate(sizes) for _ in range(size)]
keys = [hashlib.sha256(f"photo {i}".encode()).hexdigest()[:16] for i in range(len(labels))]
together = [i - i % 2 if i < 60 else i for i in range(len(labels))]
key_of = [min(key for key, moment in zip(keys, together) if moment == mine) for mine in together]
for seed in range(200):
    drawn = [int(number(seed, key) < 0.25) for key in key_of]
    inside = [sum(d for d, label in zip(drawn, labels) if label == k) for k in range(5)]
    if all(3 <= some <= size - 3 for some, size in zip(inside, sizes)):
        break
bench = [size - some for some, size in zip(inside, sizes)]
rest, stages = sum(bench) - 5 * 5, ["pixels", "stem", "blocks1", "blocks2", "blocks3"]
curve = [[[(rest * share // 100 + r) / rest for r in range(3)]] for share in (40, 50, 60, 80, 70)]
found = {"classes": ["a", "b", "c", "d", "Jo\\u00eb's"], "keys": keys, "labels": labels, "moments": together, "seed": seed,
         "drawn": drawn, "layers": {"model": "efficientnet_lite0", "smallest": min(bench), "stages": stages, "n_per_class": [5],
                                    "accuracy": curve}}
for way, cut, right in (("head", "head", 20), ("fine", "blocks3", 24)):
    for run in range(5):
        n = [sum(bench) - 41, 11, 30]
        settings = {"cut": cut, "seed": run, "lr": 0.01, "augment": "mirror,crop", "copies": 4, "hidden": 32}
        settings |= {"lr_pretrained": 0.0005} if way == "fine" else {}
        found[f"{way}-{run}"] = {"model": "efficientnet_lite0", "classes": found["classes"], "trunk": 8 * way[:2], "settings": settings,
                                 "n_train": n[0], "train_accuracy": 1.0, "n_val": n[1], "val_accuracy": 10 / 11, "n_test": n[2],
                                 "test_accuracy": (right + run % 2) / 30}
found["drawer"] = [{"run": "fine-0", "said": {key: 4 for key, away in zip(keys, drawn) if away}}]
"""

OTHERWISE = {
    "a4-moments": {
        "a forest": """
def moments(n, pairs):
    parent = list(range(n))
    def root(i):
        return i if parent[i] == i else root(parent[i])
    for i, j in pairs:
        i, j = sorted((root(i), root(j)))
        parent[j] = i
    return [root(i) for i in range(n)]
""",
        "walks": """
from collections import defaultdict, deque
def moments(n, pairs):
    friends = defaultdict(set)
    for i, j in pairs:
        friends[i].add(j)
        friends[j].add(i)
    number = -np.ones(n)
    for start in range(n):
        queue = deque([start] if number[start] < 0 else [])
        while queue:
            i = queue.popleft()
            number[i] = start
            queue.extend(j for j in friends[i] if number[j] < 0)
    return number
""",
        "a matrix": """
def moments(n, pairs):
    near = np.eye(n, dtype=int)
    for i, j in pairs:
        near[i, j] = near[j, i] = 1
    return (np.linalg.matrix_power(near.astype(object), n) > 0).argmax(axis=1)
""",
        "until nothing changes": """
def moments(n, pairs):
    first, before = list(range(n)), None
    while first != before:
        before = first[:]
        for i, j in pairs:
            first[i] = first[j] = min(first[i], first[j])
    return np.array(first, dtype=np.uint8)
""",
    },
    "a4-split": {
        "pandas by hand": """
import itertools
def honest_split(labels, keys, moments, share, least):
    names = {m: sorted(k for k, _ in group)[0] for m, group in itertools.groupby(
        sorted(zip(keys, moments), key=lambda pair: pair[1]), key=lambda pair: pair[1])}
    names = [names[m] for m in moments]
    for seed in itertools.islice(itertools.count(), 200):
        away = np.array([number(seed, name) for name in names]) < share
        inside, outside = np.bincount(labels[away], minlength=99), np.bincount(labels[~away], minlength=99)
        here = np.unique(labels)
        if inside[here].min() >= least and outside[here].min() >= least:
            return seed, away
    raise ValueError
""",
        "lists": """
def honest_split(labels, keys, moments, share, least):
    labels, moments, n = list(labels), list(moments), len(keys)
    smallest = [min(keys[j] for j in range(n) if moments[j] == moments[i]) for i in range(n)]
    seed = 0
    while seed < 200:
        memory = {key: number(seed, key) < share for key in set(smallest)}
        drawer = [memory[key] for key in smallest]
        good = True
        for label in set(labels):
            mine = [away for away, other in zip(drawer, labels) if other == label]
            if mine.count(True) < least or mine.count(False) < least:
                good = False
                break
        if good:
            return seed, drawer
        seed += 1
    raise ValueError("too few moments")
""",
        "a helper and an error of one's own": """
class TooFew(ValueError):
    pass
def lots(seed, keys, moments):
    lots = np.empty(len(keys))
    for moment in np.unique(moments):
        lots[moments == moment] = number(seed, min(np.array(keys)[moments == moment]))
    return lots
def honest_split(labels, keys, moments, share, least):
    one_hot = labels[:, None] == np.unique(labels)
    for seed in np.arange(200):
        drawer = lots(seed, keys, moments) < share
        if np.minimum(drawer @ one_hot.astype(int), ~drawer @ one_hot.astype(int)).min() >= least:
            return seed, drawer
    raise TooFew()
""",
    },
    "a4-curve": {
        "sorted": """
def peak(stages, accuracy):
    rows = [(float(np.mean(row)), i) for i, row in enumerate(accuracy)]
    top = sorted(rows)[-1][1]
    others = []
    for mean, i in rows:
        if i != top and abs(mean - rows[top][0]) <= np.std(accuracy[i]) + np.std(accuracy[top]):
            others.append(stages[i])
    return (stages[top], others)
""",
        "without NumPy": """
import statistics
def peak(stages, accuracy):
    rows = {name: [float(x) for x in row] for name, row in zip(stages, accuracy)}
    mean = {name: statistics.fmean(row) for name, row in rows.items()}
    bar = {name: statistics.pstdev(row) for name, row in rows.items()}
    best = max(reversed(stages), key=mean.get)
    return best, tuple(s for s in stages if s != best and mean[best] - bar[best] <= mean[s] + bar[s])
""",
        "float32 and a loop": """
def peak(stages, accuracy):
    accuracy = accuracy.astype(np.float32)
    best = 0
    for i in range(1, len(stages)):
        if accuracy[i].mean() >= accuracy[best].mean():
            best = i
    low = accuracy[best].mean() - accuracy[best].std()
    high = accuracy.mean(1) + accuracy.std(1)
    return stages[best], [str(s) for s in np.array(stages)[high >= low] if s != stages[best]]
""",
    },
    "a4-scenario": {
        "a table": """
def scenario(smallest, stages, means, best, others):
    many = bool(smallest > 39)
    saved = (means[-1] - means[0]) / (1 - means[0])
    similar = bool(saved >= 1 / 2) and stages[-1] in [best, *others]
    after = dict(zip(stages, stages[1:] + ["head"])) | {"pixels": "head"}
    return many, similar, {(False, True): "head", (True, True): stages[-2], (True, False): stages[1],
                           (False, False): after[best]}[many, similar]
""",
        "many ifs": """
def scenario(smallest, stages, means, best, others):
    wrong_pixels, wrong_last = 1 - means[0], 1 - means[len(stages) - 1]
    like = False
    if wrong_last <= wrong_pixels / 2:
        if best == stages[len(stages) - 1]:
            like = True
        for name in others:
            if name == stages[len(stages) - 1]:
                like = True
    if smallest < 40:
        enough = False
        if like:
            cut = "head"
        else:
            i = stages.index(best)
            cut = "head" if i == 0 or i == len(stages) - 1 else stages[i + 1]
    else:
        enough = True
        cut = stages[len(stages) - 2] if like else stages[1]
    return [enough, like, cut]
""",
        "NumPy's truth": """
def scenario(smallest, stages, means, best, others):
    many = np.greater_equal(smallest, 40)
    similar = np.logical_and(1 - (1 - means[-1]) / (1 - means[0]) >= 0.5, np.isin(stages[-1], [best] + list(others)))
    few = "head" if similar or best in stages[::len(stages) - 1] else (stages * 2)[stages.index(best) + 1]
    return many, similar, np.where(many, np.where(similar, stages[-2], stages[1]), few)
""",
    },
    "a4-choose": {
        "loops": """
def choose(ways, seeds, accuracy):
    table = {}
    for way in ways:
        for seed in seeds:
            table[way, seed] = accuracy(way, seed, "bench")
    gains = [table[ways[1], seed] - table[ways[0], seed] for seed in seeds]
    R = len(gains)
    mean = sum(gains) / R
    squares = sum((g - mean) ** 2 for g in gains)
    way = ways[0]
    if mean > 2 * (squares / (R * (R - 1))) ** 0.5:
        way = ways[1]
    return way, seeds[0], accuracy(way, seeds[0], "drawer")
""",
        "statistics": """
import statistics
def choose(ways, seeds, accuracy):
    first, second = ([accuracy(way, seed, "bench") for seed in seeds] for way in ways)
    gains = [b - a for a, b in zip(first, second)]
    worth = statistics.mean(gains) > 2 * statistics.stdev(gains) / len(seeds) ** .5
    run = ways[int(worth)], seeds[0]
    return [*run, accuracy(*run, "drawer")]
""",
        "a covariance": """
def choose(ways, seeds, accuracy):
    bench = np.array([[accuracy(way, seed, where="bench") for seed in seeds] for way in ways])
    gain = np.array([-1, 1]) @ bench
    variance = np.array([-1, 1]) @ np.cov(bench) @ np.array([-1, 1]) / len(seeds)
    winner = ways[1] if gain.mean() ** 2 > 4 * variance and gain.mean() > 0 else ways[0]
    return winner, seeds[0], accuracy(winner, seeds[0], where="drawer")
""",
        "asks the bench more than once": """
def gain(seed, ways, accuracy):
    return accuracy(ways[1], seed, "bench") - accuracy(ways[0], seed, "bench")
def choose(ways, seeds, accuracy):
    mean = np.mean([gain(seed, ways, accuracy) for seed in seeds])
    error = np.sqrt(np.var([gain(seed, ways, accuracy) for seed in seeds]) / (len(seeds) - 1))
    best = ways[bool(mean - 2 * error > 0)]
    return best, seeds[0], accuracy(best, seeds[0], "drawer")
""",
    },
    "a4-interval": {
        "roots of a square": """
def interval(right, n):
    p, z2 = right / n, 1.96 ** 2
    return sorted(np.roots([1 + z2 / n, -2 * p - z2 / n, p * p]).real)
""",
        "counts": """
from math import sqrt
def interval(right, n):
    z = 1.96
    middle = right + z * z / 2
    reach = z * sqrt(right * (n - right) / n + z * z / 4)
    return max(0, (middle - reach) / (n + z * z)), min(1, (middle + reach) / (n + z * z))
""",
        "float32": """
def interval(right, n):
    n, z = np.float32(n), np.float32(1.96)
    p = np.float32(right) / n
    off = z * np.sqrt(p * (1 - p) / n + z * z / n / n / 4)
    return (p + z * z / n / 2 + np.array([-off, off])) / (1 + z * z / n)
""",
    },
    "a4-record": {f"another student's, {name}": ANOTHER_RECORD + how for name, how in {
        "text in a name": "record = json.dumps(found)",
        "a dict in a name": "record = found",
        "indented": "def record():\n    return json.dumps(found, indent=4)",
        "a dict": "record = lambda: dict(found)"}.items()},
    "a5-schedule": {
        "one expression": """
import math
cosine_rate = lambda lr, step, warmup, period, lowest: (
    (step + 1) / warmup * lr if step < warmup else
    lr - (lr - lowest) * math.sin(math.pi / 2 * ((step - warmup) % period) / period) ** 2)
""",
        "counted down": """
def cosine_rate(lr, step, warmup, period, lowest):
    if warmup > step:
        return np.linspace(0, lr, warmup + 1)[step + 1]
    step -= warmup
    while step >= period:
        step -= period
    return np.interp(np.cos(step / period * np.pi), [-1, 1], [lowest, lr])
""",
        "a table": """
def cosine_rate(lr, step, warmup, period, lowest):
    up = [lr / warmup * (i + 1) for i in range(warmup)]
    down = list(0.5 * (lr + lowest) + 0.5 * (lr - lowest) * np.cos(np.linspace(0, np.pi, period, endpoint=False)))
    return (up + down * (step + 1))[step]
""",
        "float32": """
def cosine_rate(lr, step, warmup, period, lowest):
    lr, lowest = np.float32(lr), np.float32(lowest)
    if step < warmup:
        return lr * np.float32(step + 1) / np.float32(warmup)
    turn = np.cos(np.float32(np.pi * ((step - warmup) % period) / period))
    return lowest + (lr - lowest) * (1 + turn) / 2
""",
        "a class": """
class Schedule:
    def __init__(self, lr, warmup, period, lowest):
        self.__dict__.update(locals())
    def __call__(self, step):
        return self.climb(step) if step < self.warmup else self.swing((step - self.warmup) / self.period)
    def climb(self, step):
        return self.lr * (step + 1) / self.warmup
    def swing(self, turns):
        middle = (self.lr + self.lowest) / 2
        return middle + (self.lr - middle) * np.cos(np.pi * (turns - np.floor(turns + 1e-12)))
def cosine_rate(lr, step, warmup, period, lowest):
    return Schedule(lr, warmup, period, lowest)(step)
""",
    },
    "a5-lbfgs": {
        "the whole matrix": """
def lbfgs_direction(g, S, Y):
    n = len(g)
    B = np.eye(n)
    if len(S):
        B *= (S[-1] @ Y[-1]) / (Y[-1] @ Y[-1])
    for s, y in zip(S, Y):
        rho = 1 / (s @ y)
        V = np.eye(n) - rho * np.outer(y, s)
        B = V.T @ B @ V + rho * np.outer(s, s)
    return -B @ g
""",
        "pairs and a stack": """
def lbfgs_direction(g, S, Y):
    pairs, shares, q = list(zip(S, Y)), [], -g
    for s, y in pairs[::-1]:
        shares.append(s.dot(q) / s.dot(y))
        q = q - shares[-1] * y
    for s, y in pairs[-1:]:
        q = q * s.dot(y) / y.dot(y)
    for s, y in pairs:
        q = q + (shares.pop() - y.dot(q) / s.dot(y)) * s
    return q
""",
        "recursion": """
def lbfgs_direction(g, S, Y):
    def inverse(q, m):
        if m == 0:
            return q * (S[-1] @ Y[-1]) / (Y[-1] @ Y[-1])
        s, y = S[m - 1], Y[m - 1]
        share = (s @ q) / (s @ y)
        r = inverse(q - share * y, m - 1)
        return r + (share - (y @ r) / (s @ y)) * s
    return -inverse(g, len(S)) if len(S) else -g
""",
        "float32": """
def lbfgs_direction(g, S, Y):
    g, S, Y = (np.asarray(x, np.float32) for x in (g, S, Y))
    q, alpha = g.copy(), {}
    for i in range(len(S) - 1, -1, -1):
        alpha[i] = S[i] @ q / (S[i] @ Y[i])
        q -= alpha[i] * Y[i]
    if len(S) > 0:
        q *= S[-1] @ Y[-1] / (Y[-1] @ Y[-1])
    for i in range(len(S)):
        q += (alpha[i] - Y[i] @ q / (S[i] @ Y[i])) * S[i]
    return -q
""",
        "lists and loops": """
def dot(a, b):
    return sum(x * y for x, y in zip(a, b))
def plus(a, factor, b):
    return [x + factor * y for x, y in zip(a, b)]
def lbfgs_direction(g, S, Y):
    q, S, Y, alpha = list(g), S.tolist(), Y.tolist(), []
    for s, y in reversed(list(zip(S, Y))):
        alpha.insert(0, dot(s, q) / dot(s, y))
        q = plus(q, -alpha[0], y)
    if S:
        gamma = dot(S[-1], Y[-1]) / dot(Y[-1], Y[-1])
        q = [gamma * x for x in q]
    for a, s, y in zip(alpha, S, Y):
        q = plus(q, a - dot(y, q) / dot(s, y), s)
    return [-x for x in q]
""",
    },
    "a5-dropconnect": {
        "einsum": """
class DropConnect:
    def __init__(self, p, u):
        self.scale = None if u is None else np.where(u < p, 0.0, 1 / (1 - p))
    def forward(self, x, W, b):
        self.x, self.Wm = x, W if self.scale is None else W * self.scale
        return np.einsum("nd,kd->nk", self.x, self.Wm) + b[None]
    def backward(self, gy):
        gW = np.einsum("nk,nd->kd", gy, self.x)
        if self.scale is not None:
            gW *= self.scale
        return [np.einsum("nk,kd->nd", gy, self.Wm), gW, np.einsum("nk->k", gy)]
""",
        "loops": """
class DropConnect:
    def __init__(self, p, u):
        self.p, self.u = p, u
    def share(self, k, d):
        if self.u is None:
            return 1.0
        return 0.0 if self.u[k, d] < self.p else 1 / (1 - self.p)
    def forward(self, x, W, b):
        self.x, self.W = x, W
        return [[b[k] + sum(x[n][d] * W[k][d] * self.share(k, d) for d in range(x.shape[1])) for k in range(len(W))]
                for n in range(len(x))]
    def backward(self, gy):
        N, K, D = len(self.x), *self.W.shape
        gx = [[sum(gy[n, k] * self.W[k, d] * self.share(k, d) for k in range(K)) for d in range(D)] for n in range(N)]
        gW = [[sum(gy[n, k] * self.x[n, d] for n in range(N)) * self.share(k, d) for d in range(D)] for k in range(K)]
        return gx, gW, [sum(gy[:, k]) for k in range(K)]
""",
        "a layer inside": """
class Linear:
    def forward(self, x, W, b):
        self.x, self.W = x, W
        return x.dot(W.T) + b
    def backward(self, gy):
        return gy.dot(self.W), gy.T.dot(self.x), gy.sum(0)
class DropConnect(Linear):
    def __init__(self, p, u):
        self.p, self.u = p, u
    @property
    def mask(self):
        return 1 if self.u is None else np.array(self.u >= self.p, float) / (1 - self.p)
    def forward(self, x, W, b):
        return super().forward(x, W * self.mask, b)
    def backward(self, gy):
        gx, gW, gb = super().backward(gy)
        return gx, gW * self.mask, gb
""",
        "float32": """
class DropConnect:
    def __init__(self, p, u):
        self.p, self.u = np.float32(p), u
    def forward(self, x, W, b):
        x, W, b = x.astype(np.float32), W.astype(np.float32), b.astype(np.float32)
        if self.u is None:
            self.m = np.ones(W.shape, np.float32)
        else:
            self.m = np.where(self.u >= self.p, np.float32(1) / (1 - self.p), np.float32(0))
        self.x, self.dropped = x, W * self.m
        return x @ self.dropped.T + b
    def backward(self, gy):
        gy = gy.astype(np.float32)
        return gy @ self.dropped, (gy.T @ self.x) * self.m, gy.sum(axis=0)
""",
        "a copy with zeros": """
class DropConnect:
    def __init__(self, p, u):
        self.keep = None if u is None else ~(u < p)
        self.q = 1.0 if u is None else 1 - p
    def forward(self, x, W, b):
        self.x = x.copy()
        self.W = W / self.q
        if self.keep is not None:
            self.W[~self.keep] = 0
        return np.matmul(self.W, x.T).T + b
    def backward(self, gy):
        gW = self.x.T.dot(gy).T / self.q
        if self.keep is not None:
            gW[~self.keep] = 0
        return np.dot(gy, self.W), gW, np.add.reduce(gy)
""",
    },
    "a5-ema": {
        "copies": """
class EMA:
    def __init__(self, decay):
        self.decay, self.seen = decay, []
    def update(self, w):
        self.seen.append(w.copy())
    def average(self):
        shares = self.decay ** np.arange(len(self.seen))[::-1]
        return np.average(self.seen, axis=0, weights=shares)
""",
        "kept without bias": """
class EMA:
    def __init__(self, decay):
        self.decay, self.total, self.mean = decay, 0.0, None
    def update(self, w):
        self.total = self.decay * self.total + 1
        self.mean = np.array(w) if self.mean is None else self.mean + (w - self.mean) / self.total
    def average(self):
        return self.mean.copy()
""",
        "lerp in place of its own": """
class EMA:
    a = None
    def __init__(self, decay):
        self.b = decay
        self.missing = 1.0
    def update(self, w):
        if self.a is None:
            self.a = np.zeros(len(w))
        self.a += (1 - self.b) * (w - self.a)
        self.missing *= self.b
    def average(self):
        return self.a / (1 - self.missing)
""",
        "float32": """
class EMA:
    def __init__(self, decay):
        self.decay, self.a, self.t = np.float32(decay), np.float32(0), 0
    def update(self, w):
        self.a = self.a * self.decay + w.astype(np.float32) * (1 - self.decay)
        self.t = self.t + 1
    def average(self):
        return (self.a / (1 - self.decay ** self.t)).astype(np.float32)
""",
        "lists": """
class EMA:
    def __init__(self, decay):
        self.decay = decay
        self.sums = []
        self.shares = 0
    def update(self, w):
        self.sums = self.sums or [0] * len(w)
        self.sums = [self.decay * a + x for a, x in zip(self.sums, w)]
        self.shares = self.decay * self.shares + 1
    def average(self):
        return [a / self.shares for a in self.sums]
""",
    },
    "a5-ensemble": {
        "logaddexp": """
def ensemble(scores):
    log_p = scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True)
    return np.logaddexp.reduce(log_p, axis=0) - np.log(len(scores))
""",
        "a helper": """
def log_sum_exp(z, axis):
    top = np.max(z, axis=axis, keepdims=True)
    return np.squeeze(top + np.log(np.sum(np.exp(z - top), axis=axis, keepdims=True)), axis)
def ensemble(scores):
    return log_sum_exp(scores - log_sum_exp(scores, 2)[..., None] - np.log(scores.shape[0]), 0)
""",
        "loops": """
import math
def lse(numbers):
    numbers = list(numbers)
    return max(numbers) + math.log(math.fsum(math.exp(z - max(numbers)) for z in numbers))
def ensemble(scores):
    M, N, K = scores.shape
    logs = [[[s - lse(row) for s in row] for row in net] for net in scores]
    return [[lse(logs[m][n][k] for m in range(M)) - math.log(M) for k in range(K)] for n in range(N)]
""",
        "float32": """
def ensemble(scores):
    s = scores.astype(np.float32)
    s = s - s.max(-1, keepdims=True)
    s = s - np.log(np.exp(s).sum(-1, keepdims=True))
    best = s.max(0, keepdims=True)
    return (np.log(np.exp(s - best).mean(0, keepdims=True)) + best)[0]
""",
        "one photo after the other": """
def ensemble(scores):
    answers = []
    for photo in scores.transpose(1, 0, 2):
        log_p = np.array([s - np.logaddexp.reduce(s) for s in photo])
        total = log_p[0]
        for more in log_p[1:]:
            total = np.logaddexp(total, more)
        answers.append(total - np.log(len(photo)))
    return np.array(answers)
""",
    },
    "a5-pca-axes": {
        "svd": """
def colour_axes(images):
    x = np.concatenate([image.reshape(-1, 3) for image in images]).astype(np.float64)
    _, s, Vt = np.linalg.svd(x - x.mean(0), full_matrices=False)
    return s / np.sqrt(len(x)), Vt.T
""",
        "cov": """
def colour_axes(images):
    C = np.cov(images.reshape(-1, 3).T, ddof=0)
    values, vectors = np.linalg.eig(C)
    order = np.argsort(-values)
    return values[order] ** 0.5, vectors[:, order]
""",
        "einsum": """
def colour_axes(images):
    x = images - images.mean(axis=(0, 1, 2))
    C = np.einsum("nhwi,nhwj->ij", x, x) / np.prod(images.shape[:3])
    variances, axes = np.linalg.eigh(C)
    return np.flip(np.sqrt(variances)), np.fliplr(axes)
""",
        "float32": """
def colour_axes(images):
    x = images.astype(np.float32).reshape(-1, 3)
    x = x - x.mean(axis=0)
    variances, axes = np.linalg.eigh(x.T @ x / np.float32(len(x)))
    return np.sqrt(variances)[::-1], -axes[:, ::-1]
""",
        "loops": """
def colour_axes(images):
    C, mean, P = np.zeros((3, 3)), np.zeros(3), 0
    for image in images:
        for row in image:
            for pixel in row:
                pixel = pixel.astype(float)
                C += np.outer(pixel, pixel)
                mean += pixel
                P += 1
    values, vectors = np.linalg.eigh(C / P - np.outer(mean / P, mean / P))
    pairs = sorted(((value, list(vector)) for value, vector in zip(values, vectors.T)), reverse=True)
    return [value ** 0.5 for value, _ in pairs], np.array([vector for _, vector in pairs]).T.tolist()
""",
    },
    "a5-pca-colour": {
        "one by one": """
def pca_colour(image, deviations, axes, strength, rng):
    shift = np.zeros(3)
    for k in range(3):
        shift += rng.normal(0, strength) * deviations[k] * axes[:, k]
    return np.minimum(np.maximum(np.round(image + shift), 0), 255).astype("uint8")
""",
        "standard normal": """
def pca_colour(image, deviations, axes, strength, rng):
    alpha = strength * rng.standard_normal(3)
    return (image.astype(float) + axes @ (alpha * deviations) + 0.5).clip(0, 255.5).astype(np.uint8)
""",
        "loops over pixels": """
def pca_colour(image, deviations, axes, strength, rng):
    alpha = [rng.normal(scale=strength) for _ in range(3)]
    shift = [sum(axes[c, k] * alpha[k] * deviations[k] for k in range(3)) for c in range(3)]
    new = np.zeros_like(image)
    for place in np.ndindex(image.shape):
        new[place] = min(255, max(0, round(int(image[place]) + shift[place[2]])))
    return new
""",
        "einsum and int16": """
def pca_colour(image, deviations, axes, strength, rng):
    shift = np.einsum("ck,k,k->c", axes, deviations, rng.normal(0, strength, (3,)))
    return np.clip(np.rint(image.astype(np.float32) + shift), 0, 255).astype(np.int16)
""",
        "a table": """
def pca_colour(image, deviations, axes, strength, rng):
    shift = (axes * deviations * rng.normal(0.0, strength, size=3)).sum(axis=1)
    tables = np.clip(np.rint(np.arange(256)[:, None] + shift), 0, 255).astype(np.uint8)
    return np.stack([tables[image[..., c], c] for c in range(3)], axis=-1)
""",
    },
    "a5-loader": {
        "jobs with numbers": """
def load_epoch(n, batch, workers, seed, epoch, distort, run):
    def generator(*numbers):
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(epoch, *numbers)))
    rows = list(range(n))
    generator().shuffle(rows)
    jobs = [(i // batch, rows[i:i + batch]) for i in range(0, n, batch)]
    shares = [[] for _ in range(workers)]
    for number, chunk in jobs:
        shares[number % workers].append((number, chunk))
    def work(job):
        return job[0], np.array([distort(row, generator(row)) for row in job[1]])
    ready = dict(result for results in run(work, shares) for result in results)
    return [ready[number] for number in sorted(ready)]
""",
        "blocks": """
def load_epoch(n, batch, workers, seed, epoch, distort, run):
    order = np.random.RandomState([seed, epoch]).permutation(n)
    numbers = np.array_split(np.arange(-(-n // batch)), workers)
    def work(i):
        return [distort(int(r), np.random.default_rng((11, seed, epoch, int(r)))) for r in order[i * batch:(i + 1) * batch]]
    return [np.array(result) for results in run(work, numbers) for result in results]
""",
        "into one array": """
def load_epoch(n, batch, workers, seed, epoch, distort, run):
    order = np.argsort(np.random.default_rng([epoch, seed, n]).random(n))
    photos = [None] * n
    starts = range(0, n, batch)
    def work(start):
        for place in range(start, min(start + batch, n)):
            row = int(order[place])
            photos[place] = distort(row, np.random.Generator(np.random.PCG64([seed, epoch, row])))
    run(work, [starts[worker::workers] for worker in range(workers)])
    return [photos[start:start + batch] for start in starts]
""",
        "a class": """
import hashlib
class Epoch:
    def __init__(self, n, batch, seed, epoch):
        self.name = f"{seed} {epoch} "
        order = self.generator("order").permutation(n)
        self.batches = np.split(order, range(batch, n, batch))
    def generator(self, what):
        return np.random.default_rng(int(hashlib.sha256((self.name + str(what)).encode()).hexdigest(), 16))
    def __call__(self, number):
        return np.stack([self.distort(row, self.generator(row)) for row in self.batches[number].tolist()])
def load_epoch(n, batch, workers, seed, epoch, distort, run):
    loader = Epoch(n, batch, seed, epoch)
    loader.distort = distort
    done = [iter(share) for share in run(loader, [list(range(w, len(loader.batches), workers)) for w in range(workers)])]
    return [next(done[i % workers]) for i in range(len(loader.batches))]
""",
        "generators made beforehand": """
def load_epoch(n, batch, workers, seed, epoch, distort, run):
    rng, *own = (np.random.default_rng(s) for s in np.random.SeedSequence([seed, epoch, 1]).spawn(n + 1))
    order = rng.permutation(n)
    shares = [[] for _ in range(workers)]
    for i, start in enumerate(range(0, n, batch)):
        shares[i % workers] += [order[start:start + batch]]
    done = run(lambda rows: np.stack([distort(r, own[r]) for r in rows]), shares)
    rounds = [[results[i] for results in done if i < len(results)] for i in range(len(done[0]))]
    return sum(rounds, [])
""",
    },
}
