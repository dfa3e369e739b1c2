"""Stand-ins for what Jupyter has and an answer's process has not, where that only shows something.

They are harmless, not faithful: a plot is not drawn, a magic does nothing, and what comes of either can be
called, looked up, looped over and unpacked without an error. It is no number, so it earns nothing.
"""
import dis
import sys
import types
from importlib.machinery import ModuleSpec

SHOWING = ("matplotlib", "mpl_toolkits", "seaborn", "plotly", "bokeh", "altair", "IPython", "ipywidgets", "tqdm")
RUNNING = ("time", "prun", "capture")           # magics that run what follows them and leave its names


class Blank:
    """A thing of which everything can be asked, and nothing comes."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *arguments, **options):
        return self

    def __getitem__(self, key):
        return self

    def __setitem__(self, key, value):
        pass

    def __setattr__(self, name, value):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return False

    def __len__(self):
        return 0

    def __iter__(self):
        """Nothing in a loop; in ``fig, ax = ...`` as many as there are names on the left."""
        frame = sys._getframe(1)
        operation, count = frame.f_code.co_code[frame.f_lasti:frame.f_lasti + 2]
        return iter([self] * (count if dis.opname[operation] == "UNPACK_SEQUENCE" else 0))

    def __repr__(self):
        return "<shown in Jupyter only>"

    __format__ = lambda self, layout: repr(self)    # noqa: E731 - whatever the layout asks for


BLANK = Blank()


class Module(types.ModuleType):
    """A module of which every name exists."""

    __path__ = ()
    __all__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return {"display": display, "get_ipython": get_ipython}.get(name, BLANK)


class Progress(Module):
    """The package tqdm: its bars are the things that they count."""

    def __getattr__(self, name):
        bars = {"tqdm": Bar, "trange": lambda *numbers, **options: Bar(range(*numbers)),
                "tenumerate": lambda things, start=0, **options: enumerate(things, start),
                "tzip": lambda *things, **options: zip(*things)}
        return bars.get(name) or super().__getattr__(name)


class Bar(Blank):
    """A progress bar that is not drawn: a loop over it goes over the things that it counts."""

    def __init__(self, iterable=(), *arguments, **options):
        self.__dict__["iterable"] = iterable

    def __iter__(self):
        return iter(self.iterable)

    def __len__(self):
        return len(self.iterable)

    @staticmethod
    def write(text, **options):
        """Print nothing, as nothing is drawn that it would stand above."""


class Finder:
    """Finds stand-ins for `SHOWING`, and nothing at all outside the names that an answer may import."""

    def __init__(self, allowed):
        self.allowed = {*sys.stdlib_module_names, *allowed}

    def find_spec(self, name, path=None, target=None):
        """Return a stand-in's specification, or None: the next finder's turn."""
        top = name.split(".")[0]
        if top in SHOWING and top not in self.allowed:
            return ModuleSpec(name, self)
        if top not in self.allowed and not top.startswith("_sysconfigdata"):
            raise ModuleNotFoundError(f"No module named {name!r}: this imports {asked(name)}, which the grader does "
                                      "not have; write it yourself", name=name)
        return None

    def create_module(self, spec):
        """Return a stand-in."""
        return (Progress if spec.name.startswith("tqdm") else Module)(spec.name)

    def exec_module(self, module):
        """Do nothing."""


def asked(name):
    """Return the full name that is being imported: for ``import a.b`` Python asks for ``a`` first."""
    frame = sys._getframe(2)
    while frame and "importlib" in frame.f_code.co_filename:
        name, frame = frame.f_locals.get("name") or name, frame.f_back
    return name


def display(*things, **options):
    """Print, as Jupyter's ``display`` does where there are no pictures."""
    for thing in things:
        print(repr(thing))


class IPython:
    """What ``get_ipython()`` returns: magics that run Python run it, all others do nothing."""

    run = None                                  # runs or evaluates a text: the session's

    def run_line_magic(self, name, line="", *arguments, **options):
        """Run the statement after ``%time`` and return its value."""
        return self.run(line) if name in RUNNING else BLANK

    def run_cell_magic(self, name, line, cell, *arguments, **options):
        """Run the cell below ``%%time``."""
        return self.run_line_magic(name, cell)

    def __getattr__(self, name):
        return BLANK


SHELL = IPython()


def get_ipython():
    """Return Jupyter's shell."""
    return SHELL
