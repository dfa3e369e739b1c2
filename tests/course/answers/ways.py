"""Ways to write a right answer with helpers and try-outs around it, as (cells above, the answer, cells below)."""
E_ROWS = "e / e.sum(axis=1, keepdims=True)"
SHIFTED = "scores - scores.max(axis=1, keepdims=True)"
PLAIN = f"def softmax(scores):\n    e = np.exp({SHIFTED})\n    return {E_ROWS}\n"
ROWS = "def softmax(scores):\n    return rows(np.exp(shift(scores)))\n"
SHIFT = f"def shift(scores):\n    return {SHIFTED}\n"
DIVIDE = f"def rows(e):\n    return {E_ROWS}\n"
TIMES = "def softmax(scores):\n    e = np.exp({}{})\n    return {}\n"


def scaled(factor):
    """The answer times something that is 1."""
    return TIMES.format(SHIFTED, "", f"({factor}) * {E_ROWS}")


def tried(line):
    """The answer and a line below it in its cell."""
    return "", f"{PLAIN}\n{line}\n", ""


def one(factor, above="", below=""):
    """The answer times something that is 1, with cells of one's own."""
    return above, scaled(factor), below


HELPERS = {
    "in a cell above": (SHIFT + DIVIDE, ROWS, ""),
    "in two cells above": ([SHIFT, DIVIDE], ROWS, ""),
    "in a cell below": ("", ROWS, SHIFT + DIVIDE),
    "above and below": (SHIFT, ROWS, DIVIDE),
    "in the same cell, above": ("", SHIFT + DIVIDE + ROWS, ""),
    "in the same cell, below": ("", ROWS + SHIFT + DIVIDE, ""),
    "at the end of the notebook": ("", ROWS, ["last", SHIFT + DIVIDE]),
    "at the top of the notebook": (["first", SHIFT + DIVIDE], ROWS, ""),
    "in the answer to another task": (["square", SHIFT + DIVIDE], ROWS, ""),
    "in the given cell": (["given", "from math import exp\nONE = exp(0)"], scaled("ONE"), ""),
    "lambda": (f"shift = lambda scores: {SHIFTED}\nrows = lambda e: {E_ROWS}", ROWS, ""),
    "the answer is a lambda": ("", f"softmax = lambda scores: rows(np.exp({SHIFTED}))\n{DIVIDE}", ""),
    "the answer is a partial": ("from functools import partial\ndef power(base, scores):\n"
                                f"    e = np.power(base, {SHIFTED})\n    return {E_ROWS}",
                                "softmax = partial(power, np.e)", ""),
    "the answer is another's name": (PLAIN.replace("softmax", "mine"), "softmax = mine", ""),
    "the answer is an object": ("", "class Softmax:\n    def __call__(self, scores):\n"
                                f"        e = np.exp({SHIFTED})\n        return {E_ROWS}\nsoftmax = Softmax()", ""),
    "the answer is vectorised": ("", "def softmax(scores):\n    return np.stack([row(s) for s in scores])\n"
                                 "row = lambda s: np.exp(s - s.max()) / np.exp(s - s.max()).sum()", ""),
    "decorated": ("import functools\ndef counted(f):\n    @functools.wraps(f)\n    def g(*a):\n        g.n += 1\n"
                  "        return f(*a)\n    g.n = 0\n    return g", f"@counted\n{PLAIN}", ""),
    "closure": ("def make(one):\n    def times(x):\n        return one * x\n    return times\ntimes = make(1.0)",
                TIMES.format(SHIFTED, "", f"times({E_ROWS})"), ""),
    "partial": one("unit(1)", "from functools import partial\nunit = partial(pow, 1)"),
    "constant": one("ONE", "ONE = 1"),
    "constant below": one("ONE", "", "ONE = 1.0"),
    "constant computed": one("ONE", "ONE = 10 ** 9 / 10 ** 9"),
    "constant by a call": one("ONE", "ONE = np.cos(0.0)"),
    "constant annotated": one("ONE", "ONE: float = 1.0"),
    "constants in one line": one("ONE * TWO / 2", "ONE, TWO = 1, 2"),
    "constants unpacked with a star": one("ONE", "ONE, *_rest = [1, 2, 3]"),
    "constant in a dict": one("SET['one']", "SET = {}\nSET['one'] = 1"),
    "constant grown": one("ONE", "ONE = 0\nONE += 1"),
    "constant by a walrus": one("ONE", "print(ONE := 1)"),
    "constant in an array": one("ONES[0]", "ONES = np.ones(3)\nONES[1:] = 0"),
    "alias of a module": ("import numpy as xp", scaled("xp.ones(())"), ""),
    "alias of a function": one("cosine(0)", "cosine = np.cos"),
    "aliases of aliases": one("c(0)", "b = np.cos\nc = b"),
    "import star": one("cos(0)", "from math import *"),
    "attribute of a function": one("shape.one", "def shape(): pass\nshape.one = 1"),
    "attribute of a class": one("Settings.one", "class Settings:\n    pass\nSettings.one = 1"),
    "dataclass": one("Settings().one", "from dataclasses import dataclass\n@dataclass\nclass Settings:\n    one: float = 1"),
    "named tuple": one("P(1, 2).one", "from collections import namedtuple\nP = namedtuple('P', 'one two')"),
    "enum": one("Kind.ONE.value", "import enum\nclass Kind(enum.Enum):\n    ONE = 1"),
    "if": one("ONE", "if np.__version__:\n    ONE = 1\nelse:\n    ONE = 2"),
    "def in an if": (f"if True:\n    {SHIFT.replace(chr(10), chr(10) + '    ')}\n{DIVIDE}", ROWS, ""),
    "try": one("ONE", "try:\n    import no_such_package\n    ONE = 2\nexcept ImportError:\n    ONE = 1"),
    "loop": one("TABLE[1]", "TABLE = []\nfor i in range(3):\n    TABLE.append(i)"),
    "while": one("COUNT", "COUNT = 9\nwhile COUNT > 1:\n    COUNT -= 1"),
    "with": one("ONE", "with np.errstate(all='ignore'):\n    ONE = 1"),
    "comprehension": one("ONES[1]", "ONES = {i: i for i in range(3)}"),
    "global written by a function": one("ONE", "def start():\n    global ONE\n    ONE = 1\nstart()"),
    "generator": one("next(ones)", "import itertools\nones = itertools.repeat(1)"),
    "a variable reused below": one("lr", "lr = 1", ["last", "lr = 7"]),
    "a helper redefined below": one("unit()", "def unit(): return 1", ["last", "def unit(): return 3"]),
    "a variable read from a check": one("ONE", ["before the task", "ONE = float(x.data[0, 0])"]),
    "by exec": one("ONE", "exec('ONE = 1')"),
    "if main": one("ONE", "if __name__ == '__main__':\n    ONE = 1"),
    "future annotations": ("", f"from __future__ import annotations\ndef f(x: Unknown): return x\n{PLAIN}", ""),
    "typing": ("from typing import Callable", PLAIN.replace("(scores)", "(scores: 'np.ndarray') -> Callable", 1), ""),
    "async beside it": ("import asyncio\nasync def wait():\n    await asyncio.sleep(0)\nawait wait()", PLAIN, ""),
    "awaited": one("ONE", "import asyncio\nasync def get():\n    await asyncio.sleep(0)\n    return 1\nONE = await get()"),
    "with CRLF": one("ONE", "%%time\r\nONE = 1\r\nprint(ONE)\r\n"),
    "prompts of IPython": ("", "".join(f"{'   ...: ' if n else 'In [3]: '}{line}\n" for n, line in enumerate(PLAIN.splitlines())), ""),
    "put into a class below": ("", "class Softmax:\n    pass\nsoftmax = Softmax()",
                               "def call(self, scores):\n    e = np.exp(scores - scores.max(1, keepdims=True))\n"
                               "    return e / e.sum(1, keepdims=True)\nSoftmax.__call__ = call"),
    "by globals": one("ONE", "globals()['ONE'] = 1"),
    "by the main module": one("ONE", "import __main__\n__main__.ONE = 1"),
    "pickled": one("ONE", "import pickle\nclass K:\n    one = 1\nONE = pickle.loads(pickle.dumps(K())).one"),
    "hung on NumPy": one("np.one", "np.one = 1"),
    "cached": one("unit(3)", "import functools\n@functools.lru_cache\ndef unit(n):\n    return unit(n - 1) if n else 1"),
    "match": one("ONE", "match [1, 2]:\n    case [ONE, _]:\n        pass"),
    "type variable": one("same(1)", "from typing import TypeVar\nT = TypeVar('T')\ndef same(x: T) -> T:\n    return x"),
    "one line of many": one("ONE", "TWO = 2; ONE = TWO / 2; print(ONE);"),
    "capture": one("ONE", "%%capture out\nONE = 1\nprint(ONE)"),
    "time in a cell of one's own": one("ONE", "%time ONE = np.cos(0)"),
    "value of time": one("ONE", "ONE = %time np.cos(0)"),
    "indented as a whole": ("", "".join(f"    {line}\n" for line in PLAIN.splitlines()), ""),
    "python prompts": ("", "".join(f"{'...' if n else '>>>'} {line}\n" for n, line in enumerate(PLAIN.splitlines())), ""),
}
TRIED = {
    "prints": tried("print(softmax(np.ones((1, 2))))"),
    "shows": tried("softmax(np.ones((1, 2)))"),
    "displays": tried("display(softmax(np.ones((1, 2))))"),
    "imports display": tried("from IPython.display import display, Markdown\ndisplay(Markdown('# yes'))"),
    "raises": tried("softmax('no')"),
    "raises at length": tried("\n".join(["raise ValueError('x' * 3000)"] * 3)),
    "asserts": tried("assert softmax(np.ones((1, 2)))[0, 0] == 3"),
    "exits": tried("import sys\nsys.exit()"),
    "reads a scratch variable": tried("print(softmax(my_scores))"),
    "reads a file": tried("scores = np.load('scores.npy')"),
    "asks": tried("input('which? ')"),
    "times by hand": tried("import time\nstart = time.perf_counter()\nsoftmax(np.ones((1, 2)))\nprint(time.perf_counter() - start)"),
    "times": tried("%timeit -n1 -r1 softmax(np.ones((1, 2)))"),
    "times the cell": ("", f"%%time\n{PLAIN}", ""),
    "times and keeps": tried("out = %timeit -o -n1 -r1 softmax(np.ones((1, 2)))\nprint(out.best)"),
    "asks for help": tried("softmax?"),
    "asks for the source": tried("??softmax"),
    "calls help": tried("help(softmax)"),
    "lists": tried("%ls\n!ls\nfiles = !ls"),
    "installs": tried("%pip list\n!pip list > /dev/null"),
    "sets options": tried("%load_ext autoreload\n%autoreload 2\nget_ipython().run_line_magic('precision', '3')"),
    "plots": ("%matplotlib inline\nimport matplotlib.pyplot as plt",
              f"{PLAIN}\nfig, ax = plt.subplots()\nax.plot(softmax(np.ones((1, 2)))[0]);\nplt.show()", ""),
    "plots four": tried("from matplotlib import pyplot as plt\nfig, ((a, b), (c, d)) = plt.subplots(2, 2)\na.set(title='a')"),
    "plots inside": ("import matplotlib.pyplot as plt",
                     PLAIN.replace("    return", "    line, = plt.plot([1, 2], label=f'{1:.1f}')\n    plt.close('all')\n    return"), ""),
    "plots with seaborn": ("import seaborn as sns\nsns.set_theme()", PLAIN, ""),
    "imports seaborn at the top": ("", f"import seaborn as sns\n{PLAIN}", ""),
    "imports what is missing at the top": ("", f"import pandas as pd\n{PLAIN}", ""),
    "sets up plots": ("import matplotlib as mpl\nmpl.rcParams['font.size'] = 9\nimport matplotlib.pyplot as plt\n"
                      "plt.rcParams.update({'a': 1})\nfrom mpl_toolkits.mplot3d import Axes3D\n%config InlineBackend.a = 1",
                      PLAIN, "fig, axes = plt.subplots(2, 2)\nfor ax, x in zip(axes.flat, range(4)):\n    ax.plot(x)"),
    "plots with a style": tried("from matplotlib import pyplot as plt\nwith plt.style.context('x'):\n    n, bins, _ = plt.hist([1])"),
    "moves a slider": tried("from ipywidgets import interact\n@interact(x=(0, 1))\ndef show(x): print(x)"),
    "a magic in a block": tried("if True:\n    %time softmax(np.ones((1, 2)))\nfor i in range(2):\n    !echo $i"),
    "compares with a library": tried("import scipy.special, torch\nnp.testing.assert_allclose(scipy.special.softmax(1), 1)"),
    "only a text": ("'A cell that is a text.'", PLAIN, "# a comment"),
    "bars": ("from tqdm.auto import tqdm, trange",
             PLAIN.replace("    e = ", "    for i in tqdm(range(2), desc='rows'):\n        pass\n    e = "), ""),
    "writes above the bars": ("from tqdm.auto import tqdm\nfrom tqdm.contrib import tenumerate, tzip",
                              PLAIN.replace("    e =", "    for i, x in tenumerate([1]):\n        tqdm.write(f'{x}', end='')\n"
                                            "    assert i == 0 and list(tzip('ab', [1, 2])) == [('a', 1), ('b', 2)]\n    e ="),
                              ""),
    "prints much": tried("for i in range(300_000):\n    print('step', i)"),
    "prints much to stderr": tried("import sys\nfor i in range(300_000):\n    print('step', i, file=sys.stderr)"),
    "prints what no encoding has": ("", PLAIN.replace("    e =", "    print('\\ud800')\n    e ="), ""),
    "takes memory": tried("big = np.ones((1 << 40,))"),
    "warns": tried("import warnings\nwarnings.warn('careful')"),
    "seeds": tried("np.random.seed(0)\nnp.random.randn(3)"),
    "recurses": tried("def f(): return f()\nf()"),
    "interrupted": tried("raise KeyboardInterrupt"),
    "loops": tried("while True:\n    pass"),
    "loops and catches": tried("while True:\n    try:\n        pass\n    except Exception:\n        pass"),
    "sleeps": tried("import time\ntime.sleep(60)"),
    "loops in a cell of one's own": ("while True: pass", PLAIN, ""),
    "helper, then a loop": one("ONE", "ONE = np.cos(0)\nwhile True: pass"),
    "breaks in a cell of one's own": ("this is no Python", PLAIN, "1 / 0"),
    "deletes": (f"{SHIFT}{DIVIDE}", ROWS, "del shift"),
    "exits in a cell of one's own": ("exit()", PLAIN, ""),
    "logs": ("import logging\nlogging.basicConfig(level='INFO')\nlogger = logging.getLogger(__name__)",
             PLAIN.replace("    e =", "    logger.info('shift')\n    e ="), ""),
    "writes HTML": ("%%html\n<b>no</b>", PLAIN, "%%bash\nls"),
    "last value": tried("_\nOut[1]\nIn[1]"),
    "inspects": tried("import inspect\nprint(inspect.getsource(softmax))\nprint(softmax.__doc__)"),
    "tests": tried("import unittest\nclass T(unittest.TestCase):\n    def test(self): self.assertTrue(1)\n"
                   "unittest.main(argv=[''], exit=False)"),
    "doctests": tried("import doctest\ndoctest.testmod()"),
    "starts a thread": tried("import threading\nthreading.Thread(target=print).start()"),
    "runs a program": tried("import subprocess\nsubprocess.run(['ls'])"),
}
WAYS = {f"helper: {name}": way for name, way in HELPERS.items()} | {f"try-out: {name}": way for name, way in TRIED.items()}
