"""Kinds of arguments that several commands take."""
import argparse
import sys


def number(kind, least, description):
    """Return a parser of arguments that are numbers.

    Parameters
    ----------
    kind : {int, float}
    least : number
        The smallest that is taken; none is infinite.
    description : str
        What to ask for, such as "a whole number above 0".

    Returns
    -------
    parse : callable
        For ``type=`` of an argument.
    """
    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = float("nan")
        if not least <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text!r} is not {description}")
        return value
    return parse


positive = number(int, 1, "a whole number above 0")
rate = number(float, sys.float_info.min, "a number above 0")
