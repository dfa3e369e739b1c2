"""What a run leaves to look at."""
from .page import write_report

__all__ = ["write_report"]
