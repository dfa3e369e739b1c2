"""Comparing what an answer returned with what the solution returned: plain arrays, outside the sandbox."""
from dataclasses import dataclass

import numpy as np

LONGEST_MESSAGE = 2000
KINDS = {"b": "truth values", "i": "integers", "u": "integers", "f": "floats", "U": "text"}


@dataclass(frozen=True)
class Verdict:
    """The outcome of one part.

    Attributes
    ----------
    points : float
    message : str
        Empty if all is right; otherwise what is wrong, in the answer's own numbers. It says nothing of the
        right ones.
    """

    points: float
    message: str


def judge(part, want, got, problem):
    """Compare one part.

    Parameters
    ----------
    part : contract.Part
    want, got : dict
        From ``part/trial/key`` to ndarray: the solution's results and what came out of the sandbox.
    problem : str
        How the sandbox ended, if not well.

    Returns
    -------
    verdict : Verdict
    """
    start = f"{part.name}/"
    want = {key: array for key, array in want.items() if key.startswith(start)}
    got = {key: array for key, array in got.items() if key.startswith(start)}
    error = got.pop(f"{start}error", None)
    if error is not None:
        return Verdict(0, explain(str(error)[-LONGEST_MESSAGE:]) or "failed without saying why")
    if not got:
        return Verdict(0, problem or "the program ended before this was answered")
    if part.rule:
        fault = apply(part.rule, got, part.name)
        return Verdict(0, fault) if fault else Verdict(part.points, "")
    if want.keys() != got.keys():
        return Verdict(0, "returned other names than it should, or a result is missing")
    for key in sorted(want):
        if fault := difference(want[key], got[key], part.rtol, part.atol):
            trial, name = key.removeprefix(start).split("/", 1)
            return Verdict(0, f"{name or 'result'}{fault} (draw {int(trial) + 1} of the inputs)")
    return Verdict(part.points, "")


def apply(rule, got, name):
    """Call a rule on the text that the sandbox returned for a part, and return what it says.

    Parameters
    ----------
    rule : callable
        ``rule(text) -> str``.
    got : dict
        From ``part/trial/key`` to ndarray.
    name : str
        The part's.

    Returns
    -------
    said : str
        At most `LONGEST_MESSAGE` characters.
    """
    try:
        return str(rule(str(got[f"{name}/0/"][()])))[:LONGEST_MESSAGE]
    except Exception as error:              # whatever a stranger's text does to a rule
        return f"these are no records as the notebook collects them ({type(error).__name__}: {error})"[:LONGEST_MESSAGE]


def explain(error):
    """Return an error of the answer, an unanswered one in plain words."""
    return "not answered" if error.rsplit("\n", 1)[-1].startswith("NotImplementedError") else error


def difference(want, got, rtol, atol):
    """Say where two arrays differ.

    Parameters
    ----------
    want, got : ndarray
    rtol, atol : float
        Floats may differ by ``atol + rtol * |want|``.

    Returns
    -------
    fault : str
        Empty if they agree.
    """
    if KINDS[want.dtype.kind] != KINDS[got.dtype.kind]:
        return f" is {KINDS[got.dtype.kind]} ({got.dtype}) where {KINDS[want.dtype.kind]} are due"
    if want.shape != got.shape:
        return f" has shape {got.shape} where {want.shape} is due"
    if want.dtype.kind == "f":
        with np.errstate(all="ignore"):
            want, got = want.astype(np.float64), got.astype(np.float64)
            right = np.isfinite(got) & (np.abs(got - want) <= atol + rtol * np.abs(want))
    else:
        right = want == got
    wrong = np.argwhere(~right)
    if not len(wrong):
        return ""
    first = tuple(int(i) for i in wrong[0])
    place = f"[{', '.join(map(str, first))}]" if first else ""
    more = f"; {len(wrong)} of {want.size} are" if want.size > 1 else ""
    return f"{place} is {str(got[first])[:100]}, which is wrong{more}"
