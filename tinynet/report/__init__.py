"""What a run leaves to look at."""
from .page import wilson, write_report

__all__ = ["wilson", "write_report"]
