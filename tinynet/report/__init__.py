"""What a run leaves to look at."""
from .audit import Audit, write_audit
from .explanation import write_explanation
from .page import write_report
from .parts import wilson

__all__ = ["Audit", "wilson", "write_audit", "write_explanation", "write_report"]
