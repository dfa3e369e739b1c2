"""Files that no kill, full disk or reader finds half written."""
from .atomic import atomic_write, sha256
from .rows import Rows

__all__ = ["Rows", "atomic_write", "sha256"]
