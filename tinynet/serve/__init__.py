"""The page that `tinynet try` opens: a photo in, the answer and what it rests on out. All of it stays on this computer."""
from .answer import answer
from .server import Server

__all__ = ["Server", "answer"]
