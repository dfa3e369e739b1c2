"""Where tinynet keeps what it fetched and converted."""
import os
import sys
from pathlib import Path


def home():
    """Return the user's folder for what can be had again: weights fetched and converted.

    Returns
    -------
    folder : Path
        The environment variable TINYNET_HOME, or the system's own place for caches; it need not exist yet.
    """
    if os.environ.get("TINYNET_HOME"):
        return Path(os.environ["TINYNET_HOME"])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "tinynet"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "tinynet"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tinynet"
