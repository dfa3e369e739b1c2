"""The one error type for mistakes a user can mend."""


class InputError(ValueError):
    """A mistake in what the user gave: a file, a shape, an argument.

    The message is one line and says what is wrong, the values, the rule and the remedy.
    The command line prints it and exits with 2; everything else is a bug and keeps its traceback.
    """
