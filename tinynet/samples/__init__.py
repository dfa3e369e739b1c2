"""Data sets made by our own code: no download, no licence, and the truth about every picture is known."""
from .cats import DrawnCats
from .xrays import PhantomXRays

__all__ = ["DrawnCats", "PhantomXRays"]
