"""Files that no kill, full disk or reader finds half written."""
from .atomic import atomic_write, sha256
from .folder import replaced_folder, restore_folder
from .home import home
from .names import command_line
from .rows import Rows

__all__ = ["Rows", "atomic_write", "command_line", "home", "replaced_folder", "restore_folder", "sha256"]
