"""Images in: files, folders of classes, splits, batches."""
from .dataset import Dataset
from .folder import ImageFolder
from .image import Preprocessing, read_image
from .loader import batches, load_inputs
from .split import stratified_split

__all__ = [
    "Dataset",
    "ImageFolder",
    "Preprocessing",
    "batches",
    "load_inputs",
    "read_image",
    "stratified_split",
]
