"""What a run leaves to look at."""
from .explanation import Explained, write_explanation
from .page import wilson, write_report

__all__ = ["Explained", "wilson", "write_explanation", "write_report"]
