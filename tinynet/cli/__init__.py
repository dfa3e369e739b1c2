"""The command line: it parses, calls the library and prints. ``tinynet --help`` is its documentation."""
from .main import main

__all__ = ["main"]
